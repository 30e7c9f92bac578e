/*
 * Whether a started sandbox got what its policy says, by the kernel's files: made up ones.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host.h"
#include "host_limits.h"
#include "own_places.h"
#include "policy_text.h"
#include "util.h"
#include "wire.h"

static void test_unenforced(void **state)
{
	static const struct {
		const char *limits;
		bool memory, cpu, pids;
		int count;
		const char *names;
	} cases[] = {
		{ "\"tmp\":\"64M\",\"nofile\":100", false, false, false, 0, "" },
		{ "\"memory\":\"1G\",\"cpus\":1,\"pids\":100", true, true, true, 0, "" },
		{ "\"memory\":\"1G\",\"cpus\":1,\"pids\":100", false, true, true, 1,
		  "limits.memory" },
		{ "\"memory\":\"1G\",\"cpus\":1,\"pids\":100", true, false, true, 1,
		  "limits.cpus" },
		{ "\"memory\":\"1G\",\"cpus\":1,\"pids\":100", true, true, false, 1,
		  "limits.pids" },
		{ "\"memory\":\"1G\",\"cpus\":1,\"pids\":100", false, false, false, 3,
		  "limits.memory, limits.cpus, limits.pids" },
		{ "\"pids\":100", false, false, false, 1, "limits.pids" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_policy_ struct sbx_policy *policy = NULL;
		const struct sbx_facts facts = {
			.memory = cases[i].memory,
			.cpu = cases[i].cpu,
			.pids = cases[i].pids,
		};
		char text[200], names[128], small[8] = "xxxxxxx";

		(void)snprintf(text, sizeof(text), "{\"version\":1,\"limits\":{%s}}",
			       cases[i].limits);
		policy = policy_of(text);
		assert_int_equal(sbx_host_unenforced(policy, &facts, names, sizeof(names)),
				 cases[i].count);
		assert_string_equal(names, cases[i].names);
		assert_int_equal(sbx_host_unenforced(policy, &facts, small, 4), cases[i].count);
		assert_true(strlen(small) < 4);
		assert_string_equal(small + 4, "xxx");
	}
}

#define LIMITS "{\"version\":1,\"limits\":{\"memory\":\"1G\",\"swap\":0,\"cpus\":0.5,\"pids\":100}}"
#define GROUP "/sys/fs/cgroup/user/agent/box/"

static int verify(const char *policy_text, bool controllers, struct sbx_error *err)
{
	_cleanup_policy_ struct sbx_policy *policy = policy_of(policy_text);
	const struct sbx_facts facts = { .memory = controllers,
					 .cpu = controllers,
					 .pids = controllers };

	return sbx_host_verify(policy, &facts, 77, err);
}

/* A sandbox with pid 77 that has all that LIMITS asks for. */
static void make_limited(void)
{
	char pids[16];

	(void)snprintf(pids, sizeof(pids), "%d\n", 100 + SBX_WIRE_NPROC_RESERVE);
	put_file("/proc/77/mountinfo", "1 0 0:1 / / rw - overlay overlay rw\n");
	put_file("/proc/77/cgroup", "1:name=systemd:/x\n0::/user/agent/box\n");
	put_file(GROUP "memory.max", "1073741824\n");
	put_file(GROUP "memory.swap.max", "0\n");
	put_file(GROUP "cpu.max", "50000 100000\n");
	put_file(GROUP "pids.max", pids);
}

