/*
 * Quantities and forms: what each takes and what not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"
#include "policy_table.h"
#include "policy_value.h"
#include "util.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct number {
	const char *text;
	uint64_t value;
};

static void test_sizes(void **state)
{
	static const struct number good[] = {
		{ "0K", 0 },
		{ "1K", 1024 },
		{ "512M", UINT64_C(512) << 20 },
		{ "16T", UINT64_C(16) << 40 },
		{ "99999999999999999999K", UINT64_MAX },
		{ "17179869184G", UINT64_MAX }, /* 2^64, saturated and not 0 */
	};
	static const char *const bad[] = { "",    "K",   "1",   "01K", "1k",  "1KB", "1.5G",
					   "-1K", "+1K", " 1K", "1 K", "1K ", "0x1K" };
	char text[SBX_VALUE_TEXT_MAX];
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_null(sbx_value_parse_size(good[i].text, &value));
		assert_true(value == good[i].value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(sbx_value_parse_size(bad[i], &value));
	sbx_value_format_size(text, UINT64_C(3) << 19);
	assert_string_equal(text, "1536K");
	sbx_value_format_size(text, 1025);
	assert_string_equal(text, "1025");
}

static void test_durations(void **state)
{
	static const struct number good[] = {
		{ "0s", 0 }, { "45s", 45 }, { "30m", 1800 }, { "8h", 28800 }, { "7d", 604800 }
	};
	static const char *const bad[] = { "", "8", "8H", "1h30m", "1w", "08h", "1.5h", "-1h" };
	char text[SBX_VALUE_TEXT_MAX];
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_null(sbx_value_parse_duration(good[i].text, &value));
		assert_true(value == good[i].value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(sbx_value_parse_duration(bad[i], &value));
	sbx_value_format_duration(text, 90000);
	assert_string_equal(text, "25h");
	sbx_value_format_cpus(text, 1500);
	assert_string_equal(text, "1.5");
	sbx_value_format_cpus(text, 10);
	assert_string_equal(text, "0.01");
	sbx_value_format_cpus(text, 1024000);
	assert_string_equal(text, "1024");
}

static void test_times(void **state)
{
	static const struct number good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2024-02-29T12:00:00Z", 1709208000 },
		{ "2000-02-29T00:00:00+00:00", 951782400 },
		{ "2027-01-01T01:30:00.25+01:30", 1798761600 },
		{ "2026-12-31T19:00:00-05:00", 1798761600 },
	};
	static const char *const bad[] = {
		"",
		"2027-01-01",
		"2027-01-01T00:00:00",
		"2027-01-01 00:00:00Z",
		"2027-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z",
		"2027-13-01T00:00:00Z",
		"2027-00-01T00:00:00Z",
		"2027-01-00T00:00:00Z",
		"2027-04-31T00:00:00Z",
		"2027-01-01T24:00:00Z",
		"2027-01-01T00:60:00Z",
		"2027-01-01T00:00:60Z",
		"2027-01-01T00:00:00.Z",
		"2027-01-01T00:00:00Zx",
		"2027-01-01T00:00:00+24:00",
		"2027-01-01T00:00:00+0100",
		"1969-12-31T00:00:00Z",
		"02027-01-01T00:00:00Z",
		"2027-1-01T00:00:00Z",
	};
	char text[SBX_VALUE_TEXT_MAX];
	int64_t time;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_null(sbx_value_parse_time(good[i].text, &time));
		assert_true(time == (int64_t)good[i].value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!sbx_value_parse_time(bad[i], &time))
			fail_msg("%s was taken", bad[i]);
	sbx_value_format_time(text, 1709208000);
	assert_string_equal(text, "2024-02-29T12:00:00Z");
}

