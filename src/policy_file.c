/*
 * The safe open of a policy file; see policy_file.h.
 *
 * It trusts the kernel's answer about what was opened, never a path looked at before. It must
 * never read a file that anyone but root (or, in the checkout's mode, the caller) can change,
 * rename or put in another's place.
 */
#include "policy_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy.h"
#include "util.h"

struct walk {
	const char *shown; /* the path as messages name it */
	uid_t also_owner;
	struct sbx_error *err;
};

/* Could anyone but the accepted owners have changed this? part is what messages call it. */
static int check_owner(const struct walk *w, const struct stat *st, const char *kind,
		       const char *part)
{
	if (st->st_uid != 0 && st->st_uid != w->also_owner)
		return sbx_error_set(w->err, -EPERM,
				     "%s: the %s %s belongs to uid %u, not to root: chown it",
				     w->shown, kind, part, (unsigned int)st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return sbx_error_set(
			w->err, -EPERM,
			"%s: the %s %s is writable by others (mode %04o): chmod go-w it", w->shown,
			kind, part, (unsigned int)(st->st_mode & 07777));
	return 0;
}

static int check_folder(const struct walk *w, int fd, const char *part)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sbx_error_set(w->err, -errno, "%s: %s: %s", w->shown, part, strerror(errno));
	return check_owner(w, &st, "folder", part);
}

/* Why an open failed; a symbolic link is named as such, which the kernel's errno may not do. */
static int open_failed(const struct walk *w, int fd, const char *part, int code)
{
	struct stat st;

	if (code != ENOENT && fstatat(fd, part, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode))
		return sbx_error_set(w->err, -EPERM,
				     "%s: %s is a symbolic link: put the real one there", w->shown,
				     part);
	return sbx_error_set(w->err, -code, "%s: cannot open %s: %s", w->shown, part,
			     strerror(code));
}

static int read_regular(const struct walk *w, int fd, char **ret_text, size_t *ret_length)
{
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return sbx_error_set(w->err, -errno, "%s: %s", w->shown, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return sbx_error_set(w->err, -EPERM, "%s: not a regular file", w->shown);
	r = check_owner(w, &st, "file", "itself");
	if (r < 0)
		return r;
	r = sbx_read_all(fd, SBX_POLICY_MAX_BYTES - 1, ret_text, ret_length);
	if (r == -EFBIG)
		return sbx_error_set(w->err, r, "%s: too large: a policy has less than %d KiB",
				     w->shown, SBX_POLICY_MAX_BYTES / 1024);
	if (r < 0)
		return sbx_error_set(w->err, r, "%s: cannot read: %s", w->shown, strerror(-r));
	return 0;
}

/* Cut the next part off *rest; NULL at the end. */
static char *next_part(char **rest)
{
	char *part;

	while ((part = strsep(rest, "/")))
		if (part[0] && strcmp(part, ".") != 0)
			return part;
	return NULL;
}

/* Take over folder_fd, walk to the last part of path (which is cut up) and read that. */
static int walk_path(const struct walk *w, int folder_fd, char *path, char **ret_text,
		     size_t *ret_length)
{
	_cleanup_close_ int fd = folder_fd;
	const char *folder = "/";
	char *part = next_part(&path);
	int r = check_folder(w, fd, folder);

	if (r == 0 && !part)
		r = sbx_error_set(w->err, -EINVAL, "%s: not the path of a file", w->shown);
	while (r == 0) {
		char *after = next_part(&path);
		int flags = after ? O_PATH | O_DIRECTORY : O_RDONLY | O_NONBLOCK | O_NOCTTY;
		int next;

		if (strcmp(part, "..") == 0)
			return sbx_error_set(w->err, -EINVAL,
					     "%s: has .. in it: write the path without", w->shown);
		next = openat(fd, part, flags | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return open_failed(w, fd, part, errno);
		(void)close(fd);
		fd = next;
		if (!after)
			return read_regular(w, fd, ret_text, ret_length);
		r = check_folder(w, fd, part);
		part = after;
	}
	return r;
}

int sbx_policy_file_read_at(int folder_fd, const char *path, uid_t also_owner, char **ret_text,
			    size_t *ret_length, struct sbx_error *err)
{
	struct walk w = { .shown = path, .also_owner = also_owner, .err = err };
	_cleanup_free_ char *copy = strdup(path);
	int fd;

	if (!copy)
		return sbx_error_set(err, -ENOMEM, "%s: out of memory", path);
	fd = fcntl(folder_fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return sbx_error_set(err, -errno, "%s: %s", path, strerror(errno));
	return walk_path(&w, fd, copy, ret_text, ret_length);
}

int sbx_policy_file_read(const char *path, uid_t also_owner, char **ret_text, size_t *ret_length,
			 struct sbx_error *err)
{
	struct walk w = { .shown = path, .also_owner = also_owner, .err = err };
	_cleanup_free_ char *folder = NULL;
	_cleanup_free_ char *whole = NULL;
	int fd;

	if (path[0] != '/') {
		folder = getcwd(NULL, 0);
		if (!folder || folder[0] != '/') /* "(unreachable)" */
			return sbx_error_set(err, -ENOENT, "%s: the working directory is gone",
					     path);
	}
	if (asprintf(&whole, "%s/%s", folder ? folder : "", path) < 0) {
		whole = NULL;
		return sbx_error_set(err, -ENOMEM, "%s: out of memory", path);
	}
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return sbx_error_set(err, -errno, "%s: /: %s", path, strerror(errno));
	return walk_path(&w, fd, whole, ret_text, ret_length);
}
