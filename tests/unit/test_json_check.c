/*
 * Strict JSON: what cJSON would take and we don't, and where each message points.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "json_check.h"
#include "util.h"

#define TEXT(literal) literal, sizeof(literal) - 1
#define DEEP16 "[[[[[[[[[[[[[[[["
#define FLAT16 "]]]]]]]]]]]]]]]]"
#define PATH16 "[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]"

static const struct {
	const char *text;
	size_t length;
	const char *message;
} refused[] = {
	/* not JSON at all */
	{ TEXT(""), "t:1:1: the file is empty" },
	{ TEXT(" \n\t\r "), "t:1:1: the file is empty" },
	{ TEXT("\xef\xbb\xbf{}"), "t:1:1: byte order mark: save the file without it" },
	{ TEXT("{"), "t:1:2: the file ends too early: expected a key in double quotes" },
	{ TEXT("{\"a\""), "t:1:5: a: the file ends too early: expected : after the key" },
	{ TEXT("{\"a\":"), "t:1:6: a: the file ends too early: expected a value" },
	{ TEXT("{\"a\":1"), "t:1:7: the file ends too early: expected , or }" },
	{ TEXT("{} {}"), "t:1:4: found {: expected nothing after the value" },
	{ TEXT("{}\n\nx"), "t:3:1: found x: expected nothing after the value" },
	{ TEXT("{}\0"), "t:1:3: found the byte 0x00: expected nothing after the value" },
	{ TEXT("{\"a\":1,}"), "t:1:8: comma before }: remove it" },
	{ TEXT("{\"a\":[1,]}"), "t:1:9: a: comma before ]: remove it" },
	{ TEXT("{,}"), "t:1:2: found ,: expected a key in double quotes" },
	{ TEXT("[1 2]"), "t:1:4: found 2: expected , or ]" },
	{ TEXT("[1}"), "t:1:3: found }: expected , or ]" },
	{ TEXT("{a: 1}"), "t:1:2: found a: expected a key in double quotes" },
	{ TEXT("{'a': 1}"), "t:1:2: single quotes are not JSON: use \"" },
	{ TEXT("{\"a\" 1}"), "t:1:6: a: found 1: expected : after the key" },
	{ TEXT("{\"a\"=1}"), "t:1:5: a: found =: expected : after the key" },
	{ TEXT("{} // x"), "t:1:4: a comment is not JSON: remove it" },
	{ TEXT("{ /* x */ }"), "t:1:3: a comment is not JSON: remove it" },
	{ TEXT("{\"a\": # x\n1}"), "t:1:7: a: a comment is not JSON: remove it" },
	{ TEXT("{\"a\":\f1}"), "t:1:6: a: found the byte 0x0c: expected a value" },
	{ TEXT("{\xc2\xa0}"), "t:1:2: found the byte 0xc2: expected a key in double quotes" },
	/* words */
	{ TEXT("[NaN]"), "t:1:2: [0]: found N: expected a value" },
	{ TEXT("[nan]"), "t:1:2: [0]: found n: expected a value" },
	{ TEXT("[Infinity]"), "t:1:2: [0]: found I: expected a value" },
	{ TEXT("[-Infinity]"), "t:1:2: [0]: a minus sign without a number" },
	{ TEXT("[True]"), "t:1:2: [0]: found T: expected a value" },
	{ TEXT("[truex]"), "t:1:6: found x: expected , or ]" },
	{ TEXT("[tru"), "t:1:2: [0]: found t: expected a value" },
	/* numbers */
	{ TEXT("[01]"), "t:1:2: [0]: leading zero: write the number without it" },
	{ TEXT("[-01]"), "t:1:2: [0]: leading zero: write the number without it" },
	{ TEXT("[+1]"), "t:1:2: [0]: found +: expected a value" },
	{ TEXT("[.5]"), "t:1:2: [0]: found .: expected a value" },
	{ TEXT("[1.]"), "t:1:2: [0]: no digit after the point" },
	{ TEXT("[1.e3]"), "t:1:2: [0]: no digit after the point" },
	{ TEXT("[1e]"), "t:1:2: [0]: no digit in the exponent" },
	{ TEXT("[1e+]"), "t:1:2: [0]: no digit in the exponent" },
	{ TEXT("[0x10]"), "t:1:3: found x: expected , or ]" },
	{ TEXT("[1_000]"), "t:1:3: found _: expected , or ]" },
	{ TEXT("[1e999]"), "t:1:2: [0]: too large for a number" },
	{ TEXT("[-1e999]"), "t:1:2: [0]: too large for a number" },
	{ TEXT("[100000000000000000000000000000000]"),
	  "t:1:2: [0]: too many digits: no value needs this many" },
	/* strings */
	{ TEXT("[\"abc"), "t:1:2: [0]: the string does not end: close it with \"" },
	{ TEXT("[\"abc\\"), "t:1:6: [0]: the string does not end: close it with \"" },
	{ TEXT("[\"a\nb\"]"),
	  "t:1:4: [0]: control character in a string: close the string before it" },
	{ TEXT("[\"a\tb\"]"),
	  "t:1:4: [0]: control character in a string: close the string before it" },
	{ TEXT("[\"a\0b\"]"),
	  "t:1:4: [0]: control character in a string: close the string before it" },
	{ TEXT("[\"x\\u0000y\"]"), "t:1:4: [0]: \\u0000 in a string: no value may hold a NUL" },
	{ TEXT("{\"\\u0000\":1}"), "t:1:3: \\u0000 in a string: no value may hold a NUL" },
	{ TEXT("[\"\\q\"]"), "t:1:3: [0]: unknown escape: write a backslash as \\\\" },
	{ TEXT("[\"\\\0\"]"), "t:1:3: [0]: unknown escape: write a backslash as \\\\" },
	{ TEXT("[\"\\u12g4\"]"), "t:1:3: [0]: \\u needs four hexadecimal digits" },
	{ TEXT("[\"\\u12"), "t:1:3: [0]: \\u needs four hexadecimal digits" },
	{ TEXT("[\"\\ud800\"]"), "t:1:3: [0]: first half of a surrogate pair without its second" },
	{ TEXT("[\"\\ud800\\u0041\"]"),
	  "t:1:3: [0]: first half of a surrogate pair without its second" },
	{ TEXT("[\"\\ud800\\ud800\"]"),
	  "t:1:3: [0]: first half of a surrogate pair without its second" },
	{ TEXT("[\"\\udc00\"]"), "t:1:3: [0]: second half of a surrogate pair without its first" },
	/* UTF-8: lone continuation, overlong, cut, surrogate, beyond U+10FFFF */
	{ TEXT("[\"\x80\"]"), "t:1:3: [0]: invalid UTF-8: save the file as UTF-8" },
	{ TEXT("[\"a\xe9z\"]"), "t:1:4: [0]: invalid UTF-8: save the file as UTF-8" },
	{ TEXT("[\"\xc0\xaf\"]"), "t:1:3: [0]: invalid UTF-8: save the file as UTF-8" },
	{ TEXT("[\"\xe0\x80\xaf\"]"), "t:1:3: [0]: invalid UTF-8: save the file as UTF-8" },
	{ TEXT("[\"\xe2\x82\"]"), "t:1:3: [0]: invalid UTF-8: save the file as UTF-8" },
	{ TEXT("[\"\xe2\x82"), "t:1:3: [0]: invalid UTF-8: save the file as UTF-8" },
	{ TEXT("[\"\xed\xa0\x80\"]"), "t:1:3: [0]: invalid UTF-8: save the file as UTF-8" },
	{ TEXT("[\"\xf0\x80\x80\x80\"]"), "t:1:3: [0]: invalid UTF-8: save the file as UTF-8" },
	{ TEXT("[\"\xf4\x90\x80\x80\"]"), "t:1:3: [0]: invalid UTF-8: save the file as UTF-8" },
	{ TEXT("[\"\xf5\x80\x80\x80\"]"), "t:1:3: [0]: invalid UTF-8: save the file as UTF-8" },
	/* duplicate keys, however they are spelled */
	{ TEXT("{\"a\":1,\"a\":2}"), "t:1:8: a: duplicate key: it is already at 1:2" },
	{ TEXT("{\"limits\":{\"memory\":1,\n \"m\\u0065mory\":2}}"),
	  "t:2:2: limits.memory: duplicate key: it is already at 1:12" },
	{ TEXT("{\"\\u00fc\":1,\"\xc3\xbc\":2}"),
	  "t:1:13: ??: duplicate key: it is already at 1:2" },
	{ TEXT("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"),
	  "t:1:19: ????: duplicate key: it is already at 1:2" },
	{ TEXT("{\"a\\/\":1,\"a/\":2}"), "t:1:10: a/: duplicate key: it is already at 1:2" },
	{ TEXT("[{},{\"b\":{},\"c\":[],\"b\":0}]"),
	  "t:1:20: [1].b: duplicate key: it is already at 1:6" },
	/* depth; a column is a character, whatever its bytes */
	{ TEXT(DEEP16 "[" FLAT16 "]"), "t:1:17: " PATH16 ": nested deeper than 16" },
	{ TEXT("{\n\t\"\xc3\xbc\xf0\x9f\x98\x80\": x}"),
	  "t:2:8: ??????: found x: expected a value" },
	{ TEXT("{\r\n\"k\": x}"), "t:2:6: k: found x: expected a value" },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct sbx_json *json = NULL;
		struct sbx_error err = SBX_ERROR_INIT;
		int r = sbx_json_parse("t", refused[i].text, refused[i].length, &json, &err);

		if (r != -EINVAL || strcmp(err.message, refused[i].message) != 0)
			fail_msg("%s\n  wanted: %s\n  got:    %s (%d)", refused[i].text,
				 refused[i].message, err.message, r);
		assert_null(json);
	}
}