static const struct {
	const struct sbx_value_form *form;
	const char *good[10];
	const char *bad[24];
} forms[] = {
	{ &sbx_form_name,
	  { "a", "_x", "agent-1", "a.b_c", "a234567890123456789012345678901b" },
	  { "", "A", "1a", "-a", ".a", "a.", "a..b", "a/b", "a b", "\xc3\xbc",
	    "a234567890123456789012345678901bc" } },
	{ &sbx_form_image,
	  { "a", "localhost/sandbox-base:latest", "registry.example.com:5000/a/b_c:V1.2",
	    "Host.example/a", "a/b@sha256:" HEX64, "a:t@sha256:" HEX64, "a__b/c--d" },
	  { "",
	    "-a",
	    "a-",
	    "A",
	    "a/B",
	    "a//b",
	    "/a",
	    "a/",
	    "a:",
	    "a:-t",
	    "a@sha256:12",
	    "a@md5:" HEX64,
	    "a@sha256:" HEX64 "0",
	    "h:port/a",
	    "h:123456/a",
	    "oci:/x",
	    "docker://a",
	    "a..b",
	    "a b",
	    "a:b:c",
	    "a,b",
	    "a=b",
	    "h:/a" } },
	{ &sbx_form_path,
	  { "/", "/bin/bash", "/a/.b", "/a/...", "/\xc3\xbc", "/a:b,c" },
	  { "", "a", "./a", "//", "/a/", "/a//b", "/a/./b", "/a/..", "/..", "/.", "/a\nb", "/a\x7f",
	    "/a\xc2\x85", "~/a" } },
	{ &sbx_form_mount_path,
	  { "/a", "/a b", "/a:b", "/a=b" },
	  { "/", "/a,b", "/a\"b", "/a/../b", "a" } },
	{ &sbx_form_device,
	  { "/dev/dri", "/dev/dri/card0", "nvidia.com/gpu=all", "vendor.com/net=eth0:1" },
	  { "/dev", "/dev/", "/dev/..", "/dev/a:b", "/dev/a,b", "/devx", "/etc/passwd", "gpu",
	    "a/b", "a=b", "/b=c", "a/=c", "a/b=", "-a/b=c", "a/b/c=d", "a/b=c=d", "a/b=c,d" } },
	{ &sbx_form_endpoint,
	  { "example.com:443", "a-b.c:1/tcp", "10.0.0.0/8:53/udp", "192.0.2.1:65535",
	    "[2001:db8::/32]:443", "[::1]:22/tcp" },
	  { "",      ":1",       "a",           "a:",           "a:0",    "a:65536", "a:01",
	    "a:1-2", "a:1/sctp", "a:1/",        "a..b:1",       "-a:1",   "a-:1",    "a_b:1",
	    "*.a:1", "1.2.3:1",  "256.0.0.1:1", "10.0.0.1/8:1", "::1:22", "[::1:22", "[10.0.0.1]:1",
	    "[]:1",  "a b:1",    "a:x" } },
	{ &sbx_form_cidr,
	  { "192.0.2.0/24", "192.0.2.7", "0.0.0.0/0", "2001:db8::/32", "::1", "::/0",
	    "192.0.2.128/25" },
	  { "", "192.0.2.0/33", "192.0.2.1/24", "192.0.2.0/", "192.0.2.0/024", "192.0.2/24",
	    "2001:db8::/129", "2001:db8::1/64", "example.com", "/24", "1", "192.0.2.0/24/1",
	    "192.0.2.0/-1", "192.0.2.129/25",
	    "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111" } },
	{ &sbx_form_syscall,
	  { "ptrace", "clone3", "rt_sigaction" },
	  { "", "a-b", "A", "a b", "ptrase" } },
	{ &sbx_form_env_name,
	  { "A", "_", "a1_B", "LD_PRELOAD", "HOMEX" },
	  { "", "1A", "A=B", "A-B", "A*", "HOME", "USER", "LOGNAME", "SHELL", "XDG_RUNTIME_DIR",
	    "\xc3\xbc" } },
	{ &sbx_form_env_pass,
	  { "A", "LC_*", "H*" },
	  { "", "*", "L*C", "LC_**", "1*", "HOME", "A=*" } },
	{ &sbx_form_env_value, { "", "x y", "\xc3\xbc" }, { "a\nb", "\x1b[2J", "\x7f" } },
	{ &sbx_form_time, { "2027-01-01T00:00:00Z" }, { "", "tomorrow" } },
};

static void test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(forms[i].good) && forms[i].good[j]; j++)
			if (sbx_value_check(forms[i].form, forms[i].good[j]))
				fail_msg("%s: %s was refused", forms[i].form->what,
					 forms[i].good[j]);
		for (size_t j = 0; j < ARRAY_SIZE(forms[i].bad) && forms[i].bad[j]; j++)
			if (!sbx_value_check(forms[i].form, forms[i].bad[j]))
				fail_msg("%s: %s was taken", forms[i].form->what, forms[i].bad[j]);
	}
}

static void test_quote(void **state)
{
	char quoted[SBX_VALUE_TEXT_MAX];

	(void)state;
	assert_string_equal(sbx_value_quote(quoted, "a\x1b\xc3\xbc"), "\"a\?\?\?\"");
	assert_string_equal(sbx_value_quote(quoted, HEX64),
			    "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab...\"");
}

/* The table fits the struct: numbers are bounded by what their fields hold and doubles count. */
static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sbx_policy_key_count; i++) {
		const struct sbx_policy_key *key = &sbx_policy_keys[i];

		assert_ptr_equal(sbx_policy_key_find(key->section, key->name), key);
		assert_true(!key->section[0] || sbx_policy_section(key->section));
		assert_true(key->max <= UINT64_C(1) << 53);
		if (key->max > 0)
			assert_true(key->width == 8 || (key->width == 4 && key->max <= UINT32_MAX));
		if (key->kind == SBX_KIND_CHOICE)
			assert_true(key->width == 4 || (key->width == 1 && !key->choices[2]));
		assert_true(key->description[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes), cmocka_unit_test(test_durations),
		cmocka_unit_test(test_times), cmocka_unit_test(test_forms),
		cmocka_unit_test(test_quote), cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
