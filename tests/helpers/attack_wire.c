/*
 * attack_wire SOCKET CASE [COUNT [SEED]]: speaks to a sandbox's PID 1 from outside as no shell of
 * ours ever would.
 *
 *   silent    COUNT connections that say nothing, held until the program is killed ("held" when they're there)
 *   CASE      one of the names in the table below: a single bad conversation
 *   fuzz      COUNT random conversations, by state: each step mostly fits what was said before
 *
 * Whether PID 1 is fit afterwards is for a login to tell. Runs on the host, as the account.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire.c" /* a helper is one file: see Makefile */

#define FDS_MAX 64

static const char *path;
static unsigned long long state = 88172645463325252ULL;

static unsigned int chance(unsigned int below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)(state >> 20) % below;
}

static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0) {
		(void)fprintf(stderr, "attack_wire: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	return sock;
}

/* Bytes with count copies of a descriptor. */
static void give(int sock, const void *bytes, size_t length, size_t count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	} control = { 0 };
	struct iovec iov = { (void *)(unsigned long)bytes, length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[FDS_MAX];
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (size_t i = 0; i < count; i++)
		fds[i] = null;
	if (count > 0) {
		struct cmsghdr *cmsg;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * count);
	}
	(void)!sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(null);
}

static void header(int sock, unsigned int magic, unsigned int type, unsigned int length, size_t fds)
{
	struct sbx_wire_header message = { magic, type, length };

	give(sock, &message, sizeof(message), fds);
}

/* A sound EXEC of `sleep 0` into body; returns its length. */
static size_t sound_exec(char *body, unsigned int flags)
{
	static const char strings[] = "sleep\0sleep\0"
				      "0\0A=1\0/";
	struct sbx_wire_exec exec = {
		.flags = flags, .argc = 2, .envc = 1, .rows = 24, .columns = 80
	};

	memcpy(body, &exec, sizeof(exec));
	memcpy(body + sizeof(exec), strings, sizeof(strings));
	return sizeof(exec) + sizeof(strings);
}

/* The header in one message with the body, as ours does it. */
static void send_exec(int sock, const char *body, size_t length, size_t fds)
{
	static char message[sizeof(struct sbx_wire_header) + 4096];
	struct sbx_wire_header head = { SBX_WIRE_MAGIC, SBX_WIRE_EXEC, (unsigned int)length };

	memcpy(message, &head, sizeof(head));
	memcpy(message + sizeof(head), body, length);
	give(sock, message, sizeof(head) + length, fds);
}

static void hang_up(int sock)
{
	(void)close(sock);
}
static void half_header(int sock)
{
	const struct sbx_wire_header message = { SBX_WIRE_MAGIC, SBX_WIRE_EXEC, 8 };

	give(sock, &message, 5, 0);
}
static void bad_magic(int sock)
{
	header(sock, 0xdeadbeef, SBX_WIRE_EXEC, 8, 3);
}
static void bad_type(int sock)
{
	header(sock, SBX_WIRE_MAGIC, 77, 0, 0);
}
static void huge_length(int sock)
{
	header(sock, SBX_WIRE_MAGIC, SBX_WIRE_EXEC, 0xffffffff, 3);
}
static void long_length(int sock)
{
	header(sock, SBX_WIRE_MAGIC, SBX_WIRE_EXEC, SBX_WIRE_EXEC_MAX + 1, 3);
}
static void no_body(int sock)
{
	header(sock, SBX_WIRE_MAGIC, SBX_WIRE_EXEC, SBX_WIRE_EXEC_MAX, 3);
}
static void start_words(int sock)
{
	header(sock, SBX_WIRE_MAGIC, SBX_WIRE_LISTEN, 0, 1);
}
static void many_fds(int sock)
{
	header(sock, SBX_WIRE_MAGIC, SBX_WIRE_EXEC, 64, FDS_MAX);
}

static void exec_with(int sock, unsigned int flags, size_t fds)
{
	char body[4096];
	size_t length = sound_exec(body, flags);

	send_exec(sock, body, length, fds);
}

static void no_fds(int sock)
{
	exec_with(sock, 0, 0);
}
static void two_fds(int sock)
{
	exec_with(sock, 0, 2);
}
static void four_fds(int sock)
{
	exec_with(sock, 0, 4);
}
static void tty_with_fds(int sock)
{
	exec_with(sock, SBX_EXEC_TTY, 3);
}

static void with_counts(int sock, unsigned int argc, unsigned int envc, size_t cut)
{
	char body[4096];
	size_t length = sound_exec(body, 0);
	struct sbx_wire_exec exec;

	memcpy(&exec, body, sizeof(exec));
	exec.argc = argc;
	exec.envc = envc;
	memcpy(body, &exec, sizeof(exec));
	send_exec(sock, body, length - cut, 3);
}

static void no_arguments(int sock)
{
	with_counts(sock, 0, 1, 0);
}
static void many_arguments(int sock)
{
	with_counts(sock, 0xffffffff, 1, 0);
}
static void counts_wrap(int sock)
{
	with_counts(sock, 2, 0xfffffffe, 0);
}
static void one_too_many(int sock)
{
	with_counts(sock, 3, 1, 0);
}
static void one_too_few(int sock)
{
	with_counts(sock, 1, 1, 0);
}
static void unterminated(int sock)
{
	with_counts(sock, 2, 1, 1);
}
static void short_body(int sock)
{
	send_exec(sock, "", 1, 3);
}

