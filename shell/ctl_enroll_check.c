/*
 * Which accounts `sandboxctl enroll` may make or take over. It must never let through one that can
 * become root anyway, or one of the system's.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl_enroll.h"
#include "ctl_root.h"
#include "spawn.h"

/* Whose members can have root's rights, or all of a disk. */
static const char *const powerful[] = { "root", "sudo",        "wheel",   "admin", "docker",
					"lxd",  "incus-admin", "libvirt", "disk",  "shadow" };

int ctl_enroll_look_up(struct ctl_enroll *enroll, struct sbx_error *err)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(enroll->name);
	if (!entry)
		return -ENOENT;
	enroll->uid = entry->pw_uid;
	enroll->gid = entry->pw_gid;
	free(enroll->home);
	enroll->home = strdup(entry->pw_dir);
	return enroll->home ? 0 : sbx_error_set(err, -ENOMEM, "out of memory");
}

/* The folder in which useradd makes homes. */
static int read_home_base(char *base, size_t room, struct sbx_error *err)
{
	static char program[] = "/usr/sbin/useradd", option[] = "-D";
	char *const argv[] = { program, option, NULL }, *const env[] = { NULL };
	struct sbx_spawn spawn = { .argv = argv, .env = env, .in = -1, .out = -1, .progress = -1 };
	struct sbx_process process;
	const char *line;
	int r = sbx_spawn_run(&spawn, &process, err);

	if (r < 0)
		return r;
	line = strstr(process.out_text, "HOME=/");
	(void)snprintf(base, room, "%.*s", line ? (int)strcspn(line + 5, "\n") : 5,
		       line ? line + 5 : "/home");
	return 0;
}

/* What another of this name left would become the new one's. */
static int check_new(const struct ctl_enroll *enroll, struct sbx_error *err)
{
	char base[512], path[600];
	struct stat st;
	int r;

	if (enroll->existing)
		return sbx_error_set(err, -ENOENT, "%s: no such account: leave out --existing",
				     enroll->name);
	r = read_home_base(base, sizeof(base), err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s/%s", base, enroll->name);
	if (lstat(path, &st) == 0)
		return sbx_error_set(err, -EEXIST,
				     "%s: there is no such account, but its home is there: move "
				     "%s away",
				     enroll->name, path);
	return 0;
}

static int check_known(const struct ctl_enroll *enroll, const char *shell, struct sbx_error *err)
{
	const char *name = enroll->name;

	if (enroll->uid == 0)
		return sbx_error_set(err, -EPERM, "%s: root has no sandbox", name);
	if (enroll->uid < CTL_FIRST_UID ||
	    (enroll->uid >= CTL_FIRST_NO_UID && enroll->uid <= CTL_FIRST_NO_UID + 1))
		return sbx_error_set(err, -EPERM, "%s: an account of the system's (uid %u)", name,
				     enroll->uid);
	for (size_t i = 0; i < ARRAY_SIZE(powerful); i++)
		if (ctl_root_is_member(name, enroll->gid, powerful[i]))
			return sbx_error_set(err, -EPERM,
					     "%s: is in the group %s, and so could leave its "
					     "sandbox by other ways: gpasswd --delete it first",
					     name, powerful[i]);
	/* One that was killed half-way is told by these, of which useradd sets the shell first. */
	if (!enroll->existing && strcmp(shell, SBX_SHELL_PATH) != 0 &&
	    !ctl_root_is_member(name, enroll->gid, CTL_GROUP))
		return sbx_error_set(err, -EEXIST,
				     "%s: there is an account of this name: --existing takes it "
				     "over",
				     name);
	if (enroll->home[0] != '/' || !enroll->home[1])
		return sbx_error_set(err, -EINVAL, "%s: its home is %s: usermod --home", name,
				     enroll->home[0] ? enroll->home : "not set");
	return 0;
}

int ctl_enroll_check(struct ctl_enroll *enroll, struct sbx_error *err)
{
	const struct passwd *entry;
	int r = ctl_enroll_look_up(enroll, err);

	if (r == -ENOENT)
		return check_new(enroll, err);
	if (r < 0)
		return r;
	enroll->known = true;
	entry = getpwnam(enroll->name);
	return check_known(enroll, entry ? entry->pw_shell : "", err);
}
