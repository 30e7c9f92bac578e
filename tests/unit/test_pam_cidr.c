/*
 * access.from: which addresses are in which ranges, and what isn't an address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cidr.h"
#include "util.h"

static const struct {
	const char *range, *address;
	bool inside;
} ranges[] = {
	{ "192.0.2.0/24", "192.0.2.0", true },
	{ "192.0.2.0/24", "192.0.2.255", true },
	{ "192.0.2.0/24", "192.0.3.0", false },
	{ "192.0.2.0/24", "192.0.1.255", false },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.128/25", "192.0.2.128", true },
	{ "192.0.2.7", "192.0.2.7", true },
	{ "192.0.2.7", "192.0.2.6", false },
	{ "192.0.2.7/32", "192.0.2.7", true },
	{ "192.0.2.6/31", "192.0.2.7", true },
	{ "0.0.0.0/0", "255.255.255.255", true },
	{ "128.0.0.0/1", "127.255.255.255", false },
	{ "2001:db8::/32", "2001:db8:ffff::1", true },
	{ "2001:db8::/32", "2001:db9::", false },
	{ "2001:db8::/33", "2001:db8:8000::", false },
	{ "::1", "::1", true },
	{ "::1", "::2", false },
	{ "::/0", "2001:db8::1", true },
	/* The same address in both notations, on either side. */
	{ "192.0.2.0/24", "::ffff:192.0.2.7", true },
	{ "192.0.2.0/24", "::ffff:c000:207", true },
	{ "192.0.2.0/24", "::ffff:192.0.3.7", false },
	{ "::ffff:192.0.2.0/120", "192.0.2.7", true },
	{ "::ffff:192.0.2.0/120", "::ffff:192.0.2.7", true },
	{ "::ffff:192.0.2.0/120", "192.0.3.7", false },
	{ "::ffff:0:0/96", "192.0.2.7", true },
	{ "0.0.0.0/0", "::ffff:192.0.2.7", true },
	/* One family is never in the other. */
	{ "::/0", "192.0.2.7", false },
	{ "::/0", "::ffff:192.0.2.7", false },
	{ "::ffff:0:0/95", "192.0.2.7", false },
	{ "0.0.0.0/0", "::1", false },
	{ "0.0.0.0/0", "::", false },
	{ "192.0.2.7", "::192.0.2.7", false },
	{ "192.0.2.0/24", "2002:c000:207::", false },
	{ "fe80::/10", "fe80::1%eth0", true },
	{ "fe80::/10", "febf::1%2", true },
	/* No ranges. */
	{ "192.0.2.0/33", "192.0.2.0", false },
	{ "192.0.2.0/", "192.0.2.0", false },
	{ "192.0.2.0/-1", "192.0.2.0", false },
	{ "192.0.2.0/ 8", "192.0.2.0", false },
	{ "192.0.2.0/0x8", "192.0.2.0", false },
	{ "192.0.2.0/99999999999", "192.0.2.0", false },
	{ "::/129", "::1", false },
	{ "", "192.0.2.0", false },
	{ "/0", "192.0.2.0", false },
	{ "example.com", "192.0.2.0", false },
};

static void test_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		struct sbx_address address;

		if (sbx_address_parse(ranges[i].address, &address) < 0)
			fail_msg("%s was refused", ranges[i].address);
		if (sbx_cidr_contains(ranges[i].range, &address) != ranges[i].inside)
			fail_msg("%s in %s: not %d", ranges[i].address, ranges[i].range,
				 ranges[i].inside);
	}
}

static void test_no_addresses(void **state)
{
	static const char *const texts[] = {
		"",
		" ",
		"localhost",
		"example.com",
		"192.0.2.7.example.com",
		"192.0.2",
		"192.0.2.07",
		"192.0.2.256",
		"0xc0000207",
		"3221225991",
		"192.0.2.7 ",
		" 192.0.2.7",
		"192.0.2.7/32",
		"192.0.2.7%eth0",
		"192.0.2.7\n",
		"::1%lo",
		"2001:db8::1%eth0",
		"fe80::1%",
		"fe80::1%eth0/64",
		"fe80::1%a b",
		"fe80::1%0123456789abcdef",
		"fe80::1%eth0%eth1",
		"[::1]",
		":::1",
		"1:2:3:4:5:6:7:8:9",
		"UNKNOWN",
		"\xff\xfe",
		"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111",
	};
	struct sbx_address address;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (sbx_address_parse(texts[i], &address) == 0)
			fail_msg("\"%s\" was taken", texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_no_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
