/*
 * Which login sessions of an account live, as pam_sandbox wrote them down: a folder an account,
 * one empty file a session, named after the process that opened it and when that process started.
 * A file whose process is gone doesn't count, however the process ended.
 *
 * The folders are root's: accounts can look, not write. Only root can count and add.
 */
#ifndef SBX_SESSION_COUNT_H
#define SBX_SESSION_COUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "error.h"

#define SBX_SESSION_COUNT_DIR "/run/sandbox-shell-pam"
#define SBX_SESSION_NAME_MAX 64

struct sbx_session_count {
	int folder;
	int lock;
};

#define SBX_SESSION_COUNT_INIT \
	{                      \
		-1, -1         \
	}

/*
 * Open the account's folder below base (made when missing) and lock it, waiting 30 s at most. base
 * is SBX_SESSION_COUNT_DIR, or another for tests. Whoever calls must own base, which for the real
 * one is root.
 */
int sbx_session_count_open(const char *base, uid_t account, struct sbx_session_count *ret_count,
			   struct sbx_error *err);

void sbx_session_count_done(struct sbx_session_count *count);

/* How many sessions live; files of others are removed. Returns the number or -errno. */
int sbx_session_count_live(struct sbx_session_count *count, struct sbx_error *err);

/* Add one for the calling process. name is what sbx_session_count_remove takes. */
int sbx_session_count_add(struct sbx_session_count *count, char name[static SBX_SESSION_NAME_MAX],
			  struct sbx_error *err);

/* Remove one; that it's gone already is fine. Returns 0 or -errno. */
int sbx_session_count_remove(struct sbx_session_count *count, const char *name);

/*
 * Was the calling process's login let in by pam_sandbox: is it, or a process it descends from, in
 * the account's folder? For whoever relies on limits that only PAM enforces. Asks nobody's
 * environment, needs no privilege; false when /proc doesn't show the ancestors (hidepid).
 */
bool sbx_session_count_has_self(const char *base, uid_t account);

/* Is this process of this start time alive, and no zombie? What can't be told is alive. */
bool sbx_session_process_lives(pid_t pid, unsigned long long start);

/*
 * Parent and start time (clock ticks since boot) of a process from /proc/PID/stat. Returns 0,
 * -ESRCH when there is none or it's a zombie, or another -errno.
 */
int sbx_session_process_stat(pid_t pid, pid_t *ret_parent, unsigned long long *ret_start);

#endif
