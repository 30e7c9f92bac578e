/*
 * What the two ends say to each other: whole messages arrive whole, and nothing that is sent
 * instead of one is believed or leaves a descriptor behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "count_fds.h"
#include "util.h"
#include "wire.h"

/* A pair of connected sockets, and how many descriptors there were before it. */
struct pair {
	int here, there, before;
};

static void open_pair(struct pair *pair, int type)
{
	const struct timeval soon = { .tv_usec = 100000 };
	int ends[2];

	pair->before = count_fds();
	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)), 0);
	pair->here = ends[0];
	pair->there = ends[1];
}

static void close_here(struct pair *pair)
{
	(void)close(pair->here);
	pair->here = -1;
}

static void close_pair(struct pair *pair)
{
	if (pair->here >= 0)
		(void)close(pair->here);
	(void)close(pair->there);
	assert_int_equal(count_fds(), pair->before);
}

/* Send bytes as they are, with descriptors in as many control messages. */
static void send_raw(int sock, const void *data, size_t length, const int *fds, size_t fd_count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 16)];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd_count) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_count);
	}
	assert_int_equal(sendmsg(sock, &msg, MSG_NOSIGNAL), length);
}

static const struct sbx_wire_header good = { SBX_WIRE_MAGIC, SBX_WIRE_EXIT, 8 };

static bool is_pipe(int fd, const struct stat *like)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_ino == like->st_ino;
}

static void round_trip(int type, size_t length, size_t fd_count)
{
	struct sbx_wire_header header;
	char body[300], got[300];
	struct pair pair;
	int ends[2], fds[3], taken[3] = { -1, -1, -1 };
	struct stat pipe_stat;
	size_t count = 99;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fstat(ends[0], &pipe_stat), 0);
	open_pair(&pair, type);
	for (size_t i = 0; i < 3; i++)
		fds[i] = ends[0];
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)(i * 7);
	assert_int_equal(sbx_wire_send(pair.here, SBX_WIRE_EXEC, body, length, fds, fd_count), 0);
	assert_int_equal(sbx_wire_recv_header(pair.there, &header, taken, 3, &count), 0);
	assert_int_equal(header.magic, SBX_WIRE_MAGIC);
	assert_int_equal(header.type, SBX_WIRE_EXEC);
	assert_int_equal(header.length, length);
	assert_int_equal(count, fd_count);
	assert_int_equal(sbx_wire_recv_body(pair.there, got, length), 0);
	assert_memory_equal(body, got, length);
	for (size_t i = 0; i < count; i++) {
		assert_true(is_pipe(taken[i], &pipe_stat));
		assert_true(fcntl(taken[i], F_GETFD) & FD_CLOEXEC);
		(void)close(taken[i]);
	}
	close_pair(&pair);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void test_round_trips(void **state)
{
	(void)state;
	for (size_t fds = 0; fds <= SBX_WIRE_FDS; fds++) {
		round_trip(SOCK_STREAM, 0, fds);
		round_trip(SOCK_STREAM, 1, fds);
		round_trip(SOCK_STREAM, 300, fds);
		round_trip(SOCK_SEQPACKET, 0, fds);
	}
}

static void test_too_long_to_send(void **state)
{
	_cleanup_free_ char *body = calloc(1, SBX_WIRE_EXEC_MAX + 1);
	const int fds[4] = { 0, 0, 0, 0 };
	struct pair pair;
	char byte;

	(void)state;
	open_pair(&pair, SOCK_STREAM);
	assert_int_equal(sbx_wire_send(pair.here, SBX_WIRE_EXEC, body, SBX_WIRE_EXEC_MAX + 1, NULL,
				       0),
			 -EMSGSIZE);
	assert_int_equal(sbx_wire_send(pair.here, SBX_WIRE_EXEC, body, 1, fds, 4), -EMSGSIZE);
	assert_int_equal(recv(pair.there, &byte, 1, MSG_DONTWAIT), -1);
	close_pair(&pair);
}

/* The other end has gone: an error, and no SIGPIPE, which would end the test. */
static void test_nobody_there(void **state)
{
	struct sbx_wire_header header;
	struct pair pair;
	int gone;

	(void)state;
	open_pair(&pair, SOCK_STREAM);
	gone = pair.there;
	assert_int_equal(sbx_wire_recv_header(gone, &header, NULL, 0, NULL), -EAGAIN);
	close_here(&pair);
	assert_int_equal(sbx_wire_send(gone, SBX_WIRE_READY, NULL, 0, NULL, 0), -EPIPE);
	assert_int_equal(sbx_wire_recv_header(gone, &header, NULL, 0, NULL), -ECONNRESET);
	assert_int_equal(sbx_wire_recv_body(gone, &header, 1), -ECONNRESET);
	assert_int_equal(sbx_wire_recv_header(-1, &header, NULL, 0, NULL), -EBADF);
	close_pair(&pair);
}

/*
 * Bytes that are no header, each with descriptors that nobody may keep, and how the receiver says
 * so.
 */
