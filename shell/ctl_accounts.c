#include "ctl_accounts.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "util.h"

void ctl_account_done(struct ctl_account *account)
{
	sbx_account_done(&account->account);
	free(account->shell);
	*account = (struct ctl_account){ 0 };
}

void ctl_accounts_done(struct ctl_accounts *accounts)
{
	for (size_t i = 0; i < accounts->count; i++)
		ctl_account_done(&accounts->items[i]);
	free(accounts->items);
	*accounts = (struct ctl_accounts){ 0 };
}

static int fill(const struct passwd *entry, struct ctl_account *ret_account)
{
	struct ctl_account filled = {
		.account = {
			.uid = entry->pw_uid,
			.gid = entry->pw_gid,
			.name = strdup(entry->pw_name),
			.home = strdup(entry->pw_dir),
		},
		.shell = strdup(entry->pw_shell),
	};

	if (!filled.account.name || !filled.account.home || !filled.shell) {
		ctl_account_done(&filled);
		return -ENOMEM;
	}
	*ret_account = filled;
	return 0;
}

int ctl_account_find(const char *name, struct ctl_account *ret_account, struct sbx_error *err)
{
	const struct passwd *entry;

	if (ctl_root_check_name(name, err) < 0)
		return -EINVAL;
	entry = getpwnam(name);
	if (!entry)
		return sbx_error_set(err, -ENOENT, "%s: no such account", name);
	if (entry->pw_uid == 0)
		return sbx_error_set(err, -EPERM, "%s: root has no sandbox", name);
	return fill(entry, ret_account) == 0 ? 0 : sbx_error_set(err, -ENOMEM, "out of memory");
}

static int add(struct ctl_accounts *accounts, const struct passwd *entry)
{
	struct ctl_account *items;

	if (!entry || entry->pw_uid == 0)
		return 0;
	items = reallocarray(accounts->items, accounts->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	accounts->items = items;
	if (fill(entry, &items[accounts->count]) < 0)
		return -ENOMEM;
	accounts->count++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct ctl_account *left = a, *right = b;

	return strcmp(left->account.name, right->account.name);
}

static void drop_doubles(struct ctl_accounts *accounts)
{
	size_t kept = 0;

	for (size_t i = 0; i < accounts->count; i++) {
		if (kept > 0 && by_name(&accounts->items[kept - 1], &accounts->items[i]) == 0)
			ctl_account_done(&accounts->items[i]);
		else
			accounts->items[kept++] = accounts->items[i];
	}
	accounts->count = kept;
}

int ctl_accounts_list(struct ctl_accounts *ret_accounts, struct sbx_error *err)
{
	struct ctl_accounts accounts = { 0 };
	const struct group *group = getgrnam(CTL_GROUP);
	const struct passwd *entry;
	gid_t gid;
	int r = 0;

	if (!group)
		return sbx_error_set(err, -ENOENT,
				     "group " CTL_GROUP ": missing: make it with "
				     "`groupadd --system " CTL_GROUP "`");
	gid = group->gr_gid;
	for (char **member = group->gr_mem; *member && r == 0; member++)
		r = add(&accounts, getpwnam(*member));
	setpwent();
	while (r == 0 && (entry = getpwent()) != NULL)
		if (entry->pw_gid == gid)
			r = add(&accounts, entry);
	endpwent();
	if (r < 0) {
		ctl_accounts_done(&accounts);
		return sbx_error_set(err, r, "out of memory");
	}
	if (accounts.count > 0)
		qsort(accounts.items, accounts.count, sizeof(*accounts.items), by_name);
	drop_doubles(&accounts);
	*ret_accounts = accounts;
	return 0;
}
