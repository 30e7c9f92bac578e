/*
 * The account that a login is for, from the user name PAM has, by the passwd and group databases.
 */
#ifndef SBX_PAM_ACCOUNT_H
#define SBX_PAM_ACCOUNT_H

#include <stdbool.h>

#include "account.h"
#include "error.h"

/*
 * Find the account. Its name is the one sandbox-shell will see: that of its uid, which may have
 * several. *ret_member says whether it's in the group, by either name; root never is, nor anybody
 * when there is no such group, of which *ret_missing tells. Returns 0; -ENOENT when there is no
 * such user; or another -errno. The caller ends the account with sbx_account_done.
 */
int sbx_pam_account_find(const char *user, const char *group, struct sbx_account *ret_account,
			 bool *ret_member, bool *ret_missing, struct sbx_error *err);

#endif
