#include "ctl_root.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "policy.h"
#include "spawn.h"
#include "util.h"

#define FILE_MAX (4 * 1024 * 1024)
#define LOCK_PATH SBX_CONF_DIR "/.accounts.lock"
#define LOCK_MS 120000

/* "useradd: useradd: no such group" says it once too often. */
static const char *without_name(const char *reason, const char *name)
{
	size_t length = strlen(name);

	return strncmp(reason, name, length) == 0 && strncmp(reason + length, ": ", 2) == 0
		       ? reason + length + 2
		       : reason;
}

static int run_tool(struct sbx_strv *args, struct sbx_error *err)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", lang[] = "LANG=C.UTF-8";
	char *const env[] = { path, lang, NULL };
	struct sbx_spawn spawn = {
		.argv = args->items, .env = env, .in = -1, .out = -1, .progress = -1
	};
	const char *name = strrchr(args->items[0], '/') + 1;
	struct sbx_process process;
	char reason[512];
	int status = sbx_process_start(&spawn, &process, err);

	if (status < 0)
		return status;
	status = sbx_process_wait(&process, -1);
	if (status == 0)
		return 0;
	if (status == 127 && process.err_length == 0)
		return sbx_error_set(err, -ENOENT, "%s: can't be run: install it (looked for %s)",
				     name, args->items[0]);
	sbx_process_reason(&process, reason, sizeof(reason));
	return sbx_error_set(err, -EIO, "%s: %s", name, without_name(reason, name));
}

int ctl_tool(struct sbx_error *err, const char *program, ...)
{
	struct sbx_strv args = { 0 };
	const char *arg;
	va_list rest;
	int r;

	(void)sbx_strv_add(&args, program);
	va_start(rest, program);
	while ((arg = va_arg(rest, const char *)) != NULL)
		(void)sbx_strv_add(&args, arg);
	va_end(rest);
	r = args.failed ? sbx_error_set(err, -ENOMEM, "out of memory") : run_tool(&args, err);
	sbx_strv_done(&args);
	return r;
}

void ctl_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	(void)putchar('\n');
	(void)fflush(stdout);
}

static int check_folder(int fd, const char *path, struct sbx_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sbx_error_set(err, -errno, "%s: %s", path, strerror(errno));
	if (st.st_uid != 0 || (st.st_mode & 022))
		return sbx_error_set(err, -EPERM,
				     "%s: it, or a folder on the way to it, can be written by "
				     "others than root: chown root, chmod go-w it",
				     path);
	return 0;
}

int ctl_root_folder(const char *path, int *ret_fd, struct sbx_error *err)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	_cleanup_close_ int fd = real ? open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	char *rest = real, *part;
	int r;

	if (fd < 0)
		return sbx_error_set(err, -errno, "%s: %s", path, strerror(errno));
	r = check_folder(fd, path, err);
	while (r == 0 && (part = strsep(&rest, "/")) != NULL) {
		int next;

		if (!*part)
			continue;
		next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return sbx_error_set(err, -errno, "%s: %s", path, strerror(errno));
		(void)close(fd);
		fd = next;
		r = check_folder(fd, path, err);
	}
	if (r == 0)
		*ret_fd = steal_fd(&fd);
	return r;
}

int ctl_root_read(const char *path, char **ret_text, struct sbx_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : sbx_read_all(fd, FILE_MAX, ret_text, NULL);

	if (r == -ENOENT) {
		*ret_text = NULL;
		return 0;
	}
	return r < 0 ? sbx_error_set(err, r, "%s: %s", path, strerror(-r)) : 0;
}

