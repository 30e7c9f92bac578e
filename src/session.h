/*
 * One session, seen from outside: what is asked of PID 1, and the wait for its end.
 *
 * After the request everything that arrives is hostile: PID 1 is ours, but what it runs may have
 * got the better of it. The descriptors that go in are pipes, Unix stream sockets and /dev/null
 * only (see relay.h).
 */
#ifndef SBX_SESSION_H
#define SBX_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "error.h"
#include "policy.h"
#include "util.h"

#define SBX_EXIT_FAILURE 125 /* ours: nothing of the command's */

struct sbx_request {
	const char *program; /* a path, or a name to be found in PATH inside */
	char *const *argv;   /* argv[0] included */
	struct sbx_strv env;
	char *cwd;     /* inside */
	bool terminal; /* make a pty inside; 0-2 are terminals */
	int client;    /* pidfd of the process whose end is the client's (sshd's), or 0 for none */
	uint64_t seconds;      /* hang up after so long; 0 for no limit */
	uint32_t nofile, pids; /* as in the policy */
};

/*
 * Fill env, cwd, nofile and pids for the account. In env: HOME, USER, LOGNAME, SHELL,
 * XDG_RUNTIME_DIR, what env.pass lets through of caller_env (NULL for none), env.set.
 */
int sbx_request_prepare(struct sbx_request *request, const struct sbx_account *account,
			const struct sbx_policy *policy, char *const *caller_env);

void sbx_request_done(struct sbx_request *request);

/*
 * Run it over a connection to PID 1 with this process's 0-2, until it has ended. Returns its exit
 * status (0-255; 128 + N when killed by signal N), or -errno with err set when the session broke;
 * closes conn. Signals that a person or sshd sends to this process are passed on meanwhile. When
 * its time is up it is hung up, and that is -ETIME. Once the command runs, this process is confined
 * for good (confine.h): it can't but end.
 */
int sbx_session_run(int conn, const struct sbx_request *request, struct sbx_error *err);

/*
 * Send the request with these three descriptors (NULL with a terminal) and wait until it was
 * started; for a terminal *ret_master is the pty's other end, checked to be one. Returns 0 or
 * -errno; -ECONNABORTED when PID 1 went away before it had said that the command runs.
 */
int sbx_session_start(int conn, const struct sbx_request *request, const int *fds, int *ret_master,
		      struct sbx_error *err);

/*
 * Read the EXIT message. Returns the status as sbx_session_run does, or -errno.
 */
int sbx_session_result(int conn, struct sbx_error *err);

#endif
