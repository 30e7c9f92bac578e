/*
 * Root acting on an account's sandbox, by becoming that account for good before anything that
 * belongs to it is looked at. What lies in its folders is then opened with the account's own
 * rights, by the code that serves the account itself: a link left there leads root nowhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
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

/*
 * Should leave no way back to root, no group and no descriptor of root's; must not look at anything
 * below the account's home before.
 */
static int drop(const struct passwd *entry, struct sbx_error *err)
{
	(void)umask(077);
	if (chdir("/") < 0 || close_range(STDERR_FILENO + 1, ~0U, 0) < 0 ||
	    initgroups(entry->pw_name, entry->pw_gid) < 0 ||
	    setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) < 0 ||
	    setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0) < 0)
		return sbx_error_set(err, -errno, "%s: can't become the account: %s",
				     entry->pw_name, strerror(errno));
	if (setuid(0) == 0)
		return sbx_error_set(err, -EPERM, "%s: still root after becoming the account",
				     entry->pw_name);
	return 0;
}

int ctl_become(const char *name, char **ret_sandbox, struct sbx_error *err)
{
	_cleanup_policy_ struct sbx_policy *policy = NULL;
	const struct passwd *entry;
	int r;

	if (!sbx_name_valid(name))
		return sbx_error_set(err, -EINVAL,
				     "%s: not an account's name: lower-case letters, digits, '_', "
				     "'-' and '.', at most 32, beginning with a letter or '_'",
				     name);
	errno = 0;
	entry = getpwnam(name);
	if (!entry)
		return sbx_error_set(err, -ENOENT, "%s: no such account", name);
	if (entry->pw_uid == 0)
		return sbx_error_set(err, -EPERM, "%s: root has no sandbox", name);
	enter_group(name);
	r = drop(entry, err);
	if (r < 0)
		return r;
	/* A policy that is broken or gone leaves the usual name. */
	(void)sbx_policy_load_account(name, &policy, NULL);
	*ret_sandbox = strdup(policy ? policy->sandbox : name);
	return *ret_sandbox ? 0 : sbx_error_set(err, -ENOMEM, "out of memory");
}
