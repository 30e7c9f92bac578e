/*
 * See init_child.h. Until execve this process is a copy of PID 1, and as little dumpable.
 */
#include "init_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define IMAGE_VARIABLES_MAX 256

/* The smallest values of limits.nofile and limits.pids (sandbox-policy(5)). */
#define NOFILE_LEAST 64
#define PIDS_LEAST 8

int sbx_child_open_pty(const struct sbx_wire_exec *exec, int *ret_master, int *ret_slave)
{
	struct winsize size = { exec->rows, exec->columns, exec->xpixel, exec->ypixel };
	struct termios modes;
	int master, slave, unlock = 0;

	master = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (master < 0)
		return -errno;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		goto fail;
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		goto fail;
	if (tcgetattr(slave, &modes) == 0) {
		modes.c_iflag = exec->iflag;
		modes.c_oflag = exec->oflag;
		modes.c_lflag = exec->lflag;
		modes.c_cflag = (modes.c_cflag & CBAUD) | (exec->cflag & ~(tcflag_t)CBAUD);
		memcpy(modes.c_cc, exec->cc, NCCS);
		(void)tcsetattr(slave, TCSANOW, &modes);
	}
	(void)ioctl(slave, TIOCSWINSZ, &size);
	*ret_master = master;
	*ret_slave = slave;
	return 0;
fail:;
	int code = -errno;

	(void)close(master);
	return code;
}

static void say(const char *program, const char *why)
{
	const char *parts[] = { "sandbox-shell: ", program, ": ", why, "\n" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0)
			return;
}

/* Put the three descriptors in place, in an order that doesn't overwrite one not yet moved. */
static void place_stdio(const int *stdio)
{
	int moved[3];

	for (int i = 0; i < 3; i++)
		moved[i] = fcntl(stdio[i], F_DUPFD_CLOEXEC, 10);
	for (int i = 0; i < 3; i++)
		if (moved[i] < 0 || dup2(moved[i], i) < 0)
			_exit(126);
}

/*
 * To what the policy says, where PID 1 has at least the reserve more. Where less than the least
 * that a policy may say would be left it was the host that gave little: then it's shared.
 */
static void lower(__rlimit_resource_t resource, rlim_t wanted, rlim_t reserve, rlim_t least)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return;
	if (limit.rlim_max != RLIM_INFINITY)
		limit.rlim_max -= limit.rlim_max >= reserve + least ? reserve : limit.rlim_max / 2;
	if (wanted && limit.rlim_max > wanted)
		limit.rlim_max = wanted;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(resource, &limit);
}

/*
 * Commands get less than PID 1 and the shell outside have, so that they can't use up what a login
 * needs. Descriptors: the kernel counts those that are on their way through sockets for the whole
 * uid, and refuses to pass more beyond the sender's RLIMIT_NOFILE (unix(7)). Processes:
 * RLIMIT_NPROC is compared with all of the uid's.
 */
static void set_limits(const struct sbx_child *child)
{
	lower(RLIMIT_NOFILE, child->nofile, SBX_WIRE_NOFILE_RESERVE, NOFILE_LEAST);
	lower(RLIMIT_NPROC, child->nproc, SBX_WIRE_NPROC_RESERVE, PIDS_LEAST);
}

static void reset_signals(void)
{
	struct sigaction fresh = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int signal = 1; signal < NSIG; signal++)
		(void)sigaction(signal, &fresh, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool names_same(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");

	return strncmp(a, b, length) == 0 && b[length] == '=';
}

/*
 * The environment: what the client sent, and below it what the image sets (PATH above all), which
 * podman put into PID 1's. Not TERM: podman makes one up, and without a terminal there is none.
 */
static char **merge_environment(char **env)
{
	static char *merged[SBX_WIRE_STRINGS_MAX + IMAGE_VARIABLES_MAX + 1];
	size_t count = 0, sent;

	while (env[count]) {
		merged[count] = env[count];
		count++;
	}
	sent = count;
	for (char **image = environ; *image && count < sent + IMAGE_VARIABLES_MAX; image++) {
		bool skip = names_same("TERM", *image);

		for (size_t i = 0; i < sent && !skip; i++)
			skip = names_same(merged[i], *image);
		if (!skip)
			merged[count++] = *image;
	}
	merged[count] = NULL;
	return merged;
}

_Noreturn void sbx_child_exec(const struct sbx_child *child)
{
	int code;

	(void)setsid();
	if (child->terminal >= 0)
		(void)ioctl(child->terminal, TIOCSCTTY, 0);
	place_stdio(child->stdio);
	(void)close_range(3, ~0U, 0);
	set_limits(child);
	(void)umask(022);
	if (chdir(child->cwd) < 0)
		(void)!chdir("/");
	environ = merge_environment(child->env);
	reset_signals();
	(void)execvpe(child->program, child->argv, environ);
	code = errno == ENOENT || errno == ENOTDIR ? 127 : 126;
	say(child->program, strerror(errno));
	_exit(code);
}
