/*
 * attack_stdio: what can be had of whoever holds the other ends of descriptors 0-2?
 *
 * Through a Unix socket: a pidfd of the peer (SO_PEERPIDFD), with it its descriptors, signals and
 * namespaces; our descriptors pushed into it. Through a pipe: the end that isn't ours. Each thing
 * that worked is a line "reached: …"; things that a pipe's holder may do anyway aren't. For use
 * inside a sandbox.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static void reached(int fd, const char *what)
{
	(void)printf("reached: %s through %d\n", what, fd);
}

static void use_pidfd(int fd, int pidfd)
{
	for (int theirs = 0; theirs < 64; theirs++)
		if (syscall(SYS_pidfd_getfd, pidfd, theirs, 0) >= 0)
			reached(fd, "a descriptor");
	if (syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0)
		reached(fd, "signals");
	if (setns(pidfd, CLONE_NEWNS) == 0 || setns(pidfd, CLONE_NEWUSER) == 0 ||
	    setns(pidfd, CLONE_NEWNET) == 0)
		reached(fd, "a namespace");
	if (syscall(SYS_process_madvise, pidfd, NULL, 0, 4, 0) == 0)
		reached(fd, "memory");
}

static void push_descriptor(int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (char[]){ '\n' }, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &folder, sizeof(folder));
	(void)sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void try_socket(int fd)
{
	struct sockaddr_storage name = { .ss_family = AF_UNSPEC };
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int pidfd = -1;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid != 0)
		reached(fd, "a pid of the host");
	size = sizeof(pidfd);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0)
		use_pidfd(fd, pidfd);
	if (connect(fd, (struct sockaddr *)&name, sizeof(sa_family_t)) == 0)
		reached(fd, "a socket free to connect elsewhere");
	if (listen(fd, 1) == 0)
		reached(fd, "a listening socket");
	push_descriptor(fd);
}

static void try_file(int fd, const struct stat *st)
{
	char path[64];
	int above;

	if (!S_ISFIFO(st->st_mode) && !S_ISSOCK(st->st_mode) && !S_ISCHR(st->st_mode))
		reached(fd, "a file or folder");
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/..", fd);
	above = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (above >= 0 || openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0)
		reached(fd, "a folder");
	if (S_ISCHR(st->st_mode) && isatty(fd) && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL)) == 0)
		reached(fd, "a terminal");
}

int main(void)
{
	for (int fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			reached(fd, "an inherited descriptor");
	for (int fd = 0; fd < 3; fd++) {
		struct stat st;

		if (fstat(fd, &st) < 0)
			continue;
		try_file(fd, &st);
		if (S_ISSOCK(st.st_mode))
			try_socket(fd);
	}
	(void)puts("done");
	return 0;
}
