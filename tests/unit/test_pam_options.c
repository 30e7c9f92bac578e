/*
 * What may stand behind pam_sandbox.so.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../pam/pam_options.h"
#include "paths.h"
#include "util.h"

static void test_defaults(void **state)
{
	struct sbx_pam_options options;

	(void)state;
	assert_int_equal(sbx_pam_options_parse(0, NULL, &options, NULL), 0);
	assert_false(options.debug);
	assert_string_equal(options.policy_dir, SBX_CONF_DIR);
	assert_string_equal(options.group, "sandboxed");
}

static void test_all(void **state)
{
	const char *argv[] = { "accounts=other", "debug", "policy_dir=/a/b", "accounts=agents" };
	struct sbx_pam_options options;

	(void)state;
	assert_int_equal(sbx_pam_options_parse(4, argv, &options, NULL), 0);
	assert_true(options.debug);
	assert_string_equal(options.policy_dir, "/a/b");
	assert_string_equal(options.group, "agents");
}

static void test_refused(void **state)
{
	static const char *const texts[] = { "",
					     "Debug",
					     "debug=1",
					     "debug ",
					     "accounts",
					     "accounts=",
					     "account=x",
					     "policy_dir",
					     "policy_dir=",
					     "policy_dir=etc",
					     "policy_dir=./etc",
					     "no_warn",
					     "use_first_pass",
					     "=",
					     "\x1b[2J" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *argv[] = { "debug", texts[i] };
		struct sbx_pam_options options = { .group = "untouched" };
		struct sbx_error err = SBX_ERROR_INIT;

		if (sbx_pam_options_parse(2, argv, &options, &err) != -EINVAL)
			fail_msg("\"%s\" was taken", texts[i]);
		assert_non_null(strstr(err.message, "option "));
		assert_null(strchr(err.message, '\x1b'));
		assert_string_equal(options.group, "untouched");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
