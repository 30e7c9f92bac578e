#include "account.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy.h"
#include "util.h"

int sbx_account_self(struct sbx_account *ret_account, struct sbx_error *err)
{
	struct sbx_account account = { 0 };
	const struct passwd *entry;
	uid_t real, effective, saved;
	gid_t greal, geffective, gsaved;

	if (getresuid(&real, &effective, &saved) < 0 || getresgid(&greal, &geffective, &gsaved) < 0)
		return sbx_error_set(err, -errno, "identity: %s", strerror(errno));
	if (real != effective || real != saved || greal != geffective || greal != gsaved)
		return sbx_error_set(err, -EPERM,
				     "identity: runs setuid or setgid: "
				     "install it without these bits");
	if (real == 0)
		return sbx_error_set(err, -EPERM,
				     "identity: root has no sandbox: "
				     "run it as the account that owns one");
	errno = 0;
	entry = getpwuid(real);
	if (!entry)
		return sbx_error_set(err, -ENOENT, "identity: uid %u: no such account", real);
	if (!sbx_name_valid(entry->pw_name))
		return sbx_error_set(err, -EINVAL,
				     "identity: account %s: not a name that can be a folder",
				     entry->pw_name);
	if (entry->pw_dir[0] != '/')
		return sbx_error_set(err, -EINVAL,
				     "identity: account %s: its home folder is not absolute",
				     entry->pw_name);
	account.uid = real;
	account.gid = greal;
	account.name = strdup(entry->pw_name);
	account.home = strdup(entry->pw_dir);
	if (!account.name || !account.home) {
		sbx_account_done(&account);
		return sbx_error_set(err, -ENOMEM, "identity: out of memory");
	}
	*ret_account = account;
	return 0;
}

void sbx_account_done(struct sbx_account *account)
{
	free(account->name);
	free(account->home);
	*account = (struct sbx_account){ 0 };
}