static int fill(int folder, const char *fresh, const char *text, mode_t mode)
{
	_cleanup_close_ int fd =
		openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : sbx_write_all(fd, text, strlen(text));

	if (r == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		r = -errno;
	return r;
}

int ctl_root_write(const char *path, const char *text, mode_t mode, struct sbx_error *err)
{
	const char *name = strrchr(path, '/') + 1;
	_cleanup_free_ char *parent = strndup(path, (size_t)(name - path));
	_cleanup_close_ int folder = -1;
	char fresh[256];
	int r;

	if (!parent)
		return sbx_error_set(err, -ENOMEM, "out of memory");
	r = ctl_root_folder(parent, &folder, err);
	if (r < 0)
		return r;
	/* What an earlier one left that was killed. */
	(void)snprintf(fresh, sizeof(fresh), ".%.240s.new", name);
	(void)unlinkat(folder, fresh, 0);
	if (!text) {
		r = unlinkat(folder, name, 0) < 0 && errno != ENOENT ? -errno : 0;
	} else {
		r = fill(folder, fresh, text, mode);
		if (r == 0 && renameat(folder, fresh, folder, name) < 0)
			r = -errno;
	}
	if (r == 0 && fsync(folder) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	(void)unlinkat(folder, fresh, 0);
	return sbx_error_set(err, r, "%s: can't be %s: %s", path, text ? "written" : "removed",
			     strerror(-r));
}

int ctl_root_restore(const char *path, const char *text, struct sbx_error *err)
{
	_cleanup_free_ char *now = NULL;
	int r = ctl_root_read(path, &now, err);

	if (r < 0 || (!now && !text) || (now && text && strcmp(now, text) == 0))
		return r;
	return ctl_root_write(path, text, 0644, err);
}

bool ctl_root_lists_shell(const char *text)
{
	for (const char *p = text; p && (p = strstr(p, SBX_SHELL_PATH)) != NULL; p++)
		if ((p == text || p[-1] == '\n') && strchr("\n", p[strlen(SBX_SHELL_PATH)]))
			return true;
	return false;
}

int ctl_root_add_shell(const char *text, struct sbx_error *err)
{
	const char *old = text ? text : "";
	const char *gap = *old && old[strlen(old) - 1] != '\n' ? "\n" : "";
	_cleanup_free_ char *lines = NULL;

	if (asprintf(&lines, "%s%s" SBX_SHELL_PATH "\n", old, gap) < 0) {
		lines = NULL;
		return sbx_error_set(err, -ENOMEM, "out of memory");
	}
	return ctl_root_write(CTL_SHELLS, lines, 0644, err);
}

int ctl_root_lock(int *ret_lock, struct sbx_error *err)
{
	_cleanup_close_ int fd = -1;
	const struct timespec pause = { .tv_nsec = 20000000 };
	long long end = sbx_now_ms() + LOCK_MS;

	fd = open(LOCK_PATH, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return sbx_error_set(err, -errno, "%s: %s", LOCK_PATH, strerror(errno));
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return sbx_error_set(err, -errno, "%s: %s", LOCK_PATH, strerror(errno));
		if (sbx_now_ms() >= end)
			return sbx_error_set(err, -EBUSY,
					     "another enroll or unenroll has been running for %d "
					     "seconds: wait for it, or end it",
					     LOCK_MS / 1000);
		(void)nanosleep(&pause, NULL);
	}
	*ret_lock = steal_fd(&fd);
	return 0;
}

int ctl_root_check_name(const char *name, struct sbx_error *err)
{
	if (!sbx_name_valid(name))
		return sbx_error_set(err, -EINVAL,
				     "%s: not an account's name: lower-case letters, digits, '_', "
				     "'-' and '.', at most 32, beginning with a letter or '_'",
				     name);
	return 0;
}

int ctl_root_check(const char *command, const char *name, struct sbx_error *err)
{
	if (geteuid() != 0)
		return sbx_error_set(err, -EPERM, "%s: for root only", command);
	return ctl_root_check_name(name, err);
}

bool ctl_root_is_member(const char *name, gid_t primary, const char *group)
{
	const struct group *entry = getgrnam(group);

	if (!entry)
		return false;
	for (char *const *member = entry->gr_mem; *member; member++)
		if (strcmp(*member, name) == 0)
			return true;
	return entry->gr_gid == primary;
}

bool ctl_root_has_left_group(const char *name)
{
	const struct group *group = getgrnam(name);
	const struct passwd *entry;
	gid_t gid = group ? group->gr_gid : 0;
	bool left = group && gid >= CTL_FIRST_UID && !group->gr_mem[0];

	setpwent();
	while (left && (entry = getpwent()) != NULL)
		left = entry->pw_gid != gid;
	endpwent();
	return left;
}
