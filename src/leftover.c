#include "leftover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

#define COMMAND_LINE_MAX 65536
#define DEATH_MS 5000
#define LAST_WORDS_MS 2000 /* for conmon to write down how its container ended */

static char *read_file(int proc, const char *pid, const char *name, size_t *ret_length)
{
	_cleanup_close_ int fd = -1;
	char path[64], *text = NULL;

	(void)snprintf(path, sizeof(path), "%.16s/%s", pid, name);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || sbx_read_all(fd, COMMAND_LINE_MAX, &text, ret_length) < 0)
		return NULL;
	return text;
}

/* Is it conmon, with "-n NAME" (conmon(8)) among its arguments? */
static bool is_monitor_of(int proc, const char *pid, const char *name)
{
	size_t length = 0;
	_cleanup_free_ char *line = read_file(proc, pid, "cmdline", &length);
	const char *end = line ? line + length : NULL, *program;

	if (!line || length == 0)
		return false;
	program = strrchr(line, '/');
	if (strcmp(program ? program + 1 : line, "conmon") != 0)
		return false;
	for (const char *p = line; p < end; p += strlen(p) + 1)
		if (strcmp(p, "-n") == 0 && p + 3 < end && strcmp(p + 3, name) == 0)
			return true;
	return false;
}

static pid_t parent_of(int proc, const char *pid)
{
	size_t length;
	_cleanup_free_ char *text = read_file(proc, pid, "stat", &length);
	const char *p = text ? strrchr(text, ')') : NULL;

	return p && strlen(p) > 4 ? (pid_t)strtol(p + 4, NULL, 10) : -1;
}

/* Call each for the numeric entries of /proc that belong to uid. */
static void walk(uid_t uid, void (*each)(int proc, const char *pid, void *data), void *data)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	struct stat st;

	while (proc && (entry = readdir(proc)) != NULL)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    fstatat(dirfd(proc), entry->d_name, &st, 0) == 0 &&
		    (st.st_uid == uid || st.st_uid == 0))
			each(dirfd(proc), entry->d_name, data);
	if (proc)
		(void)closedir(proc);
}

/*
 * A process that isn't dumpable shows as root's in /proc: the kernel itself refuses what isn't
 * ours. A PID 1 is gone only after all in its namespace are: none of them may be there when a new
 * sandbox looks for its PID 1.
 */
static void kill_child(int proc, const char *pid, void *data)
{
	const pid_t *parent = data;
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)strtol(pid, NULL, 10), 0);
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0 || parent_of(proc, pid) != *parent)
		return;
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0)
		(void)poll(&ended, 1, DEATH_MS);
}

struct search {
	uid_t uid;
	const char *name;
	int found;
};

static void find_monitor(int proc, const char *pid, void *data)
{
	struct search *search = data;

	search->found += is_monitor_of(proc, pid, search->name);
}

bool sbx_leftover_exists(uid_t uid, const char *name)
{
	struct search search = { uid, name, 0 };

	walk(uid, find_monitor, &search);
	return search.found > 0;
}

static void kill_monitor(int proc, const char *pid, void *data)
{
	const struct search *search = data;
	pid_t monitor = (pid_t)strtol(pid, NULL, 10);
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, monitor, 0);
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };

	if (pidfd < 0 || !is_monitor_of(proc, pid, search->name))
		return;
	walk(search->uid, kill_child, &monitor);
	if (poll(&ended, 1, LAST_WORDS_MS) == 0)
		(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

void sbx_leftover_remove_groups(const char *parent)
{
	_cleanup_free_ char *path = NULL;
	const struct dirent *entry;
	DIR *folder;

	if (asprintf(&path, "/sys/fs/cgroup%s", parent) < 0) {
		path = NULL;
		return;
	}
	folder = opendir(path);
	while (folder && (entry = readdir(folder)) != NULL)
		if (strncmp(entry->d_name, "libpod-", 7) == 0)
			(void)unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
	if (folder)
		(void)closedir(folder);
}

void sbx_leftover_kill(uid_t uid, const char *name)
{
	struct search search = { uid, name, 0 };

	walk(uid, kill_monitor, &search);
}
