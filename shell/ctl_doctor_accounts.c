/*
 * doctor's checks of each enrolled account: its policy, its home, its ids, its groups. Nothing in
 * its home is looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl_doctor.h"
#include "ctl_ids.h"
#include "ctl_linger.h"
#include "ctl_place.h"
#include "ctl_root.h"
#include "policy.h"
#include "util.h"

#define LEAST_IDS 65536
#define GROUPS_MAX 1024
#define SYSTEMCTL "/usr/bin/systemctl"
#define DROP_IN_NAME "user@.service.conf"
#define DROP_IN SBX_PREFIX "/lib/systemd/system/user@.service.d/50-sandbox-shell.conf"

CTL_LOOK(look_policy)
{
	_cleanup_policy_ struct sbx_policy *policy = NULL;
	struct sbx_error why = SBX_ERROR_INIT;

	if (sbx_policy_load_account(account->account.name, &policy, &why) == 0)
		return CTL_WELL;
	return CTL_FIND(found, "account %s: its logins are refused: %s", account->account.name,
			why.message);
}

CTL_LOOK(look_home)
{
	const char *name = account->account.name, *home = account->account.home;
	struct stat st;

	if (lstat(home, &st) < 0 || !S_ISDIR(st.st_mode))
		return CTL_FIND(found,
				"account %s: its home %s is no folder: make it, or name another "
				"with usermod --home",
				name, home);
	if (st.st_uid != account->account.uid)
		return CTL_FIND(found,
				"account %s: its home %s belongs to uid %u: chown it to the "
				"account",
				name, home, st.st_uid);
	if (st.st_mode & 022)
		return CTL_FIND(found,
				"account %s: its home %s can be written by others (mode %04o), who "
				"could swap its sandbox: chmod go-w it",
				name, home, st.st_mode & 07777);
	return CTL_WELL;
}

/* Whoever is in one of these has root, or the host's files, by another way. */
CTL_LOOK(look_groups)
{
	static const char *const powers[] = { "root",    "sudo", "wheel", "admin",
					      "docker",  "lxd",  "incus", "incus-admin",
					      "libvirt", "disk", "shadow" };
	const struct sbx_account *who = &account->account;
	gid_t groups[GROUPS_MAX];
	int count = GROUPS_MAX;

	if (getgrouplist(who->name, who->gid, groups, &count) < 0)
		return sbx_error_set(found, -E2BIG, "account %s: is in too many groups", who->name);
	for (int i = 0; i < count; i++) {
		const struct group *group = getgrgid(groups[i]);

		for (size_t j = 0; group && j < ARRAY_SIZE(powers); j++)
			if (strcmp(group->gr_name, powers[j]) == 0)
				return CTL_FIND(found,
						"account %s: is in the group %s, which leads to "
						"root past any sandbox: gpasswd -d %s %s",
						who->name, powers[j], who->name, powers[j]);
	}
	return CTL_WELL;
}

CTL_LOOK(look_uid)
{
	const struct passwd *entry;
	char other[64] = "";

	setpwent();
	while (!other[0] && (entry = getpwent()) != NULL)
		if (entry->pw_uid == account->account.uid &&
		    strcmp(entry->pw_name, account->account.name) != 0)
			(void)snprintf(other, sizeof(other), "%s", entry->pw_name);
	endpwent();
	if (!other[0])
		return CTL_WELL;
	return CTL_FIND(found,
			"account %s: shares its uid %u with %s, and so its files, processes and "
			"sandbox: give one of them another",
			account->account.name, account->account.uid, other);
}

/* argument is /etc/subuid or /etc/subgid. */
CTL_LOOK(look_ids)
{
	const struct sbx_account *who = &account->account;
	struct ctl_ids_list list = { 0 };
	int r = ctl_ids_read(check->argument, &list, found);
	uint64_t size = ctl_ids_size(&list, who->name, who->uid);

	ctl_ids_done(&list);
	if (r < 0)
		return r;
	if (size >= LEAST_IDS)
		return CTL_WELL;
	return CTL_FIND(found,
			"account %s: has %" PRIu64 " ids in %s, and a sandbox needs %d: usermod "
			"--add-sub%ss FIRST-LAST %s",
			who->name, size, check->argument, LEAST_IDS, check->value, who->name);
}

