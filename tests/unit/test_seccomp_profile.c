/*
 * The seccomp profile that is made of the system's: what it takes away, and what it refuses to
 * build on.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "seccomp_profile.h"

static void test_guarded_names_are_replaced(void **state)
{
	static const char system[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
		"{\"names\":[\"clone\",\"read\",\"clone3\",\"unshare\"],\"action\":\"SCMP_ACT_ALLOW\"},"
		"{\"names\":[\"unshare\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"caps\":[\"X\"]}}]}";
	struct sbx_error err = SBX_ERROR_INIT;
	char *text = NULL;

	(void)state;
	assert_int_equal(sbx_seccomp_profile_make(system, &text, &err), 0);
	assert_string_equal(
		text,
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
		"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"},"
		"{\"names\":[],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"caps\":[\"X\"]}},"
		"{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
		"\"value\":33554432,\"valueTwo\":0,\"op\":\"SCMP_CMP_MASKED_EQ\"}]},"
		"{\"names\":[\"clone3\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38,\"errno\":\"ENOSYS\"},"
		"{\"names\":[\"unshare\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
		"\"value\":33554432,\"valueTwo\":0,\"op\":\"SCMP_CMP_MASKED_EQ\"}]}]}");
	free(text);
}

static void test_what_is_no_profile_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\"}",
		"{\"syscalls\":[]}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		char *text = NULL;

		assert_int_equal(sbx_seccomp_profile_make(bad[i], &text, &err), -EBADMSG);
		assert_null(text);
		assert_non_null(strstr(err.message, "seccomp: "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guarded_names_are_replaced),
		cmocka_unit_test(test_what_is_no_profile_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
