/*
 * The seccomp profile that podman puts on PID 1 and so on all inside: the system's own, changed
 * as the policy says, and by what the limits could not do without.
 */
#ifndef SBX_SECCOMP_PROFILE_H
#define SBX_SECCOMP_PROFILE_H

#include "error.h"
#include "policy.h"

/*
 * Write the policy's profile into the folder open as folder, under that name, for podman to read:
 * mode 0600, in the place of whatever had the name. Returns 0 or -errno with err set.
 */
int sbx_seccomp_profile_write(const struct sbx_policy *policy, int folder, const char *name,
			      struct sbx_error *err);

/* The same as text, which the caller frees. */
int sbx_seccomp_profile_text(const struct sbx_policy *policy, char **ret_text,
			     struct sbx_error *err);

/*
 * Make a profile of the text of a system's (the format of containers-common). Returns 0, or
 * -errno with err set: -EBADMSG when system is no profile that lists what is allowed. The caller
 * frees *ret_text.
 */
int sbx_seccomp_profile_make(const struct sbx_policy *policy, const char *system, char **ret_text,
			     struct sbx_error *err);

/* Why a policy must not allow this system call; NULL when it may. */
const char *sbx_seccomp_profile_kept(const char *name);

#endif
