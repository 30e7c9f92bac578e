/*
 * The steps of `sandboxctl enroll`, in their order: nobody can log in before the last ones, which
 * give the account its policy and keys. Each can be repeated, whatever a killed one has left of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl_enroll.h"
#include "ctl_linger.h"
#include "ctl_root.h"

#define USERADD "/usr/sbin/useradd"
#define USERMOD "/usr/sbin/usermod"
#define HOME_MODE "HOME_MODE=0700"
#define STARTING_POLICY "{\n  \"version\": 1\n}\n"

static int make_group(struct ctl_enroll *enroll, struct sbx_error *err)
{
	int r;

	if (getgrnam(CTL_GROUP))
		return 0;
	enroll->began = true;
	r = ctl_tool(err, "/usr/sbin/groupadd", "--system", CTL_GROUP, NULL);
	if (r == 0)
		ctl_say("group %s: made", CTL_GROUP);
	return r;
}

static int undo_group(struct ctl_enroll *enroll, struct sbx_error *err)
{
	(void)enroll;
	return getgrnam(CTL_GROUP) ? ctl_tool(err, "/usr/sbin/groupdel", CTL_GROUP, NULL) : 0;
}

/* Some programs, ftp servers above all, let in only accounts whose shell is listed. */
static int make_shells(struct ctl_enroll *enroll, struct sbx_error *err)
{
	int r = ctl_root_read(CTL_SHELLS, &enroll->old_shells, err);

	if (r < 0 || ctl_root_lists_shell(enroll->old_shells))
		return r;
	enroll->began = true;
	r = ctl_root_add_shell(enroll->old_shells, err);
	if (r == 0)
		ctl_say("shell: %s added to %s", SBX_SHELL_PATH, CTL_SHELLS);
	return r;
}

static int undo_shells(struct ctl_enroll *enroll, struct sbx_error *err)
{
	return ctl_root_restore(CTL_SHELLS, enroll->old_shells, err);
}

/* Without a password, which useradd leaves locked. */
static int add_account(struct ctl_enroll *enroll, struct sbx_error *err)
{
	const char *name = enroll->name;
	int r;

	enroll->began = true;
	if (ctl_root_has_left_group(name))
		r = ctl_tool(err, USERADD, "--create-home", "--key", HOME_MODE, "--gid", name,
			     "--groups", CTL_GROUP, "--shell", SBX_SHELL_PATH, name, NULL);
	else
		r = ctl_tool(err, USERADD, "--create-home", "--key", HOME_MODE, "--user-group",
			     "--groups", CTL_GROUP, "--shell", SBX_SHELL_PATH, name, NULL);
	if (r == 0)
		r = ctl_enroll_look_up(enroll, err);
	if (r == 0)
		ctl_say("account %s: made, uid %u", name, enroll->uid);
	return r == -ENOENT ? sbx_error_set(err, r, "%s: useradd made no account", name) : r;
}

/* What a useradd that was killed has not come to. */
static int repair_account(struct ctl_enroll *enroll, struct sbx_error *err)
{
	char gid[16];
	int r = 0;

	(void)snprintf(gid, sizeof(gid), "%u", enroll->gid);
	if (!getgrgid(enroll->gid)) {
		r = ctl_tool(err, "/usr/sbin/groupadd", "--gid", gid, enroll->name, NULL);
		if (r == 0)
			ctl_say("group %s: made", enroll->name);
	}
	if (r == 0 && !getspnam(enroll->name)) {
		r = ctl_tool(err, "/usr/sbin/pwconv", NULL);
		if (r == 0)
			r = ctl_tool(err, USERMOD, "--password", "!", enroll->name, NULL);
		if (r == 0)
			ctl_say("account %s: its line in /etc/shadow made", enroll->name);
	}
	return r;
}

static int make_account(struct ctl_enroll *enroll, struct sbx_error *err)
{
	const struct passwd *entry;
	int r;

	if (!enroll->known)
		return add_account(enroll, err);
	r = repair_account(enroll, err);
	entry = r == 0 ? getpwnam(enroll->name) : NULL;
	if (r < 0 || !entry || strcmp(entry->pw_shell, SBX_SHELL_PATH) == 0)
		return r;
	enroll->old_shell = strdup(entry->pw_shell);
	if (!enroll->old_shell)
		return sbx_error_set(err, -ENOMEM, "out of memory");
	enroll->began = true;
	r = ctl_tool(err, USERMOD, "--shell", SBX_SHELL_PATH, enroll->name, NULL);
	if (r == 0)
		ctl_say("account %s: its shell %s is now %s", enroll->name, enroll->old_shell,
			SBX_SHELL_PATH);
	return r;
}

/*
 * Nobody has logged in to a new account: what is in its home is from /etc/skel. userdel may fail at
 * the file that useradd failed at, having done the rest.
 */
static int undo_account(struct ctl_enroll *enroll, struct sbx_error *err)
{
	int r;

	if (enroll->known)
		return ctl_tool(err, USERMOD, "--shell", enroll->old_shell, enroll->name, NULL);
	if (!getpwnam(enroll->name))
		return 0;
	r = ctl_tool(err, "/usr/sbin/userdel", "--remove", enroll->name, NULL);
	return getpwnam(enroll->name) ? r : 0;
}

