#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl_end.h"
#include "ctl_root.h"
#include "util.h"

#define DEPTH_MAX 16 /* with two descriptors each */

struct removal {
	int top; /* the folder that is emptied */
	dev_t device;
	unsigned int lifted; /* folders that were moved up into it, so far */
};

static int empty_folder(struct removal *removal, int fd, int depth);

/*
 * A folder that is too deep to keep each one on the way open is moved up to the top, and emptied
 * from there.
 */
static int lift(struct removal *removal, int parent, const char *name)
{
	char fresh[32];

	do
		(void)snprintf(fresh, sizeof(fresh), ".lifted-%u", removal->lifted++);
	while (faccessat(removal->top, fresh, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	return renameat(parent, name, removal->top, fresh) < 0 ? -errno : 0;
}

static int remove_folder(struct removal *removal, int parent, const char *name, int depth)
{
	_cleanup_close_ int fd =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != removal->device)
		return -EXDEV;
	if (depth >= DEPTH_MAX)
		return lift(removal, parent, name);
	r = empty_folder(removal, fd, depth + 1);
	if (r == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0)
		r = -errno;
	return r;
}

static int remove_entry(struct removal *removal, int parent, const char *name, int depth)
{
	int r = unlinkat(parent, name, 0) == 0 ? 0 : -errno;

	return r == -EISDIR ? remove_folder(removal, parent, name, depth) : r;
}

/* In passes, until one finds nothing: what is moved up comes into a folder that is being read. */
static int empty_folder(struct removal *removal, int fd, int depth)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	bool found = true;

	if (!dir) {
		r = -errno;
		sbx_cleanup_close(&copy);
		return r;
	}
	while (r == 0 && found) {
		found = false;
		rewinddir(dir);
		while (r == 0 && (entry = readdir(dir)) != NULL) {
			if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
				continue;
			found = true;
			r = remove_entry(removal, fd, entry->d_name, depth);
			if (r == -ENOENT)
				r = 0;
		}
	}
	(void)closedir(dir);
	return r;
}

/* The account's own folder as it is opened, not as its name says. */
static int empty_own(int parent, const char *name, uid_t uid, const char *path,
		     struct sbx_error *err)
{
	_cleanup_close_ int fd =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct removal removal = { .top = fd };
	struct stat st;
	int r;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return sbx_error_set(err, -errno, "%s: %s: left", path, strerror(errno));
	if (st.st_uid != uid)
		return sbx_error_set(err, -EPERM, "%s: belongs to uid %u, not to the account: left",
				     path, st.st_uid);
	removal.device = st.st_dev;
	r = empty_folder(&removal, fd, 0);
	if (r == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0)
		r = -errno;
	if (r == -EXDEV || r == -EBUSY)
		return sbx_error_set(err, r, "%s: something is mounted in it: umount it", path);
	return r < 0 ? sbx_error_set(err, r, "%s: can't be removed: %s", path, strerror(-r)) : 0;
}

int ctl_end_tree(const char *path, uid_t uid, struct sbx_error *err)
{
	const char *name = strrchr(path, '/');
	_cleanup_free_ char *parent = name ? strndup(path, (size_t)(name - path) + 1) : NULL;
	_cleanup_close_ int folder = -1;
	int r;

	if (!parent || !name[1] || strcmp(name, "/.") == 0 || strcmp(name, "/..") == 0)
		return sbx_error_set(err, -EINVAL, "%s: not the path of a home: left", path);
	r = ctl_root_folder(parent, &folder, err);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : empty_own(folder, name + 1, uid, path, err);
}
