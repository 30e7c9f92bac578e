/*
 * unenroll: an account that was ours, no more. Each step can be repeated: the account stays in the
 * group until all else is done, so that one that was killed is carried on by the next.
 *
 * Its files and processes are hostile. Before anything of them is looked at, nobody can log in any
 * more; before files are removed, no process of the account is left that could move them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../pam/pam_group.h"
#include "../pam/pam_runtime.h"
#include "ctl.h"
#include "ctl_end.h"
#include "ctl_ids.h"
#include "ctl_linger.h"
#include "ctl_root.h"
#include "paths.h"
#include "session_count.h"
#include "util.h"

#define STOP_MS 10000
#define SESSIONS_MS 15000

struct unenroll {
	const struct ctl *ctl;
	bool there; /* there is such an account */
	bool known; /* and it is ours */
	bool keep_data;
	char *sandbox; /* what the policy calls it */
	struct sbx_account account;
};

static int remove_file(const char *what, const char *path, struct sbx_error *err)
{
	int r = access(path, F_OK) == 0 ? ctl_root_write(path, NULL, 0, err) : -ENOENT;

	if (r == 0)
		ctl_say("%s: %s removed", what, path);
	return r == -ENOENT ? 0 : r;
}

/* No keys, no policy, no shell, no password: nothing begins for the account any more. */
static int shut_door(struct unenroll *unenroll, struct sbx_error *err)
{
	const char *name = unenroll->account.name;
	char policy[512], keys[512];
	int r;

	(void)snprintf(policy, sizeof(policy), "%s/%s.json", SBX_POLICY_DIR, name);
	(void)snprintf(keys, sizeof(keys), "%s/%s", CTL_KEYS_DIR, name);
	r = remove_file("keys", keys, err);
	if (r == 0)
		r = remove_file("policy", policy, err);
	if (r == 0 && unenroll->known) {
		r = ctl_tool(err, "/usr/sbin/usermod", "--lock", "--shell", CTL_NOLOGIN, name,
			     NULL);
		if (r == 0)
			ctl_say("account %s: locked", name);
	}
	return r;
}

