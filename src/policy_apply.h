/*
 * One policy file onto a policy: each key of the file replaces what stood there.
 *
 * Applying the host-wide file and then the account's merges them key by key: objects recursively
 * (env.set name by name), scalars and lists as a whole.
 */
#ifndef SBX_POLICY_APPLY_H
#define SBX_POLICY_APPLY_H

#include "json_check.h"
#include "policy.h"

/*
 * Check every key and value of the file and store them. Returns 0, -EINVAL, -ENOTSUP or -ENOMEM
 * with "FILE:LINE:COL: key: why"; the policy is then half-changed and good only to be freed.
 */
int sbx_policy_apply(struct sbx_policy *policy, const struct sbx_json *json, struct sbx_error *err);

/* Give a zeroed policy the table's defaults. Returns 0 or -ENOMEM. */
int sbx_policy_apply_defaults(struct sbx_policy *policy);

#endif
