/*
 * The account on a host with systemd: its user manager runs, and the whole account,
 * user-UID.slice, is limited. systemd is asked by systemctl; whether it did is read from the
 * kernel's own files. Needs root.
 */
#ifndef SBX_PAM_MANAGER_H
#define SBX_PAM_MANAGER_H

#include <stdbool.h>

#include "account.h"
#include "error.h"
#include "pam_account_limits.h"
#include "policy.h"
#include "util.h"

/* Is systemd what runs this host? By sd_booted(3). */
bool sbx_pam_manager_present(void);

/*
 * Start the user manager where it doesn't run, and set the limits that aren't in force; where
 * nothing is to do, no program is run. marks as in pam_runtime.h. Nothing of it is undone by a
 * session's end: while the user manager lives, lingering or not, something of the account may
 * run, and after it the slice is gone.
 */
int sbx_pam_manager_open(const struct sbx_account *account, const struct sbx_policy *policy,
			 int marks, struct sbx_error *warning, struct sbx_error *err);

/*
 * The arguments that set these limits on the account's slice: those the policy has and, to no
 * limit, those that a mark says an earlier policy had. Returns how many there are, or -ENOMEM.
 */
int sbx_pam_manager_args(const struct sbx_account *account,
			 const struct sbx_pam_account_limit *limits, int marks,
			 struct sbx_strv *ret_args);

#endif
