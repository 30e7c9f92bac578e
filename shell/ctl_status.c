/*
 * status: for each limit of one sandbox's policy whether it is in force and by what, and for each
 * relaxed setting what it gives away.
 *
 * Of a running sandbox it's what the kernel says now; of another, what this host will do. It trusts
 * root's policy and the kernel; the account is asked as ctl_ask.h says.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl_accounts.h"
#include "ctl_limits.h"
#include "ctl_relaxed.h"
#include "ctl_table.h"
#include "policy_write.h"
#include "util.h"

#define SAMPLE_MS 250

static enum ctl_unit unit_of(const struct sbx_policy_key *key)
{
	if (key->kind == SBX_KIND_SIZE)
		return CTL_UNIT_BYTES;
	return key->kind == SBX_KIND_CPUS ? CTL_UNIT_CPUS : CTL_UNIT_COUNT;
}

/* Of a limit that nothing holds: why, and what to do. */
static void describe_missing(const struct ctl_status *status, const struct ctl_finding *finding,
			     struct sbx_strv *cells)
{
	bool running = status->asked.state == CTL_RUNNING;

	if (!finding->controller)
		(void)sbx_strv_add(cells, "NOT ENFORCED");
	else if (ctl_limit_has_controller(&status->asked.answer, finding->controller))
		(void)sbx_strv_add(cells, "NOT ENFORCED yet: the next login sets it");
	else if (running || status->policy->limits.best_effort)
		(void)sbx_strv_addf(cells,
				    "NOT ENFORCED: the controller %s is not delegated to the "
				    "account: Delegate= of user@.service",
				    finding->controller);
	else
		(void)sbx_strv_addf(cells,
				    "logins are refused: the controller %s is not delegated to the "
				    "account: Delegate= of user@.service",
				    finding->controller);
}

static void describe_held(const struct ctl_finding *finding, struct sbx_strv *cells)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; out && i < finding->held_count; i++) {
		char limit[SBX_VALUE_TEXT_MAX];

		if (finding->key->kind == SBX_KIND_DURATION)
			sbx_policy_key_format(finding->key, finding->held[i].limit, limit);
		else
			ctl_amount(limit, unit_of(finding->key), finding->held[i].limit);
		(void)fprintf(out, "%s%s (%s)", i ? "; " : "", finding->held[i].by, limit);
	}
	if (!out || fclose(out) != 0)
		cells->failed = true;
	else
		(void)sbx_strv_add(cells, text);
}

static void add_row(const struct ctl_status *status, const struct ctl_finding *finding,
		    struct ctl_table *table)
{
	struct sbx_strv *cells = &table->cells;
	char set[SBX_VALUE_TEXT_MAX], used[CTL_AMOUNT_MAX];

	if (finding->set == SBX_USAGE_NONE)
		(void)snprintf(set, sizeof(set), "-");
	else
		sbx_policy_key_format(finding->key, finding->set, set);
	ctl_amount(used, unit_of(finding->key), finding->used);
	(void)sbx_strv_add(cells, finding->key->name);
	(void)sbx_strv_add(cells, set);
	(void)sbx_strv_add(cells, used);
	if (finding->set == SBX_USAGE_NONE)
		(void)sbx_strv_add(cells, "no limit is set");
	else if (finding->held_count == 0)
		describe_missing(status, finding, cells);
	else
		describe_held(finding, cells);
}

static bool is_limit(const struct sbx_policy_key *key)
{
	return strcmp(key->section, "limits") == 0 && key->kind != SBX_KIND_CHOICE;
}

