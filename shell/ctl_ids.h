/*
 * Ranges of subordinate ids (subuid(5), subgid(5)): whose they are, whether they are anybody
 * else's, where there is room. Both files are root's and trusted, lines that aren't understood are
 * passed over, as newuidmap does.
 */
#ifndef SBX_CTL_IDS_H
#define SBX_CTL_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

struct ctl_ids_range {
	char owner[64];
	bool real; /* the id of an account or group itself, not a subordinate one */
	uint64_t first, count;
};

struct ctl_ids_list {
	struct ctl_ids_range *items;
	size_t count;
};

/* The ranges in a file. One that isn't there has none. */
int ctl_ids_read(const char *path, struct ctl_ids_list *ret_list, struct sbx_error *err);

int ctl_ids_add(struct ctl_ids_list *list, const char *owner, bool real, uint64_t first,
		uint64_t count);

void ctl_ids_done(struct ctl_ids_list *list);

/* Does the range belong to the account, by its name or its number? */
bool ctl_ids_is_own(const struct ctl_ids_range *range, const char *name, uid_t uid);

/* How many ids the account has. */
uint64_t ctl_ids_size(const struct ctl_ids_list *list, const char *name, uid_t uid);

/* A range of the account's that has an id in common with another's; *ret_other is that one. */
const struct ctl_ids_range *ctl_ids_overlap(const struct ctl_ids_list *list, const char *name,
					    uid_t uid, const struct ctl_ids_range **ret_other);

/* Where so many ids in a row are nobody's; 0 for nowhere. */
uint64_t ctl_ids_find_room(const struct ctl_ids_list *list, uint64_t count);

#endif
