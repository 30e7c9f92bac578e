/*
 * ls: the caller's sandboxes; for root those of all enrolled accounts, with what they use.
 *
 * For root it trusts the policies, the group and passwd databases, and the kernel. What an account
 * says of its sandbox is asked for as that account (ctl_ask.h), and no account can keep the others
 * from being listed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl_accounts.h"
#include "ctl_ask.h"
#include "ctl_table.h"
#include "policy_write.h"
#include "util.h"
#include "wire.h"

#define AT_ONCE 64 /* accounts that are asked at a time: some descriptors for each */
#define SAMPLE_MS 250

/* One row; sessions below 0 says that it doesn't run. */
static void print_row(const struct ctl *ctl, const char *name, int sessions, bool first)
{
	const char *state = sessions >= 0 ? "running" : "stopped";

	if (ctl->json)
		(void)printf("%s\n  {\"name\": \"%s\", \"state\": \"%s\", \"sessions\": %d}",
			     first ? "" : ",", name, state, sessions < 0 ? 0 : sessions);
	else
		(void)printf("%-32s  %-8s  %8d\n", name, state, sessions < 0 ? 0 : sessions);
}

/* Ask PID 1 itself for the sessions. */
static int count_sessions(const struct ctl *ctl, const char *name)
{
	struct ctl_target target = { 0 };
	int sessions = -1;

	if (ctl_open(ctl, name, false, &target, NULL) == 0)
		sessions = sbx_box_count_sessions(&target.box);
	ctl_close(&target);
	return sessions;
}

static int only_sandboxes(const struct dirent *entry)
{
	return sbx_name_valid(entry->d_name);
}

static int list_own(const struct ctl *ctl, struct sbx_error *err)
{
	_cleanup_free_ char *base = NULL;
	struct sbx_account account = { 0 };
	struct dirent **entries = NULL;
	int count, r;
	bool first = true;

	r = sbx_account_self(&account, err);
	if (r == 0)
		r = ctl_base(ctl, &account, &base, err);
	sbx_account_done(&account);
	if (r != 0)
		return r;
	count = scandir(base, &entries, only_sandboxes, alphasort);
	if (count < 0 && errno != ENOENT)
		return sbx_error_set(err, -errno, "%s: %s", base, strerror(errno));
	(void)fputs(ctl->json ? "[" : "NAME                              STATE     SESSIONS\n",
		    stdout);
	for (int i = 0; i < count; i++) {
		char path[512];
		struct stat st;

		(void)snprintf(path, sizeof(path), "%s/%s/home", base, entries[i]->d_name);
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			print_row(ctl, entries[i]->d_name, count_sessions(ctl, entries[i]->d_name),
				  first);
			first = false;
		}
		free(entries[i]);
	}
	free(entries);
	if (ctl->json)
		(void)fputs(first ? "]\n" : "\n]\n", stdout);
	return 0;
}

/* A row of root's. Amounts are SBX_USAGE_NONE where there is none. */
struct row {
	const struct ctl_account *account;
	struct sbx_policy *policy; /* NULL when it's refused */
	struct sbx_error refused;
	struct ctl_asked *asked;
	uint64_t used[SBX_RESOURCES];
	uint64_t limit[SBX_RESOURCES];
	uint64_t cpu_before; /* microseconds */
	long long sampled;   /* when, in sbx_now_ms */
};

static const struct shown {
	enum sbx_resource resource;
	enum ctl_unit unit;
	const char *title;
	const char *name; /* in JSON */
} shown[] = {
	{ SBX_RESOURCE_MEMORY, CTL_UNIT_BYTES, "MEMORY", "memory" },
	{ SBX_RESOURCE_CPUS, CTL_UNIT_CPUS, "CPUS", "cpus" },
	{ SBX_RESOURCE_PIDS, CTL_UNIT_COUNT, "PIDS", "pids" },
};

static const char *state_of(const struct row *row)
{
	return row->policy ? ctl_state_name(row->asked->state) : "refused";
}

/* A sandbox that doesn't run has the limits that it will have. */
static void take_policy(struct row *row)
{
	const struct sbx_limits *limits = &row->policy->limits;

	if (limits->memory)
		row->limit[SBX_RESOURCE_MEMORY] = limits->memory;
	if (limits->cpus_milli)
		row->limit[SBX_RESOURCE_CPUS] = limits->cpus_milli;
	if (limits->pids)
		row->limit[SBX_RESOURCE_PIDS] = limits->pids;
}

static void take_kernel(struct row *row)
{
	const struct sbx_usage *usage = &row->asked->usage;

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		enum sbx_resource resource = shown[i].resource;

		row->limit[resource] = sbx_usage_limit_of(usage, resource);
		if (resource != SBX_RESOURCE_CPUS)
			row->used[resource] = sbx_usage_now(usage->group, resource);
	}
	/* The policy's number, without what is kept for the next login. */
	if (row->limit[SBX_RESOURCE_PIDS] != SBX_USAGE_NONE &&
	    row->limit[SBX_RESOURCE_PIDS] > SBX_WIRE_NPROC_RESERVE)
		row->limit[SBX_RESOURCE_PIDS] -= SBX_WIRE_NPROC_RESERVE;
	row->cpu_before = sbx_usage_now(usage->group, SBX_RESOURCE_CPUS);
	row->sampled = sbx_now_ms();
}

