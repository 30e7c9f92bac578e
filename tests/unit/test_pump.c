/*
 * Copying: every byte arrives, in order and once; ends and breaks are passed on; nothing blocks.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "count_fds.h"
#include "pump.h"
#include "util.h"

/* A pump between two pipes: source[1] is written here, sink[0] is read here. */
struct line {
	int source[2], sink[2];
	struct sbx_pump pump;
	char buffer[SBX_PUMP_BYTES];
	int before;
};

static void open_line(struct line *line, bool owns)
{
	line->before = count_fds();
	assert_int_equal(pipe2(line->source, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(pipe2(line->sink, O_CLOEXEC | O_NONBLOCK), 0);
	line->pump = (struct sbx_pump){ .from = line->source[0],
					.to = line->sink[1],
					.owns_from = owns,
					.owns_to = owns,
					.buffer = line->buffer };
}

static void close_end(int *fd)
{
	(void)close(*fd);
	*fd = -1;
}

/* Close what is ours; what the pump owns it has closed itself, or the count is wrong. */
static void close_line(struct line *line)
{
	if (line->source[1] >= 0)
		close_end(&line->source[1]);
	if (line->sink[0] >= 0)
		close_end(&line->sink[0]);
	if (!line->pump.owns_from)
		close_end(&line->source[0]);
	if (!line->pump.owns_to)
		close_end(&line->sink[1]);
	assert_int_equal(count_fds(), line->before);
}

/* One round of a loop. Returns what poll did. */
static int turn_within(struct line *line, int milliseconds)
{
	struct pollfd polled[2];
	int n;

	sbx_pump_want(&line->pump, polled);
	n = poll(polled, 2, milliseconds);
	if (n > 0)
		sbx_pump_move(&line->pump, polled);
	return n;
}

static int turn(struct line *line)
{
	return turn_within(line, 20);
}

static void feed(const struct line *line, const char *text)
{
	assert_int_equal(write(line->source[1], text, strlen(text)), strlen(text));
}

static void expect(const struct line *line, const char *text)
{
	char got[256];
	ssize_t n = read(line->sink[0], got, sizeof(got));

	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

static void test_copies_and_ends(void **state)
{
	struct line line;

	(void)state;
	open_line(&line, true);
	assert_int_equal(turn(&line), 0);
	feed(&line, "hello");
	assert_int_equal(turn(&line), 1);
	assert_int_equal(turn(&line), 1);
	expect(&line, "hello");
	assert_false(sbx_pump_idle(&line.pump));
	feed(&line, "bye");
	close_end(&line.source[1]);
	for (int i = 0; i < 10 && !sbx_pump_idle(&line.pump); i++)
		(void)turn(&line);
	assert_true(sbx_pump_idle(&line.pump));
	assert_true(line.pump.ended);
	assert_false(line.pump.broken);
	expect(&line, "bye");
	/* The end was passed on: our pipe's writing end is closed. */
	expect(&line, "");
	assert_int_equal(line.pump.from, -1);
	assert_int_equal(line.pump.to, -1);
	close_line(&line);
}

static void test_keeps_what_it_does_not_own(void **state)
{
	struct line line;

	(void)state;
	open_line(&line, false);
	close_end(&line.source[1]);
	for (int i = 0; i < 10 && !sbx_pump_idle(&line.pump); i++)
		(void)turn(&line);
	assert_true(sbx_pump_idle(&line.pump));
	assert_int_equal(fcntl(line.source[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(line.sink[1], F_GETFD), FD_CLOEXEC);
	close_line(&line);
}

/* A reader that doesn't read: the source isn't read either, and no turn spins. */
static void test_backpressure(void **state)
{
	static char chunk[SBX_PUMP_BYTES];
	struct line line;
	struct pollfd polled[2];
	int turns = 0;

	(void)state;
	open_line(&line, true);
	while (turns++ < 1000) {
		if (write(line.source[1], chunk, sizeof(chunk)) < 0)
			assert_int_equal(errno, EAGAIN);
		if (turn(&line) == 0)
			break;
	}
	assert_in_range(turns, 2, 50);
	sbx_pump_want(&line.pump, polled);
	assert_int_equal(polled[0].fd, -1);
	assert_int_equal(polled[1].fd, line.sink[1]);
	assert_int_equal(polled[1].events, POLLOUT);
	close_end(&line.sink[0]);
	(void)turn(&line);
	assert_true(sbx_pump_idle(&line.pump));
	close_line(&line);
}

/* Nobody takes it any more: both sides are let go, so that the writer gets to know. */
static void test_breaks(void **state)
{
	struct line line;
	struct pollfd polled[2];

	(void)state;
	open_line(&line, true);
	close_end(&line.sink[0]);
	feed(&line, "lost");
	(void)turn(&line);
	(void)turn(&line);
	assert_true(sbx_pump_idle(&line.pump));
	assert_true(line.pump.broken);
	assert_false(line.pump.ended);
	assert_int_equal(line.pump.from, -1);
	assert_int_equal(line.pump.to, -1);
	sbx_pump_want(&line.pump, polled);
	assert_int_equal(polled[0].fd, -1);
	assert_int_equal(polled[1].fd, -1);
	assert_int_equal(write(line.source[1], "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close_line(&line);
}

/* A source that can't be read ends as one that has ended. */
static void test_unreadable(void **state)
{
	struct line line;

	(void)state;
	open_line(&line, true);
	close_end(&line.source[0]);
	line.pump.from = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)turn(&line);
	assert_true(sbx_pump_idle(&line.pump));
	assert_true(line.pump.ended);
	expect(&line, "");
	close_line(&line);
}

/* Nothing at hand isn't an end: a signal or another reader may have been first. */
static void test_spurious(void **state)
{
	const struct pollfd ready[2] = { { .revents = POLLIN }, { .revents = POLLOUT } };
	struct line line;

	(void)state;
	open_line(&line, true);
	sbx_pump_move(&line.pump, ready);
	assert_false(sbx_pump_idle(&line.pump));
	assert_int_equal(line.pump.from, line.source[0]);
	assert_int_equal(line.pump.to, line.sink[1]);
	assert_false(line.pump.ended);
	feed(&line, "still");
	(void)turn(&line);
	(void)turn(&line);
	expect(&line, "still");
	close_end(&line.source[1]);
	(void)turn(&line);
	close_line(&line);
}

/* Many bytes of all values, written and read in odd pieces, come out the same. */
static void test_bytes(void **state)
{
	enum { TOTAL = 1000003 };
	struct line line;
	size_t written = 0, got = 0;
	unsigned char out[7777], in[1013];

	(void)state;
	open_line(&line, true);
	while (!sbx_pump_idle(&line.pump) || got < TOTAL) {
		size_t piece = TOTAL - written < sizeof(out) ? TOTAL - written : sizeof(out);
		ssize_t n;

		for (size_t i = 0; i < piece; i++)
			out[i] = (unsigned char)((written + i) * 31 >> 3);
		n = piece ? write(line.source[1], out, piece) : 0;
		written += n > 0 ? (size_t)n : 0;
		if (written == TOTAL && line.source[1] >= 0)
			close_end(&line.source[1]);
		(void)turn_within(&line, 0);
		n = read(line.sink[0], in, sizeof(in));
		for (ssize_t i = 0; i < n; i++, got++)
			assert_int_equal(in[i], (unsigned char)(got * 31 >> 3));
	}
	assert_int_equal(got, TOTAL);
	close_line(&line);
}

/*
 * After the command has ended: what it had written gets out; what others keep open isn't waited
 * for.
 */
static void test_drain(void **state)
{
	struct line line;

	(void)state;
	open_line(&line, true);
	feed(&line, "last words");
	sbx_pump_drain(&line.pump);
	expect(&line, "last words");
	feed(&line, "more");
	close_end(&line.source[1]);
	sbx_pump_drain(&line.pump);
	expect(&line, "more");
	assert_true(sbx_pump_idle(&line.pump));
	sbx_pump_drain(&line.pump);
	close_line(&line);

	open_line(&line, true);
	feed(&line, "for nobody");
	close_end(&line.sink[0]);
	sbx_pump_drain(&line.pump);
	assert_true(line.pump.broken);
	close_line(&line);
}

/*
 * Nor is a source that never runs dry, as one is that something writes to faster than it can be
 * copied.
 */
static void test_drain_ends(void **state)
{
	_cleanup_close_ int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	static char buffer[SBX_PUMP_BYTES];
	struct sbx_pump pump = { .from = zero, .to = null, .buffer = buffer };

	(void)state;
	(void)alarm(60);
	sbx_pump_drain(&pump);
	(void)alarm(0);
	assert_false(pump.broken);
}

static int ignore_sigpipe(void **state)
{
	(void)state;
	return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies_and_ends),
		cmocka_unit_test(test_keeps_what_it_does_not_own),
		cmocka_unit_test(test_backpressure),
		cmocka_unit_test(test_breaks),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_spurious),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_ends),
	};

	return cmocka_run_group_tests(tests, ignore_sigpipe, NULL);
}
