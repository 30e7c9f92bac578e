/*
 * The small helpers: string lists, whole reads and writes, handing over.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <wchar.h>

#include <cmocka.h>

#include "count_fds.h"
#include "util.h"

/* More than it has room for at first; terminated after every add. */
static void test_strv(void **state)
{
	struct sbx_strv list = { 0 };

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(
			i % 2 ? sbx_strv_addf(&list, "%zu", i) : sbx_strv_add(&list, "even"), 0);
		assert_int_equal(list.count, i + 1);
		assert_null(list.items[i + 1]);
	}
	assert_string_equal(list.items[0], "even");
	assert_string_equal(list.items[99], "99");
	assert_false(list.failed);
	sbx_strv_done(&list);
	assert_null(list.items);
	assert_int_equal(list.count, 0);
	sbx_strv_done(&list);
}

/*
 * A list that lacks one item is never taken for a whole one: here one that can't be written as
 * text.
 */
static void test_strv_failed(void **state)
{
	static const wchar_t lone[] = { 0xd800, 0 };
	struct sbx_strv list = { 0 };

	(void)state;
	assert_int_equal(sbx_strv_add(&list, "a"), 0);
	assert_int_equal(sbx_strv_addf(&list, "%ls", lone), -ENOMEM);
	assert_true(list.failed);
	assert_int_equal(sbx_strv_add(&list, "b"), -ENOMEM);
	assert_int_equal(sbx_strv_addf(&list, "%d", 1), -ENOMEM);
	assert_true(list.failed);
	assert_int_equal(list.count, 1);
	sbx_strv_done(&list);
}

static void test_read_all(void **state)
{
	static const struct {
		size_t length, max;
		int result;
	} cases[] = {
		{ 0, 0, 0 },
		{ 0, 10, 0 },
		{ 10, 10, 0 },
		{ 11, 10, -EFBIG },
		{ 1, 0, -EFBIG },
		{ 100000, 100000, 0 },
		{ 100000, 99999, -EFBIG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_close_ int fd = memfd_create("test", MFD_CLOEXEC);
		_cleanup_free_ char *text = NULL;
		size_t length = 12345;

		assert_int_equal(ftruncate(fd, (off_t)cases[i].length), 0);
		assert_int_equal(sbx_read_all(fd, cases[i].max, &text, &length), cases[i].result);
		if (cases[i].result < 0) {
			assert_null(text);
			assert_int_equal(length, 12345);
		} else {
			assert_int_equal(length, cases[i].length);
			assert_int_equal(text[length], '\0');
		}
	}
}

static void test_bad_descriptor(void **state)
{
	char *text = NULL;

	(void)state;
	assert_int_equal(sbx_read_all(-1, 10, &text, NULL), -EBADF);
	assert_null(text);
	assert_int_equal(sbx_write_all(-1, "a", 1), -EBADF);
	assert_int_equal(sbx_write_all(-1, "", 0), 0);
}

#define MUCH ((size_t)1024 * 1024)

static void nothing(int signal)
{
	(void)signal;
}

static void *write_much(void *fd)
{
	_cleanup_free_ char *data = calloc(1, MUCH);
	intptr_t r = sbx_write_all(*(int *)fd, data, MUCH);

	(void)close(*(int *)fd);
	return (void *)r;
}

/* A pipe takes 64 KiB at a time: the rest must follow, whatever signals come in between. */
static void test_short_writes(void **state)
{
	struct sigaction action = { .sa_handler = nothing }; /* without SA_RESTART */
	_cleanup_free_ char *text = NULL;
	pthread_t writer;
	size_t length = 0;
	void *result = NULL;
	int ends[2], before = count_fds();

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_much, &ends[1]), 0);
	for (int i = 0; i < 20; i++) {
		(void)usleep(1000);
		(void)pthread_kill(writer, SIGUSR1);
	}
	assert_int_equal(sbx_read_all(ends[0], 2 * MUCH, &text, &length), 0);
	assert_int_equal(pthread_join(writer, &result), 0);
	assert_int_equal((intptr_t)result, 0);
	assert_int_equal(length, MUCH);
	(void)close(ends[0]);
	assert_int_equal(count_fds(), before);
}

static void test_ownership(void **state)
{
	char *text = strdup("a"), *taken;
	int before = count_fds(), fd;

	(void)state;
	taken = steal_pointer(text);
	assert_null(text);
	assert_string_equal(taken, "a");
	free(taken);
	{
		_cleanup_close_ int owned = open("/dev/null", O_RDONLY | O_CLOEXEC);
		_cleanup_close_ int none = -1;

		(void)none;
		assert_true(owned >= 0);
		assert_int_equal(count_fds(), before + 1);
	}
	assert_int_equal(count_fds(), before);
	{
		_cleanup_close_ int owned = open("/dev/null", O_RDONLY | O_CLOEXEC);

		fd = steal_fd(&owned);
		assert_int_equal(owned, -1);
	}
	assert_int_equal(close(fd), 0);
}

/* FNV-1a's own test vectors, with the NUL; and the NULs keep texts apart. */
static void test_hash(void **state)
{
	uint64_t ab = sbx_hash(sbx_hash(SBX_HASH_START, "a"), "b");

	(void)state;
	assert_true(sbx_hash(SBX_HASH_START, "") == UINT64_C(0xaf63bd4c8601b7df));
	assert_true(sbx_hash(SBX_HASH_START, "a") == UINT64_C(0x089be207b544f1e4));
	assert_true(sbx_hash(SBX_HASH_START, "foobar") == UINT64_C(0x34531ca7168b8f38));
	assert_true(ab != sbx_hash(SBX_HASH_START, "ab"));
	assert_true(ab != sbx_hash(sbx_hash(SBX_HASH_START, "ab"), ""));
}

static void test_now(void **state)
{
	long long before = sbx_now_ms(), passed;
	struct timespec now;

	(void)state;
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	assert_in_range(before, (now.tv_sec - 5) * 1000LL, (now.tv_sec + 1) * 1000LL);
	(void)usleep(30000);
	passed = sbx_now_ms() - before;
	assert_true(passed >= 29);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strv),         cmocka_unit_test(test_strv_failed),
		cmocka_unit_test(test_read_all),     cmocka_unit_test(test_bad_descriptor),
		cmocka_unit_test(test_short_writes), cmocka_unit_test(test_ownership),
		cmocka_unit_test(test_hash),         cmocka_unit_test(test_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
