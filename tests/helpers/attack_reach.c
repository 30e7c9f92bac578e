/*
 * attack_reach METHOD PID: tries to get hold of another process, and says how that went.
 *
 * For use inside a sandbox against its PID 1 and its sessions' supervisors. The last line is
 * "reached" with exit status 0 when the method worked, or "refused: why" with status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_below(pid_t pid, const char *name, int flags)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	return open(path, flags | O_CLOEXEC);
}

/* Opening isn't yet reading: /proc checks some files only then. */
static long read_below(pid_t pid, const char *name)
{
	char bytes[256];
	int fd = open_below(pid, name, O_RDONLY);

	return fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
}

static long read_link(pid_t pid, const char *name)
{
	char path[64], target[256];

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	return readlink(path, target, sizeof(target));
}

static long by_attach(pid_t pid)
{
	return ptrace(PTRACE_ATTACH, pid, NULL, NULL);
}

static long by_seize(pid_t pid)
{
	return ptrace(PTRACE_SEIZE, pid, NULL, NULL);
}

static long by_vm(pid_t pid, bool write)
{
	static char bytes[64];
	struct iovec here = { bytes, sizeof(bytes) };
	/*
	 * Where a static-pie's text or a stack might be: any mapped address will do, and EFAULT is
	 * an answer too.
	 */
	struct iovec there = { (void *)0x7ffff7ff0000, sizeof(bytes) };
	long r = write ? process_vm_writev(pid, &here, 1, &there, 1, 0)
		       : process_vm_readv(pid, &here, 1, &there, 1, 0);

	return r < 0 && errno == EFAULT ? 0 : r;
}

static long by_readv(pid_t pid)
{
	return by_vm(pid, false);
}

static long by_writev(pid_t pid)
{
	return by_vm(pid, true);
}

static long by_getfd(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0)
		return -1;
	for (int fd = 0; fd < 16; fd++)
		if (syscall(SYS_pidfd_getfd, pidfd, fd, 0) >= 0)
			return 0;
	return -1;
}

static long by_mem(pid_t pid)
{
	return open_below(pid, "mem", O_RDWR);
}

static long by_fd(pid_t pid)
{
	return open_below(pid, "fd", O_RDONLY | O_DIRECTORY);
}

static long by_map_files(pid_t pid)
{
	return open_below(pid, "map_files", O_RDONLY | O_DIRECTORY);
}

static long by_root(pid_t pid)
{
	return open_below(pid, "root", O_RDONLY | O_DIRECTORY);
}

static long by_cwd(pid_t pid)
{
	return open_below(pid, "cwd", O_RDONLY | O_DIRECTORY);
}

static long by_exe(pid_t pid)
{
	return open_below(pid, "exe", O_RDONLY);
}

static long by_environ(pid_t pid)
{
	return read_below(pid, "environ");
}

static long by_maps(pid_t pid)
{
	return read_below(pid, "maps");
}

static long by_auxv(pid_t pid)
{
	return read_below(pid, "auxv");
}

static long by_namespace(pid_t pid)
{
	return read_link(pid, "ns/mnt");
}

static long by_oom(pid_t pid)
{
	return open_below(pid, "oom_score_adj", O_WRONLY);
}

static long by_priority(pid_t pid)
{
	return setpriority(PRIO_PROCESS, (id_t)pid, 19);
}

static long by_scheduler(pid_t pid)
{
	struct sched_param none = { 0 };

	return sched_setscheduler(pid, SCHED_IDLE, &none);
}

static long by_affinity(pid_t pid)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	return sched_setaffinity(pid, sizeof(one), &one);
}

static const struct {
	const char *name;
	long (*try)(pid_t pid);
} methods[] = {
	{ "attach", by_attach },
	{ "seize", by_seize },
	{ "readv", by_readv },
	{ "writev", by_writev },
	{ "getfd", by_getfd },
	{ "mem", by_mem },
	{ "fd", by_fd },
	{ "map_files", by_map_files },
	{ "root", by_root },
	{ "cwd", by_cwd },
	{ "exe", by_exe },
	{ "environ", by_environ },
	{ "maps", by_maps },
	{ "auxv", by_auxv },
	{ "namespace", by_namespace },
	{ "oom", by_oom },
	{ "priority", by_priority },
	{ "scheduler", by_scheduler },
	{ "affinity", by_affinity },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 3 && i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (strcmp(methods[i].name, argv[1]) != 0)
			continue;
		errno = 0;
		if (methods[i].try((pid_t)atol(argv[2])) >= 0) {
			puts("reached");
			return 0;
		}
		(void)printf("refused: %s\n", strerror(errno));
		return 1;
	}
	(void)fputs("usage: attack_reach METHOD PID\n", stderr);
	return 2;
}
