#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* sendmsg everything in iov, the descriptors with the first byte only. */
static int send_all(int sock, struct msghdr *msg)
{
	while (msg->msg_iovlen > 0) {
		ssize_t n = sendmsg(sock, msg, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		msg->msg_control = NULL;
		msg->msg_controllen = 0;
		while (msg->msg_iovlen > 0 && (size_t)n >= msg->msg_iov->iov_len) {
			n -= (ssize_t)msg->msg_iov->iov_len;
			msg->msg_iov++;
			msg->msg_iovlen--;
		}
		if (msg->msg_iovlen > 0) {
			msg->msg_iov->iov_base = (char *)msg->msg_iov->iov_base + n;
			msg->msg_iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

int sbx_wire_send(int sock, enum sbx_wire_type type, const void *body, size_t length,
		  const int *fds, size_t fd_count)
{
	struct sbx_wire_header header = { SBX_WIRE_MAGIC, type, (uint32_t)length };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * SBX_WIRE_FDS)];
	} control = { 0 };
	struct iovec iov[2] = {
		{ &header, sizeof(header) },
		{ (void *)(uintptr_t)body, length },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = length ? 2 : 1 };

	if (fd_count > SBX_WIRE_FDS || length > SBX_WIRE_EXEC_MAX)
		return -EMSGSIZE;
	if (fd_count > 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_count);
	}
	return send_all(sock, &msg);
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)close(fds[i]);
}

/*
 * Take the descriptors out of a received message, closing what goes beyond max.
 * Returns -EPROTO when there were too many, or the kernel had to drop some.
 */
static int take_fds(struct msghdr *msg, int *fds, size_t max, size_t *ret_count)
{
	int result = msg->msg_flags & MSG_CTRUNC ? -EPROTO : 0;
	size_t count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < here; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (count < max) {
				fds[count++] = fd;
			} else {
				(void)close(fd);
				result = -EPROTO;
			}
		}
	}
	if (result < 0) {
		close_all(fds, count);
		return result;
	}
	*ret_count = count;
	return 0;
}

int sbx_wire_recv_header(int sock, struct sbx_wire_header *header, int *fds, size_t max_fds,
			 size_t *ret_fd_count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * SBX_WIRE_FDS)];
	} control;
	struct iovec iov = { header, sizeof(*header) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control) };
	size_t count = 0;
	ssize_t n;
	int r;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	r = take_fds(&msg, fds, max_fds, &count);
	if (r < 0)
		return r;
	if (n == 0)
		r = -ECONNRESET;
	else if ((size_t)n < sizeof(*header))
		r = sbx_wire_recv_body(sock, (char *)header + n, sizeof(*header) - (size_t)n);
	if (r == 0 && header->magic != SBX_WIRE_MAGIC)
		r = -EPROTO;
	if (r < 0) {
		close_all(fds, count);
		return r;
	}
	if (ret_fd_count)
		*ret_fd_count = count;
	return 0;
}

int sbx_wire_recv_body(int sock, void *body, size_t length)
{
	char *p = body;

	while (length > 0) {
		ssize_t n = recv(sock, p, length, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ECONNRESET;
		p += n;
		length -= (size_t)n;
	}
	return 0;
}

/* The string at *p, ending before end; moves *p behind it. NULL when it isn't terminated. */
static char *next_string(char **p, const char *end)
{
	char *start = *p;
	char *nul = start < end ? memchr(start, '\0', (size_t)(end - start)) : NULL;

	if (!nul)
		return NULL;
	*p = nul + 1;
	return start;
}

int sbx_wire_split_exec(char *body, size_t length, char **strings, char **ret_program,
			char ***ret_argv, char ***ret_env, char **ret_cwd)
{
	struct sbx_wire_exec exec;
	const char *end = body + length;
	char *p = body + sizeof(exec);
	char **slot = strings;
	char *program, *cwd;

	if (length < sizeof(exec))
		return -EPROTO;
	memcpy(&exec, body, sizeof(exec));
	if (exec.argc < 1 || exec.argc > SBX_WIRE_STRINGS_MAX ||
	    exec.envc > SBX_WIRE_STRINGS_MAX - exec.argc)
		return -EPROTO;
	program = next_string(&p, end);
	if (!program || !*program)
		return -EPROTO;
	for (uint32_t i = 0; i < exec.argc + exec.envc; i++) {
		if (i == exec.argc)
			*slot++ = NULL;
		*slot = next_string(&p, end);
		if (!*slot++)
			return -EPROTO;
	}
	if (exec.envc == 0)
		*slot++ = NULL;
	*slot = NULL;
	cwd = next_string(&p, end);
	if (!cwd || p != end)
		return -EPROTO;
	*ret_program = program;
	*ret_argv = strings;
	*ret_env = strings + exec.argc + 1;
	*ret_cwd = cwd;
	return 0;
}

int sbx_wire_peer(int sock, pid_t *ret_pid, uid_t *ret_uid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	*ret_pid = peer.pid;
	*ret_uid = peer.uid;
	return 0;
}
