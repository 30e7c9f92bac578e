#include "pam_others.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session_count.h"
#include "util.h"

#define STATUS_MAX 8192
#define ANCESTORS_MAX 64

/* By proc_pid_status(5); the owner of /proc/PID is root's for a process that isn't dumpable. */
static bool has_uid(pid_t pid, uid_t uid)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	unsigned int ids[4];
	const char *line;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || sbx_read_all(fd, STATUS_MAX, &text, NULL) < 0)
		return false; /* gone meanwhile */
	line = strstr(text, "\nUid:");
	if (!line || sscanf(line + 5, "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) != 4)
		return false;
	return ids[0] == uid || ids[1] == uid || ids[2] == uid || ids[3] == uid;
}

/* Zombies count as descending from anyone. */
static bool descends_from_us(pid_t pid)
{
	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		unsigned long long start;
		pid_t parent;

		if (pid == getpid() || sbx_session_process_stat(pid, &parent, &start) < 0)
			return true;
		pid = parent;
	}
	return false;
}

bool sbx_pam_others_live(uid_t uid)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	bool found = false;

	if (!dir)
		return true;
	while (!found && (entry = readdir(dir))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		found = pid > 0 && !*end && has_uid((pid_t)pid, uid) &&
			!descends_from_us((pid_t)pid);
	}
	(void)closedir(dir);
	return found;
}
