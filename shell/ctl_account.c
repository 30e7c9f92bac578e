/*
 * Root acting on an account's sandbox, by becoming that account for good before anything that
 * belongs to it is looked at. What lies in its folders is then opened with the account's own
 * rights, by the code that serves the account itself: a link left there leads root nowhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl_accounts.h"
#include "util.h"

/*
 * Where pam_sandbox has made the account's group: podman can make cgroups only from there. Without
 * one it's the user manager's, which podman asks.
 */
static void enter_group(const char *name)
{
	_cleanup_close_ int fd = -1;
	char path[128];

	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/sandbox-shell/%.32s/login/cgroup.procs",
		       name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!write(fd, "0", 1);
}

int ctl_drop_root(const struct sbx_account *account, struct sbx_error *err)
{
	(void)umask(077);
	if (chdir("/") < 0 || close_range(STDERR_FILENO + 1, ~0U, 0) < 0 ||
	    initgroups(account->name, account->gid) < 0 ||
	    setresgid(account->gid, account->gid, account->gid) < 0 ||
	    setresuid(account->uid, account->uid, account->uid) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		return sbx_error_set(err, -errno, "%s: can't become the account: %s", account->name,
				     strerror(errno));
	if (setuid(0) == 0)
		return sbx_error_set(err, -EPERM, "%s: still root after becoming the account",
				     account->name);
	return 0;
}

int ctl_become(const char *name, char **ret_sandbox, struct sbx_error *err)
{
	_cleanup_policy_ struct sbx_policy *policy = NULL;
	struct ctl_account account = { 0 };
	int r = ctl_account_find(name, &account, err);

	if (r < 0)
		return r;
	enter_group(name);
	r = ctl_drop_root(&account.account, err);
	ctl_account_done(&account);
	if (r < 0)
		return r;
	/* A policy that is broken or gone leaves the usual name. */
	(void)sbx_policy_load_account(name, &policy, NULL);
	*ret_sandbox = strdup(policy ? policy->sandbox : name);
	return *ret_sandbox ? 0 : sbx_error_set(err, -ENOMEM, "out of memory");
}