static void test_verify_limits(void **state)
{
	static const struct {
		const char *file, *text;
		const char *broken; /* NULL: still in force */
	} cases[] = {
		{ GROUP "memory.max", "1073741823\n", NULL },
		{ GROUP "memory.max", "1073741825\n", "limits.memory" },
		{ GROUP "memory.max", "max\n", "limits.memory" },
		{ GROUP "memory.max", "", "limits.memory" },
		{ GROUP "memory.swap.max", "4096\n", "limits.swap" },
		{ GROUP "memory.swap.max", "max\n", "limits.swap" },
		{ GROUP "cpu.max", "50001 100000\n", "limits.cpus" },
		{ GROUP "cpu.max", "max 100000\n", "limits.cpus" },
		{ GROUP "cpu.max", "25000 50000\n", NULL },
		{ GROUP "cpu.max", "50000 50000\n", "limits.cpus" },
		{ GROUP "pids.max", "max\n", "limits.pids" },
		{ GROUP "pids.max", "100000\n", "limits.pids" },
		{ "/proc/77/cgroup", "0::/elsewhere\n", "limits." },
		{ "/proc/77/cgroup", "1:memory:/user/agent/box\n", "limits." },
		/* The engine put the limits on the group above. */
		{ "/proc/77/cgroup", "0::/user/agent/box/inner\n", NULL },
		{ "/proc/77/cgroup", "0::/user/agent/box/a/b\n", "limits." },
	};

	(void)state;
	enter_own_places();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		int r;

		make_limited();
		assert_int_equal(verify(LIMITS, true, &err), 0);
		put_file(cases[i].file, cases[i].text);
		r = verify(LIMITS, true, &err);
		if (r != (cases[i].broken ? -ENOTSUP : 0))
			fail_msg("case %zu: %d", i, r);
		if (cases[i].broken)
			assert_memory_equal(err.message, cases[i].broken, strlen(cases[i].broken));
		/* What the policy doesn't ask for, or the host can't have, isn't looked for. */
		assert_int_equal(verify("{\"version\":1}", true, &err), 0);
		assert_int_equal(verify(LIMITS, false, &err), 0);
	}
}

static void test_verify_mounts(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	enter_own_places();
	assert_int_equal(verify("{\"version\":1}", true, &err), -ENOTSUP);
	assert_string_equal(err.message, "start: /proc/77/mountinfo can't be read");
	make_limited();
	assert_int_equal(verify("{\"version\":1}", true, &err), 0);
	put_file("/proc/77/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
	assert_int_equal(verify("{\"version\":1}", true, &err), -ENOTSUP);
	assert_memory_equal(err.message, "storage: ", 9);
}

static void test_is_init(void **state)
{
	static const struct {
		const char *status;
		bool init;
	} cases[] = {
		{ "Name:\tsandbox-init\nNSpid:\t77\t1\nNSpgid:\t77\t1\n", true },
		{ "Name:\tx\nNSpid:\t77\n", false },
		{ "Name:\tx\nNSpid:\t77\t11\n", false },
		{ "Name:\tx\nNSpid:\t77\t2\n", false },
		{ "Name:\tx\nNSpid:\t1\n", false },
		{ "Name:\tx\nNSpid:\t77\t5\t1\n", false },
		{ "Name:\tx\nNSpid:\t77\t1\t5\n", false },
		{ "Name:\tx\nNStgid:\t77\t1\n", false },
		{ "Name:\tNSpid:\t77\t1\n", false },
		{ "", false },
	};

	(void)state;
	enter_own_places();
	assert_false(sbx_host_is_init(77));
	put_file("/proc/self/status", "Name:\ttest\nNSpid:\t50\n");
	assert_false(sbx_host_is_init(77));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put_file("/proc/77/status", cases[i].status);
		if (sbx_host_is_init(77) != cases[i].init)
			fail_msg("case %zu", i);
	}
	/* Ourselves in a namespace below the machine's. */
	put_file("/proc/self/status", "Name:\ttest\nNSpid:\t5000\t50\n");
	put_file("/proc/77/status", "Name:\tx\nNSpid:\t5077\t77\t1\n");
	assert_true(sbx_host_is_init(77));
}

static int apply(const char *policy_text, struct sbx_error *err)
{
	_cleanup_policy_ struct sbx_policy *policy = policy_of(policy_text);
	const struct sbx_facts facts = { .memory = true, .cpu = true, .pids = true };

	return sbx_host_apply_limits(policy, &facts, 77, err);
}

static void says(const char *group, const char *file, const char *text)
{
	_cleanup_free_ char *found = NULL;
	char path[200];

	(void)snprintf(path, sizeof(path), "%s/%s", group, file);
	found = sbx_host_read_file(path);
	assert_non_null(found);
	found[strcspn(found, "\n")] = '\0';
	assert_string_equal(found, text);
}

