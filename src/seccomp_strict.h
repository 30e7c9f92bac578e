/*
 * What the profile "strict" takes away beyond the system's own.
 */
#ifndef SBX_SECCOMP_STRICT_H
#define SBX_SECCOMP_STRICT_H

#include <cjson/cJSON.h>

/* Change a whole profile. Returns 0 or -ENOMEM. */
int sbx_seccomp_make_strict(cJSON *profile, cJSON *rules);

#endif
