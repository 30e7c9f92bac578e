/*
 * From a policy's limits to those of the whole account, as systemd and as the kernel write them.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../pam/pam_account_limits.h"
#include "../../pam/pam_manager.h"
#include "../../pam/pam_marks.h"
#include "safe_folder.h"

#define MIB(n) (UINT64_C(1048576) * (n))

static const struct sbx_limits all = {
	.memory = MIB(512),
	.swap = 0,
	.swap_set = true,
	.cpus_milli = 1505,
	.pids = 100,
	.sessions = 10,
};

static char folder[250];
static int folder_fd = -1;

static int make_folder(void **state)
{
	(void)state;
	if (!make_safe_folder(folder, sizeof(folder)))
		return -1;
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder_fd < 0 ? -1 : 0;
}

static int remove_limits_folder(void **state)
{
	(void)state;
	(void)close(folder_fd);
	remove_folder(folder);
	return 0;
}

static const struct sbx_pam_account_limit *find(const struct sbx_pam_account_limit *limits,
						const char *file)
{
	for (size_t i = 0; i < SBX_PAM_ACCOUNT_LIMITS; i++)
		if (strcmp(limits[i].file, file) == 0)
			return &limits[i];
	fail_msg("no limit for %s", file);
	return NULL;
}

static void assert_limit(const struct sbx_limits *from, const char *file, bool set,
			 const char *file_text, const char *property_text)
{
	struct sbx_pam_account_limit limits[SBX_PAM_ACCOUNT_LIMITS];
	const struct sbx_pam_account_limit *limit;

	sbx_pam_account_limits_fill(from, limits);
	limit = find(limits, file);
	assert_int_equal(limit->set, set);
	assert_string_equal(limit->file_text, file_text);
	assert_string_equal(limit->property_text, property_text);
}

static void test_fill(void **state)
{
	const struct sbx_limits none = { 0 };
	struct sbx_limits other = all;
	char memory[32];

	(void)state;
	(void)snprintf(memory, sizeof(memory), "%llu", (unsigned long long)MIB(512 + 256 + 10 * 4));
	assert_limit(&all, "memory.max", true, memory, memory);
	assert_limit(&all, "memory.swap.max", true, "0", "0");
	assert_limit(&all, "pids.max", true, "268", "268"); /* 100 + 128 + 10 * 4 */
	assert_limit(&all, "cpu.max", true, "250500 100000", "250.5%");
	assert_limit(&none, "memory.max", false, "max", "infinity");
	assert_limit(&none, "memory.swap.max", false, "max", "infinity");
	assert_limit(&none, "pids.max", false, "max", "infinity");
	assert_limit(&none, "cpu.max", false, "max 100000", "");
	/* Whole pages, as the kernel has it; 64 sessions where they aren't limited. */
	other.memory = MIB(512) + 4095;
	other.sessions = 0;
	(void)snprintf(memory, sizeof(memory), "%llu", (unsigned long long)MIB(512 + 256 + 64 * 4));
	assert_limit(&other, "memory.max", true, memory, memory);
	assert_limit(&other, "pids.max", true, "484", "484");
	/* The largest that a policy can say. */
	other.memory = UINT64_C(16) << 40;
	other.pids = 4194304;
	other.cpus_milli = 1024000;
	other.sessions = 65536;
	assert_limit(&other, "pids.max", true, "4456576", "4456576");
	assert_limit(&other, "cpu.max", true, "102500000 100000", "102500.0%");
	assert_limit(&other, "memory.max", true, "17867332386816", "17867332386816");
}

static void test_holds(void **state)
{
	struct sbx_pam_account_limit limits[SBX_PAM_ACCOUNT_LIMITS];
	const struct sbx_pam_account_limit *limit;

	(void)state;
	sbx_pam_account_limits_fill(&all, limits);
	limit = find(limits, "pids.max");
	assert_false(sbx_pam_account_limit_holds(limit, folder_fd));
	assert_int_equal(sbx_pam_account_limit_write(limit, folder_fd), -ENOENT);
	assert_true(write_file(folder, "pids.max", "max\n", 0600));
	assert_false(sbx_pam_account_limit_holds(limit, folder_fd));
	assert_true(write_file(folder, "pids.max", "", 0600));
	assert_int_equal(sbx_pam_account_limit_write(limit, folder_fd), 0);
	assert_true(sbx_pam_account_limit_holds(limit, folder_fd));
	assert_true(write_file(folder, "pids.max", "268\n", 0600));
	assert_true(sbx_pam_account_limit_holds(limit, folder_fd));
	assert_true(write_file(folder, "pids.max", "2680\n", 0600));
	assert_false(sbx_pam_account_limit_holds(limit, folder_fd));
}

static void test_judge(void **state)
{
	struct sbx_error warning = SBX_ERROR_INIT, err = SBX_ERROR_INIT;
	struct sbx_limits limits = all;

	(void)state;
	assert_int_equal(sbx_pam_account_limits_judge(&limits, "", "hint", &warning, &err), 0);
	assert_int_equal(warning.code, 0);
	assert_int_equal(sbx_pam_account_limits_judge(&limits, "a, b", "hint", &warning, &err),
			 -ENOTSUP);
	assert_int_equal(warning.code, 0);
	assert_non_null(strstr(err.message, "a, b: can't be enforced"));
	limits.best_effort = true;
	assert_int_equal(sbx_pam_account_limits_judge(&limits, "a, b", "hint", &warning, NULL), 0);
	assert_non_null(strstr(warning.message, "a, b: not enforced"));
}

static void assert_args(const struct sbx_limits *from, const char *wanted)
{
	const struct sbx_account account = { .uid = 1001 };
	struct sbx_pam_account_limit limits[SBX_PAM_ACCOUNT_LIMITS];
	struct sbx_strv args = { 0 };
	char text[512] = "";

	sbx_pam_account_limits_fill(from, limits);
	(void)sbx_pam_manager_args(&account, limits, folder_fd, &args);
	for (size_t i = 0; i < args.count; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			       i ? " " : "", args.items[i]);
	assert_string_equal(text, wanted);
	sbx_strv_done(&args);
}

#define SET "/usr/bin/systemctl set-property --runtime --no-ask-password user-1001.slice"

static void test_systemctl(void **state)
{
	const struct sbx_limits none = { 0 };
	const struct sbx_limits few = { .cpus_milli = 500 };

	(void)state;
	assert_args(&all, SET " MemoryMax=847249408 MemorySwapMax=0 TasksMax=268 CPUQuota=250.5%");
	assert_args(&few, SET " CPUQuota=150.0%");
	assert_args(&none, SET);
	/* What an earlier policy had is taken back, and nobody else's is touched. */
	assert_int_equal(sbx_pam_mark(folder_fd, "MemoryMax", true), 0);
	assert_int_equal(sbx_pam_mark(folder_fd, "CPUQuota", true), 0);
	assert_args(&none, SET " MemoryMax=infinity CPUQuota=");
	assert_args(&few, SET " MemoryMax=infinity CPUQuota=150.0%");
	assert_int_equal(sbx_pam_mark(folder_fd, "CPUQuota", false), 0);
	assert_int_equal(sbx_pam_mark(folder_fd, "CPUQuota", false), 0);
	assert_args(&none, SET " MemoryMax=infinity");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill),
		cmocka_unit_test_setup_teardown(test_holds, make_folder, remove_limits_folder),
		cmocka_unit_test(test_judge),
		cmocka_unit_test_setup_teardown(test_systemctl, make_folder, remove_limits_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
