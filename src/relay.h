/*
 * What connects this process's 0-2 with a session: nothing at all where they may be handed over,
 * else copying.
 *
 * Only pipes, connected Unix stream sockets and /dev/null are handed over. A folder, file or device
 * would be a door out of the sandbox (/proc/self/fd/0), an internet socket could be made to connect
 * elsewhere in the host's network, and a terminal takes ioctls.
 */
#ifndef SBX_RELAY_H
#define SBX_RELAY_H

#include "error.h"
#include "pump.h"

/* May this descriptor itself go into the sandbox? */
bool sbx_relay_may_hand_over(int fd);

/* What every relay watches beside the bytes. */
struct sbx_relay_ends {
	int conn;    /* to the session inside */
	int signals; /* from sbx_relay_signals */
	int client;  /* pidfd of the client's process, or -1 */
	int clock;   /* a timerfd that says when the session's time is up, or -1 */
};

/* The error of a session whose time is up. Returns -ETIME. */
int sbx_relay_time_up(struct sbx_error *err);

/*
 * Run the started session at conn with a terminal: 0 and 1 are the person's, master is the pty's
 * end that the sandbox sent. Returns the exit status, or -errno. The person's terminal is left as
 * it was.
 */
int sbx_relay_terminal(const struct sbx_relay_ends *ends, int master, struct sbx_error *err);

/* One of 0-2 that is relayed: the pipe's end that goes in, and the pump for ours. */
struct sbx_relay {
	int give[3]; /* what to hand over for 0-2; owned where pipes were made */
	bool made[3];
	bool handed[3];           /* ours went in itself */
	struct sbx_pump pumps[3]; /* to < 0 where there's nothing to copy */
};

/* Decide for each of 0-2, making pipes where needed. */
int sbx_relay_open(struct sbx_relay *relay, struct sbx_error *err);

/* Close what was handed over, once it was sent. */
void sbx_relay_handed_over(struct sbx_relay *relay);

/* Run the started session at conn without a terminal. Returns the exit status, or -errno. */
int sbx_relay_stdio(const struct sbx_relay_ends *ends, struct sbx_relay *relay,
		    struct sbx_error *err);

void sbx_relay_done(struct sbx_relay *relay);

/* Block the signals that are relayed and return a signalfd for them, or -errno. */
int sbx_relay_signals(void);

#endif
