#include "host_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "util.h"
#include "wire.h"

#define PERIOD \
	100000 /* microseconds; what podman makes a quota of CPU time of (cgroups v2, cpu.max) */
#define LIMITS 4

/* The memory limit that reclaims and slows down, and never kills (cgroups v2, memory.high). */
#define MEMORY_HIGH "memory.high"
#define MEMORY_MAX "memory.max"

struct limit {
	const char *key;  /* of the policy; NULL for what podman sets beside another */
	const char *file; /* of the cgroup */
	bool available;   /* the account has its controller */
	bool set;         /* the policy has it */
	uint64_t most;    /* the first number of the file */
	char text[48];    /* the whole of it, without the newline */
};

static void put_limit(struct limit *limit, const char *key, const char *file, bool available,
		      bool set, uint64_t most, const char *rest)
{
	*limit = (struct limit){
		.key = key, .file = file, .available = available, .set = set, .most = most
	};
	if (set)
		(void)snprintf(limit->text, sizeof(limit->text), "%" PRIu64 "%s", most, rest);
	else
		(void)snprintf(limit->text, sizeof(limit->text), "max%s", rest);
}

static void fill(const struct sbx_policy *policy, const struct sbx_facts *facts,
		 struct limit limits[static LIMITS])
{
	const struct sbx_limits *wanted = &policy->limits;
	char period[16];

	(void)snprintf(period, sizeof(period), " %d", PERIOD);
	put_limit(&limits[0], "limits.memory", MEMORY_MAX, facts->memory, wanted->memory,
		  wanted->memory, "");
	/* Where the policy leaves it open podman gives as much swap as memory (podman-run(1)). */
	put_limit(&limits[1], wanted->swap_set ? "limits.swap" : NULL, "memory.swap.max",
		  facts->memory, wanted->memory, wanted->swap_set ? wanted->swap : wanted->memory,
		  "");
	put_limit(&limits[2], "limits.pids", "pids.max", facts->pids, wanted->pids,
		  (uint64_t)wanted->pids + SBX_WIRE_NPROC_RESERVE, "");
	put_limit(&limits[3], "limits.cpus", "cpu.max", facts->cpu, wanted->cpus_milli,
		  wanted->cpus_milli * (uint64_t)(PERIOD / 1000), period);
}

int sbx_host_unenforced(const struct sbx_policy *policy, const struct sbx_facts *facts, char *names,
			size_t size)
{
	static const char *const order[] = { "limits.memory", "limits.cpus", "limits.pids" };
	struct limit limits[LIMITS];
	int count = 0;

	*names = '\0';
	fill(policy, facts, limits);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		for (size_t n = 0; n < LIMITS; n++) {
			size_t length = strlen(names);

			if (limits[n].available || !limits[n].set || !limits[n].key ||
			    strcmp(limits[n].key, order[i]) != 0)
				continue;
			(void)snprintf(names + length, size - length, "%s%s", count++ ? ", " : "",
				       order[i]);
		}
	return count;
}

static char *read_limit(const char *group, const char *file)
{
	_cleanup_free_ char *path = NULL;
	char *text;

	if (asprintf(&path, "%s/%s", group, file) < 0) {
		path = NULL;
		return NULL;
	}
	text = sbx_host_read_file(path);
	if (text)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

/*
 * Does the first number of GROUP/FILE say at most limit? "max" and a missing file don't. A second
 * number, as cpu.max has, is the period of the first, which limit is for PERIOD of.
 */
static bool holds(const char *group, const char *file, uint64_t limit)
{
	_cleanup_free_ char *text = read_limit(group, file);
	char *end;
	uint64_t value, period;

	if (!text)
		return false;
	value = strtoull(text, &end, 10);
	if (end == text)
		return false;
	period = strtoull(end, NULL, 10);
	return period ? value <= limit * period / PERIOD : value <= limit;
}

/* Find a cgroup file's limit on the way from the process's group up to where the engine put it. */
static bool holds_above(const char *group, const char *file, uint64_t limit)
{
	_cleanup_free_ char *path = strdup(group);

	for (int level = 0; path && level < 2; level++) {
		char *slash = strrchr(path, '/');

		if (holds(path, file, limit))
			return true;
		if (!slash)
			break;
		*slash = '\0';
	}
	return false;
}

static char *group_of(pid_t pid)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%ld/cgroup", (long)pid);
	return sbx_host_cgroup(path);
}

