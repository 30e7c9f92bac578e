/*
 * pam_sandbox.so: what a session is given, and that it goes with the last one.
 */
#include "test_pam_host.h"

#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define KILLS 500

static void test_one(void **state)
{
	const struct rlimit lowered = { 1024, 4096 };
	struct rlimit before, during;
	bool may_raise;
	pam_handle_t *pamh;

	(void)state;
	policy(limited);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	log_in_and_out(true);
	log_in_and_out(true);
	/*
	 * The hard limit is the policy's while it lasts, where root may raise it; the soft one is
	 * nobody's business.
	 */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &lowered), 0);
	may_raise = setrlimit(RLIMIT_NOFILE, &before) == 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &lowered), 0);
	pamh = start(ACCOUNT, "2001:db8::1");
	assert_session(pam_open_session(pamh, 0));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &during), 0);
	assert_int_equal(during.rlim_cur, lowered.rlim_cur);
	assert_int_equal(during.rlim_max, may_raise ? 5000 + 1024 : lowered.rlim_max);
	assert_session(pam_close_session(pamh, 0));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &during), 0);
	assert_int_equal(during.rlim_max, lowered.rlim_max);
	end(pamh, PAM_SUCCESS);
}

static void test_overlapping(void **state)
{
	pam_handle_t *handles[4];
	char file[128];

	(void)state;
	policy(limited);
	for (size_t i = 0; i < 4; i++) {
		handles[i] = start(ACCOUNT, "192.0.2.7");
		assert_int_equal(pam_acct_mgmt(handles[i], 0),
				 i < 3 ? PAM_SUCCESS : PAM_PERM_DENIED);
		assert_int_equal(pam_open_session(handles[i], 0),
				 i < 3 ? PAM_SUCCESS : PAM_PERM_DENIED);
	}
	assert_string_equal(said,
			    "sandbox-shell: limits.sessions: this account is at its limit of 3 "
			    "sessions: end one first");
	assert_int_equal(live_sessions(), 3);
	(void)snprintf(file, sizeof(file), "%s/file", runtime);
	write_text(file, "");
	/* In the order in which they were opened: what the first one made is there for the last. */
	for (size_t i = 0; i < 3; i++) {
		assert_true(exists(file));
		assert_session(pam_close_session(handles[i], 0));
		end(handles[i], PAM_SUCCESS);
	}
	end(handles[3], PAM_PERM_DENIED);
	assert_closed();
}

/* A second session on one handle is refused and leaves the first as it was. */
static void test_opened_twice(void **state)
{
	pam_handle_t *pamh = start(ACCOUNT, "192.0.2.7");

	(void)state;
	policy(limited);
	assert_session(pam_open_session(pamh, 0));
	assert_int_equal(pam_open_session(pamh, 0), PAM_SESSION_ERR);
	assert_string_equal(said, "sandbox-shell: session: is open already");
	assert_opened();
	assert_int_equal(live_sessions(), 1);
	/* What libpam says now is about the open that failed. */
	(void)pam_close_session(pamh, 0);
	assert_closed();
	(void)pam_close_session(pamh, 0);
	end(pamh, PAM_SUCCESS);
}

/*
 * A process of the account that has nothing to do with the session any more, in the group of this
 * name beside or at the place of the logins. Its pidfd is *ret_pidfd.
 */
static pid_t leave_process(const char *group, int *ret_pidfd)
{
	int ready[2], status;
	char path[128];
	pid_t pid;

	(void)snprintf(path, sizeof(path), GROUP "/%s", group);
	(void)mkdir(path, 0755);
	(void)snprintf(path, sizeof(path), GROUP "/%s/cgroup.procs", group);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (fork() != 0)
			_exit(0);
		write_text(path, "0");
		if (setsid() < 0 || setgid(account.pw_gid) < 0 || setuid(account.pw_uid) < 0)
			_exit(1);
		pid = getpid();
		if (write(ready[1], &pid, sizeof(pid)) != sizeof(pid))
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(read(ready[0], &pid, sizeof(pid)), sizeof(pid));
	(void)close(ready[0]);
	*ret_pidfd = pidfd_open(pid, 0);
	assert_true(*ret_pidfd >= 0);
	return pid;
}

static bool has_ended(int pidfd, int milliseconds)
{
	struct pollfd polled = { .fd = pidfd, .events = POLLIN };

	return poll(&polled, 1, milliseconds) == 1;
}

/*
 * A sandbox keeps what it needs, its helpers among the logins included; without one the last
 * session takes it all.
 */
static void test_left_running(void **state)
{
	pam_handle_t *pamh = start(ACCOUNT, "192.0.2.7");
	int sandbox_fd, helper_fd;
	pid_t sandbox;

	(void)state;
	policy(limited);
	assert_session(pam_open_session(pamh, 0));
	sandbox = leave_process("libpod-x", &sandbox_fd);
	(void)leave_process("login", &helper_fd);
	assert_session(pam_close_session(pamh, 0));
	end(pamh, PAM_SUCCESS);
	assert_int_equal(live_sessions(), 0);
	assert_true(exists(runtime));
	assert_true(exists(GROUP));
	assert_group("/system");
	assert_false(has_ended(helper_fd, 100));
	assert_int_equal(kill(sandbox, SIGKILL), 0);
	assert_true(has_ended(sandbox_fd, 10000));
	(void)close(sandbox_fd);
	log_in_and_out(true);
	assert_true(has_ended(helper_fd, 0));
	(void)close(helper_fd);
}

/* A process that dies in its session, as sshd does when it's killed, doesn't count any more. */
static void test_killed(void **state)
{
	pam_handle_t *pamh;
	int status;
	pid_t pid;

	(void)state;
	policy(limited);
	for (int i = 0; i < 5; i++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			pamh = start(ACCOUNT, "192.0.2.7");
			if (pam_acct_mgmt(pamh, 0) == PAM_SUCCESS &&
			    pam_open_session(pamh, 0) == PAM_SUCCESS)
				(void)raise(SIGKILL);
			_exit(1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		assert_int_equal(live_sessions(), 1);
		assert_true(exists(runtime));
	}
	log_in_and_out(true);
}

/* Killed at any moment, in the midst of opening or closing: the next one puts it right. */
static void test_killed_anywhere(void **state)
{
	struct timespec pause = { 0 };
	int status;
	pid_t pid;

	(void)state;
	policy("{\"version\":1}");
	for (int i = 0; i < KILLS; i++) {
		pid = fork();
		assert_true(pid >= 0);
		while (pid == 0) {
			pam_handle_t *pamh = start(ACCOUNT, NULL);

			if (pam_open_session(pamh, 0) != PAM_SUCCESS ||
			    pam_close_session(pamh, 0) != PAM_SUCCESS)
				_exit(1);
			end(pamh, PAM_SUCCESS);
		}
		pause.tv_nsec = random() % 5000000;
		(void)nanosleep(&pause, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
	}
	log_in_and_out(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),          cmocka_unit_test(test_overlapping),
		cmocka_unit_test(test_opened_twice), cmocka_unit_test(test_left_running),
		cmocka_unit_test(test_killed),       cmocka_unit_test(test_killed_anywhere),
	};

	return RUN_ON_HOST(tests);
}
