/*
 * A helper's failure as an error that a person can read.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "spawn.h"
#include "util.h"

static char *const environment[] = { (char[]){ "PATH=/usr/bin:/bin" }, (char[]){ "ONLY=this" },
				     NULL };

/* A shell script as the helper. */
static struct sbx_spawn script(char *const *argv)
{
	return (struct sbx_spawn){
		.argv = argv, .env = environment, .in = -1, .out = -1, .progress = -1
	};
}

#define SCRIPT(text) \
	((char *const[]){ (char[]){ "/bin/sh" }, (char[]){ "-c" }, (char[]){ text }, NULL })

static void test_run(void **state)
{
	const struct {
		char *const *argv;
		int result;
		const char *message;
	} cases[] = {
		{ SCRIPT("echo ignored >&2"), 0, "" },
		{ SCRIPT("echo bad luck >&2; exit 1"), -EIO, "sh: bad luck" },
		{ SCRIPT("exit 1"), -EIO, "sh: no reason given" },
		{ SCRIPT("kill -9 $$"), -EIO, "sh: no reason given" },
		{ SCRIPT("exit 127"), -ENOENT,
		  "sh: can't be run: install it (looked for /bin/sh)" },
		{ SCRIPT("echo inner >&2; exit 127"), -EIO, "sh: inner" },
		{ SCRIPT("printf 'a\\033[31mb\\n' >&2; exit 1"), -EIO, "sh: a?[31mb" },
		{ (char *const[]){ (char[]){ "/nowhere/podman" }, NULL }, -ENOENT,
		  "podman: can't be run: install it (looked for /nowhere/podman)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct sbx_spawn spawn = script(cases[i].argv);
		struct sbx_error err = SBX_ERROR_INIT;
		struct sbx_process process;

		assert_int_equal(sbx_spawn_run(&spawn, i % 2 ? &process : NULL, &err),
				 cases[i].result);
		assert_string_equal(err.message, cases[i].message);
	}
}

static void test_reasons(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "", "no reason given" },
		{ "\n\n", "no reason given" },
		{ "one", "one" },
		{ "one\ntwo\n", "one" },
		{ "\n\none\ntwo\n", "one" },
		{ "Error: one\ntwo\n", "one" },
		{ "Error: one\nError: two\nthree\n", "two" },
		{ "a\nError: one", "one" },
		{ "Error: ", "" },
		{ "not an Error: here\nlast\n", "not an Error: here" },
		{ "error: lower\nlast\n", "error: lower" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sbx_process process = { 0 };
		char reason[64];

		process.err_length = strlen(cases[i].text);
		memcpy(process.err_text, cases[i].text, process.err_length);
		sbx_process_reason(&process, reason, sizeof(reason));
		assert_string_equal(reason, cases[i].reason);
		memset(reason, 'x', sizeof(reason));
		sbx_process_reason(&process, reason, 3);
		assert_true(strlen(reason) < 3);
		assert_int_equal(reason[3], 'x');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
