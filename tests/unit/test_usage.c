/*
 * What a sandbox uses and may use, by the kernel's files: made up ones.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "own_places.h"
#include "usage.h"
#include "util.h"

#define UID 54321
#define GROUP "/sys/fs/cgroup/user.slice/libpod-1.scope"
#define STATUS "Name:\tpodman-init\nUid:\t54321\t54321\t54321\t54321\nNSpid:\t77\t1\n"

static int open_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void test_amounts(void **state)
{
	static const struct {
		enum sbx_resource resource;
		const char *file, *text;
		bool limit;
		uint64_t value;
	} cases[] = {
		{ SBX_RESOURCE_MEMORY, "memory.current", "12582912\n", false, 12582912 },
		{ SBX_RESOURCE_MEMORY, "memory.max", "268435456\n", true, 268435456 },
		{ SBX_RESOURCE_MEMORY, "memory.max", "max\n", true, SBX_USAGE_NONE },
		{ SBX_RESOURCE_MEMORY, "memory.max", "", true, SBX_USAGE_NONE },
		{ SBX_RESOURCE_SWAP, "memory.swap.current", "0\n", false, 0 },
		{ SBX_RESOURCE_SWAP, "memory.swap.max", "0\n", true, 0 },
		{ SBX_RESOURCE_PIDS, "pids.current", "7\n", false, 7 },
		{ SBX_RESOURCE_PIDS, "pids.max", "132\n", true, 132 },
		{ SBX_RESOURCE_CPUS, "cpu.stat", "usage_usec 1234\nuser_usec 1000\n", false, 1234 },
		{ SBX_RESOURCE_CPUS, "cpu.stat", "user_usec 1\nusage_usec 99\n", false, 99 },
		{ SBX_RESOURCE_CPUS, "cpu.stat", "xusage_usec 99\n", false, SBX_USAGE_NONE },
		{ SBX_RESOURCE_CPUS, "cpu.max", "50000 100000\n", true, 500 },
		{ SBX_RESOURCE_CPUS, "cpu.max", "150000 100000\n", true, 1500 },
		{ SBX_RESOURCE_CPUS, "cpu.max", "3000 9000\n", true, 334 },
		{ SBX_RESOURCE_CPUS, "cpu.max", "max 100000\n", true, SBX_USAGE_NONE },
		{ SBX_RESOURCE_CPUS, "cpu.max", "50000\n", true, SBX_USAGE_NONE },
	};

	(void)state;
	enter_own_places();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int group = -1;
		char path[128];

		(void)snprintf(path, sizeof(path), GROUP "/%s", cases[i].file);
		put_file(path, cases[i].text);
		group = open_folder(GROUP);
		assert_true((cases[i].limit
				     ? sbx_usage_limit(group, cases[i].resource)
				     : sbx_usage_now(group, cases[i].resource)) == cases[i].value);
		assert_int_equal(unlink(path), 0);
		assert_true(sbx_usage_now(group, cases[i].resource) == SBX_USAGE_NONE);
		assert_true(sbx_usage_limit(group, cases[i].resource) == SBX_USAGE_NONE);
	}
	assert_true(sbx_usage_now(-1, SBX_RESOURCE_MEMORY) == SBX_USAGE_NONE);
	assert_true(sbx_usage_limit(-1, SBX_RESOURCE_CPUS) == SBX_USAGE_NONE);
}

static void put_process(const char *status, const char *cgroup)
{
	put_file("/proc/self/status", "Name:\tus\nNSpid:\t5\n");
	put_file("/proc/77/status", status);
	put_file("/proc/77/cgroup", cgroup);
}

static void test_whose(void **state)
{
	static const struct {
		const char *status, *cgroup;
		uid_t group_owner;
		bool found, group;
	} cases[] = {
		{ STATUS, "0::/user.slice/libpod-1.scope\n", UID, true, true },
		{ STATUS, "1:name=systemd:/x\n0::/user.slice/libpod-1.scope\n", UID, true, true },
		/* A group that is somebody else's, or can't be seen, has no figures. */
		{ STATUS, "0::/user.slice/libpod-1.scope\n", 0, true, false },
		{ STATUS, "0::/user.slice/libpod-1.scope\n", UID + 1, true, false },
		{ STATUS, "0::/../user.slice/libpod-1.scope\n", UID, true, false },
		{ STATUS, "0::/user.slice/../user.slice/libpod-1.scope\n", UID, true, false },
		{ STATUS, "0::/user.slice/libpod-2.scope\n", UID, true, false },
		{ STATUS, "", UID, true, false },
		{ "Uid:\t0\t54321\t54321\t54321\nNSpid:\t77\t1\n", "", UID, false, false },
		{ "Uid:\t54321\t54321\t0\t54321\nNSpid:\t77\t1\n", "", UID, false, false },
		{ "Name:\tx\nNSpid:\t77\t1\n", "", UID, false, false },
		{ "Uid:\t54321\t54321\t54321\t54321\nNSpid:\t77\t2\n", "", UID, false, false },
		{ "Uid:\t54321\t54321\t54321\t54321\nNSpid:\t77\n", "", UID, false, false },
	};

	(void)state;
	enter_own_places();
	put_file(GROUP "/memory.max", "1048576\n");
	put_file(GROUP "/cpu.stat", "usage_usec 1\n");
	put_file("/sys/fs/cgroup/user.slice/memory.max", "4096\n");
	put_file("/sys/fs/cgroup/user.slice/cpu.stat", "usage_usec 1\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sbx_usage usage = SBX_USAGE_INIT;
		struct sbx_error err = SBX_ERROR_INIT;

		put_process(cases[i].status, cases[i].cgroup);
		assert_int_equal(chown(GROUP "/cpu.stat", cases[i].group_owner, 0), 0);
		assert_int_equal(sbx_usage_open(77, UID, &usage, &err),
				 cases[i].found ? 0 : -ESRCH);
		assert_int_equal(usage.group >= 0, cases[i].group);
		/* The group above isn't of the account's making. */
		assert_int_equal(usage.parent, -1);
		assert_true(sbx_usage_limit_of(&usage, SBX_RESOURCE_MEMORY) ==
			    (cases[i].group ? 1048576 : SBX_USAGE_NONE));
		sbx_usage_done(&usage);
	}
}

