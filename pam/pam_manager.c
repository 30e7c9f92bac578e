#include "pam_manager.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pam_marks.h"
#include "spawn.h"

#define SYSTEMCTL "/usr/bin/systemctl"
#define SYSTEMCTL_MS 12000
#define SLICE "/sys/fs/cgroup/user.slice/user-%u.slice"
#define EVENTS_MAX 512

bool sbx_pam_manager_present(void)
{
	struct stat st;

	return lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
}

/* Wait for it no longer than that, collecting what it says. Returns its exit status, or -errno. */
static int wait_bounded(struct sbx_process *process)
{
	long long end = sbx_now_ms() + SYSTEMCTL_MS;
	struct pollfd ended = { .fd = process->pidfd, .events = POLLIN };

	for (;;) {
		long long left = end - sbx_now_ms();

		if (left <= 0) {
			sbx_process_kill(process);
			return -ETIMEDOUT;
		}
		/* In slices, so that a full pipe doesn't keep it. */
		if (poll(&ended, 1, left < 100 ? (int)left : 100) > 0)
			return sbx_process_wait(process, -1);
		sbx_process_collect(process, -1);
	}
}

/*
 * Run systemctl with these arguments. The caller of PAM may ignore SIGCHLD, or reap whatever
 * child it sees: not this one, for so long as it runs.
 */
static int run_systemctl(struct sbx_strv *args, struct sbx_error *err)
{
	char *env[] = { (char[]){ "LC_ALL=C" }, (char[]){ "PATH=/usr/bin:/bin" }, NULL };
	const struct sbx_spawn spawn = {
		.argv = args->items, .env = env, .in = -1, .out = -1, .progress = -1
	};
	_cleanup_free_ struct sbx_process *process = calloc(1, sizeof(*process));
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	struct sigaction before;
	char reason[256];
	int r;

	if (!process || args->failed)
		return sbx_error_set(err, -ENOMEM, "systemctl: out of memory");
	if (sigaction(SIGCHLD, &standard, &before) < 0)
		return sbx_error_set(err, -errno, "systemctl: sigaction: %s", strerror(errno));
	r = sbx_process_start(&spawn, process, err);
	if (r == 0) {
		r = wait_bounded(process);
		if (r > 0)
			sbx_process_reason(process, reason, sizeof(reason));
		else if (r < 0)
			(void)snprintf(reason, sizeof(reason), "%s", strerror(-r));
		if (r != 0)
			r = sbx_error_set(err, r < 0 ? r : -EIO, "systemctl %s: %s", args->items[1],
					  reason);
	}
	(void)sigaction(SIGCHLD, &before, NULL);
	return r;
}

/* Has user@UID.service processes? By cgroup.events, cgroups(7). */
static bool runs(const struct sbx_account *account)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	char path[160];

	(void)snprintf(path, sizeof(path), SLICE "/user@%u.service/cgroup.events", account->uid,
		       account->uid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && sbx_read_all(fd, EVENTS_MAX, &text, NULL) == 0 &&
	       strstr(text, "populated 1");
}

static int start(const struct sbx_account *account, struct sbx_error *err)
{
	struct sbx_strv args = { 0 };
	int r;

	(void)sbx_strv_add(&args, SYSTEMCTL);
	(void)sbx_strv_add(&args, "start");
	(void)sbx_strv_add(&args, "--no-ask-password");
	(void)sbx_strv_addf(&args, "user@%u.service", account->uid);
	r = run_systemctl(&args, err);
	sbx_strv_done(&args);
	if (r == 0 && !runs(account))
		r = sbx_error_set(
			err, -ESRCH,
			"user@%u.service: doesn't run, or not below " SLICE
			": this needs cgroup v2 alone (systemd.unified_cgroup_hierarchy=1)",
			account->uid, account->uid);
	return r;
}

int sbx_pam_manager_args(const struct sbx_account *account,
			 const struct sbx_pam_account_limit *limits, int marks,
			 struct sbx_strv *ret_args)
{
	struct sbx_strv args = { 0 };
	int count = 0;

	(void)sbx_strv_add(&args, SYSTEMCTL);
	(void)sbx_strv_add(&args, "set-property");
	(void)sbx_strv_add(&args, "--runtime");
	(void)sbx_strv_add(&args, "--no-ask-password");
	(void)sbx_strv_addf(&args, "user-%u.slice", account->uid);
	for (size_t i = 0; i < SBX_PAM_ACCOUNT_LIMITS; i++) {
		if (!limits[i].set && !sbx_pam_is_marked(marks, limits[i].property))
			continue;
		(void)sbx_strv_addf(&args, "%s=%s", limits[i].property, limits[i].property_text);
		count++;
	}
	if (args.failed) {
		sbx_strv_done(&args);
		return -ENOMEM;
	}
	*ret_args = args;
	return count;
}

/* The limits that the slice doesn't have and should; also those that it should have no longer. */
static void compare(const struct sbx_account *account, const struct sbx_pam_account_limit *limits,
		    int marks, char *names, size_t size)
{
	_cleanup_close_ int slice = -1;
	char path[96];

	*names = '\0';
	(void)snprintf(path, sizeof(path), SLICE, account->uid);
	slice = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < SBX_PAM_ACCOUNT_LIMITS; i++)
		if ((limits[i].set || sbx_pam_is_marked(marks, limits[i].property)) &&
		    (slice < 0 || !sbx_pam_account_limit_holds(&limits[i], slice)))
			sbx_pam_account_limit_name(&limits[i], names, size);
}

/* Mark those that are set, or unmark those that aren't. */
static int mark_limits(const struct sbx_pam_account_limit *limits, int marks, bool set,
		       struct sbx_error *err)
{
	for (size_t i = 0; i < SBX_PAM_ACCOUNT_LIMITS; i++) {
		int r = limits[i].set == set ? sbx_pam_mark(marks, limits[i].property, set) : 0;

		if (r < 0)
			return sbx_error_set(err, r, "%s: %s", limits[i].property, strerror(-r));
	}
	return 0;
}

static int set_limits(const struct sbx_account *account, const struct sbx_pam_account_limit *limits,
		      int marks, struct sbx_error *err)
{
	struct sbx_strv args = { 0 };
	int r = sbx_pam_manager_args(account, limits, marks, &args);

	if (r < 0)
		return sbx_error_set(err, r, "systemctl: out of memory");
	/* Marked before and unmarked after: killed in between, it's done again. */
	r = mark_limits(limits, marks, true, err);
	if (r == 0)
		r = run_systemctl(&args, err);
	if (r == 0)
		r = mark_limits(limits, marks, false, err);
	sbx_strv_done(&args);
	return r;
}

int sbx_pam_manager_open(const struct sbx_account *account, const struct sbx_policy *policy,
			 int marks, struct sbx_error *warning, struct sbx_error *err)
{
	struct sbx_pam_account_limit limits[SBX_PAM_ACCOUNT_LIMITS];
	char names[128];
	int r;

	r = runs(account) ? 0 : start(account, err);
	if (r < 0)
		return r;
	sbx_pam_account_limits_fill(&policy->limits, limits);
	compare(account, limits, marks, names, sizeof(names));
	if (!names[0])
		return 0;
	r = set_limits(account, limits, marks, err);
	if (r < 0)
		return r;
	compare(account, limits, marks, names, sizeof(names));
	return sbx_pam_account_limits_judge(
		&policy->limits, names, "have systemd delegate the cgroup v2 controllers they need",
		warning, err);
}
