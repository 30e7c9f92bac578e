/*
 * The start of a sandbox's container, and the first words with its PID 1 (see wire.h): PID 1
 * connects to a socket that is mounted read-only, gets the sandbox's own socket, listens on it, and
 * serves once we have written it into the record. Used by box.c under the lock only.
 */
#ifndef SBX_BOX_START_H
#define SBX_BOX_START_H

#include "box.h"
#include "record.h"

#define SBX_BOX_RECORD "state"
#define SBX_BOX_SOCKET "init"

/*
 * Make (create) or start the container and wait until its PID 1 listens; the runtime record is
 * written with ready as given. On failure nothing of it serves. -ENOTSUP: it started, but is not
 * what the policy asks for. -ESTALE: podman says it's up, yet no PID 1 came: a container that the
 * records don't know.
 */
int sbx_box_start(struct sbx_box *box, bool create, bool ready, struct sbx_error *err);

/* Run the policy's setup.sh inside. Returns 0, or -errno with its last lines in err. */
int sbx_box_setup(struct sbx_box *box, struct sbx_error *err);

/* Connect to PID 1 whatever the record says of readiness and policy; for setup and queries. */
int sbx_box_dial(struct sbx_box *box, pid_t init, int *ret_conn, struct sbx_error *err);

/*
 * Give the sandbox that runs the limits of the policy, and note them in its record: its sessions go
 * on. -EBUSY when it uses more memory than that, -ESTALE when only another container can have them.
 */
int sbx_box_adjust(struct sbx_box *box, struct sbx_record *running, struct sbx_error *err);

/*
 * Stop a sandbox that runs under another policy, to be replaced; but not under the feet of its
 * sessions: -EBUSY.
 */
int sbx_box_retire(struct sbx_box *box, struct sbx_error *err);

/* A line of progress for a person: on stderr, only when that is a terminal. */
void sbx_box_say(const struct sbx_box *box, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
