#include "pam_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "pam_group.h"
#include "pam_manager.h"
#include "pam_others.h"
#include "pam_runtime.h"
#include "session_count.h"
#include "util.h"
#include "wire.h"

#define GRACE_MS 1000 /* for what is about to end by itself, such as podman tidying up */
#define KILL_MS 3000  /* a busy machine takes its time to end what was killed */

struct sbx_pam_session {
	struct sbx_account account;
	char name[SBX_SESSION_NAME_MAX]; /* in the session count, "" when it isn't */
	char *group_before;              /* where the process was; NULL when it wasn't moved */
	bool nofile_raised;
	struct rlimit nofile_before;
};

/* What the steps of opening work with. */
struct opening {
	struct sbx_pam_session *session;
	const struct sbx_policy *policy;
	struct sbx_session_count count; /* locked */
	struct sbx_error *warning;
};

static int check_limit(struct sbx_session_count *count, const struct sbx_policy *policy,
		       struct sbx_error *err)
{
	const uint32_t limit = policy->limits.sessions;
	int live = sbx_session_count_live(count, err);

	if (live < 0 || limit == 0 || (uint32_t)live < limit)
		return live < 0 ? live : 0;
	return sbx_error_set(
		err, -EUSERS,
		"limits.sessions: this account is at its limit of %u session%s: end one "
		"first",
		limit, limit == 1 ? "" : "s");
}

static int open_count(struct opening *opening, struct sbx_error *err)
{
	struct sbx_pam_session *session = opening->session;
	int r;

	r = sbx_session_count_open(SBX_SESSION_COUNT_DIR, session->account.uid, &opening->count,
				   err);
	if (r == 0)
		r = check_limit(&opening->count, opening->policy, err);
	if (r == 0)
		r = sbx_session_count_add(&opening->count, session->name, err);
	if (r < 0)
		session->name[0] = '\0';
	return r;
}

static int open_host(struct opening *opening, struct sbx_error *err)
{
	const struct sbx_account *account = &opening->session->account;
	bool systemd = sbx_pam_manager_present();
	int r = 0;

	if (systemd)
		r = sbx_pam_manager_open(account, opening->policy, opening->count.folder,
					 opening->warning, err);
	if (r == 0)
		r = sbx_pam_runtime_open(account, !systemd, opening->count.folder, err);
	if (r == 0 && !systemd)
		r = sbx_pam_group_enter(account, opening->policy, &opening->session->group_before,
					opening->warning, err);
	return r;
}

/*
 * podman may give the sandbox the hard limit that the login has, and no more. Where root may not
 * raise it (a container without CAP_SYS_RESOURCE) the sandbox has less than its policy allows,
 * which is still a limit.
 */
static int raise_nofile(struct opening *opening, struct sbx_error *err)
{
	struct sbx_pam_session *session = opening->session;
	const uint32_t nofile = opening->policy->limits.nofile;
	const rlim_t wanted = nofile ? nofile + SBX_WIRE_NOFILE_RESERVE : 0;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return sbx_error_set(err, -errno, "limits.nofile: %s", strerror(errno));
	if (limit.rlim_max >= wanted)
		return 0;
	session->nofile_before = limit;
	limit.rlim_max = wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		session->nofile_raised = true;
	else if (opening->warning->code == 0)
		(void)sbx_error_set(opening->warning, -errno,
				    "limits.nofile: the hard limit stays at %llu: %s",
				    (unsigned long long)session->nofile_before.rlim_max,
				    strerror(errno));
	return 0;
}

