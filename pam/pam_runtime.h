/*
 * /run/user/UID, where nobody else makes one: on a host without systemd. Needs root.
 */
#ifndef SBX_PAM_RUNTIME_H
#define SBX_PAM_RUNTIME_H

#include <stdbool.h>

#include "account.h"
#include "error.h"

/*
 * See to it that the folder is there, the account's and closed to others. Where it's missing and
 * make says so it's made, with a file system of its own in memory, and marks (the account's
 * folder of the session count) keep that in mind. One that's there is left as it is: -EPERM when
 * it isn't right.
 */
int sbx_pam_runtime_open(const struct sbx_account *account, bool make, int marks,
			 struct sbx_error *err);

bool sbx_pam_runtime_is_made(int marks);

/* Remove it when sbx_pam_runtime_open made it, with all that is in it. */
int sbx_pam_runtime_remove(const struct sbx_account *account, int marks, struct sbx_error *err);

#endif