static int print_text(const struct ctl_status *status, const struct sbx_strv *relaxed)
{
	struct ctl_table table = { .columns = 4 };
	bool running = status->asked.state == CTL_RUNNING;
	int r;

	(void)printf("account %s, sandbox %s: %s", status->account->name, status->policy->sandbox,
		     ctl_state_name(status->asked.state));
	if (running)
		(void)printf(", PID 1 is process %d, sessions: %d", status->asked.answer.init,
			     status->asked.answer.sessions);
	(void)sbx_strv_add(&table.cells, "LIMIT");
	(void)sbx_strv_add(&table.cells, "SET");
	(void)sbx_strv_add(&table.cells, "IN USE");
	(void)sbx_strv_add(&table.cells, running ? "HELD BY" : "WILL BE HELD BY");
	for (size_t i = 0; i < sbx_policy_key_count; i++) {
		struct ctl_finding finding;

		if (!is_limit(&sbx_policy_keys[i]))
			continue;
		ctl_limit_examine(status, &sbx_policy_keys[i], &finding);
		add_row(status, &finding, &table);
	}
	(void)fputs("\n\n", stdout);
	r = ctl_table_print(&table, stdout);
	(void)fputs(relaxed->count ? "\nGIVES AWAY\n" : "\nGIVES AWAY nothing\n", stdout);
	for (size_t i = 0; i + 2 < relaxed->count; i += 3)
		(void)printf("%s %s: %s\n", relaxed->items[i], relaxed->items[i + 1],
			     relaxed->items[i + 2]);
	return r;
}

static void print_json_limit(const struct ctl_finding *finding)
{
	(void)printf("{\"limit\": \"%s\", \"set\": ", finding->key->name);
	ctl_json_amount(stdout, finding->set);
	(void)fputs(", \"used\": ", stdout);
	ctl_json_amount(stdout, finding->used);
	(void)printf(", \"enforced\": %s, \"by\": [", finding->set == SBX_USAGE_NONE ? "null"
						      : finding->held_count          ? "true"
										     : "false");
	for (size_t i = 0; i < finding->held_count; i++) {
		(void)fputs(i ? ", {\"what\": " : "{\"what\": ", stdout);
		sbx_write_string(stdout, finding->held[i].by);
		(void)fputs(", \"limit\": ", stdout);
		ctl_json_amount(stdout, finding->held[i].limit);
		(void)fputc('}', stdout);
	}
	(void)fputs("]}", stdout);
}

static void print_json(const struct ctl_status *status, const struct sbx_strv *relaxed)
{
	bool running = status->asked.state == CTL_RUNNING, first = true;

	(void)fputs("{\"account\": ", stdout);
	sbx_write_string(stdout, status->account->name);
	(void)fputs(", \"sandbox\": ", stdout);
	sbx_write_string(stdout, status->policy->sandbox);
	(void)printf(", \"state\": \"%s\", \"pid\": ", ctl_state_name(status->asked.state));
	ctl_json_amount(stdout, running ? (uint64_t)status->asked.answer.init : SBX_USAGE_NONE);
	(void)printf(", \"sessions\": %d,\n \"limits\": [", status->asked.answer.sessions);
	for (size_t i = 0; i < sbx_policy_key_count; i++) {
		struct ctl_finding finding;

		if (!is_limit(&sbx_policy_keys[i]))
			continue;
		ctl_limit_examine(status, &sbx_policy_keys[i], &finding);
		(void)fputs(first ? "\n  " : ",\n  ", stdout);
		print_json_limit(&finding);
		first = false;
	}
	(void)fputs("],\n \"gives_away\": [", stdout);
	for (size_t i = 0; i + 2 < relaxed->count; i += 3) {
		(void)fputs(i ? ",\n  {\"key\": " : "\n  {\"key\": ", stdout);
		sbx_write_string(stdout, relaxed->items[i]);
		(void)fputs(", \"value\": ", stdout);
		sbx_write_string(stdout, relaxed->items[i + 1]);
		(void)fputs(", \"what\": ", stdout);
		sbx_write_string(stdout, relaxed->items[i + 2]);
		(void)fputc('}', stdout);
	}
	(void)fputs("]}\n", stdout);
}