/* Until no other process of the account lives, or the time is up; true when none does. */
static bool wait_for_others(uid_t uid, int milliseconds)
{
	long long end = sbx_now_ms() + milliseconds;

	while (sbx_pam_others_live(uid)) {
		const struct timespec pause = { .tv_nsec = 5000000 };

		if (sbx_now_ms() >= end)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

/*
 * What was there for all sessions goes with the last one, unless a sandbox still needs it. What
 * else is left of the account are the last moments of other sessions, and helpers of a sandbox
 * that is gone: they go too.
 */
static int leave_host(const struct sbx_account *account, struct sbx_session_count *count,
		      struct sbx_error *err)
{
	int r = sbx_session_count_live(count, err);

	if (r != 0)
		return r < 0 ? r : 0;
	if (!sbx_pam_runtime_is_made(count->folder) && !sbx_pam_group_exists(account))
		return 0;
	if (sbx_pam_group_has_sandbox(account))
		return 0;
	if (!wait_for_others(account->uid, GRACE_MS)) {
		(void)sbx_pam_group_kill_logins(account);
		if (!wait_for_others(account->uid, KILL_MS))
			return 0;
	}
	r = sbx_pam_group_remove(account, err);
	if (r == 0 || r == -EBUSY)
		r = sbx_pam_runtime_remove(account, count->folder, err);
	return r;
}

/* Keep the first failure only. */
static void keep(int r, const struct sbx_error *problem, struct sbx_error *err, int *first)
{
	if (r < 0 && *first == 0) {
		*first = r;
		(void)sbx_error_set(err, r, "%s", problem->message);
	}
}

/* Undo with the lock held; for a close, and for an open that failed. */
static int undo(struct sbx_pam_session *session, struct sbx_session_count *count,
		struct sbx_error *err)
{
	struct sbx_error problem = SBX_ERROR_INIT;
	int first = 0, r;

	if (session->nofile_raised && setrlimit(RLIMIT_NOFILE, &session->nofile_before) < 0)
		keep(sbx_error_set(&problem, -errno, "limits.nofile: %s", strerror(errno)),
		     &problem, err, &first);
	session->nofile_raised = false;
	if (session->group_before)
		keep(sbx_pam_group_leave(session->group_before, &problem), &problem, err, &first);
	free(steal_pointer(session->group_before));
	if (session->name[0]) {
		r = sbx_session_count_remove(count, session->name);
		if (r < 0)
			keep(sbx_error_set(&problem, r, "session count: %s", strerror(-r)),
			     &problem, err, &first);
	}
	session->name[0] = '\0';
	keep(leave_host(&session->account, count, &problem), &problem, err, &first);
	return first;
}

static int copy_account(const struct sbx_account *account, struct sbx_account *copy)
{
	copy->uid = account->uid;
	copy->gid = account->gid;
	copy->name = strdup(account->name);
	copy->home = strdup(account->home);
	return copy->name && copy->home ? 0 : -ENOMEM;
}

int sbx_pam_session_open(const struct sbx_account *account, const struct sbx_policy *policy,
			 struct sbx_pam_session **ret_session, struct sbx_error *warning,
			 struct sbx_error *err)
{
	static int (*const steps[])(struct opening *, struct sbx_error *) = { open_count, open_host,
									      raise_nofile };
	struct sbx_pam_session *session = calloc(1, sizeof(*session));
	struct opening opening = {
		.session = session,
		.policy = policy,
		.count = SBX_SESSION_COUNT_INIT,
		.warning = warning,
	};
	int r = 0;

	if (!session || copy_account(account, &session->account) < 0) {
		sbx_pam_session_free(session);
		return sbx_error_set(err, -ENOMEM, "session: out of memory");
	}
	for (size_t i = 0; i < ARRAY_SIZE(steps) && r == 0; i++)
		r = steps[i](&opening, err);
	if (r < 0) {
		if (session->name[0])
			(void)undo(session, &opening.count, NULL);
		sbx_pam_session_free(session);
	} else {
		*ret_session = session;
	}
	sbx_session_count_done(&opening.count);
	return r;
}

int sbx_pam_session_close(struct sbx_pam_session *session, struct sbx_error *err)
{
	struct sbx_session_count count = SBX_SESSION_COUNT_INIT;
	int r = sbx_session_count_open(SBX_SESSION_COUNT_DIR, session->account.uid, &count, err);

	/* Not counted any more once this process ends, whatever else stays. */
	if (r < 0)
		return r;
	r = undo(session, &count, err);
	sbx_session_count_done(&count);
	return r;
}

void sbx_pam_session_free(struct sbx_pam_session *session)
{
	if (!session)
		return;
	sbx_account_done(&session->account);
	free(session->group_before);
	free(session);
}

int sbx_pam_session_check(const struct sbx_account *account, const struct sbx_policy *policy,
			  struct sbx_error *err)
{
	struct sbx_session_count count = SBX_SESSION_COUNT_INIT;
	int r;

	if (policy->limits.sessions == 0)
		return 0;
	r = sbx_session_count_open(SBX_SESSION_COUNT_DIR, account->uid, &count, err);
	if (r == 0)
		r = check_limit(&count, policy, err);
	sbx_session_count_done(&count);
	return r;
}
