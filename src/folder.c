#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

/*
 * Open the folder NAME below parent (a path or AT_FDCWD with an absolute one), made first when
 * create says so, and refuse it unless it's the account's. private also refuses any access of
 * others.
 */
static int open_own(int parent, const char *name, const char *shown, uid_t owner, bool create,
		    bool private, int *ret_fd, struct sbx_error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (create && mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return sbx_error_set(err, -errno, "folder %s: can't be made: %s", shown,
				     strerror(errno));
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return sbx_error_set(err, -errno, "folder %s: %s", shown,
				     errno == ELOOP || errno == ENOTDIR ? "is no folder: remove it"
									: strerror(errno));
	if (fstat(fd, &st) < 0)
		return sbx_error_set(err, -errno, "folder %s: %s", shown, strerror(errno));
	if (st.st_uid != owner)
		return sbx_error_set(err, -EPERM,
				     "folder %s: belongs to uid %u, not to the account: "
				     "have the operator remove it",
				     shown, st.st_uid);
	if (st.st_mode & (private ? 077 : 022))
		return sbx_error_set(err, -EPERM,
				     "folder %s: is open to others (mode %04o): chmod go-rwx it",
				     shown, st.st_mode & 07777);
	*ret_fd = steal_fd(&fd);
	return 0;
}

int sbx_folder_runtime(const struct sbx_account *account, const char *name, bool create,
		       struct sbx_folder *ret_folder, struct sbx_error *err)
{
	_cleanup_close_ int run = -1, ours = -1, own = -1;
	_cleanup_free_ char *path = NULL;
	char user[64], shared[96];
	int r;

	(void)snprintf(user, sizeof(user), "/run/user/%u", account->uid);
	(void)snprintf(shared, sizeof(shared), "%s/sandbox-shell", user);
	if (asprintf(&path, "%s/sandbox-shell/%s", user, name) < 0) {
		path = NULL;
		return sbx_error_set(err, -ENOMEM, "folder: out of memory");
	}
	r = open_own(AT_FDCWD, user, user, account->uid, false, true, &run, err);
	if (r == -ENOENT)
		return sbx_error_set(
			err, r,
			"folder %s: missing: log in with pam_systemd or pam_sandbox, or turn "
			"on lingering (loginctl enable-linger %s)",
			user, account->name);
	if (r == 0)
		r = open_own(run, "sandbox-shell", shared, account->uid, create, true, &ours, err);
	if (r == 0)
		r = open_own(ours, name, path, account->uid, create, true, &own, err);
	if (r < 0)
		return r;
	ret_folder->fd = steal_fd(&own);
	ret_folder->path = steal_pointer(path);
	return 0;
}

/*
 * The home must be a folder itself, not a link to one of the host's. Its mode and owner are the
 * inside's to change; nobody else reaches it through the folder that it's in.
 */
static int make_home(int folder)
{
	_cleanup_close_ int marker = -1;
	struct stat st;

	if (fstatat(folder, "home", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
	marker = openat(folder, SBX_FOLDER_NEW, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (marker < 0 || mkdirat(folder, "home", 0700) < 0)
		return -errno;
	return 0;
}

int sbx_folder_data(const struct sbx_account *account, const char *base, const char *name,
		    bool create, struct sbx_folder *ret_folder, struct sbx_error *err)
{
	_cleanup_close_ int parent = -1, own = -1;
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/%s", base, name) < 0) {
		path = NULL;
		return sbx_error_set(err, -ENOMEM, "folder: out of memory");
	}
	r = open_own(AT_FDCWD, base, base, account->uid, create, false, &parent, err);
	if (r == 0)
		r = open_own(parent, name, path, account->uid, create, false, &own, err);
	if (r < 0)
		return r;
	r = create ? make_home(own) : 0;
	if (r < 0)
		return sbx_error_set(err, r, "folder %s/home: %s", path,
				     r == -ENOTDIR ? "is no folder: remove it" : strerror(-r));
	ret_folder->fd = steal_fd(&own);
	ret_folder->path = steal_pointer(path);
	return 0;
}

void sbx_folder_done(struct sbx_folder *folder)
{
	if (folder->fd >= 0)
		(void)close(folder->fd);
	free(folder->path);
	*folder = (struct sbx_folder)SBX_FOLDER_INIT;
}