CTL_LOOK(look_overlap)
{
	const struct sbx_account *who = &account->account;
	const struct ctl_ids_range *own, *other = NULL;
	struct ctl_ids_list list = { 0 };
	int r = ctl_ids_read(check->argument, &list, found);

	own = r < 0 ? NULL : ctl_ids_overlap(&list, who->name, who->uid, &other);
	if (own)
		r = CTL_FIND(found,
			     "account %s: its ids from %" PRIu64 " in %s are also %s's, who can so "
			     "reach its files: give one of them others",
			     who->name, own->first, check->argument, other->owner);
	ctl_ids_done(&list);
	return r;
}

CTL_LOOK(look_linger)
{
	if (!ctl_linger_possible())
		return CTL_NOT_HERE;
	if (ctl_linger_is_on(account->account.name))
		return CTL_WELL;
	return CTL_FIND(found,
			"account %s: doesn't linger, so that its sandbox ends with its last "
			"session: loginctl enable-linger %s",
			account->account.name, account->account.name);
}

CTL_LOOK(fix_linger)
{
	int r = ctl_linger_turn_on(account->account.name, found);

	if (r == 0)
		(void)sbx_error_set(found, -EINVAL, "account %s: lingers", account->account.name);
	return r;
}

/* What systemd will delegate to the user manager, whether it runs or not. */
CTL_LOOK(look_delegated)
{
	static char unit[64], path[] = "PATH=/usr/bin:/bin", lang[] = "LC_ALL=C";
	char *const env[] = { path, lang, NULL };
	char *const argv[] = { (char[]){ SYSTEMCTL },
			       (char[]){ "show" },
			       (char[]){ "--value" },
			       (char[]){ "--property=DelegateControllers" },
			       unit,
			       NULL };
	const struct sbx_spawn spawn = {
		.argv = argv, .env = env, .in = -1, .out = -1, .progress = -1
	};
	_cleanup_free_ struct sbx_process *process = calloc(1, sizeof(*process));
	char missing[32];
	int r;

	if (!process)
		return sbx_error_set(found, -ENOMEM, "out of memory");
	(void)snprintf(unit, sizeof(unit), "user@%u.service", account->account.uid);
	r = sbx_spawn_run(&spawn, process, found);
	if (r < 0)
		return r;
	if (!ctl_doctor_missing(process->out_text, missing, sizeof(missing)))
		return CTL_WELL;
	return CTL_FIND(found,
			"account %s: systemd doesn't delegate%s to %s, so that its limits can't "
			"hold: put Delegate=cpu cpuset io memory pids into a drop-in of "
			"user@.service",
			account->account.name, missing, unit);
}

CTL_LOOK(fix_delegated)
{
	int r = ctl_doctor_place(DROP_IN_NAME, DROP_IN, found);

	if (r == 0)
		r = ctl_tool(found, SYSTEMCTL, "daemon-reload", NULL);
	if (r == 0)
		(void)sbx_error_set(found, -EINVAL,
				    DROP_IN ": put there; user managers that run have it after "
					    "their next start");
	return r;
}

/* clang-format off */
static const struct ctl_check checks[] = {
	{ "policy", look_policy, NULL, NULL, NULL, false },
	{ "home", look_home, NULL, NULL, NULL, false },
	{ "groups", look_groups, NULL, NULL, NULL, false },
	{ "uid", look_uid, NULL, NULL, NULL, false },
	{ "subordinate-ids", look_ids, NULL, "/etc/subuid", "uid", false },
	{ "subordinate-ids", look_ids, NULL, "/etc/subgid", "gid", false },
	{ "subordinate-ids-overlap", look_overlap, NULL, "/etc/subuid", NULL, false },
	{ "subordinate-ids-overlap", look_overlap, NULL, "/etc/subgid", NULL, false },
	{ "linger", look_linger, fix_linger, NULL, NULL, true },
	{ "delegation", look_delegated, fix_delegated, NULL, NULL, true },
};
/* clang-format on */

const struct ctl_checks ctl_checks_accounts = { checks, ARRAY_SIZE(checks), true };