/* What waits there would be started or delivered for the account. Only a plain file of its own. */
static int empty_spools(struct unenroll *unenroll, struct sbx_error *err)
{
	static const char *const spools[] = { "/var/spool/cron/crontabs", "/var/spool/cron",
					      "/var/mail" };

	(void)err;
	for (size_t i = 0; i < ARRAY_SIZE(spools); i++) {
		_cleanup_close_ int fd = open(spools[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		struct stat st;

		if (fd >= 0 && !(unenroll->keep_data && i == 2) &&
		    fstatat(fd, unenroll->account.name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_uid == unenroll->account.uid)
			(void)unlinkat(fd, unenroll->account.name, 0);
	}
	return 0;
}

/* As the account, which it never comes back from. */
static _Noreturn void stop_as_account(const struct unenroll *unenroll)
{
	char *usual = NULL, *args[] = { unenroll->sandbox, NULL };

	_exit(ctl_become(unenroll->account.name, &usual, NULL) < 0 ||
	      ctl_stop(unenroll->ctl, args, NULL) < 0);
}

/*
 * Where its data stays, the sandbox gets the chance to end in order. Whatever the account makes of
 * that, what is left is killed afterwards.
 */
static void stop_sandbox(const struct unenroll *unenroll)
{
	pid_t child = fork();
	_cleanup_close_ int pidfd = -1;
	struct pollfd ended = { .events = POLLIN };

	if (child == 0)
		stop_as_account(unenroll);
	if (child < 0)
		return;
	pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	ended.fd = pidfd;
	(void)poll(&ended, 1, STOP_MS);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
}

static int end_all(struct unenroll *unenroll, struct sbx_error *err)
{
	const struct sbx_account *account = &unenroll->account;
	int r;

	if (unenroll->keep_data)
		stop_sandbox(unenroll);
	r = ctl_linger_turn_off(account->name, account->uid, err);
	if (r == 0)
		r = ctl_end_processes(account->name, account->uid, err);
	if (r == 0)
		ctl_say("account %s: no process of it is left", account->name);
	return r;
}

/* Once the sessions, which die with their processes, have been seen to end. */
static int lock_sessions(const struct sbx_account *account, struct sbx_session_count *count,
			 struct sbx_error *err)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	long long end = sbx_now_ms() + SESSIONS_MS;

	for (;;) {
		int r = sbx_session_count_open(SBX_SESSION_COUNT_DIR, account->uid, count, err);

		if (r < 0)
			return r;
		if (sbx_session_count_live(count, err) == 0 || sbx_now_ms() >= end)
			return 0;
		sbx_session_count_done(count);
		(void)nanosleep(&pause, NULL);
	}
}

/*
 * The limits that pam_sandbox has set on user-UID.slice, which outlive it until the next boot: the
 * uid may be another's by then (systemctl(1), set-property --runtime).
 */
static int forget_slice(uid_t uid, struct sbx_error *err)
{
	char path[128];
	int r;

	(void)snprintf(path, sizeof(path), "/run/systemd/system.control/user-%u.slice.d", uid);
	if (access(path, F_OK) < 0)
		return 0;
	r = ctl_end_tree(path, 0, err);
	return r < 0 ? r : ctl_tool(err, "/usr/bin/systemctl", "daemon-reload", NULL);
}

/* What pam_sandbox has made for them. */
static int forget_sessions(struct unenroll *unenroll, struct sbx_error *err)
{
	const struct sbx_account *account = &unenroll->account;
	struct sbx_session_count count = SBX_SESSION_COUNT_INIT;
	long long end = sbx_now_ms() + SESSIONS_MS;
	char path[128];
	int r = 0;

	(void)snprintf(path, sizeof(path), "%s/%u", SBX_SESSION_COUNT_DIR, account->uid);
	if (access(path, F_OK) == 0)
		r = lock_sessions(account, &count, err);
	if (r == 0)
		do
			r = sbx_pam_group_remove(account, err);
		while (r == -EBUSY && sbx_now_ms() < end);
	if (r == 0 && count.folder >= 0) {
		r = sbx_pam_runtime_remove(account, count.folder, err);
		if (r == 0)
			r = ctl_end_tree(path, 0, err);
	}
	sbx_session_count_done(&count);
	return r < 0 ? r : forget_slice(account->uid, err);
}

static int remove_account(struct unenroll *unenroll, struct sbx_error *err)
{
	const struct sbx_account *account = &unenroll->account;
	int r = ctl_end_tree(account->home, account->uid, err);

	if (r == 0)
		r = ctl_tool(err, "/usr/sbin/userdel", account->name, NULL);
	if (r == 0)
		ctl_say("account %s: removed, with %s", account->name, account->home);
	return r;
}

/* Of an account that is no more: userdel takes its subordinate ids away last. */
static bool has_left_ids(const char *name)
{
	struct ctl_ids_list list = { 0 };
	bool found = false;

	if (ctl_ids_read("/etc/subuid", &list, NULL) == 0)
		(void)ctl_ids_read("/etc/subgid", &list, NULL);
	for (size_t i = 0; i < list.count && !found; i++)
		found = strcmp(list.items[i].owner, name) == 0;
	ctl_ids_done(&list);
	return found;
}

/*
 * What a userdel that was killed has left in other files than passwd can be removed by another
 * only, which needs an account to remove.
 */
static int finish_userdel(const char *name, struct sbx_error *err)
{
	int r;

	if (!has_left_ids(name))
		return 0;
	r = ctl_tool(err, "/usr/sbin/useradd", "--no-create-home", "--groups", CTL_GROUP, "--shell",
		     CTL_NOLOGIN, ctl_root_has_left_group(name) ? "--gid" : "--comment", name, name,
		     NULL);
	if (r == 0)
		r = ctl_tool(err, "/usr/sbin/userdel", name, NULL);
	if (r == 0)
		ctl_say("account %s: what was left of it removed", name);
	return r;
}

static int leave_group(struct unenroll *unenroll, struct sbx_error *err)
{
	const struct sbx_account *account = &unenroll->account;
	int r;

	if (ctl_root_is_member(account->name, (gid_t)-1, CTL_GROUP)) {
		r = ctl_tool(err, "/usr/bin/gpasswd", "--delete", account->name, CTL_GROUP, NULL);
		if (r < 0)
			return r;
	}
	if (ctl_root_is_member(account->name, account->gid, CTL_GROUP))
		return sbx_error_set(err, -EBUSY,
				     "%s: %s is its primary group: usermod --gid, then once more",
				     account->name, CTL_GROUP);
	ctl_say("account %s: not in the group %s any more; %s is kept", account->name, CTL_GROUP,
		account->home);
	return 0;
}

static int confirm(const struct unenroll *unenroll, struct sbx_error *err)
{
	_cleanup_free_ char *what = NULL;

	if (!unenroll->known)
		return 0;
	if (asprintf(&what, "%s %s",
		     unenroll->keep_data ? "end all of the account, lock it, and keep"
					 : "remove the account with all that is in",
		     unenroll->account.home) < 0) {
		what = NULL;
		return sbx_error_set(err, -ENOMEM, "out of memory");
	}
	return ctl_confirm(unenroll->ctl, "unenroll", unenroll->account.name, what, err);
}

static int look_up(struct unenroll *unenroll, const char *name, struct sbx_error *err)
{
	_cleanup_policy_ struct sbx_policy *policy = NULL;
	const struct passwd *entry = getpwnam(name);

	(void)sbx_policy_load_account(name, &policy, NULL);
	unenroll->sandbox = strdup(policy ? policy->sandbox : name);
	unenroll->account.name = strdup(name);
	unenroll->account.home = strdup(entry ? entry->pw_dir : "");
	if (!unenroll->sandbox || !unenroll->account.name || !unenroll->account.home)
		return sbx_error_set(err, -ENOMEM, "out of memory");
	if (!entry)
		return 0;
	unenroll->there = true;
	unenroll->account.uid = entry->pw_uid;
	unenroll->account.gid = entry->pw_gid;
	if (entry->pw_uid < CTL_FIRST_UID)
		return sbx_error_set(err, -EPERM, "%s: an account of the system's (uid %u)", name,
				     entry->pw_uid);
	unenroll->known = strcmp(entry->pw_shell, SBX_SHELL_PATH) == 0 ||
			  ctl_root_is_member(name, entry->pw_gid, CTL_GROUP);
	return 0;
}

static void forget(struct unenroll *unenroll)
{
	free(steal_pointer(unenroll->sandbox));
	sbx_account_done(&unenroll->account);
	unenroll->known = unenroll->there = false;
}

static int run_steps(struct unenroll *unenroll, struct sbx_error *err)
{
	int (*const steps[])(struct unenroll *, struct sbx_error *) = {
		shut_door,
		empty_spools,
		end_all,
		forget_sessions,
		unenroll->keep_data ? leave_group : remove_account,
	};
	/* Of an account that isn't ours, files of ours are all that there can be. */
	size_t count = unenroll->known ? ARRAY_SIZE(steps) : 1;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = steps[i](unenroll, err);
	if (r == 0 && !unenroll->there)
		r = finish_userdel(unenroll->account.name, err);
	if (r == 0 && !unenroll->known)
		ctl_say("%s: no account of the group %s: nothing else to do",
			unenroll->account.name, CTL_GROUP);
	return r;
}

int ctl_unenroll(const struct ctl *ctl, char **args, struct sbx_error *err)
{
	struct unenroll unenroll = { .ctl = ctl, .keep_data = ctl->keep_data };
	_cleanup_close_ int lock = -1;
	int r;

	if (!args[0] || args[1])
		return sbx_error_set(err, -EINVAL,
				     "usage: sandboxctl unenroll ACCOUNT [--keep-data] [--yes]");
	r = ctl_root_check("unenroll", args[0], err);
	if (r == 0)
		r = look_up(&unenroll, args[0], err);
	if (r == 0)
		r = confirm(&unenroll, err);
	if (r == 0)
		r = ctl_root_lock(&lock, err);
	if (r == 0) { /* Another may have been at work meanwhile. */
		forget(&unenroll);
		r = look_up(&unenroll, args[0], err);
	}
	if (r == 0)
		r = run_steps(&unenroll, err);
	forget(&unenroll);
	return r;
}