static void test_accepted(void **state)
{
	static const char *const texts[] = {
		"{}",
		" [ ] ",
		"true",
		"-0",
		"0.5",
		"1E+2",
		"-1.5e-3",
		"\"\"",
		"null\n",
		"{\"\":0}",
		"{\"a\":1,\"A\":2,\"a \":3}",
		"{\"a\":{\"a\":1},\"b\":{\"a\":1}}",
		"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\x7f\"]",
		"\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"",
		DEEP16 FLAT16,
		"12345678901234567890123456789012",
		"1e-999",
		"{\r\n\t\"a\" : [ ] }",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_json_ struct sbx_json *json = NULL;
		struct sbx_error err = SBX_ERROR_INIT;

		if (sbx_json_parse("t", texts[i], strlen(texts[i]), &json, &err) < 0)
			fail_msg("%s: %s", texts[i], err.message);
		for (size_t n = 0; n < json->count; n++)
			assert_non_null(json->nodes[n].value);
	}
}

/* The text is wide: MAX values pass, one more doesn't. */
static void test_too_many_values(void **state)
{
	char text[2 * SBX_JSON_MAX_VALUES + 2] = "[0";
	struct sbx_json *json = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	size_t length = 2;

	(void)state;
	while (length < 2 * (SBX_JSON_MAX_VALUES - 1)) {
		text[length++] = ',';
		text[length++] = '0';
	}
	text[length] = ']';
	assert_int_equal(sbx_json_parse("t", text, length + 1, &json, &err), 0);
	assert_int_equal(json->count, SBX_JSON_MAX_VALUES);
	sbx_json_free(json);
	memcpy(text + length, ",0]", 3);
	assert_int_equal(sbx_json_parse("t", text, length + 3, &json, &err), -EINVAL);
	assert_string_equal(err.message, "t:1:4096: more than 2048 values");
}

