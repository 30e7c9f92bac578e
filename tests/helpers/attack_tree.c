/*
 * attack_tree MODE COUNT NAME: processes that are hard to find and to kill, each called NAME.
 *
 *   bomb     fork without end, in every process, as far as RLIMIT_NPROC, set to COUNT, lets
 *   chain    COUNT processes at a time, each living only until it has forked its successor
 *   orphans  COUNT processes that only make orphans that end at once, for a parent to reap
 *   quiet    COUNT processes that fork once more whenever another one was killed, else sleep
 *   siblings as quiet, but as children of our parent's parent (CLONE_PARENT): the supervisor
 *
 * All ignore what can be ignored, sit in sessions of their own and hold no descriptors. For use
 * inside a sandbox.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void hide(const char *name)
{
	for (int number = 1; number < NSIG; number++)
		(void)signal(number, number == SIGCHLD ? SIG_DFL : SIG_IGN);
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
	(void)close_range(0, ~0U, 0);
	(void)setsid();
}

static _Noreturn void bomb(void)
{
	for (;;) {
		pid_t pid = fork();

		if (pid == 0)
			(void)setsid();
		else if (pid < 0)
			(void)usleep(20000); /* the machine is to live */
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
	}
}

static _Noreturn void chain(void)
{
	for (;;) {
		pid_t pid = fork();

		if (pid > 0)
			_exit(0);
		if (pid == 0)
			(void)setsid();
	}
}

static _Noreturn void orphans(void)
{
	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			if (fork() >= 0)
				_exit(0);
			_exit(1);
		}
		if (pid > 0)
			(void)waitpid(pid, NULL, 0);
	}
}

static _Noreturn void quiet(void)
{
	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			(void)setsid();
			for (;;)
				(void)pause();
		}
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
}

static void siblings(void)
{
	for (int more = 0; more < 8; more++)
		if (syscall(SYS_clone, CLONE_PARENT, NULL, NULL, NULL, NULL) == 0)
			quiet();
	quiet();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = { { "bomb", bomb },
		      { "chain", chain },
		      { "orphans", orphans },
		      { "quiet", quiet },
		      { "siblings", siblings } };
	long count = argc == 4 ? atol(argv[2]) : 0;

	for (size_t i = 0; count > 0 && i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct rlimit processes = { (rlim_t)count, (rlim_t)count };

		if (strcmp(argv[1], modes[i].name) != 0)
			continue;
		if (i == 0) {
			(void)setrlimit(RLIMIT_NPROC, &processes);
			count = 1;
		}
		while (count-- > 0)
			if (fork() == 0) {
				hide(argv[3]);
				modes[i].run();
			}
		return 0;
	}
	(void)fputs("usage: attack_tree MODE COUNT NAME\n", stderr);
	return 2;
}
