#include "ctl_limits.h"

#include <string.h>

#include "util.h"
#include "wire.h"

#define PAGE 4096 /* tmpfs counts in these */
#define NOT_COUNTED SBX_RESOURCES
#define COMMANDS "rlimit of each command"

/* What can hold a limit of the policy. */
static const struct holder {
	const char *name; /* of the key in "limits" */
	enum sbx_resource resource;
	const char *controller;
	uint64_t reserve;   /* what is set in the kernel may be so much above the policy's number */
	const char *rlimit; /* its name in /proc/PID/limits: PID 1 sets it for each command */
	const char *tmpfs;
	const char *program; /* one of ours, outside of the sandbox */
	bool sessions;
} holders[] = {
	{ "memory", SBX_RESOURCE_MEMORY, "memory", 0, NULL, NULL, NULL, false },
	{ "swap", SBX_RESOURCE_SWAP, "memory", 0, NULL, NULL, NULL, false },
	{ "cpus", SBX_RESOURCE_CPUS, "cpu", 0, NULL, NULL, NULL, false },
	{ "pids", SBX_RESOURCE_PIDS, "pids", SBX_WIRE_NPROC_RESERVE, "Max processes", NULL, NULL,
	  false },
	{ "nofile", NOT_COUNTED, NULL, 0, "Max open files", NULL, NULL, false },
	{ "tmp", NOT_COUNTED, NULL, PAGE - 1, NULL, "/tmp", NULL, false },
	{ "shm", NOT_COUNTED, NULL, PAGE - 1, NULL, "/dev/shm", NULL, false },
	/* Who isn't counted by it is refused by the shell. */
	{ "sessions", NOT_COUNTED, NULL, 0, NULL, NULL, "pam_sandbox, at each login", true },
	{ "session_time", NOT_COUNTED, NULL, 0, NULL, NULL, "sandbox-shell, for each login",
	  false },
};

static const struct holder *find_holder(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(holders); i++)
		if (strcmp(holders[i].name, name) == 0)
			return &holders[i];
	return NULL;
}

static uint64_t read_set(const struct sbx_policy *policy, const struct sbx_policy_key *key)
{
	const void *field = sbx_policy_const_field(policy, key->offset);
	uint64_t value = 0;
	uint32_t small = 0;

	if (key->width == sizeof(value))
		memcpy(&value, field, sizeof(value));
	else
		memcpy(&small, field, sizeof(small));
	value += small;
	if (key->set_offset ? *(const bool *)sbx_policy_const_field(policy, key->set_offset)
			    : value != 0)
		return value;
	return SBX_USAGE_NONE;
}

static void add_held(struct ctl_finding *finding, const char *by, uint64_t limit)
{
	if (finding->held_count < CTL_HELD_MAX)
		finding->held[finding->held_count++] = (struct ctl_held){ by, limit };
}

/* One that is set for the sandbox holds when it's no more than the policy says. */
static void add_if_holds(struct ctl_finding *finding, uint64_t reserve, const char *by,
			 uint64_t limit)
{
	if (limit <= finding->set + reserve)
		add_held(finding, by, limit);
}

static void look_at_running(const struct ctl_status *status, const struct holder *holder,
			    struct ctl_finding *finding)
{
	const struct sbx_usage *usage = &status->asked.usage;
	uint64_t reserve = holder->reserve;

	if (holder->resource != NOT_COUNTED)
		add_if_holds(finding, reserve, "the sandbox's cgroup",
			     sbx_usage_limit_of(usage, holder->resource));
	if (holder->rlimit) {
		uint64_t most = sbx_usage_rlimit(usage, holder->rlimit);

		add_held(finding, COMMANDS, most < finding->set ? most : finding->set);
	}
	if (holder->tmpfs)
		add_if_holds(finding, reserve, "tmpfs", sbx_usage_tmpfs_size(usage, holder->tmpfs));
}

bool ctl_limit_has_controller(const struct ctl_answer *answer, const char *controller)
{
	const struct {
		const char *name;
		bool there;
	} controllers[] = {
		{ "memory", answer->memory == 1 },
		{ "cpu", answer->cpu == 1 },
		{ "pids", answer->pids == 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if (strcmp(controllers[i].name, controller) == 0)
			return controllers[i].there;
	return false;
}

static void foretell(const struct ctl_status *status, const struct holder *holder,
		     struct ctl_finding *finding)
{
	uint64_t limit = finding->set + holder->reserve;

	if (holder->controller &&
	    ctl_limit_has_controller(&status->asked.answer, holder->controller))
		add_held(finding, "the sandbox's cgroup", limit);
	if (holder->rlimit)
		add_held(finding, COMMANDS, finding->set);
	if (holder->tmpfs)
		add_held(finding, "tmpfs", finding->set);
}

static uint64_t read_used(const struct ctl_status *status, const struct holder *holder)
{
	const struct sbx_usage *usage = &status->asked.usage;

	if (holder->sessions)
		return (uint64_t)status->asked.answer.sessions;
	if (holder->tmpfs)
		return sbx_usage_tmpfs_used(usage, holder->tmpfs);
	if (holder->resource == SBX_RESOURCE_CPUS)
		return status->cpu;
	return holder->resource == NOT_COUNTED ? SBX_USAGE_NONE
					       : sbx_usage_now(usage->group, holder->resource);
}

void ctl_limit_examine(const struct ctl_status *status, const struct sbx_policy_key *key,
		       struct ctl_finding *finding)
{
	const struct holder *holder = find_holder(key->name);
	bool running = status->asked.state == CTL_RUNNING;
	uint64_t whole;

	*finding = (struct ctl_finding){
		.key = key,
		.controller = holder ? holder->controller : NULL,
		.set = read_set(status->policy, key),
		.used = running && holder ? read_used(status, holder) : SBX_USAGE_NONE,
	};
	if (!holder || finding->set == SBX_USAGE_NONE)
		return;
	if (running)
		look_at_running(status, holder, finding);
	else
		foretell(status, holder, finding);
	if (holder->program)
		add_held(finding, holder->program, finding->set);
	whole = holder->resource == NOT_COUNTED
			? SBX_USAGE_NONE
			: sbx_usage_limit(status->account_group, holder->resource);
	if (whole != SBX_USAGE_NONE)
		add_held(finding, status->account_kind, whole);
}
