/*
 * pam_sandbox.so: sessions opened and closed, ten thousand times, and what is left of them.
 */
#include "test_pam_host.h"

#include <malloc.h>

#define PAIRS 10000
#define REFUSALS 2000

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static size_t count_entries(const char *path)
{
	DIR *dir = opendir(path);
	size_t count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		(void)closedir(dir);
	return count;
}

static long read_rss(void)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	const char *line;

	assert_int_equal(sbx_read_all(fd, 16384, &text, NULL), 0);
	line = strstr(text, "\nVmRSS:");
	return line ? strtol(line + 7, NULL, 10) : 0;
}

struct footprint {
	size_t descriptors, mounts, heap;
	long rss;
};

static struct footprint measure(void)
{
	struct footprint now = {
		.descriptors = count_entries("/proc/self/fd"),
		.heap = SANITIZED ? 0 : mallinfo2().uordblks,
		.rss = SANITIZED ? 0 : read_rss(),
	};
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

	assert_int_equal(sbx_read_all(fd, 1024 * 1024, &text, NULL), 0);
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		now.mounts++;
	return now;
}

static void assert_same(const struct footprint *before)
{
	struct footprint after = measure();

	assert_int_equal(after.descriptors, before->descriptors);
	assert_int_equal(after.mounts, before->mounts);
	/*
	 * The allocator's own caches vary by some kB; the smallest leak of a pair would come to
	 * 24 bytes.
	 */
	if (after.heap > before->heap + (size_t)16 * 1024)
		fail_msg("heap grew from %zu to %zu", before->heap, after.heap);
	if (after.rss > before->rss + 512)
		fail_msg("memory grew from %ld to %ld kB", before->rss, after.rss);
	assert_closed();
}

static void test_many(void **state)
{
	struct footprint before;

	(void)state;
	policy(limited);
	for (int i = 0; i < 100; i++)
		log_in_and_out(false);
	before = measure();
	for (int i = 0; i < PAIRS / 2; i++)
		log_in_and_out(false);
	assert_same(&before);
}

static void test_many_on_one_handle(void **state)
{
	pam_handle_t *pamh = start(ACCOUNT, "192.0.2.7");
	struct footprint before = { 0 };
	char line[2048];

	(void)state;
	policy(limited);
	for (int i = 0; i < PAIRS / 2 + 100; i++) {
		(void)logged(line, sizeof(line));
		if (i == 100)
			before = measure();
		assert_session(pam_open_session(pamh, 0));
		assert_session(pam_close_session(pamh, 0));
	}
	assert_same(&before);
	end(pamh, PAM_SUCCESS);
}

static void test_many_refused(void **state)
{
	struct footprint before = { 0 };

	(void)state;
	for (int i = 0; i < REFUSALS + 20; i++) {
		if (i == 20)
			before = measure();
		policy(i % 2 ? limited : "{\"version\":1,\"limits\":{\"memory\":1}}");
		refuse(ACCOUNT, "198.51.100.7", PAM_PERM_DENIED,
		       i % 2 ? "access.from" : "limits.memory");
	}
	assert_same(&before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_many_on_one_handle),
		cmocka_unit_test(test_many_refused),
	};

	return RUN_ON_HOST(tests);
}
