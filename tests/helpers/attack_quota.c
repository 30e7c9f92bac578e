/*
 * attack_quota KIND [COUNT]: takes all that our uid may have of one thing, or COUNT, and holds on
 * to it.
 *
 *   inflight    descriptors in flight over Unix sockets      inotify   inotify instances
 *   keys        keyrings                                     ptys      pseudo terminals
 *   namespaces  user namespaces, each with a process in it   files     open files
 *   signals     pending signals                              epoll     epoll watches
 *
 * The kernel counts many of these per uid over all namespaces, so that whoever has our uid on the
 * host may go without. Prints "N KIND: why no more", then waits to be killed. For use inside a
 * sandbox.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PER_MESSAGE 253 /* SCM_MAX_FD */
#define KEYCTL_JOIN_SESSION_KEYRING 1

static int send_many(int sock, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * PER_MESSAGE)];
	} control;
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int fds[PER_MESSAGE];

	for (int i = 0; i < PER_MESSAGE; i++)
		fds[i] = fd;
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(cmsg), fds, sizeof(fds));
	return sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : PER_MESSAGE;
}

/* Each takes one more, or several; returns how many, or -1. */

static int take_inflight(void)
{
	static int pair[2] = { -1, -1 };
	int sent = pair[0] < 0 ? -1 : send_many(pair[0], 0);

	if (sent > 0 || (pair[0] >= 0 && errno != EAGAIN))
		return sent;
	return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0 ? -1
									   : send_many(pair[0], 0);
}

static int take_inotify(void)
{
	return inotify_init1(IN_CLOEXEC) < 0 ? -1 : 1;
}

static int take_pty(void)
{
	return open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) < 0 ? -1 : 1;
}

static int take_file(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC) < 0 ? -1 : 1;
}

static int take_signal(void)
{
	union sigval value = { 0 };

	return sigqueue(getpid(), SIGRTMIN, value) < 0 ? -1 : 1;
}

static int take_watch(void)
{
	static int epoll = -1, files;
	struct epoll_event event = { .events = EPOLLIN };
	int pair[2];

	if (epoll < 0 || files > 15000) {
		epoll = epoll_create1(EPOLL_CLOEXEC);
		files = 0;
	}
	files += 2;
	if (epoll < 0 || pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	return epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event) < 0 ? -1 : 1;
}

/* What only a process can hold: one each, which says over a pipe how it went. */
static int in_child(long (*take)(void))
{
	int ends[2], result = -1;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		result = take() < 0 ? errno : 0;
		(void)!write(ends[1], &result, sizeof(result));
		for (;;)
			(void)pause();
	}
	if (pid < 0 || read(ends[0], &result, sizeof(result)) != (ssize_t)sizeof(result))
		return -1;
	(void)close(ends[0]);
	(void)close(ends[1]);
	errno = result;
	return result ? -1 : 1;
}

static long join_keyring(void)
{
	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
}

static long enter_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static int take_key(void)
{
	return in_child(join_keyring);
}

static int take_namespace(void)
{
	return in_child(enter_namespace);
}

static const struct {
	const char *name;
	int (*take)(void);
} kinds[] = {
	{ "inflight", take_inflight }, { "inotify", take_inotify },      { "keys", take_key },
	{ "ptys", take_pty },          { "namespaces", take_namespace }, { "files", take_file },
	{ "signals", take_signal },    { "epoll", take_watch },
};

static void hold(const char *name, int (*take)(void), long most)
{
	long held = 0;

	while (held < most) {
		int more = take();

		if (more < 0)
			break;
		held += more;
	}
	(void)printf("%ld %s: %s\n", held, name, held < most ? strerror(errno) : "enough");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}

int main(int argc, char **argv)
{
	struct rlimit files;
	sigset_t queued;

	(void)sigemptyset(&queued);
	(void)sigaddset(&queued, SIGRTMIN);
	(void)sigprocmask(SIG_BLOCK, &queued, NULL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	for (size_t i = 0; argc > 1 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, argv[1]) == 0)
			hold(kinds[i].name, kinds[i].take, argc > 2 ? atol(argv[2]) : 1000000000);
	return 2;
}
