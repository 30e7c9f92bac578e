#include "session_count.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

#define STAT_MAX 4096
#define LOCK_SECONDS 30
#define ANCESTORS_MAX 64
#define SAME_PROCESS_MAX 1000 /* sessions that one process holds at a time */

/* Fields of /proc/PID/stat, proc_pid_stat(5). */
#define STAT_STATE 3
#define STAT_START 22

/* What follows so many fields, each with a blank in front. */
static const char *skip_fields(const char *text, int count)
{
	for (; count >= 0; count--) {
		text += strspn(text, " ");
		if (count > 0)
			text += strcspn(text, " ");
	}
	return text;
}

int sbx_session_process_stat(pid_t pid, pid_t *ret_parent, unsigned long long *ret_start)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	unsigned long long start;
	char path[64], state;
	const char *rest;
	int parent, r;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	r = sbx_read_all(fd, STAT_MAX, &text, NULL);
	if (r < 0)
		return r;
	/* The name, in parentheses, is the process's own choice: the last one ends it. */
	rest = strrchr(text, ')');
	if (!rest || sscanf(rest + 1, " %c %d", &state, &parent) != 2 ||
	    sscanf(skip_fields(rest + 1, STAT_START - STAT_STATE), "%llu", &start) != 1)
		return -EBADMSG;
	if (state == 'Z' || state == 'X')
		return -ESRCH;
	*ret_parent = parent;
	*ret_start = start;
	return 0;
}

bool sbx_session_process_lives(pid_t pid, unsigned long long start)
{
	unsigned long long found;
	pid_t parent;
	int r = sbx_session_process_stat(pid, &parent, &found);

	return r == 0 ? found == start : r != -ESRCH;
}

/* "PID-START-NUMBER" and nothing else; other files in the folder are not sessions. */
static bool parse_name(const char *name, pid_t *ret_pid, unsigned long long *ret_start)
{
	char again[SBX_SESSION_NAME_MAX];
	unsigned long long start;
	unsigned int number;
	int pid;

	if (sscanf(name, "%d-%llu-%u", &pid, &start, &number) != 3 || pid <= 0)
		return false;
	(void)snprintf(again, sizeof(again), "%d-%llu-%u", pid, start, number);
	*ret_pid = pid;
	*ret_start = start;
	return strcmp(name, again) == 0;
}

/* Open a folder that is ours and nobody else can write, made first with create. */
static int open_folder(int parent, const char *name, bool create, struct sbx_error *err)
{
	_cleanup_close_ int fd = -1;
	bool made = create && mkdirat(parent, name, 0755) == 0;
	struct stat st;

	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return sbx_error_set(err, -errno, "session count: %s: %s", name, strerror(errno));
	if (st.st_uid != geteuid() || (!made && (st.st_mode & 022)))
		return sbx_error_set(err, -EPERM,
				     "session count: %s: others can write it: remove it", name);
	/* Whatever the umask was. */
	if (made && fchmod(fd, 0755) < 0)
		return sbx_error_set(err, -errno, "session count: %s: %s", name, strerror(errno));
	return steal_fd(&fd);
}

static int take_lock(int folder, struct sbx_error *err)
{
	_cleanup_close_ int fd = -1;
	long long end = sbx_now_ms() + LOCK_SECONDS * 1000LL;

	/* Not the folder itself: whoever may open that could hold the lock. */
	fd = openat(folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return sbx_error_set(err, -errno, "session count: lock: %s", strerror(errno));
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		const struct timespec pause = { .tv_nsec = 5000000 };

		if (errno != EWOULDBLOCK && errno != EINTR)
			return sbx_error_set(err, -errno, "session count: lock: %s",
					     strerror(errno));
		if (sbx_now_ms() > end)
			return sbx_error_set(err, -ETIMEDOUT,
					     "session count: lock: another login or logout of the "
					     "account hangs");
		(void)nanosleep(&pause, NULL);
	}
	return steal_fd(&fd);
}

int sbx_session_count_open(const char *base, uid_t account, struct sbx_session_count *ret_count,
			   struct sbx_error *err)
{
	_cleanup_close_ int parent = -1, folder = -1;
	char name[32];
	int lock;

	(void)snprintf(name, sizeof(name), "%u", account);
	parent = open_folder(AT_FDCWD, base, true, err);
	if (parent < 0)
		return parent;
	folder = open_folder(parent, name, true, err);
	if (folder < 0)
		return folder;
	lock = take_lock(folder, err);
	if (lock < 0)
		return lock;
	ret_count->folder = steal_fd(&folder);
	ret_count->lock = lock;
	return 0;
}

void sbx_session_count_done(struct sbx_session_count *count)
{
	if (count->lock >= 0)
		(void)close(count->lock);
	if (count->folder >= 0)
		(void)close(count->folder);
	*count = (struct sbx_session_count)SBX_SESSION_COUNT_INIT;
}

/* A stream of its own for the folder, read from the beginning; NULL with errno set. */
static DIR *list_folder(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		(void)close(fd);
	return dir;
}

int sbx_session_count_live(struct sbx_session_count *count, struct sbx_error *err)
{
	DIR *dir = list_folder(count->folder);
	const struct dirent *entry;
	int live = 0;

	if (!dir)
		return sbx_error_set(err, -errno, "session count: %s", strerror(errno));
	while ((entry = readdir(dir))) {
		unsigned long long start;
		pid_t pid;

		if (!parse_name(entry->d_name, &pid, &start))
			continue;
		if (sbx_session_process_lives(pid, start))
			live++;
		else
			(void)unlinkat(count->folder, entry->d_name, 0);
	}
	(void)closedir(dir);
	return live;
}

int sbx_session_count_add(struct sbx_session_count *count, char name[static SBX_SESSION_NAME_MAX],
			  struct sbx_error *err)
{
	_cleanup_close_ int fd = -1;
	unsigned long long start;
	pid_t parent;
	int r = sbx_session_process_stat(getpid(), &parent, &start);

	if (r < 0)
		return sbx_error_set(err, r, "session count: /proc: %s", strerror(-r));
	for (int number = 0; fd < 0 && number < SAME_PROCESS_MAX; number++) {
		(void)snprintf(name, SBX_SESSION_NAME_MAX, "%d-%llu-%d", getpid(), start, number);
		fd = openat(count->folder, name,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		if (fd < 0 && errno != EEXIST)
			break;
	}
	if (fd < 0)
		return sbx_error_set(err, -errno, "session count: %s: %s", name, strerror(errno));
	return 0;
}

int sbx_session_count_remove(struct sbx_session_count *count, const char *name)
{
	return unlinkat(count->folder, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Does the folder have a session of this process? */
static bool has_process(int folder, pid_t pid, unsigned long long start)
{
	DIR *dir = list_folder(folder);
	const struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		unsigned long long named_start;
		pid_t named;

		found = parse_name(entry->d_name, &named, &named_start) && named == pid &&
			named_start == start;
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

bool sbx_session_count_has_self(const char *base, uid_t account)
{
	_cleanup_close_ int folder = -1;
	char path[PATH_MAX];
	struct stat st;
	pid_t pid = getpid();

	(void)snprintf(path, sizeof(path), "%s/%u", base, account);
	folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || fstat(folder, &st) < 0 || st.st_uid == account)
		return false;
	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		unsigned long long start = 0;
		pid_t parent = 0;

		if (sbx_session_process_stat(pid, &parent, &start) < 0)
			return false;
		if (has_process(folder, pid, start))
			return true;
		pid = parent;
	}
	return false;
}
