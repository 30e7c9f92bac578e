#include "pam_group.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "pam_account_limits.h"
#include "util.h"

#define ROOT "/sys/fs/cgroup"
#define OURS "sandbox-shell"
#define LOGIN "login"
#define TEXT_MAX 4096
#define DEPTH_MAX 16
#define GROUPS_MAX "1024"
#define REMOVE_MS 3000

/* What an account needs to own of a group that is its own: cgroups(7). Never the limits. */
static const char *const handed_over[] = { "cgroup.procs", "cgroup.threads",
					   "cgroup.subtree_control" };

static int write_text(int group, const char *file, const char *text)
{
	_cleanup_close_ int fd = openat(group, file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : sbx_write_all(fd, text, strlen(text));
}

static int read_text(int folder, const char *file, char **ret_text)
{
	_cleanup_close_ int fd = openat(folder, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : sbx_read_all(fd, TEXT_MAX, ret_text, NULL);
}

static bool is_unified(void)
{
	struct statfs fs;

	return statfs(ROOT, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/*
 * The group of this process, as a path below ROOT with a slash in front: "0::PATH" of cgroups(7).
 */
static int own_path(char **ret_path)
{
	_cleanup_free_ char *text = NULL;
	const char *line;
	int r = read_text(AT_FDCWD, "/proc/self/cgroup", &text);

	if (r < 0 || !text)
		return r < 0 ? r : -EIO;
	line = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");
	if (!line)
		return -ENOENT;
	line = strchr(line, '/');
	/* Outside of the cgroup namespace: there's no way back but to the namespace's root. */
	if (strncmp(line, "/..", 3) == 0 && (line[3] == '/' || line[3] == '\n'))
		*ret_path = strdup("/");
	else
		*ret_path = strndup(line, strcspn(line, "\n"));
	return *ret_path ? 0 : -ENOMEM;
}

/* Has somebody handed the account this group, or the one above? */
static bool is_handed_over(const char *path, uid_t uid)
{
	_cleanup_free_ char *full = NULL;
	struct stat st;

	if (asprintf(&full, "%s%s", ROOT, path) < 0) {
		full = NULL;
		return false;
	}
	if (stat(full, &st) == 0 && st.st_uid == uid)
		return true;
	*strrchr(full, '/') = '\0';
	return stat(full, &st) == 0 && st.st_uid == uid;
}

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *p = text; (p = strstr(p, word)) != NULL; p += length)
		if ((p == text || p[-1] == ' ') && strchr(" \n", p[length]))
			return true;
	return false;
}

/* Is the controller there for this group? */
static bool has_controller(int group, const char *controller)
{
	_cleanup_free_ char *text = NULL;

	return read_text(group, "cgroup.controllers", &text) == 0 && text &&
	       has_word(text, controller);
}

/* For groups below this one. Whether it went well is seen there. */
static void hand_down(int group, const struct sbx_pam_account_limit *limits)
{
	char text[32];

	for (size_t i = 0; i < SBX_PAM_ACCOUNT_LIMITS; i++) {
		if (!limits[i].set)
			continue;
		(void)snprintf(text, sizeof(text), "+%s", limits[i].controller);
		(void)write_text(group, "cgroup.subtree_control", text);
	}
}

static int open_group(int parent, const char *name, struct sbx_error *err)
{
	int fd;

	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return sbx_error_set(err, -errno, "cgroup %s: can't be made: %s", name,
				     strerror(errno));
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0755) < 0) {
		int code = -errno;

		sbx_cleanup_close(&fd);
		return sbx_error_set(err, code, "cgroup %s: %s", name, strerror(-code));
	}
	return fd;
}

static int hand_over(int group, const struct sbx_account *account, struct sbx_error *err)
{
	int r = fchown(group, account->uid, account->gid);

	for (size_t i = 0; i < ARRAY_SIZE(handed_over) && r == 0; i++)
		r = fchownat(group, handed_over[i], account->uid, account->gid,
			     AT_SYMLINK_NOFOLLOW);
	if (r < 0)
		return sbx_error_set(err, -errno, "cgroup %s: chown: %s", account->name,
				     strerror(errno));
	return 0;
}

/* Put the account's limits on its group, and see which of them can't be. */
static int limit_group(int group, const struct sbx_pam_account_limit *limits,
		       const struct sbx_policy *policy, struct sbx_error *warning,
		       struct sbx_error *err)
{
	char names[128] = "";

	for (size_t i = 0; i < SBX_PAM_ACCOUNT_LIMITS; i++) {
		bool written = sbx_pam_account_limit_write(&limits[i], group) == 0;

		if (!limits[i].set)
			continue;
		if (!written || !has_controller(group, limits[i].controller) ||
		    !sbx_pam_account_limit_holds(&limits[i], group))
			sbx_pam_account_limit_name(&limits[i], names, sizeof(names));
	}
	return sbx_pam_account_limits_judge(&policy->limits, names,
					    "give " ROOT " the cgroup v2 controllers they need",
					    warning, err);
}

