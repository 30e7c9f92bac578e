/*
 * A sandbox's mounts against its policy: the root is an overlay, and what should be read-only is,
 * with all that is mounted below it.
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
#include "policy_text.h"
#include "util.h"

#define ROOT "1 0 0:1 / / rw,relatime - overlay overlay rw,lowerdir=/x\n"

static int verify(const char *policy_text, const char *mounts, struct sbx_error *err)
{
	_cleanup_policy_ struct sbx_policy *policy = policy_of(policy_text);
	_cleanup_free_ char *text = strdup(mounts);

	return sbx_host_verify_mounts(policy, text, err);
}

static void test_storage(void **state)
{
	static const struct {
		const char *mounts;
		bool overlay;
	} cases[] = {
		{ ROOT, true },
		{ "1 0 0:1 / / rw - fuse.fuse-overlayfs fuse-overlayfs rw\n", true },
		{ "1 0 0:1 / / rw shared:1 master:2 - overlay o rw\n2 1 0:2 / /proc rw - proc proc rw\n",
		  true },
		{ "2 1 0:2 / /proc rw - proc proc rw\n1 0 0:1 / / rw - overlay overlay rw", true },
		{ "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n", false },
		{ "1 0 8:1 / / rw - ext4 overlay rw\n", false },
		{ "1 0 8:1 / / rw - overlayx overlay rw\n", false },
		{ "1 0 8:1 /x / rw - ext4 /dev/sda1 rw\n2 1 0:1 / /x rw - overlay overlay rw\n",
		  false },
		{ "2 1 0:1 / /x rw - overlay overlay rw\n", false },
		/* What is mounted last is what is seen. */
		{ ROOT "2 1 8:1 / / rw - ext4 /dev/sda1 rw\n", false },
		{ "nonsense\n\n", false },
		{ "1 0 0:1 / / rw overlay\n", false },
		{ "1 0 0:1 / /", false },
		{ " - overlay ", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sbx_error err = SBX_ERROR_INIT;

		if (verify("{\"version\":1}", cases[i].mounts, &err) !=
		    (cases[i].overlay ? 0 : -ENOTSUP))
			fail_msg("case %zu", i);
		if (!cases[i].overlay)
			assert_non_null(strstr(err.message, "doesn't use overlay"));
	}
}

#define MOUNTS(list) "{\"version\":1,\"mounts\":[" list "]}"
#define RO(target) "{\"source\":\"/src\",\"target\":\"" target "\"}"
#define RW(target) "{\"source\":\"/src\",\"target\":\"" target "\",\"mode\":\"rw\"}"
#define AT(target, options) "3 1 8:1 /x " target " " options " - ext4 /dev/sda1 rw\n"

static void test_read_only(void **state)
{
	static const struct {
		const char *policy, *mounts;
		const char *writable; /* where; NULL when all is well */
	} cases[] = {
		{ MOUNTS(RO("/data")), ROOT AT("/data", "ro,relatime"), NULL },
		{ MOUNTS(RO("/data")), ROOT AT("/data", "ro"), NULL },
		{ MOUNTS(RO("/data")), ROOT AT("/data", "rw,relatime"), "/data" },
		{ MOUNTS(RO("/data")), ROOT AT("/data", "rw,ro"), "/data" },
		{ MOUNTS(RO("/data")), ROOT AT("/data", "rock,solid"), "/data" },
		{ MOUNTS(RO("/data")), ROOT AT("/data", "ro") AT("/data/sub", "ro"), NULL },
		{ MOUNTS(RO("/data")), ROOT AT("/data", "ro") AT("/data/sub", "rw"), "/data/sub" },
		{ MOUNTS(RO("/data")), ROOT AT("/data", "ro") AT("/data/a/b/c", "rw"),
		  "/data/a/b/c" },
		{ MOUNTS(RO("/data")), ROOT AT("/data", "ro") AT("/data", "rw"), "/data" },
		{ MOUNTS(RO("/data")), ROOT AT("/data", "ro") AT("/database", "rw"), NULL },
		{ MOUNTS(RO("/data")), ROOT AT("/data", "ro") AT("/dat", "rw"), NULL },
		{ MOUNTS(RW("/data")), ROOT AT("/data", "rw") AT("/data/sub", "rw"), NULL },
		/* A mount of the policy's own within another's. */
		{ MOUNTS(RO("/a") "," RW("/a/b")), ROOT AT("/a", "ro") AT("/a/b", "rw"), NULL },
		{ MOUNTS(RW("/a/b") "," RO("/a")), ROOT AT("/a", "ro") AT("/a/b/c", "rw"), NULL },
		{ MOUNTS(RW("/a") "," RO("/a/b")), ROOT AT("/a", "rw") AT("/a/b", "rw"), "/a/b" },
		{ MOUNTS(RW("/a") "," RO("/a/b")),
		  ROOT AT("/a", "rw") AT("/a/b", "ro") AT("/a/b/c", "rw"), "/a/b/c" },
		/* Blanks are written as \040, a backslash as \134. */
		{ MOUNTS(RO("/a b")), ROOT AT("/a\\040b", "ro") AT("/a\\040b/c", "rw"), "/a b/c" },
		{ MOUNTS(RO("/a b")), ROOT AT("/a\\040b", "ro") AT("/a\\134040b", "rw"), NULL },
		{ MOUNTS(RO("/a b")), ROOT AT("/a\\040b", "ro") AT("/z\\04", "rw"), NULL },
		/* Other fields that look like it. */
		{ MOUNTS(RO("/data")), ROOT AT("/data", "ro shared:5 rw"), NULL },
		{ MOUNTS(RO("/data")),
		  ROOT AT("/data", "ro") "4 1 8:1 /data /x rw - ext4 /dev/sda1 rw\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		int r = verify(cases[i].policy, cases[i].mounts, &err);
		char expected[100];

		if (r != (cases[i].writable ? -ENOTSUP : 0))
			fail_msg("case %zu: %d %s", i, r, err.message);
		if (!cases[i].writable)
			continue;
		(void)snprintf(expected, sizeof(expected),
			       "would be writable at %s:", cases[i].writable);
		assert_non_null(strstr(err.message, expected));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_storage),
		cmocka_unit_test(test_read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
