#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ctl_end.h"
#include "ctl_ids.h"
#include "ctl_root.h"
#include "util.h"

#define STATUS_MAX 16384
#define END_MS 30000
#define NOBODYS ((uid_t)-2)

/*
 * kill(-1) hits all processes at once, before any of them could fork again: those that this uid
 * may signal, which are its own and those in user namespaces of its own. Its effective uid alone is
 * the account's, so that the account can't signal it in turn; the real one, which counts for the
 * right to kill as well, is nobody's. Must end without a signal sent unless it is certain not to
 * be able to hit root's: that init is out of reach says so.
 */
static _Noreturn void kill_at_once(uid_t uid)
{
	if (uid < CTL_FIRST_UID || setgroups(0, NULL) < 0 || setresuid(NOBODYS, uid, 0) < 0 ||
	    kill(1, 0) == 0 || errno != EPERM)
		_exit(1);
	if (kill(-1, SIGKILL) < 0 && errno != ESRCH && errno != EPERM)
		_exit(1);
	_exit(0);
}

static int kill_once(uid_t uid, struct sbx_error *err)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0)
		kill_at_once(uid);
	if (child < 0)
		return sbx_error_set(err, -errno, "fork: %s", strerror(errno));
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0 ? 0
			   : sbx_error_set(err, -EPERM, "the account's processes can't be killed");
}

static bool is_ours(uint64_t id, const char *name, uid_t uid, const struct ctl_ids_list *list)
{
	if (id == uid)
		return true;
	for (size_t i = 0; i < list->count; i++)
		if (ctl_ids_is_own(&list->items[i], name, uid) && id >= list->items[i].first &&
		    id - list->items[i].first < list->items[i].count)
			return true;
	return false;
}

/* By any of its four uids. A process that isn't dumpable shows as root's but in its status. */
static bool has_uid(int proc, const char *pid, const char *name, uid_t uid,
		    const struct ctl_ids_list *list)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	unsigned int ids[4];
	char path[64];
	const char *line;

	(void)snprintf(path, sizeof(path), "%.16s/status", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || sbx_read_all(fd, STATUS_MAX, &text, NULL) < 0)
		return false;
	line = strstr(text, "\nUid:");
	if (!line || sscanf(line, "\nUid: %u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) != 4)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		if (is_ours(ids[i], name, uid, list))
			return true;
	return false;
}

static bool any_lives(const char *name, uid_t uid, const struct ctl_ids_list *list)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	bool found = false;

	while (proc && !found && (entry = readdir(proc)) != NULL)
		found = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			has_uid(dirfd(proc), entry->d_name, name, uid, list);
	if (proc)
		(void)closedir(proc);
	return found;
}

int ctl_end_processes(const char *name, uid_t uid, struct sbx_error *err)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	long long end = sbx_now_ms() + END_MS;
	struct ctl_ids_list list = { 0 };
	int r = ctl_ids_read("/etc/subuid", &list, err);

	while (r == 0 && any_lives(name, uid, &list)) {
		if (sbx_now_ms() >= end)
			r = sbx_error_set(err, -EBUSY, "%s: processes of it don't end: pgrep -u %s",
					  name, name);
		else
			r = kill_once(uid, err);
		(void)nanosleep(&pause, NULL);
	}
	ctl_ids_done(&list);
	return r;
}
