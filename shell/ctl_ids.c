#include "ctl_ids.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define FIRST_ROOM 100000 /* SUB_UID_MIN of login.defs(5) */
#define END_OF_IDS 4294967294u

int ctl_ids_add(struct ctl_ids_list *list, const char *owner, bool real, uint64_t first,
		uint64_t count)
{
	struct ctl_ids_range *items =
		reallocarray(list->items, list->count + 1, sizeof(*list->items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count] = (struct ctl_ids_range){ .real = real, .first = first, .count = count };
	(void)snprintf(items[list->count].owner, sizeof(items->owner), "%s", owner);
	list->count++;
	return 0;
}

void ctl_ids_done(struct ctl_ids_list *list)
{
	free(list->items);
	*list = (struct ctl_ids_list){ 0 };
}

int ctl_ids_read(const char *path, struct ctl_ids_list *ret_list, struct sbx_error *err)
{
	FILE *file = fopen(path, "re");
	char line[512], owner[64];
	uint64_t first, count;
	int r = 0;

	if (!file && errno != ENOENT)
		return sbx_error_set(err, -errno, "%s: %s", path, strerror(errno));
	while (r == 0 && file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63[^:#]:%" SCNu64 ":%" SCNu64, owner, &first, &count) == 3 &&
		    first <= UINT32_MAX && count <= UINT32_MAX)
			r = ctl_ids_add(ret_list, owner, false, first, count);
	if (file)
		(void)fclose(file);
	return r < 0 ? sbx_error_set(err, r, "out of memory") : 0;
}

bool ctl_ids_is_own(const struct ctl_ids_range *range, const char *name, uid_t uid)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", uid);
	return !range->real &&
	       (strcmp(range->owner, name) == 0 || strcmp(range->owner, number) == 0);
}

uint64_t ctl_ids_size(const struct ctl_ids_list *list, const char *name, uid_t uid)
{
	uint64_t size = 0;

	for (size_t i = 0; i < list->count; i++)
		if (ctl_ids_is_own(&list->items[i], name, uid))
			size += list->items[i].count;
	return size;
}

static bool meet(const struct ctl_ids_range *a, const struct ctl_ids_range *b)
{
	return a->first < b->first + b->count && b->first < a->first + a->count;
}

const struct ctl_ids_range *ctl_ids_overlap(const struct ctl_ids_list *list, const char *name,
					    uid_t uid, const struct ctl_ids_range **ret_other)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!ctl_ids_is_own(&list->items[i], name, uid))
			continue;
		for (size_t j = 0; j < list->count; j++)
			if (!ctl_ids_is_own(&list->items[j], name, uid) &&
			    meet(&list->items[i], &list->items[j])) {
				*ret_other = &list->items[j];
				return &list->items[i];
			}
	}
	return NULL;
}

uint64_t ctl_ids_find_room(const struct ctl_ids_list *list, uint64_t count)
{
	struct ctl_ids_range room = { .first = FIRST_ROOM, .count = count };
	bool moved = true;

	while (moved) {
		moved = false;
		for (size_t i = 0; i < list->count; i++)
			if (meet(&room, &list->items[i])) {
				room.first = list->items[i].first + list->items[i].count;
				moved = true;
			}
	}
	return room.first + count <= END_OF_IDS ? room.first : 0;
}
