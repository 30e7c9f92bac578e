/*
 * The record: only what was written is read, and a write is whole or didn't happen.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "count_fds.h"
#include "record.h"
#include "safe_folder.h"
#include "util.h"

static char path[] = "/tmp/sbx-test-XXXXXX";
static int folder = -1;

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(path))
		return -1;
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)close(folder);
	remove_folder(path);
	return 0;
}

#define LIMITS "limits 00000000000000ff\n"
#define DIGEST "digest 0123456789abcdef\n" LIMITS
#define DIGEST_NUMBER UINT64_C(0x0123456789abcdef)

static void test_parse_good(void **state)
{
	static const struct {
		const char *text;
		struct sbx_record record;
	} cases[] = {
		{ "sandbox-shell 1\npid 1234\n" DIGEST "ready 1\n",
		  { 1234, DIGEST_NUMBER, 0xff, true } },
		{ "sandbox-shell 1\npid 0\n" DIGEST "ready 0\n",
		  { 0, DIGEST_NUMBER, 0xff, false } },
		{ "sandbox-shell 1\npid 4194304\ndigest ffffffffffffffff\n" LIMITS "ready 1\n",
		  { 4194304, UINT64_MAX, 0xff, true } },
		{ "sandbox-shell 1\npid 1\ndigest 0000000000000000\n" LIMITS "ready 1\n",
		  { 1, 0, 0xff, true } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sbx_record record = { 0 };

		assert_int_equal(sbx_record_parse(cases[i].text, strlen(cases[i].text), &record),
				 0);
		assert_int_equal(record.pid, cases[i].record.pid);
		assert_int_equal(record.digest, cases[i].record.digest);
		assert_int_equal(record.limits, cases[i].record.limits);
		assert_int_equal(record.ready, cases[i].record.ready);
	}
}

#define TEXT(literal) literal, sizeof(literal) - 1

static void test_parse_bad(void **state)
{
	static const struct {
		const char *text;
		size_t length;
	} cases[] = {
		{ TEXT("") },
		{ TEXT("\n") },
		{ TEXT("sandbox-shell 2\npid 1\n" DIGEST "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid -1\n" DIGEST "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid +1\n" DIGEST "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid 01\n" DIGEST "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid  1\n" DIGEST "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid 1 \n" DIGEST "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid 0x1\n" DIGEST "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid 4294967297\n" DIGEST "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid 99999999999999999999\n" DIGEST "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid \n" DIGEST "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid 1\ndigest 0123456789ABCDEF\n" LIMITS "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid 1\ndigest 123456789abcdef\n" LIMITS "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid 1\ndigest 00123456789abcdef\n" LIMITS "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid 1\ndigest 0x123456789abcde\n" LIMITS "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid 1\ndigest -123456789abcdef\n" LIMITS "ready 1\n") },
		{ TEXT("sandbox-shell 1\npid 1\n" DIGEST "ready 2\n") },
		{ TEXT("sandbox-shell 1\npid 1\n" DIGEST "ready 11\n") },
		{ TEXT("sandbox-shell 1\npid 1\n" DIGEST "ready true\n") },
		{ TEXT("sandbox-shell 1\npid 1\n" DIGEST "ready 1") },
		{ TEXT("sandbox-shell 1\npid 1\n" DIGEST "ready 1\r\n") },
		{ TEXT("sandbox-shell 1\npid 1\n" DIGEST "ready 1\n\n") },
		{ TEXT("sandbox-shell 1\npid 1\n" DIGEST "ready 1\n\0") },
		{ TEXT("sandbox-shell 1\npid 1\n" DIGEST "ready 1\n\0pid 2\n") },
		{ TEXT("sandbox-shell 1\npid 1\n" DIGEST "ready 1\nmore\n") },
		{ TEXT("sandbox-shell 1\npid 1\n" DIGEST) },
		{ TEXT("sandbox-shell 1\npid 1\ndigest 0123456789abcdef\nready 1\n") },
		{ TEXT("sandbox-shell 1\npid 1\n" LIMITS "digest 0123456789abcdef\nready 1\n") },
		{ TEXT("sandbox-shell 1\npid 1\ndigest 0123456789abcdef\nlimits ff\nready 1\n") },
		{ TEXT("sandbox-shell 1\npid 1\nready 1\n" DIGEST) },
		{ TEXT(" sandbox-shell 1\npid 1\n" DIGEST "ready 1\n") },
		{ TEXT("sandbox-shell 1 pid 1 digest 0123456789abcdef limits 00000000000000ff ready 1\n") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sbx_record record = { .pid = -5 };
		/* As long as it says and no longer, for AddressSanitizer. */
		_cleanup_free_ char *text = malloc(cases[i].length + !cases[i].length);

		memcpy(text, cases[i].text, cases[i].length);
		if (sbx_record_parse(text, cases[i].length, &record) != -EBADMSG)
			fail_msg("taken: %s", cases[i].text);
		assert_int_equal(record.pid, -5);
	}
}

static void test_parse_length(void **state)
{
	static const char text[] = "sandbox-shell 1\npid 1234\n" DIGEST "ready 1\n";
	char lengthy[1000];
	struct sbx_record record;

	(void)state;
	for (size_t length = 0; length < sizeof(text) - 1; length++)
		assert_int_equal(sbx_record_parse(text, length, &record), -EBADMSG);
	memset(lengthy, '1', sizeof(lengthy));
	memcpy(lengthy, text, sizeof(text) - 1);
	for (size_t length = sizeof(text); length < sizeof(lengthy); length++)
		assert_int_equal(sbx_record_parse(lengthy, length, &record), -EBADMSG);
}

