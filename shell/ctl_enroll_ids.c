/*
 * An account's subordinate ids: enough for a sandbox, and nobody else's. Ids that two accounts
 * share would let each into the other's sandbox; those of a real account, into that account.
 */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "ctl_enroll.h"
#include "ctl_ids.h"
#include "ctl_root.h"

static int add_accounts(struct ctl_ids_list *list)
{
	const struct passwd *entry;
	int r = 0;

	setpwent();
	while (r == 0 && (entry = getpwent()) != NULL)
		r = ctl_ids_add(list, entry->pw_name, true, entry->pw_uid, 1);
	endpwent();
	return r;
}

static int add_groups(struct ctl_ids_list *list)
{
	const struct group *entry;
	int r = 0;

	setgrent();
	while (r == 0 && (entry = getgrent()) != NULL)
		r = ctl_ids_add(list, entry->gr_name, true, entry->gr_gid, 1);
	endgrent();
	return r;
}

static const struct kind {
	const char *path, *add, *remove;
	int (*add_real)(struct ctl_ids_list *list);
} kinds[CTL_IDS_KINDS] = {
	[CTL_SUBUIDS] = { "/etc/subuid", "--add-subuids", "--del-subuids", add_accounts },
	[CTL_SUBGIDS] = { "/etc/subgid", "--add-subgids", "--del-subgids", add_groups },
};

/* With the ids of those that have them by nature. */
static int read_all(const struct kind *kind, struct ctl_ids_list *list, struct sbx_error *err)
{
	int r = ctl_ids_read(kind->path, list, err);

	if (r == 0 && kind->add_real(list) < 0)
		r = sbx_error_set(err, -ENOMEM, "out of memory");
	return r;
}

static int refuse_overlap(const struct ctl_enroll *enroll, const struct kind *kind,
			  const struct ctl_ids_list *list, struct sbx_error *err)
{
	const struct ctl_ids_range *own, *other = NULL;

	own = ctl_ids_overlap(list, enroll->name, enroll->uid, &other);
	if (!own)
		return 0;
	return sbx_error_set(err, -EEXIST,
			     "%s: %s:%" PRIu64 ":%" PRIu64 " has ids in common with %s (%" PRIu64
			     ":%" PRIu64 "): usermod %s and %s give it others",
			     kind->path, own->owner, own->first, own->count, other->owner,
			     other->first, other->count, kind->remove, kind->add);
}

static int change(const struct ctl_enroll *enroll, const char *option, uint64_t first,
		  struct sbx_error *err)
{
	char range[64];

	(void)snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64, first,
		       first + CTL_IDS_NEEDED - 1);
	return ctl_tool(err, "/usr/sbin/usermod", option, range, enroll->name, NULL);
}

static int give(struct ctl_enroll *enroll, enum ctl_ids which, const struct ctl_ids_list *list,
		struct sbx_error *err)
{
	const struct kind *kind = &kinds[which];
	uint64_t first = ctl_ids_find_room(list, CTL_IDS_NEEDED);
	int r;

	if (first == 0)
		return sbx_error_set(err, -ENOSPC, "%s: has no %d ids in a row left", kind->path,
				     CTL_IDS_NEEDED);
	enroll->ids[which] = first;
	enroll->began = true;
	r = change(enroll, kind->add, first, err);
	if (r == 0)
		ctl_say("ids: %" PRIu64 ":%d added to %s", first, CTL_IDS_NEEDED, kind->path);
	return r;
}

static int make_kind(struct ctl_enroll *enroll, enum ctl_ids which, struct sbx_error *err)
{
	struct ctl_ids_list list = { 0 };
	int r = read_all(&kinds[which], &list, err);

	if (r == 0)
		r = refuse_overlap(enroll, &kinds[which], &list, err);
	if (r == 0 && ctl_ids_size(&list, enroll->name, enroll->uid) < CTL_IDS_NEEDED) {
		r = give(enroll, which, &list, err);
		ctl_ids_done(&list);
		/* Whoever else edits these files doesn't know our lock. */
		if (r == 0)
			r = read_all(&kinds[which], &list, err);
		if (r == 0)
			r = refuse_overlap(enroll, &kinds[which], &list, err);
	}
	ctl_ids_done(&list);
	return r;
}

int ctl_enroll_make_ids(struct ctl_enroll *enroll, struct sbx_error *err)
{
	int r = make_kind(enroll, CTL_SUBUIDS, err);

	return r < 0 ? r : make_kind(enroll, CTL_SUBGIDS, err);
}

int ctl_enroll_undo_ids(struct ctl_enroll *enroll, struct sbx_error *err)
{
	int r = 0;

	for (size_t i = 0; i < CTL_IDS_KINDS; i++)
		if (enroll->ids[i] && r == 0)
			r = change(enroll, kinds[i].remove, enroll->ids[i], err);
	return r;
}
