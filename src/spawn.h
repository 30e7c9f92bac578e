/*
 * Running a helper program (podman, mmdebstrap) as its own process.
 *
 * An absolute path, an environment made from nothing, signals reset, no descriptor but 0-2. The
 * helper dies with us (PR_SET_PDEATHSIG): a login that is killed leaves no half-done podman behind.
 * No shell is involved.
 */
#ifndef SBX_SPAWN_H
#define SBX_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "error.h"

#define SBX_SPAWN_CAPTURE_MAX 16384

struct sbx_process {
	pid_t pid;
	int pidfd;
	int out; /* read ends, non-blocking; -1 when not captured */
	int err;
	char out_text[SBX_SPAWN_CAPTURE_MAX]; /* the beginning of stdout, terminated */
	size_t out_length;
	char err_text[SBX_SPAWN_CAPTURE_MAX]; /* the end of stderr, terminated */
	size_t err_length;
};

struct sbx_spawn {
	char *const *argv; /* argv[0] is the absolute path */
	char *const *env;
	int in;          /* becomes stdin; -1 for /dev/null */
	int out;         /* becomes stdout; -1 for captured */
	int progress;    /* stderr goes here as well, as it comes; -1 for nowhere */
	bool keep_stdio; /* stdin, stdout, stderr are the caller's own: nothing is captured */
};

/* Start it. On success *ret_process must be ended with sbx_process_wait or sbx_process_kill. */
int sbx_process_start(const struct sbx_spawn *spawn, struct sbx_process *ret_process,
		      struct sbx_error *err);

/* Take what it has written so far, without waiting. progress as in struct sbx_spawn. */
void sbx_process_collect(struct sbx_process *process, int progress);

/*
 * Wait for its end, collecting. Returns its exit status (0-255), or 128 + signal, or -errno. A
 * grandchild that keeps its stdout or stderr open doesn't keep us.
 */
int sbx_process_wait(struct sbx_process *process, int progress);

/* SIGKILL and reap it. */
void sbx_process_kill(struct sbx_process *process);

/*
 * Start, wait, and make a failure an error: "PROGRAM: reason", where the reason is the last line of
 * its stderr. process may be NULL when the output isn't wanted. Returns 0 or -errno.
 */
int sbx_spawn_run(const struct sbx_spawn *spawn, struct sbx_process *process,
		  struct sbx_error *err);

/* The reason in a helper's stderr: its last "Error: " line, else its first that isn't empty. */
void sbx_process_reason(const struct sbx_process *process, char *reason, size_t room);

#endif