/* Make all three, from the top; returns the login group. */
static int make_groups(const struct sbx_account *account, const struct sbx_policy *policy,
		       struct sbx_error *warning, struct sbx_error *err)
{
	_cleanup_close_ int root = open(ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int ours = -1, group = -1, login = -1;
	struct sbx_pam_account_limit limits[SBX_PAM_ACCOUNT_LIMITS];
	int r;

	if (root < 0)
		return sbx_error_set(err, -errno, "cgroup: %s: %s", ROOT, strerror(errno));
	sbx_pam_account_limits_fill(&policy->limits, limits);
	hand_down(root, limits);
	ours = open_group(root, OURS, err);
	if (ours < 0)
		return ours;
	hand_down(ours, limits);
	group = open_group(ours, account->name, err);
	if (group < 0)
		return group;
	hand_down(group, limits);
	login = open_group(group, LOGIN, err);
	if (login < 0)
		return login;
	/* Root removes them all one day. */
	(void)write_text(group, "cgroup.max.descendants", GROUPS_MAX);
	r = hand_over(group, account, err);
	if (r == 0)
		r = limit_group(group, limits, policy, warning, err);
	return r < 0 ? r : steal_fd(&login);
}

int sbx_pam_group_enter(const struct sbx_account *account, const struct sbx_policy *policy,
			char **ret_before, struct sbx_error *warning, struct sbx_error *err)
{
	_cleanup_free_ char *before = NULL;
	_cleanup_close_ int login = -1;
	struct sbx_pam_account_limit limits[SBX_PAM_ACCOUNT_LIMITS];
	char names[128] = "";
	int r;

	*ret_before = NULL;
	if (!is_unified()) {
		sbx_pam_account_limits_fill(&policy->limits, limits);
		for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
			if (limits[i].set)
				sbx_pam_account_limit_name(&limits[i], names, sizeof(names));
		return sbx_pam_account_limits_judge(&policy->limits, names,
						    "mount cgroup v2 on " ROOT, warning, err);
	}
	r = own_path(&before);
	if (r < 0)
		return sbx_error_set(err, r, "cgroup: /proc/self/cgroup: %s", strerror(-r));
	if (is_handed_over(before, account->uid))
		return 0;
	login = make_groups(account, policy, warning, err);
	if (login < 0)
		return login;
	r = write_text(login, "cgroup.procs", "0");
	if (r < 0)
		return sbx_error_set(err, r, "cgroup %s/%s: can't be entered: %s", account->name,
				     LOGIN, strerror(-r));
	*ret_before = steal_pointer(before);
	return 0;
}

int sbx_pam_group_leave(const char *before, struct sbx_error *err)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s%s/cgroup.procs", ROOT, before) < 0) {
		path = NULL;
		return sbx_error_set(err, -ENOMEM, "out of memory");
	}
	r = write_text(AT_FDCWD, path, "0");
	return r < 0 ? sbx_error_set(err, r, "cgroup %s: %s", before, strerror(-r)) : 0;
}

static int open_account_group(const struct sbx_account *account)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, ROOT "/" OURS "/%s", account->name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool sbx_pam_group_exists(const struct sbx_account *account)
{
	_cleanup_close_ int group = open_account_group(account);

	return group >= 0;
}

static bool is_populated(int parent, const char *name)
{
	_cleanup_close_ int fd =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;

	return fd >= 0 && read_text(fd, "cgroup.events", &text) == 0 && text &&
	       strstr(text, "populated 1");
}

bool sbx_pam_group_has_sandbox(const struct sbx_account *account)
{
	int fd = open_account_group(account);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool found = false;

	if (!dir) {
		sbx_cleanup_close(&fd);
		return false;
	}
	while (!found && (entry = readdir(dir)))
		found = entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
			strcmp(entry->d_name, LOGIN) != 0 &&
			is_populated(dirfd(dir), entry->d_name);
	(void)closedir(dir);
	return found;
}

int sbx_pam_group_kill_logins(const struct sbx_account *account)
{
	_cleanup_close_ int group = open_account_group(account);

	/* Linux 5.14 has it; with an older one they're left alone. */
	return group < 0 ? -errno : write_text(group, LOGIN "/cgroup.kill", "1");
}

/* Remove NAME and what is below it: groups only, as there is nothing else that could be removed. */
static int remove_group(int parent, const char *name, int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int r = 0;

	if (!dir) {
		r = -errno;
		sbx_cleanup_close(&fd);
		return r == -ENOENT ? 0 : r;
	}
	while (r == 0 && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			r = depth < DEPTH_MAX ? remove_group(dirfd(dir), entry->d_name, depth + 1)
					      : -ELOOP;
	(void)closedir(dir);
	if (r == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

int sbx_pam_group_remove(const struct sbx_account *account, struct sbx_error *err)
{
	_cleanup_close_ int ours = -1;
	long long end = sbx_now_ms() + REMOVE_MS;
	int r;

	ours = open(ROOT "/" OURS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ours < 0)
		return 0;
	while ((r = remove_group(ours, account->name, 0)) == -EBUSY && sbx_now_ms() < end) {
		const struct timespec pause = { .tv_nsec = 5000000 };

		(void)nanosleep(&pause, NULL);
	}
	return r < 0 ? sbx_error_set(err, r, "cgroup %s: %s", account->name, strerror(-r)) : 0;
}
