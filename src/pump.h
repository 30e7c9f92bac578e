/*
 * Copying bytes from one descriptor to another, as part of somebody's poll(2) loop.
 * The bytes are nobody's business: they're neither looked at nor changed.
 */
#ifndef SBX_PUMP_H
#define SBX_PUMP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define SBX_PUMP_BYTES 65536

struct sbx_pump {
	int from;                /* -1 once its end was reached */
	int to;                  /* -1 once nobody takes it any more */
	bool ended;              /* from has come to its end, or can't be read */
	bool broken;             /* to can't be written */
	int error;               /* why: an errno, when broken */
	bool owns_from, owns_to; /* closed by the pump when it's done with them */
	size_t start, end;
	char *buffer; /* SBX_PUMP_BYTES, the caller's */
};

/* Is there nothing left to do? */
bool sbx_pump_idle(const struct sbx_pump *pump);

/*
 * What to poll for: two entries, from and to; descriptors are -1 where there's nothing to wait for.
 */
void sbx_pump_want(const struct sbx_pump *pump, struct pollfd *polled);

/*
 * Move what can be moved after a poll of these two entries. A failing read is an end; a failing
 * write ends the pump.
 */
void sbx_pump_move(struct sbx_pump *pump, const struct pollfd *polled);

/*
 * Move what is there now, for the last words of a command that has ended: until the source has
 * nothing at hand, or more was moved than it could hold, for what the command left in the
 * background may write for ever.
 */
void sbx_pump_drain(struct sbx_pump *pump);

#endif
