/*
 * The seccomp profile that podman puts on PID 1 and so on all inside: the system's own, less what
 * would let the inside out of its limits.
 */
#ifndef SBX_SECCOMP_PROFILE_H
#define SBX_SECCOMP_PROFILE_H

#include "error.h"

/*
 * Write the profile as the file NAME of the folder, whole or not at all. Returns 0 or -errno.
 */
int sbx_seccomp_profile_write(int folder, const char *name, struct sbx_error *err);

/*
 * The profile made from the text of the system's; the caller frees *ret_text. Pure. -EBADMSG when
 * it isn't a profile.
 */
int sbx_seccomp_profile_make(const char *system, char **ret_text, struct sbx_error *err);

#endif