/* The cgroup of all of the account: its slice with systemd, else what pam_sandbox makes. */
static void open_account_group(struct ctl_status *status)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/user.slice/user-%u.slice",
		       status->account->uid);
	status->account_kind = "the account's slice";
	status->account_group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (status->account_group >= 0)
		return;
	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/sandbox-shell/%.32s",
		       status->account->name);
	status->account_kind = "the account's cgroup";
	status->account_group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void measure_cpu(struct ctl_status *status)
{
	const struct timespec pause = { .tv_nsec = SAMPLE_MS * 1000000L };
	int group = status->asked.usage.group;
	uint64_t before = sbx_usage_now(group, SBX_RESOURCE_CPUS), after;
	long long start = sbx_now_ms();

	status->cpu = SBX_USAGE_NONE;
	if (before == SBX_USAGE_NONE)
		return;
	(void)nanosleep(&pause, NULL);
	after = sbx_usage_now(group, SBX_RESOURCE_CPUS);
	if (after != SBX_USAGE_NONE && after >= before)
		status->cpu = (after - before) / (uint64_t)(sbx_now_ms() - start);
}

static int print(const struct ctl *ctl, struct ctl_status *status, struct sbx_error *err)
{
	struct sbx_strv relaxed = { 0 };
	int r;

	if (status->asked.state == CTL_UNKNOWN)
		return sbx_error_set(err, -ETIMEDOUT,
				     "%s: its sandbox can't be asked: it doesn't answer, or is "
				     "none that the kernel knows: sandboxctl kill ends it",
				     status->account->name);
	r = ctl_relaxed_list(status->policy, &relaxed);
	open_account_group(status);
	status->cpu = SBX_USAGE_NONE;
	if (status->asked.state == CTL_RUNNING)
		measure_cpu(status);
	if (r == 0 && ctl->json)
		print_json(status, &relaxed);
	else if (r == 0)
		r = print_text(status, &relaxed);
	sbx_cleanup_close(&status->account_group);
	sbx_strv_done(&relaxed);
	return r < 0 ? sbx_error_set(err, r, "out of memory") : 0;
}

static int status_of_account(const struct ctl *ctl, const char *name, struct sbx_error *err)
{
	_cleanup_policy_ struct sbx_policy *policy = NULL;
	struct ctl_account account = { 0 };
	struct ctl_status status = { .account = &account.account };
	int r = ctl_account_find(name, &account, err);

	if (r == 0)
		r = sbx_policy_load_account(name, &policy, err);
	if (r == 0) {
		status.policy = policy;
		status.asked.account = &account.account;
		status.asked.sandbox = policy->sandbox;
		status.asked.policy = policy;
		ctl_ask_all(&status.asked, 1);
		r = print(ctl, &status, err);
	}
	ctl_ask_done(&status.asked);
	ctl_account_done(&account);
	return r;
}

static int status_of_own(const struct ctl *ctl, const char *name, struct sbx_error *err)
{
	struct ctl_target target = { 0 };
	struct ctl_status status = { .account = &target.account };
	int r = ctl_open(ctl, name, true, &target, err);

	if (r == 0) {
		status.policy = target.policy;
		status.asked = (struct ctl_asked){
			.account = &target.account,
			.sandbox = target.policy->sandbox,
			.base = target.base,
			.instance = target.box.instance,
			.policy = target.policy,
		};
		ctl_ask_self(&status.asked);
		r = print(ctl, &status, err);
	}
	ctl_ask_done(&status.asked);
	ctl_close(&target);
	return r;
}

int ctl_status(const struct ctl *ctl, char **args, struct sbx_error *err)
{
	if (!args[0] || args[1])
		return sbx_error_set(err, -EINVAL,
				     "usage: sandboxctl status [--json] NAME (root: ACCOUNT)");
	return geteuid() == 0 && !ctl->dir ? status_of_account(ctl, args[0], err)
					   : status_of_own(ctl, args[0], err);
}