/* In thousandths of a CPU since take_kernel. */
static void take_cpu(struct row *row)
{
	uint64_t now = sbx_usage_now(row->asked->usage.group, SBX_RESOURCE_CPUS);
	long long passed = sbx_now_ms() - row->sampled;

	if (now != SBX_USAGE_NONE && row->cpu_before != SBX_USAGE_NONE && passed > 0 &&
	    now >= row->cpu_before)
		row->used[SBX_RESOURCE_CPUS] = (now - row->cpu_before) / (uint64_t)passed;
}

static void prepare(struct row *row, const struct ctl_account *account, struct ctl_asked *asked)
{
	*row = (struct row){ .account = account, .asked = asked };
	for (size_t i = 0; i < SBX_RESOURCES; i++)
		row->used[i] = row->limit[i] = SBX_USAGE_NONE;
	(void)sbx_policy_load_account(account->account.name, &row->policy, &row->refused);
	*asked = (struct ctl_asked){
		.account = &account->account,
		.sandbox = row->policy ? row->policy->sandbox : account->account.name,
	};
	if (row->policy)
		take_policy(row);
}

static void add_text(const struct row *row, struct ctl_table *table)
{
	char used[CTL_AMOUNT_MAX], limit[CTL_AMOUNT_MAX];

	(void)sbx_strv_add(&table->cells, row->account->account.name);
	(void)sbx_strv_add(&table->cells, row->asked->sandbox);
	(void)sbx_strv_add(&table->cells, state_of(row));
	(void)sbx_strv_addf(&table->cells, "%d", row->asked->answer.sessions);
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		ctl_amount(used, shown[i].unit, row->used[shown[i].resource]);
		ctl_amount(limit, shown[i].unit, row->limit[shown[i].resource]);
		(void)sbx_strv_addf(&table->cells, "%s / %s", used, limit);
	}
	(void)sbx_strv_add(&table->cells, row->refused.message);
}

static void print_json(const struct row *row, bool first)
{
	(void)fputs(first ? "\n  {\"account\": " : ",\n  {\"account\": ", stdout);
	sbx_write_string(stdout, row->account->account.name);
	(void)fputs(", \"sandbox\": ", stdout);
	sbx_write_string(stdout, row->asked->sandbox);
	(void)printf(", \"state\": \"%s\", \"reason\": ", state_of(row));
	if (row->policy)
		(void)fputs("null", stdout);
	else
		sbx_write_string(stdout, row->refused.message);
	(void)printf(", \"sessions\": %d", row->asked->answer.sessions);
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		(void)printf(", \"%s\": ", shown[i].name);
		ctl_json_amount(stdout, row->used[shown[i].resource]);
		(void)printf(", \"%s_limit\": ", shown[i].name);
		ctl_json_amount(stdout, row->limit[shown[i].resource]);
	}
	(void)fputc('}', stdout);
}

/* Ask about some of them, and measure the processor time of all at once. */
static void list_some(const struct ctl_account *accounts, size_t count, struct row *rows,
		      struct ctl_asked *asked)
{
	const struct timespec pause = { .tv_nsec = SAMPLE_MS * 1000000L };
	bool any = false;

	for (size_t i = 0; i < count; i++)
		prepare(&rows[i], &accounts[i], &asked[i]);
	ctl_ask_all(asked, count);
	for (size_t i = 0; i < count; i++) {
		if (asked[i].state != CTL_RUNNING)
			continue;
		take_kernel(&rows[i]);
		any = any || rows[i].cpu_before != SBX_USAGE_NONE;
	}
	if (any)
		(void)nanosleep(&pause, NULL);
	for (size_t i = 0; i < count; i++)
		if (asked[i].state == CTL_RUNNING)
			take_cpu(&rows[i]);
}

/* Prints it, or adds it to the table, and frees what it holds. */
static void put_row(const struct ctl *ctl, struct row *row, bool first, struct ctl_table *table)
{
	if (ctl->json)
		print_json(row, first);
	else
		add_text(row, table);
	ctl_ask_done(row->asked);
	sbx_policy_free(row->policy);
}

static int list_all(const struct ctl *ctl, struct sbx_error *err)
{
	static const char *const titles[] = { "ACCOUNT", "SANDBOX", "STATE", "SESSIONS",
					      "MEMORY",  "CPUS",    "PIDS",  "" };
	static struct row rows[AT_ONCE];
	static struct ctl_asked asked[AT_ONCE];
	struct ctl_table table = { .columns = ARRAY_SIZE(titles) };
	struct ctl_accounts accounts = { 0 };
	int r = ctl_accounts_list(&accounts, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		(void)sbx_strv_add(&table.cells, titles[i]);
	if (ctl->json)
		(void)fputc('[', stdout);
	for (size_t first = 0; first < accounts.count; first += AT_ONCE) {
		size_t left = accounts.count - first, count = left < AT_ONCE ? left : AT_ONCE;

		list_some(&accounts.items[first], count, rows, asked);
		for (size_t i = 0; i < count; i++)
			put_row(ctl, &rows[i], first + i == 0, &table);
	}
	if (ctl->json)
		(void)fputs(accounts.count ? "\n]\n" : "]\n", stdout);
	else
		r = ctl_table_print(&table, stdout);
	sbx_strv_done(&table.cells);
	ctl_accounts_done(&accounts);
	return r < 0 ? sbx_error_set(err, r, "out of memory") : 0;
}

int ctl_ls(const struct ctl *ctl, char **args, struct sbx_error *err)
{
	if (args[0])
		return sbx_error_set(err, -EINVAL, "usage: sandboxctl ls [--json]");
	return geteuid() == 0 && !ctl->dir ? list_all(ctl, err) : list_own(ctl, err);
}