static void test_bad_headers(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		bool hang_up;
		int result;
	} cases[] = {
		{ "XXXXYYYYZZZZ", 12, false, -EPROTO },
		{ "2XBS\4\0\0\0\0\0\0\0", 12, true, 0 }, /* the right one, for comparison */
		{ "1XBS\4\0\0\0\0\0\0\0", 12, true, -EPROTO },
		{ "SBX2\0\0\0\4\0\0\0\0", 12, true, -EPROTO },
		{ "2XBS\4\0\0\0\0\0\0", 11, true, -ECONNRESET },
		{ "2XBS\4\0\0\0\0\0\0", 11, false, -EAGAIN },
		{ "1", 1, true, -ECONNRESET },
		{ "1", 1, false, -EAGAIN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases) * 4; i++) {
		size_t which = i / 4, sent = i % 4, count = 77;
		struct sbx_wire_header header;
		int fds[3] = { -1, -1, -1 };
		struct pair pair;

		open_pair(&pair, SOCK_STREAM);
		send_raw(pair.here, cases[which].bytes, cases[which].length, (int[]){ 0, 0, 0 },
			 sent);
		if (cases[which].hang_up)
			close_here(&pair);
		assert_int_equal(sbx_wire_recv_header(pair.there, &header, fds, 3, &count),
				 cases[which].result);
		if (cases[which].result == 0)
			assert_int_equal(count, sent);
		for (size_t n = 0; cases[which].result == 0 && n < sent; n++)
			(void)close(fds[n]);
		close_pair(&pair);
	}
}

/* More descriptors than a message may carry: refused, and every one of them closed. */
static void test_too_many_fds(void **state)
{
	int fds[16] = { 0 };

	(void)state;
	for (size_t sent = 1; sent <= ARRAY_SIZE(fds); sent++) {
		for (size_t allowed = 0; allowed <= SBX_WIRE_FDS; allowed++) {
			struct sbx_wire_header header;
			int taken[SBX_WIRE_FDS + 1] = { -7, -7, -7, -7 };
			struct pair pair;
			size_t count = 0;
			int r;

			open_pair(&pair, SOCK_STREAM);
			send_raw(pair.here, &good, sizeof(good), fds, sent);
			r = sbx_wire_recv_header(pair.there, &header, allowed ? taken : NULL,
						 allowed, &count);
			assert_int_equal(r, sent > allowed ? -EPROTO : 0);
			assert_int_equal(taken[allowed], -7);
			for (size_t i = 0; r == 0 && i < count; i++)
				(void)close(taken[i]);
			close_pair(&pair);
		}
	}
}

/* No room for all of them in our own table: the kernel drops some, and the message is refused. */
static void test_fds_dropped(void **state)
{
	struct sbx_wire_header header;
	struct rlimit usual, few;
	int fds[3] = { 0, 0, 0 };
	struct pair pair;
	size_t count = 0;
	int r, next;

	(void)state;
	open_pair(&pair, SOCK_STREAM);
	send_raw(pair.here, &good, sizeof(good), fds, 3);
	next = fcntl(0, F_DUPFD_CLOEXEC, 0);
	(void)close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	few = usual;
	few.rlim_cur = (rlim_t)next + 2;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	r = sbx_wire_recv_header(pair.there, &header, fds, 3, &count);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	assert_int_equal(r, -EPROTO);
	close_pair(&pair);
}

/* Descriptors that come with the body are nobody's. */
static void test_late_fds(void **state)
{
	struct sbx_wire_header header;
	struct pair pair;
	int fds[3] = { 0, 0, 0 }, taken[3];
	size_t count = 5;
	char body[8];

	(void)state;
	open_pair(&pair, SOCK_STREAM);
	send_raw(pair.here, &good, sizeof(good), NULL, 0);
	send_raw(pair.here, "1234", 4, fds, 3);
	send_raw(pair.here, "5678", 4, fds, 3);
	assert_int_equal(sbx_wire_recv_header(pair.there, &header, taken, 3, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(header.length, 8);
	assert_int_equal(sbx_wire_recv_body(pair.there, body, 8), 0);
	assert_memory_equal(body, "12345678", 8);
	close_pair(&pair);
}

/* A body in pieces is put together; one that is cut short is an error. */
static void test_bodies(void **state)
{
	struct pair pair;
	char body[8];

	(void)state;
	open_pair(&pair, SOCK_STREAM);
	send_raw(pair.here, "123", 3, NULL, 0);
	assert_int_equal(sbx_wire_recv_body(pair.there, body, 8), -EAGAIN);
	send_raw(pair.here, "abcd", 4, NULL, 0);
	send_raw(pair.here, "efgh", 4, NULL, 0);
	assert_int_equal(sbx_wire_recv_body(pair.there, body, 8), 0);
	assert_memory_equal(body, "abcdefgh", 8);
	assert_int_equal(sbx_wire_recv_body(pair.there, body, 0), 0);
	send_raw(pair.here, "1234567", 7, NULL, 0);
	close_here(&pair);
	assert_int_equal(sbx_wire_recv_body(pair.there, body, 8), -ECONNRESET);
	close_pair(&pair);
}

static void test_peer(void **state)
{
	struct pair pair;
	uid_t uid = 12345;
	pid_t pid = 0;

	(void)state;
	open_pair(&pair, SOCK_STREAM);
	assert_int_equal(sbx_wire_peer(pair.there, &pid, &uid), 0);
	assert_int_equal(pid, getpid());
	assert_int_equal(uid, geteuid());
	close_pair(&pair);
	assert_int_equal(sbx_wire_peer(-1, &pid, &uid), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trips),  cmocka_unit_test(test_too_long_to_send),
		cmocka_unit_test(test_nobody_there), cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_too_many_fds), cmocka_unit_test(test_fds_dropped),
		cmocka_unit_test(test_late_fds),     cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