#define BOX "/sys/fs/cgroup/user/agent/libpod-0123"
#define OTHERS \
	"{\"version\":1,\"limits\":{\"memory\":\"2G\",\"swap\":\"1G\",\"cpus\":2,\"pids\":200}}"

/* A sandbox with pid 77 in a group of the engine's, or one below it, and no limit anywhere. */
static void make_unlimited(const char *group, const char *memory_in_use)
{
	static const char *const files[] = { "memory.max", "memory.high", "memory.swap.max",
					     "cpu.max", "pids.max" };
	static const char *const groups[] = { "/sys/fs/cgroup/user/agent", BOX, BOX "/container" };
	char path[200];

	(void)snprintf(path, sizeof(path), "0::%s\n", group + strlen("/sys/fs/cgroup"));
	put_file("/proc/77/cgroup", path);
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++) {
		for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
			(void)snprintf(path, sizeof(path), "%s/%s", groups[g], files[i]);
			put_file(path, strcmp(files[i], "cpu.max") == 0 ? "max 100000\n" : "max\n");
		}
		(void)snprintf(path, sizeof(path), "%s/memory.current", groups[g]);
		put_file(path, memory_in_use);
	}
}

static void limited(const char *group, const char *memory, const char *swap, const char *cpu,
		    const char *pids)
{
	says(group, "memory.max", memory);
	says(group, "memory.high", "max");
	says(group, "memory.swap.max", swap);
	says(group, "cpu.max", cpu);
	says(group, "pids.max", pids);
}

/* Set, changed and taken away again; only on the sandbox's own groups. */
static void test_apply(void **state)
{
	static const char *const groups[] = { BOX, BOX "/container" };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	enter_own_places();
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		make_unlimited(groups[i], "4096\n");
		assert_int_equal(apply(LIMITS, &err), 0);
		limited(groups[i], "1073741824", "0", "50000 100000", "132");
		limited(BOX, "1073741824", "0", "50000 100000", "132");
		assert_int_equal(apply(OTHERS, &err), 0);
		limited(groups[i], "2147483648", "1073741824", "200000 100000", "232");
		assert_int_equal(apply("{\"version\":1,\"limits\":{\"memory\":\"1G\"}}", &err), 0);
		limited(groups[i], "1073741824", "1073741824", "max 100000", "max");
		assert_int_equal(apply("{\"version\":1}", &err), 0);
		limited(groups[i], "max", "max", "max 100000", "max");
		limited("/sys/fs/cgroup/user/agent", "max", "max", "max 100000", "max");
	}
	/* Not in a group that the engine made: nothing is written. */
	make_unlimited("/sys/fs/cgroup/user/agent", "4096\n");
	assert_int_equal(apply(LIMITS, &err), 0);
	limited("/sys/fs/cgroup/user/agent", "max", "max", "max 100000", "max");
}

static void test_apply_refused(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	enter_own_places();
	make_unlimited(BOX, "1073741825\n");
	assert_int_equal(apply(LIMITS, &err), -EBUSY);
	assert_string_equal(
		err.message,
		"limits.memory: the sandbox uses 1073741825 bytes, and its new limit is "
		"1073741824: end something in it, or have the operator stop it");
	limited(BOX, "max", "max", "max 100000", "max");
	/* What is used already doesn't stand against a limit that is there, or goes up. */
	put_file(BOX "/memory.max", "1073741824\n");
	assert_int_equal(apply(LIMITS, &err), 0);
	assert_int_equal(apply(OTHERS, &err), 0);
	make_unlimited(BOX, "4096\n");
	assert_int_equal(unlink(BOX "/cpu.max"), 0);
	assert_int_equal(apply("{\"version\":1}", &err), 0);
	assert_int_equal(apply(LIMITS, &err), -ESTALE);
	assert_memory_equal(err.message, "limits.cpus: can't be changed in ", 33);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unenforced),
		cmocka_unit_test_teardown(test_verify_limits, leave_own_places),
		cmocka_unit_test_teardown(test_verify_mounts, leave_own_places),
		cmocka_unit_test_teardown(test_is_init, leave_own_places),
		cmocka_unit_test_teardown(test_apply, leave_own_places),
		cmocka_unit_test_teardown(test_apply_refused, leave_own_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
