/*
 * The limits of a sandbox that the kernel keeps by its cgroup: memory, swap, cpus, pids. Whether
 * the account can have them, whether a sandbox has them, and giving others to one that runs. One
 * table for all three.
 *
 * The sandbox's cgroups are the account's own, but not writable from inside: what is read there is
 * what the kernel does.
 */
#ifndef SBX_HOST_LIMITS_H
#define SBX_HOST_LIMITS_H

#include "engine_args.h"
#include "error.h"

/*
 * Name the limits of the policy that the account's cgroup can't enforce, as "limits.memory,
 * limits.pids". Returns how many there are.
 */
int sbx_host_unenforced(const struct sbx_policy *policy, const struct sbx_facts *facts, char *names,
			size_t size);

/*
 * Does the cgroup of this PID 1, or the one above where the engine put them there, have the
 * policy's limits, or lower ones? Those whose controller facts lacks aren't looked for. Returns 0
 * or -ENOTSUP with the reason.
 */
int sbx_host_verify_limits(const struct sbx_policy *policy, const struct sbx_facts *facts,
			   pid_t pid, struct sbx_error *err);

/*
 * Give the running sandbox of this PID 1 exactly these limits, and take away those that the policy
 * hasn't. Nothing is killed for it: -EBUSY when the sandbox uses more memory than it may from now
 * on, and then its old limit stays. -ESTALE where a limit can't be set: it takes another container.
 */
int sbx_host_apply_limits(const struct sbx_policy *policy, const struct sbx_facts *facts, pid_t pid,
			  struct sbx_error *err);

#endif
