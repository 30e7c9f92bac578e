/*
 * The policy of one account: what its sandbox may use, and how much.
 *
 * Policy files decide everything that follows, so they're trusted only after they were
 * proven to be nobody else's: opened first, then the opened file and every parent folder
 * checked for their owner and mode. Nothing in here looks at the environment.
 */
#ifndef SBX_POLICY_H
#define SBX_POLICY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "error.h"

#define SBX_POLICY_MAX_BYTES (64 * 1024)

/*
 * Sizes are bytes, durations seconds, cpus thousandths of a CPU. 0 means "not set": no limit of
 * ours.
 */
struct sbx_limits {
	uint64_t memory;
	uint64_t swap;       /* swap on top of memory; only meaningful with memory set */
	bool swap_set;       /* swap 0 means "no swap at all" and differs from unset */
	uint32_t cpus_milli; /* 1500 is one and a half CPUs */
	uint32_t pids;
	uint32_t nofile;
	uint64_t tmp; /* size of the tmpfs on /tmp */
	uint64_t shm; /* size of /dev/shm */
	uint64_t disk;
	uint32_t sessions;
	uint64_t session_time;
	uint64_t idle_stop;
	bool best_effort; /* enforce: "best-effort" */
};

enum sbx_network { SBX_NETWORK_ISOLATED, SBX_NETWORK_NONE, SBX_NETWORK_FILTERED, SBX_NETWORK_HOST };

struct sbx_mount {
	char *source; /* absolute host path */
	char *target; /* absolute path inside */
	bool writable;
};

struct sbx_env_var {
	char *name;
	char *value;
};

/* Every string is owned by the policy and, unless said otherwise, never NULL after a load. */
struct sbx_policy {
	char *sandbox; /* the sandbox's name: container, hostname, folder */
	char *image;
	char *shell; /* absolute path inside */
	char *setup; /* absolute host path; may not exist when it's the default */
	bool setup_set;
	struct sbx_limits limits;
	enum sbx_network network;
	char **network_allow; /* NULL-terminated, or NULL when empty, as every char ** here */
	bool ipc_host;
	bool privileges_root;
	bool nesting; /* /proc isn't masked: sandboxes can be made inside */
	char **devices;
	bool wayland, pipewire, x11;
	struct sbx_mount *mounts;
	size_t mount_count;
	bool seccomp_strict;
	char **seccomp_deny;
	char **seccomp_allow;
	struct sbx_env_var *env_set;
	size_t env_set_count;
	char **env_pass; /* names, or a prefix followed by one '*' at the end */
	bool record_tty;
	bool keep_on_disconnect;
	bool access_enabled;
	bool access_expires_set;
	int64_t access_expires; /* seconds since the epoch, UTC */
	char **access_from;     /* CIDR as written */
};

/*
 * Who may own a policy file and its parent folders: root always, and in the checkout's mode
 * the caller as well. dir is the folder that holds policy.json and policy.d/.
 */
struct sbx_policy_source {
	const char *defaults_path; /* host-wide defaults, absent is fine; NULL for none */
	const char *account_path;  /* the account's own file; absent is refused unless
				      account_optional */
	bool account_optional;
	const char *account; /* default of "sandbox" */
	uid_t also_owner;    /* a second accepted owner besides root; 0 for root alone */
	const char *setup_default;
};

/*
 * Load, check and merge. On failure *ret_policy is untouched, err says
 * "FILE:LINE:COL: key: why" for what is wrong in a file, and the return value is
 * -ENOENT (no file for the account), -EPERM (someone else could have written it), -EINVAL
 * (its content), -ENOTSUP (a key whose effect isn't there yet), or another -errno.
 */
int sbx_policy_load(const struct sbx_policy_source *source, struct sbx_policy **ret_policy,
		    struct sbx_error *err);

/* Load what /etc says for an account: policy.json and policy.d/ACCOUNT.json below sysconfdir. */
int sbx_policy_load_account(const char *account, struct sbx_policy **ret_policy,
			    struct sbx_error *err);

void sbx_policy_free(struct sbx_policy *policy);

static inline void sbx_policy_cleanup(struct sbx_policy **policy)
{
	sbx_policy_free(*policy);
}

#define _cleanup_policy_ __attribute__((cleanup(sbx_policy_cleanup)))

/*
 * Is a login allowed at this time (seconds since the epoch)? 0, or -EACCES with the reason
 * (access.enabled, access.expires).
 */
int sbx_policy_check_access(const struct sbx_policy *policy, int64_t now, struct sbx_error *err);

/* Does env.pass let a variable of this name through? */
bool sbx_policy_passes_env(const struct sbx_policy *policy, const char *name);

/* Is this a valid sandbox or account name: [a-z_][a-z0-9_.-]{0,31}, no "..", not ending in '.'? */
bool sbx_name_valid(const char *name);

/* Print the effective policy as JSON, every key with its value. Returns 0 or -errno. */
int sbx_policy_print(const struct sbx_policy *policy, FILE *out);

/* Print the JSON Schema (draft 2020-12) made from the same table the loader uses. */
int sbx_policy_print_schema(FILE *out);

#endif