static void test_places(void **state)
{
	static const struct {
		const char *path;
		unsigned int line, column, key_line, key_column;
	} places[] = {
		{ "", 1, 1, 1, 1 },
		{ "limits", 2, 12, 2, 2 },
		{ "limits.memory", 2, 24, 2, 14 },
		{ "mounts[1]", 3, 16, 1, 1 },
		{ "mounts[1].source", 3, 28, 3, 18 },
		{ "\xc3\xbc", 4, 7, 4, 2 },
	};
	static const char text[] = "{\n \"limits\": { \"memory\": 1 },\n"
				   " \"mounts\": [1, { \"source\": 2 }],\n \"\xc3\xbc\": 3}";
	static const char *const absent[] = { "limit",           "limitsx",   "Limits",
					      "limits.memory.x", "mounts[2]", "mounts[1].x",
					      "limits[0]" };
	_cleanup_json_ struct sbx_json *json = NULL;

	(void)state;
	assert_int_equal(sbx_json_parse("t", text, sizeof(text) - 1, &json, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct sbx_json_node *node = sbx_json_find(json, places[i].path);
		unsigned int line, column;
		char path[SBX_JSON_PATH_MAX];

		assert_non_null(node);
		sbx_json_locate(json, node->value_at, &line, &column);
		assert_int_equal(line, places[i].line);
		assert_int_equal(column, places[i].column);
		sbx_json_locate(json, node->key_at, &line, &column);
		assert_int_equal(line, places[i].key_line);
		assert_int_equal(column, places[i].key_column);
		sbx_json_path(node, path, sizeof(path));
		if ((unsigned char)places[i].path[0] < 0x80)
			assert_string_equal(path, places[i].path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
		assert_null(sbx_json_find(json, absent[i]));
}

/* Strings come out unescaped, and a hostile key can't reach a terminal. */
static void test_strings(void **state)
{
	static const char text[] = "{\"a\\u001b[2J\": \"\\u0041\\ud83d\\ude00\\n\"}";
	_cleanup_json_ struct sbx_json *json = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	const struct sbx_json_node *node;

	(void)state;
	assert_int_equal(sbx_json_parse("t", text, sizeof(text) - 1, &json, &err), 0);
	node = json->nodes[0].child;
	assert_string_equal(node->key, "a\x1b[2J");
	assert_string_equal(node->string, "A\xf0\x9f\x98\x80\n");
	assert_int_equal(sbx_json_fail(json, node, false, -EINVAL, &err, "bad"), -EINVAL);
	assert_string_equal(err.message, "t:1:16: a?[2J: bad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),         cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_too_many_values), cmocka_unit_test(test_places),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
