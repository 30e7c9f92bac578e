/*
 * Driving podman for one sandbox: one function a command, each with podman's failure made readable.
 * podman is trusted; what it prints is parsed by nobody but for the reason of a failure.
 */
#ifndef SBX_ENGINE_H
#define SBX_ENGINE_H

#include "engine_args.h"
#include "error.h"
#include "spawn.h"

struct sbx_engine {
	const struct sbx_account *account;
	const struct sbx_policy *policy;
	struct sbx_facts facts;
	int progress; /* where podman's own progress goes as well: stderr when it's a terminal, or
			 -1 */
};

/*
 * Begin `podman run` (create) or `podman start`. The caller waits for PID 1 beside it, and ends it
 * with sbx_engine_finish or sbx_process_kill.
 */
int sbx_engine_launch(struct sbx_engine *engine, bool create, struct sbx_process *ret_process,
		      struct sbx_error *err);

/* Wait for a launched podman. Returns 0 or -EIO with the reason. */
int sbx_engine_finish(struct sbx_process *process, struct sbx_error *err);

/* Does podman know the container? 1 yes, 0 no, or -errno. */
int sbx_engine_exists(struct sbx_engine *engine, struct sbx_error *err);

/* Is the policy's image in the account's store? 1 yes, 0 no, or -errno. */
int sbx_engine_has_image(struct sbx_engine *engine, struct sbx_error *err);

/*
 * Load it from SBX_IMAGE_DIR. -ENOENT with the command that makes it when it isn't there.
 */
int sbx_engine_load_image(struct sbx_engine *engine, struct sbx_error *err);

/* Remove the container, running or not, also one that podman knows by halves. Absent is fine. */
int sbx_engine_remove(struct sbx_engine *engine, struct sbx_error *err);

/* Stop it if it runs: SIGTERM to PID 1, SIGKILL after 5 s, or at once when not to wait. */
int sbx_engine_stop(struct sbx_engine *engine, bool wait, struct sbx_error *err);

/*
 * Tell podman and crun that a container has ended: podman, whose monitor died before it could say
 * so, by the file that it would have written; crun by a delete, as one that was killed between its
 * own state and podman's leaves a container that podman doesn't know to be there ("already exists"
 * at each start from then on). Only right when nothing of the container lives.
 */
int sbx_engine_mark_ended(struct sbx_engine *engine, struct sbx_error *err);

/*
 * Get podman out of "invalid internal status": all processes of the account were killed, its pause
 * process with them, while its database says that something runs (podman-system-migrate(1)).
 * Commands that fail so return -ENOTRECOVERABLE.
 */
int sbx_engine_migrate(struct sbx_engine *engine, struct sbx_error *err);

/*
 * Delete a folder with all in it, also what belongs to the account's subordinate uids, from within
 * its user namespace. The path's last part is not followed when it's a link.
 */
int sbx_engine_delete_folder(struct sbx_engine *engine, const char *path, struct sbx_error *err);

/* The account's sandboxes, as lines "NAME STATE"; the caller frees *ret_text. */
int sbx_engine_list(struct sbx_engine *engine, char **ret_text, struct sbx_error *err);

#endif
