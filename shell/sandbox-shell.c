/*
 * sandbox-shell: what /etc/passwd or ForceCommand names. It does one thing: it keeps the client's
 * environment away from everything of ours that runs on the host, and becomes sandbox-session.
 *
 * sshd hands a login shell what AcceptEnv let in, and a dynamic loader obeys LD_PRELOAD and its kin
 * before main is reached; the account's own files, which the agent writes, would do as the library.
 * So this program has no loader, and gives sandbox-session an environment without a single name
 * that anything knows: each variable is renamed, for sandbox-session to choose from by the policy's
 * env.pass.
 *
 * It has no C library either. Every login pays for it, and a C library spends 0.5 ms on finding out
 * about the processor before main wherever a hypervisor traps CPUID, which is more than all else
 * that is done here. Four system calls by hand are what it takes (syscall(2)); nothing here may
 * need more of the library than the compiler's own headers.
 */
#include <asm/unistd.h>
#include <linux/mman.h>
#include <stddef.h>

#include "environment.h"
#include "paths.h"

#define FAILURE 125
#define STDERR 2

static long system_call(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
#else
#error "say here how this processor makes a system call, and below how it starts a program"
#endif
}

static size_t length_of(const char *string)
{
	size_t length = 0;

	while (string[length])
		length++;
	return length;
}

static char *copy(char *to, const char *from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		to[i] = from[i];
	return to + length;
}

static _Noreturn void fail(void)
{
	static const char message[] =
		"sandbox-shell: " SBX_SESSION_PATH ": can't be run: install sandbox-shell again\n";

	(void)system_call(__NR_write, STDERR, (long)message, sizeof(message) - 1, 0, 0, 0);
	for (;;)
		(void)system_call(__NR_exit_group, FAILURE, 0, 0, 0, 0, 0);
}

/*
 * The environment with every variable renamed, in memory of its own; what this process is left with
 * is only execve.
 */
static char **rename_all(char **environment)
{
	size_t count = 0, bytes = 0, prefix = sizeof(SBX_CLIENT_PREFIX) - 1;
	char **renamed, *text;
	long memory;

	for (; environment[count]; count++)
		bytes += prefix + length_of(environment[count]) + 1;
	bytes += (count + 1) * sizeof(char *);
	memory = system_call(__NR_mmap, 0, (long)bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory < 0 && memory > -4096)
		fail();
	renamed = (char **)memory;
	text = (char *)(renamed + count + 1);
	for (size_t i = 0; i < count; i++) {
		renamed[i] = text;
		text = copy(text, SBX_CLIENT_PREFIX, prefix);
		text = copy(text, environment[i], length_of(environment[i]) + 1);
	}
	renamed[count] = NULL;
	return renamed;
}

/*
 * The kernel leaves argc, argv and the environment on the stack, in this order (execve(2), the
 * System V ABI).
 */
__attribute__((used)) static _Noreturn void begin(long *stack)
{
	char **argv = (char **)(stack + 1);
	char **renamed = rename_all(argv + stack[0] + 1);

	(void)system_call(__NR_execve, (long)SBX_SESSION_PATH, (long)argv, (long)renamed, 0, 0, 0);
	fail(); /* there's no other shell to fall back to */
}

__attribute__((naked, noreturn, visibility("default"))) void _start(void);

__attribute__((naked, noreturn, visibility("default"))) void _start(void)
{
#if defined(__x86_64__)
	__asm__("mov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin");
#elif defined(__aarch64__)
	__asm__("mov x0, sp\n\tbl begin");
#endif
}
