/*
 * Writes down what libseccomp knows, as C, while this is being built: the names of the system
 * calls of the machine that it's built for, and the filter that a relay confines itself with. A
 * login loads neither the library nor its tables.
 */
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Beyond the last number of any architecture's table, but for those of MIPS and ARM's own. */
#define NUMBERS 1024

static int print_names(void)
{
	size_t count = 0;

	(void)printf("/* Written by src/gen/seccomp_tables.c. */\n#include \"syscall_names.h\"\n\n"
		     "const char sbx_syscall_names[] =\n");
	for (int number = 0; number < NUMBERS; number++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);

		if (name) {
			(void)printf("\t\"%s\\0\"\n", name);
			count++;
		}
		free(name);
	}
	(void)printf("\t\"\";\n");
	return count > 0 ? 0 : -ENOENT;
}

/*
 * What a relay calls (src/relay_*.c, pump.c, session.c), with what the C library makes of it on
 * any architecture. An argument, where there is one, is one of 32 bits: equal to value in the
 * bits of mask.
 */
static const struct {
	const char *name;
	unsigned int index;
	uint32_t mask, value;
} relay_calls[] = {
	/* The bytes, and the end of them. */
	{ .name = "poll" },
	{ .name = "ppoll" },
	{ .name = "read" },
	{ .name = "write" },
	{ .name = "close" },
	/* Messages to and from the session. */
	{ .name = "sendmsg" },
	{ .name = "recvmsg" },
	{ .name = "recvfrom" },
	/* The person's terminal, and the pty's size. */
	{ "ioctl", 1, UINT32_MAX, TIOCGWINSZ },
	{ "ioctl", 1, UINT32_MAX, TIOCSWINSZ },
	{ "ioctl", 1, UINT32_MAX, TCGETS },
	{ "ioctl", 1, UINT32_MAX, TCSETS },
	{ "ioctl", 1, UINT32_MAX, TCGETS2 },
	{ "ioctl", 1, UINT32_MAX, TCSETS2 },
	{ "fcntl", 1, UINT32_MAX, F_SETFL },
	/* A line that says why, and the way out. Memory that can be executed is none of it. */
	{ .name = "brk" },
	{ .name = "munmap" },
	{ "mmap", 2, PROT_EXEC, 0 },
	{ .name = "getrandom" },
	{ .name = "clock_gettime" },
	{ .name = "rt_sigreturn" },
	{ .name = "restart_syscall" },
	{ .name = "exit_group" },
#ifdef __SANITIZE_ADDRESS__
	/*
	 * What the sanitizers do while memory is taken and given back, and when they have
	 * something to say.
	 */
	{ .name = "madvise" },
	{ .name = "sigaltstack" },
	{ .name = "getpid" },
	{ .name = "gettid" },
	{ .name = "sched_yield" },
	{ .name = "readlink" },
	{ .name = "open" },
	{ .name = "openat" },
	{ .name = "stat" },
	{ .name = "newfstatat" },
	{ .name = "rt_sigaction" },
	{ .name = "rt_sigprocmask" },
	{ .name = "tgkill" },
#endif
};

static int fill(scmp_filter_ctx filter)
{
	int r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	for (size_t i = 0; r == 0 && i < sizeof(relay_calls) / sizeof(relay_calls[0]); i++) {
		int number = seccomp_syscall_resolve_name(relay_calls[i].name);
		struct scmp_arg_cmp arg = SCMP_CMP(relay_calls[i].index, SCMP_CMP_MASKED_EQ,
						   relay_calls[i].mask, relay_calls[i].value);

		/* poll, open and stat aren't everywhere. */
		if (number >= 0)
			r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number,
						   relay_calls[i].mask ? 1 : 0, &arg);
	}
	return r;
}

/* seccomp_export_bpf(3) writes an array of struct sock_filter to a descriptor. */
static int export(scmp_filter_ctx filter)
{
	int fd = memfd_create("filter", MFD_CLOEXEC), r;
	struct sock_filter line;
	unsigned int count = 0;

	if (fd < 0)
		return -errno;
	r = seccomp_export_bpf(filter, fd);
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return r < 0 ? r : -errno;
	(void)printf("/* Written by src/gen/seccomp_tables.c. */\n#include \"confine.h\"\n\n"
		     "const struct sock_filter sbx_confine_filter[] = {\n");
	for (; read(fd, &line, sizeof(line)) == sizeof(line); count++)
		(void)printf("\t{ 0x%x, %u, %u, 0x%x },\n", line.code, line.jt, line.jf, line.k);
	(void)close(fd);
	(void)printf("};\n\nconst unsigned short sbx_confine_filter_length = %u;\n", count);
	return count > 0 ? 0 : -ENOENT;
}

static int print_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = filter ? fill(filter) : -ENOMEM;

	if (r == 0)
		r = export(filter);
	seccomp_release(filter);
	return r;
}

/* What to write, by the name of the file that it becomes. */
static const struct {
	const char *name;
	int (*print)(void);
} tables[] = {
	{ "syscall_names", print_names },
	{ "confine_filter", print_filter },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (argc == 2 && strcmp(argv[1], tables[i].name) == 0)
			return tables[i].print() == 0 && fflush(stdout) == 0 ? EXIT_SUCCESS
									     : EXIT_FAILURE;
	(void)fprintf(stderr, "usage: seccomp_tables syscall_names|confine_filter\n");
	return EXIT_FAILURE;
}
