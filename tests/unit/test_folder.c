/*
 * The folders of a sandbox: made when they may be, refused when they are somebody else's, open to
 * others, or no folders. As root, in a mount namespace of its own with a /run of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "count_fds.h"
#include "folder.h"
#include "safe_folder.h"
#include "util.h"

/* The account is whoever runs the test; a stranger is anybody else. */
#define STRANGER 54321

static struct sbx_account account = { .name = (char[]){ "agent" } };
static char user[64], base[] = "/tmp/sbx-test-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	account.uid = getuid();
	account.gid = getgid();
	(void)snprintf(user, sizeof(user), "/run/user/%u", account.uid);
	return mkdtemp(base) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	remove_folder(base);
	return 0;
}

/* A /run with nothing but /run/user in it, seen by this process alone. */
static void own_run(void)
{
	static bool apart;

	if (!apart &&
	    (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)) {
		print_message("skipped: a mount namespace needs root\n");
		skip();
	}
	if (apart)
		assert_int_equal(umount("/run"), 0);
	apart = true;
	assert_int_equal(mount("run", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"), 0);
	assert_int_equal(mkdir("/run/user", 0755), 0);
}

static void make_folder(const char *path, mode_t mode)
{
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static char *below(const char *folder, const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
	return path;
}

static int runtime(bool create, struct sbx_folder *folder, struct sbx_error *err)
{
	return sbx_folder_runtime(&account, "box", create, folder, err);
}

static void test_runtime(void **state)
{
	struct sbx_folder folder = SBX_FOLDER_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	_cleanup_free_ char *path = below(user, "sandbox-shell/box");
	int before = count_fds();
	struct stat st, opened;
	mode_t mask;

	(void)state;
	own_run();
	make_folder(user, 0700);
	assert_int_equal(runtime(false, &folder, &err), -ENOENT);
	mask = umask(0);
	assert_int_equal(runtime(true, &folder, &err), 0);
	(void)umask(mask);
	assert_string_equal(folder.path, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(fstat(folder.fd, &opened), 0);
	assert_int_equal(st.st_ino, opened.st_ino);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_true(fcntl(folder.fd, F_GETFD) & FD_CLOEXEC);
	sbx_folder_done(&folder);
	assert_int_equal(folder.fd, -1);
	assert_null(folder.path);
	assert_int_equal(runtime(true, &folder, &err), 0);
	sbx_folder_done(&folder);
	assert_int_equal(runtime(false, &folder, &err), 0);
	sbx_folder_done(&folder);
	sbx_folder_done(&folder);
	assert_int_equal(count_fds(), before);
}

/* /run/user/UID is the host's to make. */
static void test_runtime_missing(void **state)
{
	struct sbx_folder folder = SBX_FOLDER_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	own_run();
	assert_int_equal(runtime(true, &folder, &err), -ENOENT);
	assert_int_equal(access(user, F_OK), -1);
	assert_non_null(strstr(err.message, ": missing: log in with pam_systemd or pam_sandbox"));
	assert_non_null(strstr(err.message, "enable-linger agent"));
	assert_int_equal(folder.fd, -1);
	assert_null(folder.path);
}

enum damage { FOREIGN, GROUP_MAY, OTHERS_MAY, LINK, FILE_THERE };

/* Put something else where the folder should be, or change it. */
static void damage(const char *path, enum damage how)
{
	_cleanup_free_ char *elsewhere = below(base, "elsewhere");

	(void)rmdir(path);
	(void)mkdir(elsewhere, 0700);
	if (how == LINK)
		assert_int_equal(symlink(elsewhere, path), 0);
	else if (how == FILE_THERE)
		assert_int_equal(mknod(path, S_IFREG | 0700, 0), 0);
	else
		make_folder(path, how == GROUP_MAY ? 0720 : how == OTHERS_MAY ? 0707 : 0700);
	if (how == FOREIGN)
		assert_int_equal(chown(path, STRANGER, STRANGER), 0);
}

static const struct {
	enum damage how;
	int result;
	const char *message;
} damages[] = {
	{ FOREIGN, -EPERM, "belongs to uid 54321, not to the account" },
	{ GROUP_MAY, -EPERM, "is open to others (mode 0720): chmod go-rwx it" },
	{ OTHERS_MAY, -EPERM, "is open to others (mode 0707): chmod go-rwx it" },
	{ LINK, -ENOTDIR, "is no folder: remove it" },
	{ FILE_THERE, -ENOTDIR, "is no folder: remove it" },
};

/* Each folder of the way, damaged in each way: refused, named, and left as it is. */
static void test_runtime_refused(void **state)
{
	static const char *const levels[] = { "", "/sandbox-shell", "/sandbox-shell/box" };
	int before = count_fds();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(levels) * ARRAY_SIZE(damages); i++) {
		size_t level = i / ARRAY_SIZE(damages), which = i % ARRAY_SIZE(damages);
		struct sbx_folder folder = SBX_FOLDER_INIT;
		struct sbx_error err = SBX_ERROR_INIT;
		char path[128], expected[256];

		own_run();
		for (size_t n = 0; n < level; n++) {
			(void)snprintf(path, sizeof(path), "%s%s", user, levels[n]);
			make_folder(path, 0700);
		}
		(void)snprintf(path, sizeof(path), "%s%s", user, levels[level]);
		damage(path, damages[which].how);
		assert_int_equal(runtime(true, &folder, &err), damages[which].result);
		(void)snprintf(expected, sizeof(expected), "folder %s: %s", path,
			       damages[which].message);
		assert_memory_equal(err.message, expected, strlen(expected));
		assert_int_equal(folder.fd, -1);
		assert_null(folder.path);
	}
	assert_int_equal(count_fds(), before);
}

/* Nor may others look into these. */
static void test_runtime_readable(void **state)
{
	static const char *const levels[] = { "", "/sandbox-shell", "/sandbox-shell/box" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		struct sbx_folder folder = SBX_FOLDER_INIT;
		struct sbx_error err = SBX_ERROR_INIT;
		char path[128];

		own_run();
		make_folder(user, 0700);
		assert_int_equal(runtime(true, &folder, &err), 0);
		sbx_folder_done(&folder);
		(void)snprintf(path, sizeof(path), "%s%s", user, levels[i]);
		assert_int_equal(chmod(path, 0710), 0);
		assert_int_equal(runtime(true, &folder, &err), -EPERM);
		assert_int_equal(chmod(path, 0704), 0);
		assert_int_equal(runtime(true, &folder, &err), -EPERM);
	}
}

static int data(const char *where, bool create, struct sbx_folder *folder, struct sbx_error *err)
{
	return sbx_folder_data(&account, where, "box", create, folder, err);
}

static bool exists(const struct sbx_folder *folder, const char *name)
{
	return faccessat(folder->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_data(void **state)
{
	_cleanup_free_ char *where = below(base, "sandboxes");
	struct sbx_folder folder = SBX_FOLDER_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	int before = count_fds();
	struct stat st;

	(void)state;
	assert_int_equal(data(where, false, &folder, &err), -ENOENT);
	assert_int_equal(access(where, F_OK), -1);
	assert_int_equal(data(where, true, &folder, &err), 0);
	assert_int_equal(fstatat(folder.fd, "home", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_true(exists(&folder, SBX_FOLDER_NEW));
	assert_int_equal(strncmp(folder.path, where, strlen(where)), 0);
	assert_string_equal(folder.path + strlen(where), "/box");
	/* setup.sh has run: another login doesn't make it new again. */
	assert_int_equal(unlinkat(folder.fd, SBX_FOLDER_NEW, 0), 0);
	sbx_folder_done(&folder);
	assert_int_equal(data(where, true, &folder, &err), 0);
	assert_false(exists(&folder, SBX_FOLDER_NEW));
	/* The home was removed: it is new. */
	assert_int_equal(unlinkat(folder.fd, "home", AT_REMOVEDIR), 0);
	sbx_folder_done(&folder);
	assert_int_equal(data(where, false, &folder, &err), 0);
	assert_false(exists(&folder, "home"));
	sbx_folder_done(&folder);
	assert_int_equal(data(where, true, &folder, &err), 0);
	assert_true(exists(&folder, SBX_FOLDER_NEW));
	sbx_folder_done(&folder);
	assert_int_equal(count_fds(), before);
}

/* Only the last part of the base is made. */
static void test_data_far_away(void **state)
{
	_cleanup_free_ char *where = below(base, "not/there");
	struct sbx_folder folder = SBX_FOLDER_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(data(where, true, &folder, &err), -ENOENT);
	assert_non_null(
		strstr(err.message, "/not/there: can't be made: No such file or directory"));
	assert_int_equal(folder.fd, -1);
}

static void test_data_refused(void **state)
{
	int before = count_fds();

	(void)state;
	if (getuid() != 0) {
		print_message("skipped: a file of somebody else's needs root\n");
		skip();
	}
	for (size_t i = 0; i < 2 * ARRAY_SIZE(damages); i++) {
		size_t which = i / 2;
		struct sbx_folder folder = SBX_FOLDER_INIT;
		struct sbx_error err = SBX_ERROR_INIT;
		char where[64], path[100], expected[256];

		(void)snprintf(where, sizeof(where), "%s/%zu", base, i);
		(void)snprintf(path, sizeof(path), "%s%s", where, i % 2 ? "/box" : "");
		if (i % 2)
			make_folder(where, 0700);
		damage(path, damages[which].how);
		assert_int_equal(data(where, true, &folder, &err), damages[which].result);
		(void)snprintf(expected, sizeof(expected), "folder %s: %s", path,
			       damages[which].message);
		assert_memory_equal(err.message, expected, strlen(expected));
		assert_int_equal(folder.fd, -1);
	}
	assert_int_equal(count_fds(), before);
}

/* Others may read what is beside the sandbox's home; they may not write it. */
static void test_data_readable(void **state)
{
	_cleanup_free_ char *where = below(base, "readable");
	struct sbx_folder folder = SBX_FOLDER_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	make_folder(where, 0755);
	assert_int_equal(data(where, true, &folder, &err), 0);
	assert_int_equal(fchmod(folder.fd, 0755), 0);
	sbx_folder_done(&folder);
	assert_int_equal(data(where, true, &folder, &err), 0);
	sbx_folder_done(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runtime),
		cmocka_unit_test(test_runtime_missing),
		cmocka_unit_test(test_runtime_refused),
		cmocka_unit_test(test_runtime_readable),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_data_far_away),
		cmocka_unit_test(test_data_refused),
		cmocka_unit_test(test_data_readable),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
