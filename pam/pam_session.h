/*
 * What root does for one login session of a sandboxed account, and undoes at its end. Nothing of
 * PAM is in here: what PAM knows comes in, errors go out.
 */
#ifndef SBX_PAM_SESSION_H
#define SBX_PAM_SESSION_H

#include "account.h"
#include "error.h"
#include "policy.h"

struct sbx_pam_session;

/*
 * Open a session for the calling process: count it, see to the runtime folder, the user manager
 * or the control group, the account's limits, and the limit of open files. On failure all of it
 * is undone. *warning has text where the policy lets a limit be best effort and it isn't in
 * force. The session holds no descriptor.
 */
int sbx_pam_session_open(const struct sbx_account *account, const struct sbx_policy *policy,
			 struct sbx_pam_session **ret_session, struct sbx_error *warning,
			 struct sbx_error *err);

/*
 * Undo what it did, everything that can be; with the account's last session also what was there
 * for all of them, if no other process of the account lives. Returns 0, or the first thing that
 * failed. The session is still to be freed.
 */
int sbx_pam_session_close(struct sbx_pam_session *session, struct sbx_error *err);

/* Free the memory only: also right in a child that has a copy of the session. NULL is fine. */
void sbx_pam_session_free(struct sbx_pam_session *session);

/*
 * Is the account at its limits.sessions? 0, or -EUSERS with the reason, or another -errno. Only a
 * look: sbx_pam_session_open looks again, under the lock.
 */
int sbx_pam_session_check(const struct sbx_account *account, const struct sbx_policy *policy,
			  struct sbx_error *err);

#endif
