/*
 * What of a sandbox only its account can tell: whether there is one, and what its PID 1 says. For
 * root, without trusting what lies in the account's folders.
 */
#ifndef SBX_CTL_ASK_H
#define SBX_CTL_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "account.h"
#include "error.h"
#include "policy.h"
#include "usage.h"

/*
 * Plain numbers, of a fixed size, as they come from the account's side: each is the account's word,
 * and may be wrong, but nothing more than that.
 */
struct ctl_answer {
	int32_t init;              /* PID 1 by the record, when it answers, else 0 */
	int32_t sessions;          /* with a client, by PID 1 */
	uint8_t exists;            /* it has a home; as the following, 0 or 1 */
	uint8_t memory, cpu, pids; /* the controllers that are there for it */
};

enum ctl_state { CTL_UNKNOWN, CTL_NONE, CTL_STOPPED, CTL_RUNNING };

/* What came of asking. Zero-initialise; ctl_ask_done takes what was never filled. */
struct ctl_asked {
	const struct sbx_account *account; /* the caller's */
	const char *sandbox;               /* likewise, as all of these */
	const char *base;                  /* the folder it lies in; NULL for ~/sandboxes */
	const char *instance;              /* see struct sbx_box; NULL for the sandbox's name */
	const struct sbx_policy *policy;   /* for the controllers; may be NULL */
	struct ctl_answer answer;
	enum ctl_state state;
	struct sbx_usage usage; /* of a running one */
	int pipe, pidfd;        /* while the question is open */
};

/* Ask as the account, which is this process. */
void ctl_ask_self(struct ctl_asked *asked);

/*
 * As root: ask about them all at once, each in a child that has become the account for good. One
 * that doesn't answer within the time is killed and stays CTL_UNKNOWN; no child is waited for
 * longer, whatever it hangs in.
 */
void ctl_ask_all(struct ctl_asked *asked, size_t count);

void ctl_ask_done(struct ctl_asked *asked);

const char *ctl_state_name(enum ctl_state state);

#endif
