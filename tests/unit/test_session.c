/*
 * A session from outside: what is asked of PID 1, and that no answer of one that was taken over is
 * believed. The answers are put in the socket beforehand.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "count_fds.h"
#include "session.h"
#include "util.h"
#include "wire.h"

/* A connection: here is ours, there is PID 1's. */
struct pair {
	int here, there, before;
};

static void open_pair(struct pair *pair)
{
	int ends[2];

	pair->before = count_fds();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	pair->here = ends[0];
	pair->there = ends[1];
}

static void close_pair(struct pair *pair)
{
	(void)close(pair->here);
	if (pair->there >= 0)
		(void)close(pair->there);
	assert_int_equal(count_fds(), pair->before);
}

static char *const arguments[] = { (char[]){ "-bash" }, (char[]){ "-c" }, (char[]){ "a b" }, NULL };

static void make_request(struct sbx_request *request)
{
	*request = (struct sbx_request){ .program = "/bin/bash", .argv = arguments };
	(void)sbx_strv_add(&request->env, "A=1");
	(void)sbx_strv_add(&request->env, "B=");
	request->cwd = strdup("/home/agent");
}

/* What PID 1 gets to read. */
static void test_request(void **state)
{
	static char *slots[SBX_WIRE_STRINGS_MAX + 4];
	struct sbx_error err = SBX_ERROR_INIT;
	_cleanup_free_ char *body = NULL;
	struct sbx_wire_header header;
	struct sbx_request request;
	struct sbx_wire_exec exec;
	char *program, **argv, **env, *cwd;
	int fds[3] = { -1, -1, -1 };
	size_t count = 0;
	struct pair pair;

	(void)state;
	make_request(&request);
	open_pair(&pair);
	assert_int_equal(sbx_wire_send(pair.there, SBX_WIRE_STARTED, NULL, 0, NULL, 0), 0);
	assert_int_equal(sbx_session_start(pair.here, &request, (int[]){ 0, 1, 2 }, NULL, &err), 0);
	assert_int_equal(sbx_wire_recv_header(pair.there, &header, fds, 3, &count), 0);
	assert_int_equal(header.type, SBX_WIRE_EXEC);
	assert_int_equal(count, 3);
	body = malloc(header.length);
	assert_int_equal(sbx_wire_recv_body(pair.there, body, header.length), 0);
	memcpy(&exec, body, sizeof(exec));
	assert_int_equal(exec.flags, 0);
	assert_int_equal(
		sbx_wire_split_exec(body, header.length, slots, &program, &argv, &env, &cwd), 0);
	assert_string_equal(program, "/bin/bash");
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(argv[i], arguments[i]);
	assert_null(argv[3]);
	assert_string_equal(env[0], "A=1");
	assert_string_equal(env[1], "B=");
	assert_null(env[2]);
	assert_string_equal(cwd, "/home/agent");
	for (size_t i = 0; i < count; i++)
		(void)close(fds[i]);
	close_pair(&pair);
	sbx_request_done(&request);
}

/* Longer than PID 1 would take: an error at once, and nothing is sent. */
static void test_request_too_long(void **state)
{
	_cleanup_free_ char *lengthy = malloc(SBX_WIRE_EXEC_MAX);
	struct sbx_request request;
	struct pair pair;
	char byte;

	(void)state;
	memset(lengthy, 'x', SBX_WIRE_EXEC_MAX);
	lengthy[SBX_WIRE_EXEC_MAX - 1] = '\0';
	for (int i = 0; i < 2; i++) {
		struct sbx_error err = SBX_ERROR_INIT;

		make_request(&request);
		if (i == 0)
			(void)sbx_strv_add(&request.env, lengthy);
		for (size_t n = 0; i == 1 && n < SBX_WIRE_STRINGS_MAX; n++)
			(void)sbx_strv_add(&request.env, "A=");
		open_pair(&pair);
		assert_int_equal(sbx_session_start(pair.here, &request, (int[]){ 0, 1, 2 }, NULL,
						   &err),
				 -E2BIG);
		assert_non_null(
			strstr(err.message, "the command with its environment is longer than"));
		assert_int_equal(recv(pair.there, &byte, 1, MSG_DONTWAIT), -1);
		close_pair(&pair);
		sbx_request_done(&request);
	}
}

enum sent { NOTHING, NULL_DEVICE, FOLDER, SLAVE, MASTER, TWO_MASTERS };

