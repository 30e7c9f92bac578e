/*
 * What a session is asked for: it arrives whole, and is taken apart as it was put together or not
 * at all.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "count_fds.h"
#include "util.h"
#include "wire.h"

/* An EXEC body in memory of exactly its size, so that AddressSanitizer sees a read beyond it. */
static char *exec_body(uint32_t argc, uint32_t envc, const char *strings, size_t length,
		       size_t *ret_length)
{
	struct sbx_wire_exec exec = { .argc = argc, .envc = envc };
	char *body;

	*ret_length = sizeof(exec) + length;
	body = malloc(*ret_length);
	assert_non_null(body);
	memcpy(body, &exec, sizeof(exec));
	memcpy(body + sizeof(exec), strings, length);
	return body;
}

static char *slots[SBX_WIRE_STRINGS_MAX + 4];

#define STRINGS(text) text, sizeof(text) - 1

static void test_split(void **state)
{
	static const struct {
		uint32_t argc, envc;
		const char *strings;
		size_t length;
		const char *program, *argv[4], *env[4], *cwd;
	} cases[] = {
		{ 1, 0, STRINGS("sh\0-sh\0/home\0"), "sh", { "-sh" }, { 0 }, "/home" },
		{ 1, 0, STRINGS("sh\0\0\0"), "sh", { "" }, { 0 }, "" },
		{ 3,
		  0,
		  STRINGS("/bin/sh\0sh\0-c\0a b\0/\0"),
		  "/bin/sh",
		  { "sh", "-c", "a b" },
		  { 0 },
		  "/" },
		{ 1, 2, STRINGS("sh\0sh\0A=1\0B=\0/\0"), "sh", { "sh" }, { "A=1", "B=" }, "/" },
		{ 2,
		  3,
		  STRINGS("p\0a\0b\0C=\0D=\0E=\0w\0"),
		  "p",
		  { "a", "b" },
		  { "C=", "D=", "E=" },
		  "w" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *body = NULL;
		char *program, **argv, **env, *cwd;
		size_t length;

		body = exec_body(cases[i].argc, cases[i].envc, cases[i].strings, cases[i].length,
				 &length);
		memset(slots, 'x', sizeof(slots));
		assert_int_equal(
			sbx_wire_split_exec(body, length, slots, &program, &argv, &env, &cwd), 0);
		assert_string_equal(program, cases[i].program);
		assert_string_equal(cwd, cases[i].cwd);
		for (uint32_t n = 0; n < cases[i].argc; n++)
			assert_string_equal(argv[n], cases[i].argv[n]);
		assert_null(argv[cases[i].argc]);
		for (uint32_t n = 0; n < cases[i].envc; n++)
			assert_string_equal(env[n], cases[i].env[n]);
		assert_null(env[cases[i].envc]);
	}
}

static void test_split_hostile(void **state)
{
	static const struct {
		const char *what;
		uint32_t argc, envc;
		const char *strings;
		size_t length;
	} cases[] = {
		{ "no strings", 1, 0, STRINGS("") },
		{ "no arguments", 0, 0, STRINGS("sh\0/\0") },
		{ "no arguments but variables", 0, 1, STRINGS("sh\0A=\0/\0") },
		{ "no program", 1, 0, STRINGS("\0sh\0/\0") },
		{ "an argument too few", 3, 0, STRINGS("sh\0sh\0/\0") },
		{ "a variable too few", 1, 2, STRINGS("sh\0sh\0A=\0/\0") },
		{ "no working directory", 1, 0, STRINGS("sh\0sh\0") },
		{ "unterminated", 1, 0, STRINGS("sh\0sh\0/") },
		{ "one string for all", 1, 0, STRINGS("sh") },
		{ "a byte more", 1, 0, STRINGS("sh\0sh\0/\0\0") },
		{ "a string more", 1, 0, STRINGS("sh\0sh\0/\0more\0") },
		{ "too many arguments", SBX_WIRE_STRINGS_MAX + 1, 0, STRINGS("sh\0sh\0/\0") },
		{ "too many variables", 1, SBX_WIRE_STRINGS_MAX, STRINGS("sh\0sh\0/\0") },
		{ "a sum that wraps", 2, UINT32_MAX, STRINGS("sh\0sh\0/\0") },
		{ "a sum that wraps to 1", UINT32_MAX, 2, STRINGS("sh\0sh\0/\0") },
		{ "both at their most", UINT32_MAX, UINT32_MAX, STRINGS("sh\0sh\0/\0") },
	};
	char *program, **argv, **env, *cwd;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *body = NULL;
		size_t length;

		body = exec_body(cases[i].argc, cases[i].envc, cases[i].strings, cases[i].length,
				 &length);
		if (sbx_wire_split_exec(body, length, slots, &program, &argv, &env, &cwd) !=
		    -EPROTO)
			fail_msg("taken: %s", cases[i].what);
	}
	for (size_t length = 0; length < sizeof(struct sbx_wire_exec); length++) {
		_cleanup_free_ char *body = calloc(1, length + 1);

		assert_int_equal(sbx_wire_split_exec(body, length, slots, &program, &argv, &env,
						     &cwd),
				 -EPROTO);
	}
}

