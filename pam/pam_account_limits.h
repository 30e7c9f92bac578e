/*
 * The limits of a whole account: what its policy gives its sandbox, and an allowance on top for
 * what runs beside it (podman, its monitor, the network, the relays of the sessions, the user
 * manager). They hold for the sandbox and everything else of the account together.
 *
 * One table for both ways to set them: properties of a systemd slice, or files of a cgroup.
 */
#ifndef SBX_PAM_ACCOUNT_LIMITS_H
#define SBX_PAM_ACCOUNT_LIMITS_H

#include <stdbool.h>

#include "error.h"
#include "policy.h"

/*
 * The allowance: a base, and something a session, of which there are as many as limits.sessions
 * says.
 */
#define SBX_PAM_MEMORY_BASE (UINT64_C(256) << 20) /* bytes */
#define SBX_PAM_MEMORY_SESSION (UINT64_C(4) << 20)
#define SBX_PAM_TASKS_BASE 128u
#define SBX_PAM_TASKS_SESSION 4u
#define SBX_PAM_SESSIONS 64u   /* where the policy doesn't limit them */
#define SBX_PAM_CPU_BASE 1000u /* thousandths of a CPU */

#define SBX_PAM_ACCOUNT_LIMITS 4

struct sbx_pam_account_limit {
	const char *key;        /* of the policy: "limits.memory" */
	const char *controller; /* of cgroup v2 that it needs */
	const char *property;   /* systemd.resource-control(5) */
	const char *file;       /* of the cgroup */
	bool set;               /* the policy has it; otherwise the texts say "no limit" */
	char property_text[32];
	char file_text[48]; /* as it reads back, without the newline */
};

void sbx_pam_account_limits_fill(
	const struct sbx_limits *limits,
	struct sbx_pam_account_limit ret_limits[static SBX_PAM_ACCOUNT_LIMITS]);

/* Does the cgroup, an open folder, say exactly this? */
bool sbx_pam_account_limit_holds(const struct sbx_pam_account_limit *limit, int group);

/* Write it there. Returns 0 or -errno; -ENOENT without the controller. */
int sbx_pam_account_limit_write(const struct sbx_pam_account_limit *limit, int group);

/* Add ", limits.memory" to a list of what could not be done; the first one without the comma. */
void sbx_pam_account_limit_name(const struct sbx_pam_account_limit *limit, char *names,
				size_t size);

/*
 * names is what couldn't be done, "" for nothing. Returns 0, or -ENOTSUP where the policy says
 * enforce "required"; where it's best effort, *warning has the text and 0 is returned.
 */
int sbx_pam_account_limits_judge(const struct sbx_limits *limits, const char *names,
				 const char *hint, struct sbx_error *warning,
				 struct sbx_error *err);

#endif
