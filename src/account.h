/*
 * Who is calling: the account that owns the sandbox, by its real uid and the passwd database.
 * The environment (HOME, USER, LOGNAME, XDG_*) is never asked.
 */
#ifndef SBX_ACCOUNT_H
#define SBX_ACCOUNT_H

#include <sys/types.h>

#include "error.h"

struct sbx_account {
	uid_t uid;
	gid_t gid;
	char *name;
	char *home; /* absolute host path */
};

/*
 * The calling account. Refused (-EPERM): root, a process whose real, effective or saved ids differ,
 * and an account whose name is no valid file name or whose home is not absolute.
 */
int sbx_account_self(struct sbx_account *ret_account, struct sbx_error *err);

void sbx_account_done(struct sbx_account *account);

#endif
