/*
 * The accounts that are ours: the members of the group "sandboxed", by the group and passwd
 * databases, which are root's. Nothing of the accounts' own is looked at.
 */
#ifndef SBX_CTL_ACCOUNTS_H
#define SBX_CTL_ACCOUNTS_H

#include <stddef.h>

#include "account.h"
#include "ctl_root.h"
#include "error.h"

struct ctl_account {
	struct sbx_account account;
	char *shell;
};

struct ctl_accounts {
	struct ctl_account *items; /* by name, each once */
	size_t count;
};

/*
 * All of them: those that the group lists and those whose own group it is. Root, and names that the
 * group lists but passwd doesn't know, are none. -ENOENT with what to do when there's no such
 * group.
 */
int ctl_accounts_list(struct ctl_accounts *ret_accounts, struct sbx_error *err);

/* One account by its name, a member or not; the caller ends it with ctl_account_done. */
int ctl_account_find(const char *name, struct ctl_account *ret_account, struct sbx_error *err);

void ctl_account_done(struct ctl_account *account);
void ctl_accounts_done(struct ctl_accounts *accounts);

#endif