int sbx_host_verify_limits(const struct sbx_policy *policy, const struct sbx_facts *facts,
			   pid_t pid, struct sbx_error *err)
{
	_cleanup_free_ char *group = group_of(pid);
	struct limit limits[LIMITS];

	fill(policy, facts, limits);
	for (size_t i = 0; i < LIMITS; i++) {
		const struct limit *limit = &limits[i];

		if (limit->key && limit->set && limit->available &&
		    !holds_above(group ? group : "", limit->file, limit->most))
			return sbx_error_set(
				err, -ENOTSUP,
				"%s: the sandbox was started without it in force: check that "
				"the account's cgroup is delegated to it and, with systemd, that "
				"its user manager runs (dbus-user-session, libpam-systemd)",
				limit->key);
	}
	return 0;
}

static int write_limit(const char *group, const char *file, const char *text)
{
	_cleanup_free_ char *path = NULL, *now = read_limit(group, file);
	_cleanup_close_ int fd = -1;

	if (now && strcmp(now, text) == 0)
		return 0;
	if (asprintf(&path, "%s/%s", group, file) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	return fd < 0 ? -errno : sbx_write_all(fd, text, strlen(text));
}

/*
 * Writing memory.max below what is in use kills; memory.high first makes the kernel find what can
 * be given back.
 */
static int make_room(const char *group, const struct limit *memory, struct sbx_error *err)
{
	_cleanup_free_ char *used = NULL;

	if (!memory->set || holds(group, MEMORY_MAX, memory->most) ||
	    write_limit(group, MEMORY_HIGH, memory->text) < 0)
		return 0;
	used = read_limit(group, "memory.current");
	(void)write_limit(group, MEMORY_HIGH, "max");
	if (!used || strtoull(used, NULL, 10) <= memory->most)
		return 0;
	return sbx_error_set(
		err, -EBUSY,
		"limits.memory: the sandbox uses %s bytes, and its new limit is %s: end "
		"something in it, or have the operator stop it",
		used, memory->text);
}

static int apply_to(const char *group, const struct limit limits[static LIMITS],
		    struct sbx_error *err)
{
	int r = limits[0].available ? make_room(group, &limits[0], err) : 0;

	for (size_t i = 0; i < LIMITS && r == 0; i++) {
		const struct limit *limit = &limits[i];

		if (!limit->available)
			continue;
		r = write_limit(group, limit->file, limit->text);
		/* A kernel without swap, or without that controller in here, has no such file. */
		if (r == -ENOENT && (!limit->key || !limit->set))
			r = 0;
		if (r < 0)
			return sbx_error_set(err, -ESTALE, "%s: can't be changed in %s: %s",
					     limit->key ? limit->key : limit->file, group,
					     strerror(-r));
	}
	return r;
}

/*
 * The sandbox's groups are the one that the engine made for it, libpod-ID, and where there's one
 * PID 1's own below that.
 */
int sbx_host_apply_limits(const struct sbx_policy *policy, const struct sbx_facts *facts, pid_t pid,
			  struct sbx_error *err)
{
	static const char engine[] = "/libpod-";
	_cleanup_free_ char *group = group_of(pid);
	struct limit limits[LIMITS];
	int r = 0;

	if (!facts->memory && !facts->cpu && !facts->pids)
		return 0;
	fill(policy, facts, limits);
	for (int level = 0; group && level < 2; level++) {
		char *slash = strrchr(group, '/');

		if (!slash || !strstr(group, engine))
			return 0;
		r = apply_to(group, limits, err);
		if (r < 0 || strncmp(slash, engine, strlen(engine)) == 0)
			return r;
		*slash = '\0';
	}
	return r;
}
