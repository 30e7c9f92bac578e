/*
 * See init_tree.h. Static memory only, and bounded: a process list longer than the table is
 * handled in several calls, as the ones that were seen are killed and make room.
 */
#include "init_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TREE_MAX 65536
#define STOP_ROUNDS 64

enum { UNKNOWN, BELOW, SPARED };

static struct {
	pid_t pid;
	pid_t parent;
	char place;
	bool dead; /* waits to be reaped, no thread of it runs */
} table[TREE_MAX];
static size_t table_count;

/*
 * What /proc/PID/stat says after the name (which may hold anything, proc(5)): " S PPID …", the
 * number of threads as 18th. Returns false when it doesn't read so.
 */
static bool parse_stat(const char *text, pid_t *ret_parent, bool *ret_dead)
{
	const char *p = strrchr(text, ')'), *threads;

	if (!p || strlen(p) < 5)
		return false;
	threads = p + 2;
	for (int field = 1; field < 18 && threads; field++) {
		threads = strchr(threads, ' ');
		threads += threads != NULL;
	}
	*ret_parent = (pid_t)strtol(p + 4, NULL, 10);
	*ret_dead = (p[2] == 'Z' || p[2] == 'X') && threads && strtol(threads, NULL, 10) <= 1;
	return true;
}

/*
 * Returns 1, 0 for a process that has gone meanwhile, or -1 when it can't be told, which must never
 * pass for gone.
 */
static int read_stat(int proc, const char *name, pid_t *ret_parent, bool *ret_dead)
{
	char path[32], text[1024];
	ssize_t n;
	int fd, error;

	if (snprintf(path, sizeof(path), "%s/stat", name) >= (int)sizeof(path))
		return -1;
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : -1;
	n = read(fd, text, sizeof(text) - 1);
	error = errno;
	(void)close(fd);
	if (n <= 0)
		return n < 0 && error == ESRCH ? 0 : -1;
	text[n] = '\0';
	return parse_stat(text, ret_parent, ret_dead) ? 1 : -1;
}

/* Returns false when something is there of which nothing can be learned. */
static bool add_process(int proc, const char *name)
{
	char *end;
	long pid = strtol(name, &end, 10);
	pid_t parent;
	bool dead;
	int r;

	if (pid <= 0 || *end || table_count == TREE_MAX)
		return true;
	r = read_stat(proc, name, &parent, &dead);
	if (r <= 0)
		return r == 0;
	table[table_count].dead = dead;
	table[table_count].pid = (pid_t)pid;
	table[table_count].parent = parent;
	table[table_count++].place = UNKNOWN;
	return true;
}

/*
 * getdents64(2) by hand: opendir would allocate. Returns false when /proc can't be read to its end.
 */
static bool read_table(void)
{
	static char buffer[32768] __attribute__((aligned(8)));
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool whole = true;
	long n;

	table_count = 0;
	if (proc < 0)
		return false;
	while ((n = syscall(SYS_getdents64, proc, buffer, sizeof(buffer))) > 0) {
		for (long at = 0; at < n;) {
			struct dirent64 *entry = (struct dirent64 *)(void *)(buffer + at);

			whole = add_process(proc, entry->d_name) && whole;
			at += entry->d_reclen;
		}
	}
	(void)close(proc);
	return n == 0 && whole;
}

static bool listed(pid_t pid, const pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

static size_t find(pid_t pid)
{
	size_t low = 0, high = table_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < table_count && table[low].pid == pid ? low : table_count;
}

/*
 * Say of every process whether it's below root, going up until an ancestor whose place is
 * known. /proc lists processes by rising pid (proc_pid_readdir), which find relies on.
 */
static void place_all(pid_t root, const pid_t *spare, size_t count)
{
	for (size_t i = 0; i < table_count; i++)
		if (table[i].pid == root || listed(table[i].pid, spare, count))
			table[i].place = SPARED;
	for (size_t i = 0; i < table_count; i++) {
		size_t at = i;
		char place = SPARED;

		for (size_t steps = 0; steps <= table_count; steps++) {
			if (table[at].place != UNKNOWN) {
				place = table[at].place;
				break;
			}
			if (table[at].parent == root) {
				place = BELOW;
				break;
			}
			at = find(table[at].parent);
			if (at == table_count)
				break;
		}
		for (at = i; at < table_count && table[at].place == UNKNOWN;) {
			table[at].place = place;
			at = find(table[at].parent);
		}
	}
}

long sbx_tree_signal(pid_t root, const pid_t *spare, size_t count, int signal)
{
	long found = 0;

	if (!read_table())
		return -1;
	place_all(root, spare, count);
	for (size_t i = 0; i < table_count; i++) {
		if (table[i].place != BELOW)
			continue;
		if (kill(table[i].pid, signal) == 0 && !table[i].dead)
			found++;
	}
	return found;
}

long sbx_tree_kill(pid_t root, const pid_t *spare, size_t count)
{
	long before = 0, now = 0;

	for (int round = 0; round < STOP_ROUNDS; round++) {
		now = sbx_tree_signal(root, spare, count, SIGSTOP);
		if (now <= before)
			break;
		before = now;
	}
	if (now > 0)
		now = sbx_tree_signal(root, spare, count, SIGKILL);
	return now;
}
