/*
 * What the parts of `sandboxctl enroll` share. All of it runs as root and under the lock of
 * ctl_root_lock; it trusts the system's account databases, and what the operator types only after
 * it was checked. It must not read anything below the account's home.
 */
#ifndef SBX_CTL_ENROLL_H
#define SBX_CTL_ENROLL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"
#include "util.h"

#define CTL_IDS_NEEDED 65536

enum ctl_ids { CTL_SUBUIDS, CTL_SUBGIDS, CTL_IDS_KINDS };

struct ctl_enroll {
	const char *name;
	bool existing;        /* --existing */
	char *policy;         /* --policy: the text that was checked; NULL without */
	struct sbx_strv keys; /* --key: a public key each, without what surrounds it */
	bool known;           /* the account was there before this call */
	uid_t uid;            /* these three once it is there */
	gid_t gid;
	char *home;
	bool began; /* the step at work has something to undo */
	/* What was there before, for undoing; NULL for nothing. */
	char *old_shell, *old_shells, *old_keys, *old_policy;
	uint64_t ids[CTL_IDS_KINDS]; /* where a range that was added begins; 0 for none */
};

/*
 * A step makes what is missing of one thing, and sets began ahead of its first change. Where it
 * changes nothing there is nothing to do. undo takes back what make did, as far as that came.
 */
struct ctl_enroll_step {
	const char *what;
	int (*make)(struct ctl_enroll *enroll, struct sbx_error *err);
	int (*undo)(struct ctl_enroll *enroll, struct sbx_error *err);
};

#define CTL_ENROLL_STEPS_MAX 16

extern const struct ctl_enroll_step ctl_enroll_steps[];
extern const size_t ctl_enroll_step_count;

/* Fill uid, gid, home. -ENOENT, without an error set, when there is no such account. */
int ctl_enroll_look_up(struct ctl_enroll *enroll, struct sbx_error *err);

/* May it be an account of ours, and made or taken over by this call? Sets known. */
int ctl_enroll_check(struct ctl_enroll *enroll, struct sbx_error *err);

/*
 * Read --key: "-" is stdin. Every line must be blank, a comment or a public key, with options of
 * authorized_keys(5) or without.
 */
int ctl_enroll_read_keys(struct ctl_enroll *enroll, const char *path, struct sbx_error *err);

int ctl_enroll_make_keys(struct ctl_enroll *enroll, struct sbx_error *err);
int ctl_enroll_undo_keys(struct ctl_enroll *enroll, struct sbx_error *err);

/* Subordinate ids: enough of them, and nobody else's. */
int ctl_enroll_make_ids(struct ctl_enroll *enroll, struct sbx_error *err);
int ctl_enroll_undo_ids(struct ctl_enroll *enroll, struct sbx_error *err);

#endif
