/*
 * One sandbox from the outside: connect to its PID 1, or bring it up first.
 *
 * The warm way is one connect(2) to a socket that has a name on the host only, and a look at who
 * listens. The cold way goes through podman under a lock, so that any number of logins at once make
 * one container and run setup.sh once. It may be killed at any moment: the next login carries on
 * from what it finds.
 */
#ifndef SBX_BOX_H
#define SBX_BOX_H

#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "engine.h"
#include "error.h"
#include "folder.h"
#include "policy.h"
#include "session.h"

struct sbx_box {
	const struct sbx_account *account;
	const struct sbx_policy *policy;
	char *base;     /* the folder of sandboxes, absolute */
	char *instance; /* what it's called among all of the account's: the sandbox's name, made
			   unique by its folder when that isn't ~/sandboxes */
	const char *init_path;   /* sandbox-init */
	bool terminal;           /* stderr is one: progress may be shown */
	uint64_t digest, limits; /* of the policy, to compare with the records */
	struct sbx_folder runtime;
	struct sbx_folder data;
	struct sbx_engine engine; /* usable after sbx_box_bring_up began, or sbx_box_open_engine */
};

/*
 * Prepare; opens the runtime folder, making ours within it. account, policy and init_path must
 * outlive the box.
 */
int sbx_box_open(struct sbx_box *box, const struct sbx_account *account,
		 const struct sbx_policy *policy, const char *base, const char *init_path,
		 struct sbx_error *err);

void sbx_box_done(struct sbx_box *box);

/*
 * Connect to a running, ready sandbox of this very policy. Returns a socket in *ret_conn; -ENOENT
 * when there's none that runs and is ready, -ESTALE when it runs under another policy, -EPERM when
 * not its PID 1 listens.
 */
int sbx_box_connect(struct sbx_box *box, int *ret_conn, struct sbx_error *err);

/* Connect, bringing it up when it must. Blocks as long as podman and setup.sh take. */
int sbx_box_enter(struct sbx_box *box, int *ret_conn, struct sbx_error *err);

/*
 * Enter, and run a session with this process's 0-2; see sbx_session_run for what it returns. A PID
 * 1 that ended before it had started the command is replaced once.
 */
int sbx_box_run(struct sbx_box *box, const struct sbx_request *request, struct sbx_error *err);

/* The number of sessions with a client in a running sandbox, or -errno when none runs. */
int sbx_box_count_sessions(struct sbx_box *box);

/* Find out what the host offers, for callers that drive the engine themselves. */
int sbx_box_open_engine(struct sbx_box *box, struct sbx_error *err);

/* Take the lock of the sandbox; *ret_lock is closed to release it. */
int sbx_box_lock(struct sbx_box *box, int *ret_lock, struct sbx_error *err);

/* Remove container, records and, with data, everything of it. */
int sbx_box_remove(struct sbx_box *box, bool data, struct sbx_error *err);

#endif
