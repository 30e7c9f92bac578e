/*
 * doctor: a table of checks of the host and of each enrolled account. A check looks and changes
 * nothing; some have a fix beside it, for what is safe to set right without asking.
 */
#ifndef SBX_CTL_DOCTOR_H
#define SBX_CTL_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl_accounts.h"
#include "error.h"
#include "spawn.h"

struct ctl_doctor {
	bool systemd; /* runs this host */
	struct ctl_accounts accounts;
	/* Of the account looked at last; see ctl_doctor_sshd.c. */
	const struct ctl_account *sshd_account;
	struct sbx_process *sshd;
	int sshd_result;
	struct sbx_error sshd_error;
};

/* What came of looking. -errno is: it can't be told, and why. */
enum { CTL_WELL, CTL_FOUND, CTL_NOT_HERE };

struct ctl_check {
	const char *name; /* for --json */
	/*
	 * account is NULL in the tables of the host. Returns CTL_FOUND with "WHAT: WHY: WHAT TO DO"
	 * in found, CTL_NOT_HERE when it means nothing on this host, or -errno with the reason.
	 */
	int (*look)(struct ctl_doctor *doctor, const struct ctl_check *check,
		    const struct ctl_account *account, struct sbx_error *found);
	/* Returns 0 with "WHAT: what was done" in done, or -errno with the reason; NULL for none */
	int (*fix)(struct ctl_doctor *doctor, const struct ctl_check *check,
		   const struct ctl_account *account, struct sbx_error *done);
	const char *argument;
	const char *value;
	bool systemd; /* means something only where that runs the host */
};

struct ctl_checks {
	const struct ctl_check *items;
	size_t count;
	bool each_account;
};

extern const struct ctl_checks ctl_checks_host, ctl_checks_accounts, ctl_checks_sshd,
	ctl_checks_pam;

/* A check or a fix, with the names that it may use. */
#define CTL_LOOK(name)                                                             \
	static int name(struct ctl_doctor *doctor __attribute__((unused)),         \
			const struct ctl_check *check __attribute__((unused)),     \
			const struct ctl_account *account __attribute__((unused)), \
			struct sbx_error *found)

/* Set found, and be CTL_FOUND. */
#define CTL_FIND(found, ...) ((void)sbx_error_set(found, -EINVAL, __VA_ARGS__), CTL_FOUND)

/*
 * The controllers that limits need and that aren't among these, each behind a blank; NULL when all
 * are. text may be NULL. size has room for them: 32.
 */
const char *ctl_doctor_missing(const char *text, char *missing, size_t size);

/*
 * Copy a file of SBX_SHARE_DIR/host to a place of root's where there's none yet. -ENOENT when it
 * isn't shipped there, -EEXIST when the place is taken.
 */
int ctl_doctor_place(const char *name, const char *path, struct sbx_error *err);

void ctl_doctor_done_sshd(struct ctl_doctor *doctor);

#endif
