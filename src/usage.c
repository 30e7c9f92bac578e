#include "usage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "host.h"
#include "util.h"

#define CGROUPS "/sys/fs/cgroup"
#define FILE_MAX (256 * 1024)

static const struct {
	const char *now;
	const char *word; /* in a file of many lines, what stands before the number */
	const char *limit;
} files[SBX_RESOURCES] = {
	[SBX_RESOURCE_MEMORY] = { "memory.current", "", "memory.max" },
	[SBX_RESOURCE_SWAP] = { "memory.swap.current", "", "memory.swap.max" },
	[SBX_RESOURCE_CPUS] = { "cpu.stat", "usage_usec ", "cpu.max" },
	[SBX_RESOURCE_PIDS] = { "pids.current", "", "pids.max" },
};

static char *read_file(int folder, const char *name)
{
	_cleanup_close_ int fd = -1;
	char *text = NULL;

	if (folder < 0)
		return NULL;
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || sbx_read_all(fd, FILE_MAX, &text, NULL) < 0)
		return NULL;
	return text;
}

/* The line of a text that begins like this; *line has what follows. */
static bool find_line(const char *text, const char *begin, const char **line)
{
	while (text && strncmp(text, begin, strlen(begin)) != 0) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	if (text)
		*line = text + strlen(begin);
	return text != NULL;
}

/* A number, where "max" or "unlimited" is none. */
static uint64_t read_number(const char *text, char **ret_end)
{
	uint64_t value = strtoull(text, ret_end, 10);

	return *ret_end == text ? SBX_USAGE_NONE : value;
}

uint64_t sbx_usage_now(int group, enum sbx_resource resource)
{
	_cleanup_free_ char *text = read_file(group, files[resource].now);
	const char *number;
	char *end;

	if (!find_line(text, files[resource].word, &number))
		return SBX_USAGE_NONE;
	return read_number(number, &end);
}

/* cpu.max has a quota and the period that it's for. */
uint64_t sbx_usage_limit(int group, enum sbx_resource resource)
{
	_cleanup_free_ char *text = read_file(group, files[resource].limit);
	uint64_t value, period;
	char *end;

	if (!text)
		return SBX_USAGE_NONE;
	value = read_number(text, &end);
	if (value == SBX_USAGE_NONE || resource != SBX_RESOURCE_CPUS)
		return value;
	period = strtoull(end, NULL, 10);
	return period ? (value * 1000 + period - 1) / period : SBX_USAGE_NONE;
}

uint64_t sbx_usage_limit_of(const struct sbx_usage *usage, enum sbx_resource resource)
{
	uint64_t own = sbx_usage_limit(usage->group, resource);
	uint64_t above = sbx_usage_limit(usage->parent, resource);

	return own < above ? own : above;
}

uint64_t sbx_usage_rlimit(const struct sbx_usage *usage, const char *name)
{
	_cleanup_free_ char *text = read_file(usage->proc, "limits");
	const char *line;
	char *end;

	if (!find_line(text, name, &line))
		return SBX_USAGE_NONE;
	/* The soft limit, then the hard one. */
	line += strspn(line, " ");
	line += strcspn(line, " ");
	line += strspn(line, " ");
	return read_number(line, &end);
}

/*
 * "ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS [FIELD...] - TYPE SOURCE OPTIONS". The options of the
 * file system where it's a tmpfs on this target, or NULL.
 */
static const char *tmpfs_options(char *line, const char *target)
{
	char *rest = strstr(line, " - tmpfs "), *mounted = line;

	for (int i = 0; i < 4 && mounted; i++) {
		mounted = strchr(mounted, ' ');
		mounted = mounted ? mounted + 1 : NULL;
	}
	if (!rest || !mounted || strncmp(mounted, target, strlen(target)) != 0 ||
	    mounted[strlen(target)] != ' ')
		return NULL;
	rest = strchr(rest + strlen(" - tmpfs "), ' ');
	return rest ? rest + 1 : NULL;
}