/* As many strings as there may be fit into the room the caller was told to have. */
static void test_split_most(void **state)
{
	static const uint32_t argcs[] = { 1, 2, SBX_WIRE_STRINGS_MAX / 2, SBX_WIRE_STRINGS_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(argcs); i++) {
		_cleanup_free_ char *strings = calloc(1, SBX_WIRE_STRINGS_MAX + 3);
		_cleanup_free_ char **room = calloc(SBX_WIRE_STRINGS_MAX + 4, sizeof(*room));
		_cleanup_free_ char *body = NULL;
		char *program, **argv, **env, *cwd;
		uint32_t envc = SBX_WIRE_STRINGS_MAX - argcs[i];
		size_t length;

		strings[0] = 'p';
		body = exec_body(argcs[i], envc, strings, SBX_WIRE_STRINGS_MAX + 3, &length);
		assert_int_equal(
			sbx_wire_split_exec(body, length, room, &program, &argv, &env, &cwd), 0);
		assert_null(argv[argcs[i]]);
		assert_null(env[envc]);
		assert_ptr_equal(cwd, body + length - 1);
	}
}

static void *send_longest(void *sock)
{
	_cleanup_free_ char *body = malloc(SBX_WIRE_EXEC_MAX);

	for (size_t i = 0; i < SBX_WIRE_EXEC_MAX; i++)
		body[i] = (char)(i >> 8);
	return (void *)(intptr_t)sbx_wire_send(*(int *)sock, SBX_WIRE_EXEC, body, SBX_WIRE_EXEC_MAX,
					       (int[]){ 0, 1, 2 }, 3);
}

/* Some bytes, which no descriptors may come with. */
static size_t receive_plain(int sock, char *data, size_t room)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { data, room };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(sock, &msg, 0);

	assert_true(n > 0);
	assert_int_equal(msg.msg_controllen, 0);
	assert_false(msg.msg_flags & MSG_CTRUNC);
	return (size_t)n;
}

static void nothing(int signal)
{
	(void)signal;
}

/*
 * More than a socket holds, and signals that cut sendmsg short: the rest follows, the descriptors
 * don't come twice, and every byte is there.
 */
static void test_longest(void **state)
{
	struct sigaction action = { .sa_handler = nothing }; /* without SA_RESTART */
	_cleanup_free_ char *body = malloc(SBX_WIRE_EXEC_MAX);
	struct sbx_wire_header header;
	pthread_t sender;
	void *result;
	size_t count;
	int fds[3], ends[2], small = 4096, before = count_fds();

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	(void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	assert_int_equal(pthread_create(&sender, NULL, send_longest, &ends[0]), 0);
	assert_int_equal(sbx_wire_recv_header(ends[1], &header, fds, 3, &count), 0);
	assert_int_equal(count, 3);
	assert_int_equal(header.length, SBX_WIRE_EXEC_MAX);
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	for (size_t got = 0; got < header.length;) {
		if (got < header.length / 2) {
			(void)usleep(1000);
			(void)pthread_kill(sender, SIGUSR1);
		}
		got += receive_plain(ends[1], body + got, header.length - got);
	}
	assert_int_equal(pthread_join(sender, &result), 0);
	assert_int_equal((intptr_t)result, 0);
	for (size_t i = 0; i < SBX_WIRE_EXEC_MAX; i++)
		assert_int_equal(body[i], (char)(i >> 8));
	for (size_t i = 0; i < count; i++)
		(void)close(fds[i]);
	(void)close(ends[0]);
	(void)close(ends[1]);
	assert_int_equal(count_fds(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_hostile),
		cmocka_unit_test(test_split_most),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
