#include "ctl_place.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

#define LINKS_MAX 8

/* Of a file or folder that was found good up to here. */
static int judge(const char *path, const struct stat *st, struct sbx_error *found)
{
	if (st->st_uid != 0)
		(void)sbx_error_set(found, -EPERM, "%s: belongs to uid %u, not to root", path,
				    st->st_uid);
	else if (!S_ISLNK(st->st_mode) && (st->st_mode & 022))
		(void)sbx_error_set(found, -EPERM, "%s: can be written by others (mode %04o)", path,
				    st->st_mode & 07777);
	else
		return 0;
	return 1;
}

static int check(const char *path, int links, struct sbx_error *found)
{
	char part[PATH_MAX] = "/", target[PATH_MAX];
	size_t length = strlen(path);
	struct stat st;
	int r = 0;

	if (path[0] != '/' || length >= sizeof(part))
		return -EINVAL;
	for (size_t i = 1; i <= length && r == 0; i++) {
		if (i > 1 && path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (lstat(part, &st) < 0)
			return -errno;
		r = judge(part, &st, found);
		/* It's root's own link, in a folder of root's: it may be followed. */
		if (r == 0 && S_ISLNK(st.st_mode)) {
			if (links == 0 || !realpath(part, target))
				return links == 0 ? -ELOOP : -errno;
			r = check(target, links - 1, found);
		}
	}
	return r;
}

int ctl_place_check(const char *path, struct sbx_error *found)
{
	return check(path, LINKS_MAX, found);
}

bool ctl_place_has_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}
