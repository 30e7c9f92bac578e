/*
 * What a running sandbox uses and what it may use, as the kernel says it of its PID 1: its cgroup,
 * its resource limits, its tmpfs.
 *
 * A pid is somebody's word: of a record that the account may write. It is believed once the process
 * has been seen to be the account's and PID 1 of a namespace right below ours, and everything is
 * then read through one descriptor for that process. Figures come from cgroups that the
 * account has made, and no others.
 */
#ifndef SBX_USAGE_H
#define SBX_USAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "error.h"

#define SBX_USAGE_NONE UINT64_MAX /* no such figure; as a limit: no limit */

struct sbx_usage {
	int proc;   /* /proc/PID of this very process */
	int group;  /* its cgroup, -1 where that isn't of its making */
	int parent; /* the one above, where the engine may have put the limits; likewise */
};

#define SBX_USAGE_INIT     \
	{                  \
		-1, -1, -1 \
	}

/* What a cgroup counts. Bytes, processes; for CPUs thousandths, and microseconds used so far. */
enum sbx_resource {
	SBX_RESOURCE_MEMORY,
	SBX_RESOURCE_SWAP,
	SBX_RESOURCE_CPUS,
	SBX_RESOURCE_PIDS,
	SBX_RESOURCES,
};

/*
 * Open what there is of the sandbox's PID 1. Returns 0; -ESRCH when no process of this account is
 * one by that number; -EPERM when /proc doesn't show it.
 */
int sbx_usage_open(pid_t pid, uid_t uid, struct sbx_usage *ret_usage, struct sbx_error *err);

void sbx_usage_done(struct sbx_usage *usage);

/* Of one cgroup, an open folder or -1: SBX_USAGE_NONE without the controller. */
uint64_t sbx_usage_now(int group, enum sbx_resource resource);
uint64_t sbx_usage_limit(int group, enum sbx_resource resource);

/* The lower of the limits of the sandbox's group and of the one above. */
uint64_t sbx_usage_limit_of(const struct sbx_usage *usage, enum sbx_resource resource);

/* A hard limit of PID 1's by its name in /proc/PID/limits, "Max processes". */
uint64_t sbx_usage_rlimit(const struct sbx_usage *usage, const char *name);

/* The size of the tmpfs mounted on a path inside, in bytes, and what is used of it. */
uint64_t sbx_usage_tmpfs_size(const struct sbx_usage *usage, const char *target);
uint64_t sbx_usage_tmpfs_used(const struct sbx_usage *usage, const char *target);

#endif
