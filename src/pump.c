#include "pump.h"

#include <errno.h>
#include <unistd.h>

/*
 * More than a pipe or a pty holds (pipe(7): 65536 bytes; drivers/tty/tty_buffer.c: as many and a
 * line).
 */
#define HELD_MAX (2 * SBX_PUMP_BYTES)

static void finish(int *fd, bool owned)
{
	if (*fd >= 0 && owned)
		(void)close(*fd);
	*fd = -1;
}

bool sbx_pump_idle(const struct sbx_pump *pump)
{
	return pump->to < 0 || (pump->from < 0 && pump->start == pump->end);
}

void sbx_pump_want(const struct sbx_pump *pump, struct pollfd *polled)
{
	bool full = pump->start < pump->end;

	polled[0] =
		(struct pollfd){ .fd = full || pump->to < 0 ? -1 : pump->from, .events = POLLIN };
	polled[1] = (struct pollfd){ .fd = full ? pump->to : -1, .events = POLLOUT };
}

static bool passing(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static void take(struct sbx_pump *pump)
{
	ssize_t n = read(pump->from, pump->buffer, SBX_PUMP_BYTES);

	if (n > 0) {
		pump->start = 0;
		pump->end = (size_t)n;
	} else if (n == 0 || !passing()) {
		pump->ended = true;
		finish(&pump->from, pump->owns_from);
	}
}

static void give(struct sbx_pump *pump)
{
	ssize_t n = write(pump->to, pump->buffer + pump->start, pump->end - pump->start);

	if (n > 0) {
		pump->start += (size_t)n;
	} else if (n < 0 && !passing()) {
		pump->start = pump->end;
		pump->broken = true;
		pump->error = errno;
		finish(&pump->to, pump->owns_to);
		finish(&pump->from, pump->owns_from);
	}
}

void sbx_pump_move(struct sbx_pump *pump, const struct pollfd *polled)
{
	if (polled[0].revents && pump->from >= 0 && pump->start == pump->end)
		take(pump);
	if (polled[1].revents && pump->to >= 0 && pump->start < pump->end)
		give(pump);
	if (pump->from < 0 && pump->start == pump->end)
		finish(&pump->to, pump->owns_to);
}

void sbx_pump_drain(struct sbx_pump *pump)
{
	size_t taken = 0;

	while (!sbx_pump_idle(pump)) {
		struct pollfd polled[2];

		sbx_pump_want(pump, polled);
		if (polled[1].fd >= 0) {
			give(pump);
			if (pump->start < pump->end && poll(&polled[1], 1, -1) < 0 &&
			    errno != EINTR)
				return;
			continue;
		}
		if (taken >= HELD_MAX || poll(polled, 1, 0) <= 0)
			return;
		take(pump);
		taken += pump->end;
	}
	finish(&pump->to, pump->owns_to);
}