/* A descriptor to send; the caller closes it. */
static int make_fd(enum sent sent)
{
	_cleanup_close_ int master = -1;
	char name[64];

	if (sent == NULL_DEVICE)
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	if (sent == FOLDER)
		return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (sent != SLAVE)
		return steal_fd(&master);
	assert_int_equal(unlockpt(master), 0);
	assert_int_equal(ptsname_r(master, name, sizeof(name)), 0);
	return open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static void answer(int sock, enum sbx_wire_type type, const void *body, size_t length,
		   enum sent sent)
{
	int fds[2] = { -1, -1 };
	size_t count = sent == NOTHING ? 0 : sent == TWO_MASTERS ? 2 : 1;

	for (size_t i = 0; i < count; i++)
		fds[i] = make_fd(sent);
	assert_int_equal(sbx_wire_send(sock, type, body, length, fds, count), 0);
	for (size_t i = 0; i < count; i++)
		(void)close(fds[i]);
}

static void test_answers_to_start(void **state)
{
	static const char body[4] = "body";
	static const struct {
		bool terminal;
		enum sbx_wire_type type;
		size_t length;
		enum sent sent;
		int result;
		const char *message;
	} cases[] = {
		{ false, SBX_WIRE_STARTED, 0, NOTHING, 0, "" },
		{ true, SBX_WIRE_STARTED, 0, MASTER, 0, "" },
		{ false, SBX_WIRE_STARTED, 4, NOTHING, -EPROTO, "answered nonsense" },
		{ false, SBX_WIRE_STARTED, 0, MASTER, -EPROTO, "answered nonsense" },
		{ false, SBX_WIRE_EXIT, 0, NOTHING, -EPROTO, "answered nonsense" },
		{ false, SBX_WIRE_COUNT, 4, NOTHING, -EPROTO, "answered nonsense" },
		{ false, (enum sbx_wire_type)99, 0, NOTHING, -EPROTO, "answered nonsense" },
		{ false, SBX_WIRE_FAILED, 4, NOTHING, -EPROTO, "answered nonsense" },
		{ true, SBX_WIRE_STARTED, 0, NOTHING, -EPROTO, "answered nonsense" },
		{ true, SBX_WIRE_STARTED, 0, TWO_MASTERS, -EPROTO, "answered nonsense" },
		{ true, SBX_WIRE_STARTED, 4, MASTER, -EPROTO, "answered nonsense" },
		{ true, SBX_WIRE_STARTED, 0, NULL_DEVICE, -EPROTO, "is no terminal" },
		{ true, SBX_WIRE_STARTED, 0, FOLDER, -EPROTO, "is no terminal" },
		{ true, SBX_WIRE_STARTED, 0, SLAVE, -EPROTO, "is no terminal" },
		{ true, SBX_WIRE_EXIT, 0, MASTER, -EPROTO, "answered nonsense" },
		{ true, SBX_WIRE_FAILED, 4, MASTER, -EPROTO, "answered nonsense" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		struct sbx_request request;
		struct pair pair;
		int master = -1;

		make_request(&request);
		request.terminal = cases[i].terminal;
		open_pair(&pair);
		answer(pair.there, cases[i].type, body, cases[i].length, cases[i].sent);
		assert_int_equal(sbx_session_start(pair.here, &request,
						   cases[i].terminal ? NULL : (int[]){ 0, 1, 2 },
						   cases[i].terminal ? &master : NULL, &err),
				 cases[i].result);
		assert_non_null(strstr(err.message, cases[i].message));
		assert_int_equal(master >= 0, cases[i].terminal && cases[i].result == 0);
		if (master >= 0)
			(void)close(master);
		sbx_request_done(&request);
		close_pair(&pair);
	}
}

/*
 * PID 1 went away: before the command ran that is one thing, and a login may try again; after,
 * another.
 */
static void test_hang_ups(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_request request;
	struct pair pair;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	make_request(&request);
	open_pair(&pair);
	(void)close(steal_fd(&pair.there));
	assert_int_equal(sbx_session_start(pair.here, &request, (int[]){ 0, 1, 2 }, NULL, &err),
			 -ECONNABORTED);
	assert_int_equal(sbx_session_result(pair.here, &err), -ECONNRESET);
	assert_string_equal(
		err.message,
		"session: the sandbox ended it: it was stopped, killed or ran out of memory");
	close_pair(&pair);
	open_pair(&pair);
	assert_int_equal(shutdown(pair.there, SHUT_WR), 0);
	assert_int_equal(sbx_session_start(pair.here, &request, (int[]){ 0, 1, 2 }, NULL, &err),
			 -ECONNABORTED);
	close_pair(&pair);
	sbx_request_done(&request);
}

/* What PID 1 says of a failure is hostile too: cut, cleaned, and a number that strerror knows. */
static void test_failures(void **state)
{
	static const struct {
		uint32_t error;
		const char *text;
		int result;
		const char *message;
	} cases[] = {
		{ ENOENT, "start it", -EIO,
		  "session: the sandbox could not start it: No such file or directory" },
		{ EAGAIN, "fork", -EAGAIN, "session: the sandbox is at its limit of processes" },
		{ EIO, "\033[2J\n", -EIO,
		  "session: the sandbox could not ?[2J?: Input/output error" },
		{ UINT32_MAX, "x", -EIO, "session: the sandbox could not x: Unknown error 4095" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases) * 2; i++) {
		struct sbx_wire_failed failed = { .error = cases[i / 2].error };
		struct sbx_error err = SBX_ERROR_INIT;
		struct sbx_request request;
		struct pair pair;
		int r;

		(void)snprintf(failed.text, sizeof(failed.text), "%s", cases[i / 2].text);
		make_request(&request);
		open_pair(&pair);
		answer(pair.there, SBX_WIRE_FAILED, &failed, sizeof(failed), NOTHING);
		r = i % 2 ? sbx_session_result(pair.here, &err)
			  : sbx_session_start(pair.here, &request, (int[]){ 0, 1, 2 }, NULL, &err);
		assert_int_equal(r, cases[i / 2].result);
		assert_memory_equal(err.message, cases[i / 2].message,
				    strlen(cases[i / 2].message));
		close_pair(&pair);
		sbx_request_done(&request);
	}
}

static void test_failure_unterminated(void **state)
{
	struct sbx_wire_failed failed = { .error = ENOENT };
	struct sbx_error err = SBX_ERROR_INIT;
	struct pair pair;

	(void)state;
	memset(failed.text, 'x', sizeof(failed.text));
	open_pair(&pair);
	answer(pair.there, SBX_WIRE_FAILED, &failed, sizeof(failed), NOTHING);
	assert_int_equal(sbx_session_result(pair.here, &err), -EIO);
	assert_non_null(strstr(err.message, "xxx: No such file or directory"));
	close_pair(&pair);
}

static void test_results(void **state)
{
	static const struct {
		struct sbx_wire_exit exit;
		int result;
	} cases[] = {
		{ { 0, 0 }, 0 },
		{ { 0, 7 }, 7 },
		{ { 0, 255 }, 255 },
		{ { 0, 256 }, 0 },
		{ { 0, UINT32_MAX }, 255 },
		{ { 1, SIGKILL }, 137 },
		{ { 1, SIGTERM }, 143 },
		{ { 1, UINT32_MAX }, 255 },
		{ { UINT32_MAX, SIGHUP }, 129 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		struct sbx_wire_header header;
		struct pair pair;

		open_pair(&pair);
		answer(pair.there, SBX_WIRE_EXIT, &cases[i].exit, sizeof(cases[i].exit), NOTHING);
		assert_int_equal(sbx_session_result(pair.here, &err), cases[i].result);
		/* PID 1 is told that it arrived. */
		assert_int_equal(sbx_wire_recv_header(pair.there, &header, NULL, 0, NULL), 0);
		assert_int_equal(header.type, SBX_WIRE_SEEN);
		close_pair(&pair);
	}
}

static void test_bad_results(void **state)
{
	static const struct sbx_wire_exit fine = { 0, 0 };
	static const struct {
		enum sbx_wire_type type;
		size_t length;
		enum sent sent;
	} cases[] = {
		{ SBX_WIRE_EXIT, 0, NOTHING },
		{ SBX_WIRE_EXIT, sizeof(fine) - 1, NOTHING },
		{ SBX_WIRE_EXIT, sizeof(fine), MASTER },
		{ SBX_WIRE_STARTED, 0, NOTHING },
		{ SBX_WIRE_SIGNAL, sizeof(fine), NOTHING },
		{ (enum sbx_wire_type)0, 0, NOTHING },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		struct pair pair;

		open_pair(&pair);
		answer(pair.there, cases[i].type, &fine, cases[i].length, cases[i].sent);
		assert_int_equal(sbx_session_result(pair.here, &err), -EPROTO);
		close_pair(&pair);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_request_too_long),
		cmocka_unit_test(test_answers_to_start),
		cmocka_unit_test(test_hang_ups),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_failure_unterminated),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_bad_results),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
