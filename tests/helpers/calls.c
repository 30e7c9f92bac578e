/*
 * calls [CALL...]: makes each system call, in a process of its own, and prints "CALL: " with what it was answered:
 * "ok", the name of an error, or "killed by N". CALL is a name, with arguments behind spaces ("socket 38 1 0",
 * zero where there are none), or one of
 *
 *   i386    getpid by the entry for programs of 32 bits      x32   getpid by x32's number
 *
 * For use inside a sandbox. One that waits for something is ended after a second.
 */
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define X32_BIT 0x40000000
#define I386_GETPID 20
#define ARGS 6

#ifdef __x86_64__
static long call_i386(void)
{
	long result = I386_GETPID;

	__asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
	if (result >= 0)
		return result;
	errno = (int)-result;
	return -1;
}
#endif

static long make_call(char *text)
{
	unsigned long args[ARGS] = { 0 };
	const char *name = strtok(text, " ");
	int number;

	for (size_t i = 0; i < ARGS; i++) {
		const char *word = strtok(NULL, " ");

		if (!word)
			break;
		args[i] = strtoul(word, NULL, 0);
	}
#ifdef __x86_64__
	if (strcmp(name, "i386") == 0)
		return call_i386();
	if (strcmp(name, "x32") == 0)
		return syscall(X32_BIT | SYS_getpid);
#endif
	number = seccomp_syscall_resolve_name(name);
	if (number < 0) {
		(void)fprintf(stderr, "calls: %s: no system call here\n", name);
		_exit(2);
	}
	return syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

static int report(char *text)
{
	int status;
	pid_t pid;

	(void)printf("%s: ", text);
	(void)fflush(stdout);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		(void)alarm(1);
		(void)puts(make_call(text) >= 0 ? "ok" : strerrorname_np(errno));
		(void)fflush(stdout);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	if (WIFSIGNALED(status))
		(void)printf("killed by %d\n", WTERMSIG(status));
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (report(argv[i]) < 0) {
			perror("calls");
			return EXIT_FAILURE;
		}
	return EXIT_SUCCESS;
}
