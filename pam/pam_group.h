/*
 * The account's own control group, on a host without systemd:
 * /sys/fs/cgroup/sandbox-shell/ACCOUNT, handed to the account as cgroups(7) says (Delegation),
 * with the limits of the whole account on it, which stay root's. Its logins are in the group
 * login below, so that the sandbox's groups can stand beside that. Needs root.
 */
#ifndef SBX_PAM_GROUP_H
#define SBX_PAM_GROUP_H

#include <stdbool.h>

#include "account.h"
#include "error.h"
#include "policy.h"

/*
 * Make the group or bring it up to date, and move the calling process into its login. *ret_before
 * is where the process was before, for sbx_pam_group_leave; NULL when it wasn't moved, for it is
 * in a group of the account's already. A limit that can't be enforced here is an error or, where
 * the policy says best effort, the *warning.
 */
int sbx_pam_group_enter(const struct sbx_account *account, const struct sbx_policy *policy,
			char **ret_before, struct sbx_error *warning, struct sbx_error *err);

/* Move the calling process back. */
int sbx_pam_group_leave(const char *before, struct sbx_error *err);

/*
 * Has the account a group of this kind, and does anything live in it beside the logins: a
 * sandbox?
 */
bool sbx_pam_group_exists(const struct sbx_account *account);
bool sbx_pam_group_has_sandbox(const struct sbx_account *account);

/*
 * Kill what is left in the login group. Only right when no session lives, and no sandbox: its
 * helpers are in there too.
 */
int sbx_pam_group_kill_logins(const struct sbx_account *account);

/*
 * Remove the account's group with all below it, waiting for what is about to end. -EBUSY:
 * something lives in it.
 */
int sbx_pam_group_remove(const struct sbx_account *account, struct sbx_error *err);

#endif
