/*
 * The environment of a session: what the login sets itself, what the policy sets, what is let
 * through of the client's, and that nothing else is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy_text.h"
#include "session.h"
#include "util.h"

static const struct sbx_account account = { 1001, 1002, (char[]){ "agent" },
					    (char[]){ "/somewhere/agent" } };

static const char *value_of(const struct sbx_strv *env, const char *name)
{
	size_t length = strlen(name);
	const char *value = NULL;

	for (size_t i = 0; i < env->count; i++) {
		if (strncmp(env->items[i], name, length) != 0 || env->items[i][length] != '=')
			continue;
		if (value)
			fail_msg("%s is there twice", name);
		value = env->items[i] + length + 1;
	}
	return value;
}

#define DEFAULT "{\"version\":1}"
#define PASS(list) "{\"version\":1,\"env\":{\"pass\":[" list "]}}"
#define SET(object) "{\"version\":1,\"env\":{\"set\":{" object "}}}"

static char longest[4000];

static const struct {
	const char *policy;
	const char *client[3];
	const char *name, *value;
} cases[] = {
	/* The login's own, from the passwd entry and the policy. */
	{ DEFAULT, { NULL }, "HOME", "/home/agent" },
	{ DEFAULT, { NULL }, "USER", "agent" },
	{ DEFAULT, { NULL }, "LOGNAME", "agent" },
	{ DEFAULT, { NULL }, "XDG_RUNTIME_DIR", "/run/user/1001" },
	{ "{\"version\":1,\"shell\":\"/bin/fish\"}", { NULL }, "SHELL", "/bin/fish" },
	{ DEFAULT, { "HOME=/root" }, "HOME", "/home/agent" },
	{ PASS("\"H*\",\"U*\",\"X*\""), { "HOME=/root" }, "HOME", "/home/agent" },
	{ PASS("\"H*\",\"U*\",\"X*\""), { "USER=root" }, "USER", "agent" },
	{ PASS("\"H*\",\"U*\",\"X*\""),
	  { "XDG_RUNTIME_DIR=/x" },
	  "XDG_RUNTIME_DIR",
	  "/run/user/1001" },
	{ PASS("\"S*\""), { "SHELL=/bin/evil" }, "SHELL", "/bin/bash" },
	/* What env.pass lets through by default, and no more. */
	{ DEFAULT, { "LANG=C" }, "LANG", "C" },
	{ DEFAULT, { "LC_ALL=C", "TERM=vt100" }, "TERM", "vt100" },
	{ DEFAULT, { "LC_ALL=" }, "LC_ALL", "" },
	{ DEFAULT, { "LANGUAGE=C" }, "LANGUAGE", NULL },
	{ DEFAULT, { "lang=C" }, "lang", NULL },
	{ DEFAULT, { "PATH=/tmp" }, "PATH", NULL },
	{ DEFAULT, { "LD_PRELOAD=/tmp/x" }, "LD_PRELOAD", NULL },
	{ DEFAULT, { "CONTAINERS_CONF=/tmp/x" }, "CONTAINERS_CONF", NULL },
	/* A list of the policy's own replaces it; a star is a prefix and nothing else. */
	{ PASS(""), { "LANG=C" }, "LANG", NULL },
	{ PASS("\"A_*\""), { "A_B=1" }, "A_B", "1" },
	{ PASS("\"A_*\""), { "A=1" }, "A", NULL },
	{ PASS("\"A_*\""), { "LANG=C" }, "LANG", NULL },
	/* env.set goes before what the client says. */
	{ SET("\"LANG\":\"de\""), { NULL }, "LANG", "de" },
	{ SET("\"LANG\":\"de\""), { "LANG=C" }, "LANG", "de" },
	{ SET("\"LANG\":\"\""), { "LANG=C" }, "LANG", "" },
	{ SET("\"LAN\":\"de\""), { "LANG=C" }, "LANG", "C" },
	/* A client that says it twice, or says what is no variable. */
	{ DEFAULT, { "LANG=C", "LANG=D" }, "LANG", "C" },
	{ PASS("\"A*\""), { "A", "AB=1" }, "AB", "1" },
	{ PASS("\"A*\""), { "A" }, "A", NULL },
	{ PASS("\"A*\""), { "=x", "A B=1" }, "A B", NULL },
	{ PASS("\"A*\""), { "A-B=1", "A.B=1" }, "A-B", NULL },
	{ PASS("\"A*\""), { longest, "A=1" }, "A", "1" },
};

/* Each line: a policy, what the client has, and what a variable then is (NULL for not there). */
static void test_environment(void **state)
{
	(void)state;
	memset(longest, 'A', sizeof(longest) - 1);
	longest[2000] = '=';
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_policy_ struct sbx_policy *policy = policy_of(cases[i].policy);
		struct sbx_request request = { 0 };
		const char *value;

		assert_int_equal(sbx_request_prepare(&request, &account, policy,
						     (char *const *)(uintptr_t)cases[i].client),
				 0);
		assert_string_equal(request.cwd, "/home/agent");
		value = value_of(&request.env, cases[i].name);
		if (cases[i].value && !value)
			fail_msg("case %zu: no %s", i, cases[i].name);
		if (!cases[i].value && value)
			fail_msg("case %zu: %s=%s got through", i, cases[i].name, value);
		if (value)
			assert_string_equal(value, cases[i].value);
		for (size_t n = 0; n < request.env.count; n++)
			assert_in_range(strcspn(request.env.items[n], "="), 1, 100);
		for (size_t n = 0; n < request.env.count; n++)
			assert_non_null(strchr(request.env.items[n], '='));
		sbx_request_done(&request);
		assert_null(request.cwd);
	}
}

/* The client of an sbx_box_setup has none. */
static void test_environment_of_nobody(void **state)
{
	_cleanup_policy_ struct sbx_policy *policy = policy_of(DEFAULT);
	struct sbx_request request = { 0 };

	(void)state;
	assert_int_equal(setenv("LANG", "C", 1), 0);
	assert_int_equal(sbx_request_prepare(&request, &account, policy, NULL), 0);
	assert_int_equal(request.env.count, 5);
	sbx_request_done(&request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_environment_of_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
