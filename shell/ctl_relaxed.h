/*
 * What a policy gives away: each setting by which the sandbox reaches more of the host than by
 * default, and what that is in plain words.
 */
#ifndef SBX_CTL_RELAXED_H
#define SBX_CTL_RELAXED_H

#include "policy.h"
#include "util.h"

/* Three strings for each: the key, its value, and what it gives away. Returns 0 or -ENOMEM. */
int ctl_relaxed_list(const struct sbx_policy *policy, struct sbx_strv *ret_list);

#endif
