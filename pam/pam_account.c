#include "pam_account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "policy_value.h"
#include "util.h"

#define ENTRY_MAX (4 * 1024 * 1024) /* bytes of a passwd or group entry, members included */
#define GROUPS_MAX 65536

/*
 * 0 found, -ENOENT not there, or another -errno: which of them an errno means is up to the
 * database.
 */
static int lookup_result(int error, const void *found)
{
	if (found)
		return 0;
	return error <= 0 || error == ESRCH ? -ENOENT : -error;
}

/* By name, or by uid where name is NULL. *buffer holds the entry's strings and is the caller's. */
static int find_user(const char *name, uid_t uid, struct passwd *entry, char **buffer)
{
	struct passwd *found = NULL;
	int error = ERANGE;

	for (size_t size = 4096; error == ERANGE && size <= ENTRY_MAX; size *= 4) {
		free(*buffer);
		*buffer = malloc(size);
		if (!*buffer)
			return -ENOMEM;
		error = name ? getpwnam_r(name, entry, *buffer, size, &found)
			     : getpwuid_r(uid, entry, *buffer, size, &found);
	}
	return lookup_result(error, found);
}

static int find_group(const char *name, gid_t *ret_gid)
{
	_cleanup_free_ char *buffer = NULL;
	struct group entry, *found = NULL;
	int error = ERANGE;

	for (size_t size = 4096; error == ERANGE && size <= ENTRY_MAX; size *= 4) {
		free(buffer);
		buffer = malloc(size);
		if (!buffer)
			return -ENOMEM;
		error = getgrnam_r(name, &entry, buffer, size, &found);
	}
	if (found)
		*ret_gid = entry.gr_gid;
	return lookup_result(error, found);
}

/* 1 yes, 0 no, or -ENOMEM. */
static int is_member(const struct passwd *user, gid_t group)
{
	_cleanup_free_ gid_t *groups = NULL;
	int count = 32, room;

	do {
		room = count;
		free(groups);
		groups = calloc((size_t)room, sizeof(*groups));
		if (!groups)
			return -ENOMEM;
		if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) >= 0)
			break;
		count = count > room ? count : room * 2;
	} while (room < GROUPS_MAX);
	for (int i = 0; i < count && i < room; i++)
		if (groups[i] == group)
			return 1;
	return 0;
}

static int fill_account(const struct passwd *entry, struct sbx_account *ret_account)
{
	struct sbx_account account = {
		.uid = entry->pw_uid,
		.gid = entry->pw_gid,
		.name = strdup(entry->pw_name),
		.home = strdup(entry->pw_dir),
	};

	if (!account.name || !account.home) {
		sbx_account_done(&account);
		return -ENOMEM;
	}
	*ret_account = account;
	return 0;
}

/* 1 yes, 0 no, or -errno; -ENOENT when there's no such group. */
static int check_member(const struct passwd *named, const struct passwd *entry, const char *group)
{
	gid_t gid = 0;
	int r;

	if (entry->pw_uid == 0)
		return 0;
	r = find_group(group, &gid);
	if (r == 0)
		r = is_member(named, gid);
	return r == 0 ? is_member(entry, gid) : r;
}

int sbx_pam_account_find(const char *user, const char *group, struct sbx_account *ret_account,
			 bool *ret_member, bool *ret_missing, struct sbx_error *err)
{
	_cleanup_free_ char *named_buffer = NULL, *buffer = NULL;
	char quoted[SBX_VALUE_TEXT_MAX];
	struct passwd named = { 0 }, entry = { 0 };
	int r, member;

	r = find_user(user, 0, &named, &named_buffer);
	if (r == 0)
		r = find_user(NULL, named.pw_uid, &entry, &buffer);
	if (r != 0)
		return sbx_error_set(err, r, "account %s: %s", sbx_value_quote(quoted, user),
				     r == -ENOENT ? "no such account" : strerror(-r));
	member = check_member(&named, &entry, group);
	if (member < 0 && member != -ENOENT)
		return sbx_error_set(err, member, "group %s: %s", sbx_value_quote(quoted, group),
				     strerror(-member));
	r = fill_account(&entry, ret_account);
	if (r < 0)
		return sbx_error_set(err, r, "out of memory");
	*ret_member = member > 0;
	*ret_missing = member == -ENOENT;
	return 0;
}
