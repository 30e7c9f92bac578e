/*
 * Whether a limit of the policy is in force for a sandbox, and by what.
 */
#ifndef SBX_CTL_LIMITS_H
#define SBX_CTL_LIMITS_H

#include "ctl_ask.h"
#include "policy_table.h"

/* One sandbox, as status looks at it. */
struct ctl_status {
	const struct sbx_account *account;
	const struct sbx_policy *policy;
	struct ctl_asked asked;
	int account_group; /* the cgroup of the whole account; -1 for none */
	const char *account_kind;
	uint64_t cpu; /* in use, thousandths; SBX_USAGE_NONE where it can't be told */
};

/* Something that holds a limit, and the number that is set there. */
struct ctl_held {
	const char *by;
	uint64_t limit;
};

#define CTL_HELD_MAX 5

struct ctl_finding {
	const struct sbx_policy_key *key;
	const char *controller; /* what a cgroup needs to hold it; NULL when none can */
	uint64_t set;           /* SBX_USAGE_NONE where the policy has none */
	uint64_t used;          /* likewise where it isn't counted, or nothing runs */
	struct ctl_held held[CTL_HELD_MAX];
	size_t held_count;
};

/*
 * Look at one key of "limits": what the kernel says now where the sandbox runs, else what this host
 * will do.
 */
void ctl_limit_examine(const struct ctl_status *status, const struct sbx_policy_key *key,
		       struct ctl_finding *finding);

/* Is the controller there for the account, by its answer? */
bool ctl_limit_has_controller(const struct ctl_answer *answer, const char *controller);

#endif
