/*
 * attack_signal all PID             every signal, in every way there is, with every forged sender
 * the kernel lets through attack_signal flood PID SECONDS   as many as fit into some seconds, from
 * four processes attack_signal exhaust PID         use up our uid's queue of pending signals, then
 * as "all": a sender's data may get lost
 *
 * For use inside a sandbox against its PID 1.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void forge(pid_t pid, int number, int code, pid_t sender, uid_t uid)
{
	siginfo_t info = { 0 };
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	info.si_signo = number;
	info.si_code = code;
	info.si_pid = sender;
	info.si_uid = uid;
	(void)syscall(SYS_rt_sigqueueinfo, pid, number, &info);
	(void)syscall(SYS_rt_tgsigqueueinfo, pid, pid, number, &info);
	if (pidfd >= 0) {
		(void)syscall(SYS_pidfd_send_signal, pidfd, number, &info, 0);
		(void)syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0);
		(void)close(pidfd);
	}
}

static void send_all(pid_t pid)
{
	static const int codes[] = { SI_USER,    SI_QUEUE, SI_TIMER,  SI_MESGQ,
				     SI_ASYNCIO, SI_TKILL, SI_KERNEL, -100 };

	for (int number = 1; number < NSIG; number++) {
		(void)kill(pid, number);
		(void)syscall(SYS_tkill, pid, number);
		(void)syscall(SYS_tgkill, pid, pid, number);
		for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
			forge(pid, number, codes[i], 0, getuid());
			forge(pid, number, codes[i], 0, 0);
			forge(pid, number, codes[i], 1, getuid());
		}
	}
}

static void flood(pid_t pid, int seconds)
{
	static const int numbers[] = { SIGTERM, SIGCHLD, SIGTERM, SIGCHLD };
	time_t end = time(NULL) + seconds;

	for (int i = 0; i < 4; i++) {
		if (fork() != 0)
			continue;
		while (time(NULL) < end)
			for (int again = 0; again < 10000; again++)
				(void)kill(pid, numbers[i]);
		_exit(0);
	}
	while (wait(NULL) > 0)
		continue;
}

/* They pend at a process of ours that blocks them, until the limit refuses one more. */
static void exhaust(pid_t pid)
{
	union sigval value = { 0 };
	sigset_t all;
	long queued = 0;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	while (sigqueue(getpid(), SIGRTMIN, value) == 0)
		queued++;
	(void)printf("%ld queued: %s\n", queued, strerror(errno));
	(void)fflush(stdout);
	send_all(pid);
}

int main(int argc, char **argv)
{
	pid_t pid = argc > 2 ? (pid_t)atol(argv[2]) : 0;

	if (argc == 3 && strcmp(argv[1], "all") == 0)
		send_all(pid);
	else if (argc == 4 && strcmp(argv[1], "flood") == 0)
		flood(pid, atoi(argv[3]));
	else if (argc == 3 && strcmp(argv[1], "exhaust") == 0)
		exhaust(pid);
	else
		return 2;
	return 0;
}
