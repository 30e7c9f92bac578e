/*
 * The count of sessions: it counts those whose process lives, and nothing else.
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
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "safe_folder.h"
#include "session_count.h"

#define ACCOUNT 4242

static char base[200];

static int make_base(void **state)
{
	(void)state;
	return make_safe_folder(base, sizeof(base)) ? 0 : -1;
}

static int remove_base(void **state)
{
	(void)state;
	remove_folder(base);
	return 0;
}

static int live(void)
{
	struct sbx_session_count count = SBX_SESSION_COUNT_INIT;
	int n;

	assert_int_equal(sbx_session_count_open(base, ACCOUNT, &count, NULL), 0);
	n = sbx_session_count_live(&count, NULL);
	sbx_session_count_done(&count);
	return n;
}

static void test_add_remove(void **state)
{
	struct sbx_session_count count = SBX_SESSION_COUNT_INIT;
	char first[SBX_SESSION_NAME_MAX], second[SBX_SESSION_NAME_MAX];

	(void)state;
	assert_int_equal(live(), 0);
	assert_false(sbx_session_count_has_self(base, ACCOUNT));
	assert_int_equal(sbx_session_count_open(base, ACCOUNT, &count, NULL), 0);
	assert_int_equal(sbx_session_count_add(&count, first, NULL), 0);
	assert_int_equal(sbx_session_count_add(&count, second, NULL), 0);
	assert_string_not_equal(first, second);
	assert_int_equal(sbx_session_count_live(&count, NULL), 2);
	assert_true(sbx_session_count_has_self(base, ACCOUNT));
	assert_false(sbx_session_count_has_self(base, ACCOUNT + 1));
	assert_int_equal(sbx_session_count_remove(&count, first), 0);
	assert_int_equal(sbx_session_count_remove(&count, first), 0);
	assert_int_equal(sbx_session_count_live(&count, NULL), 1);
	assert_true(sbx_session_count_has_self(base, ACCOUNT));
	assert_int_equal(sbx_session_count_remove(&count, second), 0);
	assert_false(sbx_session_count_has_self(base, ACCOUNT));
	sbx_session_count_done(&count);
	assert_int_equal(live(), 0);
}

/* Run a child that adds itself, then waits; *pipe_end is closed to end it. */
static pid_t add_child(int *pipe_end)
{
	int ready[2], go[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct sbx_session_count count = SBX_SESSION_COUNT_INIT;
		char name[SBX_SESSION_NAME_MAX];

		(void)close(go[1]);
		/* A name that would end the field of /proc/PID/stat early. */
		(void)prctl(PR_SET_NAME, ") R 1 1 1 (");
		if (sbx_session_count_open(base, ACCOUNT, &count, NULL) < 0 ||
		    sbx_session_count_add(&count, name, NULL) < 0)
			_exit(1);
		sbx_session_count_done(&count);
		if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) < 0)
			_exit(1);
		_exit(0);
	}
	(void)close(ready[1]);
	(void)close(go[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	*pipe_end = go[1];
	return pid;
}

static void test_dead_ones(void **state)
{
	int ends[3];
	pid_t pids[3];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		pids[i] = add_child(&ends[i]);
	assert_int_equal(live(), 3);
	assert_false(sbx_session_count_has_self(base, ACCOUNT));
	/* Killed, not waited for: a zombie holds no session. */
	assert_int_equal(kill(pids[0], SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pids[0], &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	assert_int_equal(live(), 2);
	assert_int_equal(waitpid(pids[0], NULL, 0), pids[0]);
	/* Later children hold earlier ones' ends too. */
	for (size_t i = 0; i < 3; i++)
		(void)close(ends[i]);
	for (size_t i = 1; i < 3; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(live(), 0);
}

static void test_descendants(void **state)
{
	struct sbx_session_count count = SBX_SESSION_COUNT_INIT;
	char name[SBX_SESSION_NAME_MAX];
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(sbx_session_count_open(base, ACCOUNT, &count, NULL), 0);
	assert_int_equal(sbx_session_count_add(&count, name, NULL), 0);
	sbx_session_count_done(&count);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			_exit(sbx_session_count_has_self(base, ACCOUNT) ? 0 : 1);
		_exit(waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Names that look nearly like sessions, and one of a process that took a dead one's number. */
static void test_other_files(void **state)
{
	static const char *const names[] = { "runtime", "1-2",     "1-2-",           "-1-2-3",
					     "1-2-3x",  "01-2-3",  "1- 2-3",         "+1-2-3",
					     "0-0-0",   "1-2-3-4", "99999999999-1-0" };
	char folder[220], stale[64];

	(void)state;
	assert_int_equal(live(), 0);
	(void)snprintf(folder, sizeof(folder), "%s/%d", base, ACCOUNT);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(write_file(folder, names[i], "", 0644));
	(void)snprintf(stale, sizeof(stale), "%d-1-0", getpid());
	assert_true(write_file(folder, stale, "", 0644));
	assert_int_equal(live(), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[300];

		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		if (access(path, F_OK) < 0)
			fail_msg("%s was removed", names[i]);
	}
	assert_false(sbx_session_count_has_self(base, ACCOUNT));
}

static void test_unsafe_folder(void **state)
{
	struct sbx_session_count count = SBX_SESSION_COUNT_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	char folder[220];

	(void)state;
	(void)snprintf(folder, sizeof(folder), "%s/%d", base, ACCOUNT);
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(chmod(folder, 0777), 0);
	assert_int_equal(sbx_session_count_open(base, ACCOUNT, &count, &err), -EPERM);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(symlink("/tmp", folder), 0);
	assert_true(sbx_session_count_open(base, ACCOUNT, &count, &err) < 0);
	assert_int_equal(count.folder, -1);
	assert_int_equal(unlink(folder), 0);
	/* The umask is the caller's, and decides nothing. */
	(void)umask(0);
	assert_int_equal(sbx_session_count_open(base, ACCOUNT, &count, &err), 0);
	sbx_session_count_done(&count);
	(void)umask(022);
	assert_int_equal(live(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_add_remove, make_base, remove_base),
		cmocka_unit_test_setup_teardown(test_dead_ones, make_base, remove_base),
		cmocka_unit_test_setup_teardown(test_descendants, make_base, remove_base),
		cmocka_unit_test_setup_teardown(test_other_files, make_base, remove_base),
		cmocka_unit_test_setup_teardown(test_unsafe_folder, make_base, remove_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