static void test_no_process(void **state)
{
	static const pid_t none[] = { 0, -1, 78, INT32_MAX };
	struct sbx_usage usage = SBX_USAGE_INIT;

	(void)state;
	enter_own_places();
	put_process(STATUS, "");
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_int_equal(sbx_usage_open(none[i], UID, &usage, NULL), -ESRCH);
	assert_int_equal(usage.proc, -1);
}

static void test_limits_above(void **state)
{
	struct sbx_usage usage = SBX_USAGE_INIT;

	(void)state;
	enter_own_places();
	put_process(STATUS, "0::/user.slice/libpod-1.scope\n");
	put_file(GROUP "/memory.max", "max\n");
	put_file("/sys/fs/cgroup/user.slice/memory.max", "4096\n");
	put_file(GROUP "/cpu.stat", "usage_usec 1\n");
	put_file("/sys/fs/cgroup/user.slice/cpu.stat", "usage_usec 1\n");
	assert_int_equal(chown(GROUP "/cpu.stat", UID, 0), 0);
	assert_int_equal(chown("/sys/fs/cgroup/user.slice/cpu.stat", UID, 0), 0);
	assert_int_equal(sbx_usage_open(77, UID, &usage, NULL), 0);
	assert_true(sbx_usage_limit_of(&usage, SBX_RESOURCE_MEMORY) == 4096);
	put_file(GROUP "/memory.max", "1024\n");
	assert_true(sbx_usage_limit_of(&usage, SBX_RESOURCE_MEMORY) == 1024);
	sbx_usage_done(&usage);
}

static void test_of_process(void **state)
{
	struct sbx_usage usage = SBX_USAGE_INIT;

	(void)state;
	enter_own_places();
	put_process(STATUS, "0::/x\n");
	put_file(
		"/proc/77/limits",
		"Limit                     Soft Limit           Hard Limit           Units     \n"
		"Max cpu time              unlimited            unlimited            seconds   \n"
		"Max processes             100                  132                  processes \n"
		"Max open files            64                   unlimited            files     \n");
	put_file("/proc/77/mountinfo", "1 0 0:1 / / rw - overlay overlay rw,size=4k\n"
				       "2 1 0:2 / /tmp rw,nosuid - tmpfs tmpfs rw,size=8k,inode64\n"
				       "3 1 0:3 / /tmpx rw - tmpfs tmpfs rw,size=12k\n"
				       "4 1 0:4 / /dev/shm rw shared:1 - tmpfs shm rw,size=16k\n"
				       "5 1 0:5 / /tmp rw - tmpfs tmpfs rw,size=1024k\n"
				       "6 1 0:6 / /run rw - tmpfs tmpfs rw\n"
				       "7 1 0:7 / /data rw - ext4 /dev/vda rw,size=20k\n"
				       "broken\n");
	assert_int_equal(sbx_usage_open(77, UID, &usage, NULL), 0);
	assert_true(sbx_usage_rlimit(&usage, "Max processes") == 132);
	assert_true(sbx_usage_rlimit(&usage, "Max open files") == SBX_USAGE_NONE);
	assert_true(sbx_usage_rlimit(&usage, "Max nothing") == SBX_USAGE_NONE);
	assert_true(sbx_usage_tmpfs_size(&usage, "/tmp") == 1048576);
	assert_true(sbx_usage_tmpfs_size(&usage, "/dev/shm") == 16384);
	assert_true(sbx_usage_tmpfs_size(&usage, "/run") == SBX_USAGE_NONE);
	assert_true(sbx_usage_tmpfs_size(&usage, "/data") == SBX_USAGE_NONE);
	assert_true(sbx_usage_tmpfs_size(&usage, "/") == SBX_USAGE_NONE);
	sbx_usage_done(&usage);
}

/* No link of the inside's leads anywhere. */
static void test_used(void **state)
{
	struct sbx_usage usage = SBX_USAGE_INIT;

	(void)state;
	enter_own_places();
	put_process(STATUS, "0::/x\n");
	assert_int_equal(sbx_usage_open(77, UID, &usage, NULL), 0);
	assert_true(sbx_usage_tmpfs_used(&usage, "/tmp") == SBX_USAGE_NONE);
	put_file("/proc/77/root/tmp/file", "something");
	assert_true(sbx_usage_tmpfs_used(&usage, "/tmp") != SBX_USAGE_NONE);
	assert_int_equal(symlink("tmp", "/proc/77/root/shm"), 0);
	assert_true(sbx_usage_tmpfs_used(&usage, "/shm") == SBX_USAGE_NONE);
	sbx_usage_done(&usage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_amounts, leave_own_places),
		cmocka_unit_test_teardown(test_whose, leave_own_places),
		cmocka_unit_test_teardown(test_no_process, leave_own_places),
		cmocka_unit_test_teardown(test_limits_above, leave_own_places),
		cmocka_unit_test_teardown(test_of_process, leave_own_places),
		cmocka_unit_test_teardown(test_used, leave_own_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