static int make_member(struct ctl_enroll *enroll, struct sbx_error *err)
{
	int r;

	if (ctl_root_is_member(enroll->name, enroll->gid, CTL_GROUP))
		return 0;
	enroll->began = true;
	r = ctl_tool(err, USERMOD, "--append", "--groups", CTL_GROUP, enroll->name, NULL);
	if (r == 0)
		ctl_say("account %s: in the group %s", enroll->name, CTL_GROUP);
	return r;
}

static int undo_member(struct ctl_enroll *enroll, struct sbx_error *err)
{
	return ctl_tool(err, "/usr/bin/gpasswd", "--delete", enroll->name, CTL_GROUP, NULL);
}

/* Opened, and made when it is missing; root's own is one that a killed useradd has left. */
static int open_home(struct ctl_enroll *enroll, int parent, const char *name, struct sbx_error *err)
{
	_cleanup_close_ int home = -1;
	struct stat st;

	if (mkdirat(parent, name, 0700) == 0)
		ctl_say("home %s: made", enroll->home);
	else if (errno != EEXIST)
		return sbx_error_set(err, -errno, "home %s: %s", enroll->home, strerror(errno));
	home = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (home < 0 || fstat(home, &st) < 0)
		return sbx_error_set(err, -errno, "home %s: %s", enroll->home, strerror(errno));
	if (st.st_uid == enroll->uid)
		return 0;
	if (st.st_uid != 0 || enroll->existing)
		return sbx_error_set(err, -EPERM,
				     "home %s: belongs to uid %u, not to the account: chown it",
				     enroll->home, st.st_uid);
	if (fchown(home, enroll->uid, enroll->gid) < 0 || fchmod(home, 0700) < 0)
		return sbx_error_set(err, -errno, "home %s: %s", enroll->home, strerror(errno));
	return 0;
}

static int make_home(struct ctl_enroll *enroll, struct sbx_error *err)
{
	const char *name = strrchr(enroll->home, '/') + 1;
	_cleanup_free_ char *parent = strndup(enroll->home, (size_t)(name - enroll->home));
	_cleanup_close_ int folder = -1;
	int r;

	if (!parent || !*name)
		return sbx_error_set(err, -EINVAL, "home %s: ends in a slash: usermod --home",
				     enroll->home);
	r = ctl_root_folder(parent, &folder, err);
	return r < 0 ? r : open_home(enroll, folder, name, err);
}

static int make_linger(struct ctl_enroll *enroll, struct sbx_error *err)
{
	int r;

	if (!ctl_linger_possible() || ctl_linger_is_on(enroll->name))
		return 0;
	enroll->began = true;
	r = ctl_linger_turn_on(enroll->name, err);
	if (r == 0)
		ctl_say("lingering: on");
	return r;
}

static int undo_linger(struct ctl_enroll *enroll, struct sbx_error *err)
{
	return ctl_linger_turn_off(enroll->name, enroll->uid, err);
}

static int make_policy(struct ctl_enroll *enroll, struct sbx_error *err)
{
	const char *text = enroll->policy ? enroll->policy : STARTING_POLICY;
	char path[512];
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s.json", SBX_POLICY_DIR, enroll->name);
	r = ctl_root_read(path, &enroll->old_policy, err);
	if (r < 0 ||
	    (enroll->old_policy && (!enroll->policy || strcmp(enroll->old_policy, text) == 0)))
		return r;
	enroll->began = true;
	r = ctl_root_write(path, text, 0644, err);
	if (r == 0)
		ctl_say("policy: %s written", path);
	return r;
}

static int undo_policy(struct ctl_enroll *enroll, struct sbx_error *err)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s.json", SBX_POLICY_DIR, enroll->name);
	return ctl_root_restore(path, enroll->old_policy, err);
}

/* They stay: make install and packages make them, too. */
static int make_folders(struct ctl_enroll *enroll, struct sbx_error *err)
{
	static const char *const folders[] = { SBX_CONF_DIR, SBX_POLICY_DIR, CTL_KEYS_DIR };
	int r = 0;

	(void)enroll;
	for (size_t i = 0; i < ARRAY_SIZE(folders) && r == 0; i++) {
		_cleanup_close_ int fd = -1;

		if (mkdir(folders[i], 0755) < 0 && errno != EEXIST)
			return sbx_error_set(err, -errno, "%s: %s", folders[i], strerror(errno));
		r = ctl_root_folder(folders[i], &fd, err);
	}
	return r;
}

const struct ctl_enroll_step ctl_enroll_steps[] = {
	{ "folders", make_folders, NULL },
	{ "group", make_group, undo_group },
	{ "shell", make_shells, undo_shells },
	{ "account", make_account, undo_account },
	{ "membership", make_member, undo_member },
	{ "ids", ctl_enroll_make_ids, ctl_enroll_undo_ids },
	{ "home", make_home, NULL },
	{ "lingering", make_linger, undo_linger },
	{ "policy", make_policy, undo_policy },
	{ "keys", ctl_enroll_make_keys, ctl_enroll_undo_keys },
};
const size_t ctl_enroll_step_count = ARRAY_SIZE(ctl_enroll_steps);
_Static_assert(ARRAY_SIZE(ctl_enroll_steps) <= CTL_ENROLL_STEPS_MAX, "room in make_all");