static void check_file(const char *name, const char *text)
{
	_cleanup_close_ int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_free_ char *found = NULL;
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(sbx_read_all(fd, 1000, &found, NULL), 0);
	assert_string_equal(found, text);
}

static void test_write_and_read(void **state)
{
	const struct sbx_record first = { 77, 0xabc, 0xff, false },
				second = { 78, 0xabd, 0xff, true };
	struct sbx_record record = { 0 };
	struct sbx_error err = SBX_ERROR_INIT;
	int before = count_fds();

	(void)state;
	assert_int_equal(sbx_record_read(folder, "state", &record), -ENOENT);
	assert_int_equal(sbx_record_write(folder, "state", &first, &err), 0);
	check_file("state",
		   "sandbox-shell 1\npid 77\ndigest 0000000000000abc\n" LIMITS "ready 0\n");
	assert_int_equal(sbx_record_write(folder, "state", &second, &err), 0);
	check_file("state",
		   "sandbox-shell 1\npid 78\ndigest 0000000000000abd\n" LIMITS "ready 1\n");
	assert_int_equal(sbx_record_read(folder, "state", &record), 0);
	assert_int_equal(record.pid, 78);
	assert_int_equal(record.digest, 0xabd);
	assert_true(record.ready);
	/* Nothing is left of the new file under its first name. */
	assert_int_equal(faccessat(folder, ".state.new", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_int_equal(count_fds(), before);
}

/* Whoever has the old file open keeps the old text: it's replaced, never written over. */
static void test_write_replaces(void **state)
{
	const struct sbx_record first = { 1, 1, 1, true }, second = { 2, 2, 2, true };
	struct sbx_error err = SBX_ERROR_INIT;
	_cleanup_close_ int old = -1;
	_cleanup_free_ char *text = NULL;

	(void)state;
	assert_int_equal(sbx_record_write(folder, "kept", &first, &err), 0);
	old = openat(folder, "kept", O_RDONLY | O_CLOEXEC);
	assert_int_equal(sbx_record_write(folder, "kept", &second, &err), 0);
	assert_int_equal(sbx_read_all(old, 1000, &text, NULL), 0);
	assert_non_null(strstr(text, "pid 1\n"));
}

/*
 * What stands in the way is replaced, not followed: a link to a precious file, a half-written one.
 */
static void test_write_follows_nothing(void **state)
{
	const struct sbx_record record = { 9, 9, 0xff, true };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_true(write_file(path, "precious", "precious", 0600));
	assert_int_equal(symlinkat("precious", folder, "linked"), 0);
	assert_int_equal(symlinkat("precious", folder, ".linked.new"), 0);
	assert_int_equal(sbx_record_write(folder, "linked", &record, &err), 0);
	check_file("linked",
		   "sandbox-shell 1\npid 9\ndigest 0000000000000009\n" LIMITS "ready 1\n");
	check_file("precious", "precious");
	assert_true(write_file(path, ".half.new", "half", 0644));
	assert_int_equal(sbx_record_write(folder, "half", &record, &err), 0);
	check_file("half", "sandbox-shell 1\npid 9\ndigest 0000000000000009\n" LIMITS "ready 1\n");
}

static void test_write_failures(void **state)
{
	const struct sbx_record record = { 9, 9, 0xff, true };
	struct sbx_error err = SBX_ERROR_INIT;
	_cleanup_close_ int closed = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int before = count_fds();

	(void)state;
	assert_int_equal(mkdirat(folder, ".blocked.new", 0700), 0);
	assert_int_equal(sbx_record_write(folder, "blocked", &record, &err), -EEXIST);
	assert_string_equal(err.message, "record blocked: File exists");
	assert_int_equal(mkdirat(folder, "taken", 0700), 0);
	assert_int_equal(sbx_record_write(folder, "taken", &record, &err), -EISDIR);
	assert_true(sbx_record_write(closed, "state", &record, &err) < 0);
	assert_int_equal(count_fds(), before);
}

/* Not what we wrote, whatever it may be: refused at once, without waiting for anyone. */
static void test_read_refuses(void **state)
{
	static const char text[] = "sandbox-shell 1\npid 1\n" DIGEST "ready 1\n";
	struct sbx_record record = { .pid = -5 };
	int before = count_fds();
	char big[5000];

	(void)state;
	assert_true(write_file(path, "fine", text, 0600));
	assert_int_equal(symlinkat("fine", folder, "link"), 0);
	assert_int_equal(mkfifoat(folder, "fifo", 0600), 0);
	assert_int_equal(mkdirat(folder, "folder", 0700), 0);
	assert_true(write_file(path, "empty", "", 0600));
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_true(write_file(path, "big", big, 0600));
	assert_int_equal(sbx_record_read(folder, "link", &record), -EBADMSG);
	assert_int_equal(sbx_record_read(folder, "fifo", &record), -EBADMSG);
	assert_int_equal(sbx_record_read(folder, "folder", &record), -EBADMSG);
	assert_int_equal(sbx_record_read(folder, "empty", &record), -EBADMSG);
	assert_int_equal(sbx_record_read(folder, "big", &record), -EBADMSG);
	assert_int_equal(record.pid, -5);
	assert_int_equal(sbx_record_read(folder, "fine", &record), 0);
	assert_int_equal(count_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_good),     cmocka_unit_test(test_parse_bad),
		cmocka_unit_test(test_parse_length),   cmocka_unit_test(test_write_and_read),
		cmocka_unit_test(test_write_replaces), cmocka_unit_test(test_write_follows_nothing),
		cmocka_unit_test(test_write_failures), cmocka_unit_test(test_read_refuses),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