static void signal_first(int sock)
{
	struct sbx_wire_signal nine = { 9 };

	header(sock, SBX_WIRE_MAGIC, SBX_WIRE_SIGNAL, sizeof(nine), 0);
	give(sock, &nine, sizeof(nine), 0);
}

static void garbage_after_exec(int sock)
{
	exec_with(sock, 0, 3);
	give(sock, "garbage, and then some more of it", 33, 2);
}

static const struct {
	const char *name;
	void (*run)(int sock);
} cases[] = {
	{ "hang-up", hang_up },
	{ "half-header", half_header },
	{ "bad-magic", bad_magic },
	{ "bad-type", bad_type },
	{ "huge-length", huge_length },
	{ "long-length", long_length },
	{ "no-body", no_body },
	{ "start-words", start_words },
	{ "many-fds", many_fds },
	{ "no-fds", no_fds },
	{ "two-fds", two_fds },
	{ "four-fds", four_fds },
	{ "tty-with-fds", tty_with_fds },
	{ "no-arguments", no_arguments },
	{ "many-arguments", many_arguments },
	{ "counts-wrap", counts_wrap },
	{ "one-too-many", one_too_many },
	{ "one-too-few", one_too_few },
	{ "unterminated", unterminated },
	{ "short-body", short_body },
	{ "signal-first", signal_first },
	{ "garbage-after-exec", garbage_after_exec },
};

/* Take whatever PID 1 says, for a moment; closes descriptors that come along. */
static void listen_to(int sock, int ms)
{
	struct pollfd polled = { .fd = sock, .events = POLLIN };
	struct sbx_wire_header reply;
	int fds[SBX_WIRE_FDS];
	size_t count = 0;

	if (poll(&polled, 1, ms) > 0 &&
	    sbx_wire_recv_header(sock, &reply, fds, SBX_WIRE_FDS, &count) == 0)
		for (size_t i = 0; i < count; i++)
			(void)close(fds[i]);
}

static void random_exec(int sock)
{
	char body[4096];
	bool terminal = chance(4) == 0;
	size_t length = sound_exec(body, terminal ? SBX_EXEC_TTY : 0);

	for (unsigned int i = chance(4); i > 0; i--)
		body[chance((unsigned int)length)] = (char)chance(256);
	if (chance(6) == 0)
		length -= chance(8);
	send_exec(sock, body, length, chance(4) ? (terminal ? 0 : 3) : chance(8));
}

static void random_signal(int sock)
{
	struct sbx_wire_signal message = { chance(2) ? chance(70) : chance(0x7fffffff) };

	header(sock, SBX_WIRE_MAGIC, SBX_WIRE_SIGNAL, sizeof(message), 0);
	give(sock, &message, sizeof(message), chance(8) ? 0 : chance(5));
}

static void random_bytes(int sock)
{
	char bytes[256];
	size_t length = 1 + chance(sizeof(bytes) - 1);

	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)chance(256);
	give(sock, bytes, length, chance(4) ? 0 : chance(FDS_MAX));
}

static void converse(void)
{
	int sock = dial();

	switch (chance(8)) {
	case 0:
		header(sock, SBX_WIRE_MAGIC, SBX_WIRE_QUERY, 0, chance(3));
		break;
	case 1:
		random_bytes(sock);
		break;
	case 2:
		cases[chance(sizeof(cases) / sizeof(cases[0]) - 1) + 1].run(sock);
		break;
	default:
		random_exec(sock);
	}
	for (unsigned int more = chance(4); more > 0; more--) {
		if (chance(3) == 0)
			listen_to(sock, 2);
		else if (chance(2))
			random_signal(sock);
		else if (chance(2))
			header(sock, SBX_WIRE_MAGIC, SBX_WIRE_SEEN, chance(8) ? 0 : chance(100), 0);
		else
			random_bytes(sock);
	}
	if (chance(8) == 0)
		(void)shutdown(sock, (int)chance(3));
	if (chance(3) == 0)
		listen_to(sock, 5);
	(void)close(sock);
}

static _Noreturn void stay(long count)
{
	while (count-- > 0)
		(void)dial();
	(void)puts("held");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}

int main(int argc, char **argv)
{
	long count = argc > 3 ? atol(argv[3]) : 1;

	if (argc < 3)
		return 2;
	path = argv[1];
	if (argc > 4)
		state = strtoull(argv[4], NULL, 0) | 1;
	if (strcmp(argv[2], "silent") == 0)
		stay(count);
	if (strcmp(argv[2], "names") == 0) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			(void)puts(cases[i].name);
		return 0;
	}
	for (; strcmp(argv[2], "fuzz") == 0; count--) {
		if (count <= 0)
			return 0;
		converse();
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(cases[i].name, argv[2]) == 0) {
			int sock = dial();

			cases[i].run(sock);
			listen_to(sock, 200);
			return 0;
		}
	return 2;
}
