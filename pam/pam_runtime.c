#include "pam_runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pam_marks.h"
#include "util.h"

#define RUN_USER "/run/user"
#define MARK "runtime"
#define BYTES_PER_INODE 4096

/* /run/user itself, root's and nobody else's to write; made when it's missing. */
static int open_parent(struct sbx_error *err)
{
	_cleanup_close_ int fd = -1;
	bool made = mkdir(RUN_USER, 0755) == 0;
	struct stat st;

	fd = open(RUN_USER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || (made && fchmod(fd, 0755) < 0))
		return sbx_error_set(err, -errno, "runtime folder: %s: %s", RUN_USER,
				     strerror(errno));
	if (st.st_uid != 0 || (!made && (st.st_mode & 022)))
		return sbx_error_set(err, -EPERM,
				     "runtime folder: %s: others can write it: "
				     "chown root, chmod 755 it",
				     RUN_USER);
	return steal_fd(&fd);
}

/* The folder as it is now, or -errno. */
static int open_own(int parent, const char *name, struct stat *st)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, st) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -errno;
}

/* A tenth of the memory, as logind gives. */
static int mount_memory(int folder, const struct sbx_account *account)
{
	uint64_t size = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 10;
	char path[64], options[160];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", folder);
	(void)snprintf(options, sizeof(options), "mode=0700,uid=%u,gid=%u,size=%llu,nr_inodes=%llu",
		       account->uid, account->gid, (unsigned long long)size,
		       (unsigned long long)size / BYTES_PER_INODE);
	return mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0 ? -errno : 0;
}

static int make_own(int parent, const char *name, const struct sbx_account *account, int marks,
		    struct sbx_error *err)
{
	_cleanup_close_ int folder = -1;
	struct stat st;
	int r;

	/* First the mark: whatever happens next, the last session takes away what there is. */
	r = sbx_pam_mark(marks, MARK, true);
	if (r == 0 && mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0)
		folder = r = open_own(parent, name, &st);
	if (r >= 0)
		r = mount_memory(folder, account);
	if (r == 0)
		return 0;
	(void)unlinkat(parent, name, AT_REMOVEDIR);
	(void)sbx_pam_mark(marks, MARK, false);
	return sbx_error_set(err, r, "runtime folder: %s/%s: can't be made: %s", RUN_USER, name,
			     strerror(-r));
}

int sbx_pam_runtime_open(const struct sbx_account *account, bool make, int marks,
			 struct sbx_error *err)
{
	_cleanup_close_ int parent = -1, folder = -1;
	struct stat st = { 0 };
	char name[32];
	int r;

	(void)snprintf(name, sizeof(name), "%u", account->uid);
	parent = open_parent(err);
	if (parent < 0)
		return parent;
	folder = open_own(parent, name, &st);
	/* Root's own and marked: made, but not mounted on, by a login that was killed. */
	if (make && (folder == -ENOENT ||
		     (folder >= 0 && st.st_uid == 0 && sbx_pam_is_marked(marks, MARK)))) {
		r = make_own(parent, name, account, marks, err);
		if (r < 0)
			return r;
		sbx_cleanup_close(&folder);
		folder = open_own(parent, name, &st);
	}
	if (folder < 0)
		return sbx_error_set(err, folder, "runtime folder: %s/%s: %s", RUN_USER, name,
				     folder == -ENOENT ? "systemd-logind made none: is pam_systemd "
							 "before pam_sandbox?"
						       : strerror(-folder));
	if (st.st_uid != account->uid || (st.st_mode & 077))
		return sbx_error_set(
			err, -EPERM,
			"runtime folder: %s/%s: belongs to uid %u with mode %04o, not to "
			"the account with 0700: remove it",
			RUN_USER, name, st.st_uid, st.st_mode & 07777);
	return 0;
}

bool sbx_pam_runtime_is_made(int marks)
{
	return sbx_pam_is_marked(marks, MARK);
}

int sbx_pam_runtime_remove(const struct sbx_account *account, int marks, struct sbx_error *err)
{
	char path[64];

	if (!sbx_pam_runtime_is_made(marks))
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%u", RUN_USER, account->uid);
	/* Not mounted is fine: the login that made it may have been killed. */
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL && errno != ENOENT)
		return sbx_error_set(err, -errno, "runtime folder: %s: %s", path, strerror(errno));
	if (rmdir(path) < 0 && errno != ENOENT)
		return sbx_error_set(err, -errno, "runtime folder: %s: %s", path, strerror(errno));
	return sbx_pam_mark(marks, MARK, false);
}
