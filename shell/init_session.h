/*
 * One session inside the sandbox, run by a child of PID 1 that is its subreaper.
 *
 * It trusts its client for what to run (the client is the account's own shell, outside) and for
 * nothing else: messages are bounded, and silence ends it. What it starts is hostile: it may signal
 * this process, and does no more than end its own session by that (PID 1 sees to the rest).
 */
#ifndef SBX_INIT_SESSION_H
#define SBX_INIT_SESSION_H

#include <stdint.h>

#include "wire.h"

/*
 * Serve the client at conn, then exit: after the command and everything that it left in the
 * background have ended, or after the client went away and everything was killed. count answers a
 * QUERY. *attached, shared with PID 1, is 1 while a client waits for a command. Must be called in a
 * fresh child of PID 1; signals are blocked.
 */
_Noreturn void sbx_session_serve(int conn, const struct sbx_wire_count *count, uint8_t *attached);

#endif
