/*
 * The error object: codes, context, and that no hostile text gets through to a terminal.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "error.h"
#include "util.h"

static void test_codes(void **state)
{
	static const struct {
		int code, result;
	} cases[] = {
		{ -EPERM, -EPERM }, { -ENOENT, -ENOENT },   { 0, -EINVAL },
		{ EPERM, -EINVAL }, { INT32_MAX, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sbx_error err = SBX_ERROR_INIT;

		assert_int_equal(sbx_error_set(&err, cases[i].code, "a %s", "b"), cases[i].result);
		assert_int_equal(err.code, cases[i].result);
		assert_string_equal(err.message, "a b");
		assert_int_equal(sbx_error_set(NULL, cases[i].code, "a"), cases[i].result);
	}
}

static void test_printable(void **state)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "plain ~!", "plain ~!" },
		{ "two\nlines\r\n", "two?lines??" },
		{ "\033]0;title\007\033[2J", "?]0;title??[2J" },
		{ "tab\tback\b", "tab?back?" },
		{ "\001\037\040\176\177", "??\040\176?" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7" },
		/* C1: CSI and OSC in UTF-8 and as single bytes; what isn't UTF-8 at all. */
		{ "\xc2\x9b"
		  "31m\xc2\x80\xc2\x9f\xc2\xa0",
		  "??31m????\xc2\xa0" },
		{ "\x9b"
		  "31m\x9d",
		  "?31m?" },
		{ "\xc3", "?" },
		{ "\xe2\x82.", "??." },
		{ "\xff\xfe\xc0\x9b", "????" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sbx_error err = SBX_ERROR_INIT;

		(void)sbx_error_set(&err, -EIO, "%s", cases[i].text);
		assert_string_equal(err.message, cases[i].shown);
		(void)sbx_error_set(&err, -EIO, "why");
		(void)sbx_error_wrap(&err, "%s", cases[i].text);
		assert_memory_equal(err.message, cases[i].shown, strlen(cases[i].shown));
		assert_string_equal(err.message + strlen(cases[i].shown), ": why");
	}
}

static void test_wrap(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	(void)sbx_error_set(&err, -ENOSPC, "no space left");
	assert_int_equal(sbx_error_wrap(&err, "podman"), -ENOSPC);
	assert_int_equal(sbx_error_wrap(&err, "start %d", 7), -ENOSPC);
	assert_string_equal(err.message, "start 7: podman: no space left");
	assert_int_equal(err.code, -ENOSPC);
	assert_true(sbx_error_wrap(NULL, "podman") < 0);
}

/* What is too long is cut, within the struct, and stays a string. */
static void test_truncation(void **state)
{
	struct {
		struct sbx_error err;
		char after[16];
	} guarded = { .after = "0123456789abcde" };
	char lengthy[4 * SBX_ERROR_MAX];

	(void)state;
	memset(lengthy, 'x', sizeof(lengthy));
	lengthy[sizeof(lengthy) - 1] = '\0';
	assert_int_equal(sbx_error_set(&guarded.err, -EIO, "%s", lengthy), -EIO);
	assert_int_equal(strlen(guarded.err.message), SBX_ERROR_MAX - 1);
	assert_int_equal(sbx_error_wrap(&guarded.err, "context"), -EIO);
	assert_int_equal(strlen(guarded.err.message), SBX_ERROR_MAX - 1);
	assert_memory_equal(guarded.err.message, "context: xxx", 12);
	assert_int_equal(sbx_error_wrap(&guarded.err, "%s", lengthy), -EIO);
	assert_int_equal(strlen(guarded.err.message), SBX_ERROR_MAX - 1);
	assert_int_equal(guarded.err.message[0], 'x');
	assert_string_equal(guarded.after, "0123456789abcde");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_truncation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
