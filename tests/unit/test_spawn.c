/*
 * Running a helper: its end, its words, what it gets of ours (nothing), and what may hold us up
 * (nothing).
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "count_fds.h"
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

/* Run it to its end; the exit status. */
static int run(const struct sbx_spawn *spawn, struct sbx_process *process)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int before = count_fds(), status;

	if (sbx_process_start(spawn, process, &err) < 0)
		fail_msg("%s", err.message);
	status = sbx_process_wait(process, spawn->progress);
	assert_int_equal(count_fds(), before);
	assert_int_equal(process->pid, 0);
	return status;
}

static void test_exit_codes(void **state)
{
	const struct {
		char *const *argv;
		int status;
	} cases[] = {
		{ SCRIPT("exit 0"), 0 },
		{ SCRIPT("exit 7"), 7 },
		{ SCRIPT("exit 255"), 255 },
		{ SCRIPT("kill -9 $$"), 137 },
		{ SCRIPT("kill -TERM $$"), 143 },
		{ (char *const[]){ (char[]){ "/nowhere/at/all" }, NULL }, 127 },
		{ (char *const[]){ (char[]){ "/etc/passwd" }, NULL }, 126 },
		{ (char *const[]){ (char[]){ "/usr" }, NULL }, 126 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct sbx_spawn spawn = script(cases[i].argv);
		struct sbx_process process;

		assert_int_equal(run(&spawn, &process), cases[i].status);
	}
}

static void test_output(void **state)
{
	const struct sbx_spawn spawn = script(SCRIPT("echo out; echo err >&2; echo more"));
	struct sbx_process process;

	(void)state;
	assert_int_equal(run(&spawn, &process), 0);
	assert_string_equal(process.out_text, "out\nmore\n");
	assert_int_equal(process.out_length, 9);
	assert_string_equal(process.err_text, "err\n");
	assert_int_equal(process.err_length, 4);
}

/*
 * Much more than is kept: the beginning of stdout, the end of stderr, and the helper isn't held up.
 */
static void test_big_output(void **state)
{
	const struct sbx_spawn spawn = script(SCRIPT("seq 1 60000 >&2; seq 1 60000"));
	static char numbers[400000];
	struct sbx_process process;
	size_t length = 0;

	(void)state;
	for (int i = 1; i <= 60000; i++)
		length += (size_t)snprintf(numbers + length, sizeof(numbers) - length, "%d\n", i);
	assert_int_equal(run(&spawn, &process), 0);
	assert_int_equal(process.out_length, SBX_SPAWN_CAPTURE_MAX - 1);
	assert_int_equal(strlen(process.out_text), process.out_length);
	assert_memory_equal(process.out_text, numbers, process.out_length);
	assert_int_equal(process.err_length, SBX_SPAWN_CAPTURE_MAX - 1);
	assert_string_equal(process.err_text, numbers + length - process.err_length);
}

/* What it says comes to progress as well, as it comes. */
static void test_progress(void **state)
{
	_cleanup_close_ int progress = memfd_create("progress", MFD_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	struct sbx_spawn spawn = script(SCRIPT("echo one >&2; sleep 0.1; echo two >&2; echo out"));
	struct sbx_process process;

	(void)state;
	spawn.progress = progress;
	assert_int_equal(run(&spawn, &process), 0);
	assert_string_equal(process.err_text, "one\ntwo\n");
	assert_int_equal(lseek(progress, 0, SEEK_SET), 0);
	assert_int_equal(sbx_read_all(progress, 1000, &text, NULL), 0);
	assert_string_equal(text, "one\ntwo\n");
}

static void test_given_descriptors(void **state)
{
	_cleanup_close_ int in = memfd_create("in", MFD_CLOEXEC),
			    out = memfd_create("out", MFD_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	struct sbx_spawn spawn = script(SCRIPT("cat; echo end"));
	struct sbx_process process;

	(void)state;
	assert_int_equal(sbx_write_all(in, "input\n", 6), 0);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	spawn.in = in;
	spawn.out = out;
	assert_int_equal(run(&spawn, &process), 0);
	assert_int_equal(process.out_length, 0);
	assert_int_equal(lseek(out, 0, SEEK_SET), 0);
	assert_int_equal(sbx_read_all(out, 1000, &text, NULL), 0);
	assert_string_equal(text, "input\nend\n");
	/* The caller's own are still open. */
	assert_int_equal(fcntl(in, F_GETFD), FD_CLOEXEC);
}

/* What a helper ignores, less 32 and 33, which the C library keeps for itself (nptl(7)). */
static unsigned long long ignored_signals(void)
{
	static const char *const argv[] = { "/bin/grep", "^SigIgn:", "/proc/self/status", NULL };
	const struct sbx_spawn spawn = script((char *const *)(uintptr_t)argv);
	struct sbx_process process;

	assert_int_equal(run(&spawn, &process), 0);
	return strtoull(process.out_text + strlen("SigIgn:"), NULL, 16) & ~0x180000000ull;
}

/* The environment it was given, descriptors 0-2, an empty stdin, no signal blocked or ignored. */
static void test_gets_nothing_of_ours(void **state)
{
	static const struct {
		const char *argv[4];
		const char *out;
	} cases[] = {
		{ { "/usr/bin/env" }, "PATH=/usr/bin:/bin\nONLY=this\n" },
		{ { "/bin/ls", "/proc/self/fd" },
		  "0\n1\n2\n3\n" }, /* 3 is its own, of the folder */
		{ { "/bin/readlink", "/proc/self/fd/0" }, "/dev/null\n" },
		{ { "/bin/grep", "^SigBlk:", "/proc/self/status" }, "SigBlk:\t0000000000000000\n" },
	};
	_cleanup_close_ int inherited =
		open("/dev/null", O_RDONLY); /* without O_CLOEXEC, on purpose */
	sigset_t some, before;

	(void)state;
	assert_true(inherited >= 0);
	assert_int_equal(setenv("SECRET", "1", 1), 0);
	(void)sigemptyset(&some);
	(void)sigaddset(&some, SIGHUP);
	(void)sigaddset(&some, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &some, &before);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGUSR1, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct sbx_spawn spawn = script((char *const *)(uintptr_t)cases[i].argv);
		struct sbx_process process;

		assert_int_equal(run(&spawn, &process), 0);
		assert_string_equal(process.out_text, cases[i].out);
	}
	assert_int_equal(ignored_signals(), 0);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGUSR1, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

static void test_keep_stdio(void **state)
{
	_cleanup_close_ int out = memfd_create("out", MFD_CLOEXEC);
	_cleanup_close_ int saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	struct sbx_spawn spawn = script(SCRIPT("echo said"));
	_cleanup_free_ char *text = NULL;
	struct sbx_process process;

	(void)state;
	spawn.keep_stdio = true;
	(void)fflush(stdout);
	assert_int_equal(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
	assert_int_equal(run(&spawn, &process), 0);
	assert_int_equal(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
	assert_int_equal(process.out_length, 0);
	assert_int_equal(lseek(out, 0, SEEK_SET), 0);
	assert_int_equal(sbx_read_all(out, 1000, &text, NULL), 0);
	assert_string_equal(text, "said\n");
}

/* A grandchild keeps both pipes open, and is left alone: the helper has ended. */
static void test_grandchild_holds_nothing_up(void **state)
{
	const struct sbx_spawn spawn = script(SCRIPT("sleep 1000 & echo $!; exit 3"));
	struct sbx_process process;
	long long began = sbx_now_ms();
	pid_t left;

	(void)state;
	assert_int_equal(run(&spawn, &process), 3);
	assert_true(sbx_now_ms() - began < 20000);
	left = (pid_t)strtol(process.out_text, NULL, 10);
	assert_true(left > 1);
	assert_int_equal(kill(left, SIGKILL), 0);
}

/* Even one that writes faster than anybody reads. */
static void test_grandchild_writes_for_ever(void **state)
{
	const struct sbx_spawn spawn = script(SCRIPT(
		"cat /dev/zero & cat /dev/zero & cat /dev/zero >&2 & cat /dev/zero >&2 & exit 5"));
	struct sbx_process process;

	(void)state;
	assert_int_equal(run(&spawn, &process), 5);
}

/* One look takes a pipe's worth at most, also from what never runs dry. */
static void test_collect_is_bounded(void **state)
{
	_cleanup_close_ int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	struct sbx_process process = { .out = zero, .err = zero };

	(void)state;
	(void)alarm(60);
	sbx_process_collect(&process, -1);
	(void)alarm(0);
	assert_int_equal(process.out_length, SBX_SPAWN_CAPTURE_MAX - 1);
	assert_int_equal(process.err_length, SBX_SPAWN_CAPTURE_MAX - 1);
}

/* Without descriptors or processes to spare there's an error, and nothing is left open. */
static void test_fails_cleanly(void **state)
{
	const struct sbx_spawn spawn = script(SCRIPT("exit 0"));
	struct rlimit usual, few;
	int before = count_fds(), failures = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	for (rlim_t extra = 0;; extra++) {
		_cleanup_close_ int next = fcntl(0, F_DUPFD_CLOEXEC, 0);
		struct sbx_error err = SBX_ERROR_INIT;
		struct sbx_process process;
		int r;

		few = usual;
		few.rlim_cur = (rlim_t)next + extra;
		(void)close(steal_fd(&next));
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		r = sbx_process_start(&spawn, &process, &err);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
		if (r == 0) {
			assert_int_equal(sbx_process_wait(&process, -1), 0);
			break;
		}
		failures++;
		assert_int_equal(r, -EMFILE);
		assert_memory_equal(err.message, "/bin/sh: ", 9);
		assert_int_equal(count_fds(), before);
	}
	/* /dev/null, two pipes, a pidfd: each but the last two alone. */
	assert_in_range(failures, 3, 8);
	assert_int_equal(count_fds(), before);
}

/*
 * It closes its pipes and goes on: that's waited for, without spinning (a second of sleep, not of
 * CPU).
 */
static void test_silent_helper(void **state)
{
	const struct sbx_spawn spawn = script(SCRIPT("exec >/dev/null 2>&1; sleep 1; exit 4"));
	struct timespec used[2];
	struct sbx_process process;

	(void)state;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used[0]);
	assert_int_equal(run(&spawn, &process), 4);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used[1]);
	assert_true((used[1].tv_sec - used[0].tv_sec) * 1000 +
			    (used[1].tv_nsec - used[0].tv_nsec) / 1000000 <
		    100);
}

static void test_collect_and_kill(void **state)
{
	const struct sbx_spawn spawn = script(SCRIPT("echo one; exec sleep 1000"));
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_process process;
	int before = count_fds();
	pid_t pid;

	(void)state;
	assert_int_equal(sbx_process_start(&spawn, &process, &err), 0);
	pid = process.pid;
	for (int i = 0; i < 1000 && process.out_length < 4; i++) {
		sbx_process_collect(&process, -1);
		(void)usleep(10000);
	}
	assert_string_equal(process.out_text, "one\n");
	assert_int_equal(kill(pid, 0), 0);
	sbx_process_kill(&process);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(count_fds(), before);
	sbx_process_kill(&process); /* again is fine */
}

/* In a process of its own: starts a helper, tells its pid, and is killed. */
static _Noreturn void start_and_die(int tell)
{
	const struct sbx_spawn spawn = script(SCRIPT("echo here; exec sleep 1000"));
	struct sbx_process process;

	if (sbx_process_start(&spawn, &process, NULL) < 0 ||
	    sbx_write_all(tell, &process.pid, sizeof(process.pid)) < 0)
		_exit(1);
	for (; process.out_length == 0; (void)usleep(1000))
		sbx_process_collect(&process, -1);
	(void)kill(getpid(), SIGKILL);
	_exit(1);
}

static void test_dies_with_us(void **state)
{
	int ends[2], status = 0;
	pid_t parent, helper = 0;

	(void)state;
	/* Whoever loses its parent becomes our child, so that we see how it ended. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	parent = fork();
	if (parent == 0)
		start_and_die(ends[1]);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(read(ends[0], &helper, sizeof(helper)), sizeof(helper));
	assert_int_equal(waitpid(helper, &status, 0), helper);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	(void)close(ends[0]);
	(void)close(ends[1]);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit_codes),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_big_output),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_given_descriptors),
		cmocka_unit_test(test_gets_nothing_of_ours),
		cmocka_unit_test(test_keep_stdio),
		cmocka_unit_test(test_grandchild_holds_nothing_up),
		cmocka_unit_test(test_grandchild_writes_for_ever),
		cmocka_unit_test(test_collect_is_bounded),
		cmocka_unit_test(test_fails_cleanly),
		cmocka_unit_test(test_silent_helper),
		cmocka_unit_test(test_collect_and_kill),
		cmocka_unit_test(test_dies_with_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