uint64_t sbx_usage_tmpfs_size(const struct sbx_usage *usage, const char *target)
{
	_cleanup_free_ char *text = read_file(usage->proc, "mountinfo");
	char *rest = text, *line, *end;
	uint64_t size = SBX_USAGE_NONE;

	/* The last one lies on top. */
	while ((line = strsep(&rest, "\n")) != NULL) {
		const char *options = tmpfs_options(line, target);
		const char *number = options ? strstr(options, "size=") : NULL;

		if (number) {
			size = read_number(number + strlen("size="), &end);
			if (size != SBX_USAGE_NONE && *end == 'k')
				size *= 1024;
		}
	}
	return size;
}

/*
 * Into the sandbox's own mounts: no link in there may lead anywhere, and nothing is opened for
 * reading. Needs root, for PID 1 isn't dumpable.
 */
uint64_t sbx_usage_tmpfs_used(const struct sbx_usage *usage, const char *target)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_close_ int root = openat(usage->proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = -1;
	struct statfs fs;

	if (root < 0)
		return SBX_USAGE_NONE;
	fd = (int)syscall(SYS_openat2, root, target, &how, sizeof(how));
	if (fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type != TMPFS_MAGIC)
		return SBX_USAGE_NONE;
	return (uint64_t)(fs.f_blocks - fs.f_bfree) * (uint64_t)fs.f_bsize;
}

/* All four, so that no set-id program passes for the account's. */
static bool is_of(int proc, uid_t uid)
{
	_cleanup_free_ char *text = read_file(proc, "status");
	unsigned int ids[4];
	const char *line;

	return find_line(text, "Uid:", &line) &&
	       sscanf(line, "%u %u %u %u", &ids[0], &ids[1], &ids[2], &ids[3]) == 4 &&
	       ids[0] == uid && ids[1] == uid && ids[2] == uid && ids[3] == uid;
}

/*
 * A group that the account has made: the engine may give the folder to a subordinate uid, but the
 * kernel's files in it stay with who made it.
 */
static int open_own_group(int folder, const char *path, uid_t uid)
{
	_cleanup_close_ int fd =
		openat(folder, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstatat(fd, files[SBX_RESOURCE_CPUS].now, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    st.st_uid != uid)
		return -1;
	return steal_fd(&fd);
}

/* A group that lies outside of our cgroup namespace begins with "/..": it can't be seen. */
static void open_groups(struct sbx_usage *usage, uid_t uid)
{
	_cleanup_free_ char *text = read_file(usage->proc, "cgroup"), *path = NULL;
	const char *line;

	if (!find_line(text, "0::/", &line) || strstr(line, ".."))
		return;
	if (asprintf(&path, CGROUPS "/%.*s", (int)strcspn(line, "\n"), line) < 0) {
		path = NULL;
		return;
	}
	usage->group = open_own_group(AT_FDCWD, path, uid);
	if (usage->group >= 0)
		usage->parent = open_own_group(usage->group, "..", uid);
}

int sbx_usage_open(pid_t pid, uid_t uid, struct sbx_usage *ret_usage, struct sbx_error *err)
{
	struct sbx_usage usage = SBX_USAGE_INIT;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	usage.proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (usage.proc < 0)
		return sbx_error_set(err, errno == ENOENT ? -ESRCH : -errno, "%s: %s", path,
				     strerror(errno));
	/* Found by the same number before it's seen to live: so it's one process all the time. */
	if (pid <= 0 || !sbx_host_is_init(pid) || !is_of(usage.proc, uid)) {
		sbx_usage_done(&usage);
		return sbx_error_set(err, -ESRCH, "%s: is no sandbox's PID 1", path);
	}
	open_groups(&usage, uid);
	*ret_usage = usage;
	return 0;
}

void sbx_usage_done(struct sbx_usage *usage)
{
	sbx_cleanup_close(&usage->proc);
	sbx_cleanup_close(&usage->group);
	sbx_cleanup_close(&usage->parent);
	*usage = (struct sbx_usage)SBX_USAGE_INIT;
}
