#include "pam_account_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define CPU_PERIOD 100000 /* microseconds: systemd's own, and the kernel's */
#define FILE_MAX 256

enum { MEMORY, SWAP, TASKS, CPU };

static const struct sbx_pam_account_limit table[SBX_PAM_ACCOUNT_LIMITS] = {
	[MEMORY] = { "limits.memory", "memory", "MemoryMax", "memory.max",
		     .property_text = "infinity", .file_text = "max" },
	[SWAP] = { "limits.swap", "memory", "MemorySwapMax", "memory.swap.max",
		   .property_text = "infinity", .file_text = "max" },
	[TASKS] = { "limits.pids", "pids", "TasksMax", "pids.max", .property_text = "infinity",
		    .file_text = "max" },
	[CPU] = { "limits.cpus", "cpu", "CPUQuota", "cpu.max", .property_text = "",
		  .file_text = "max 100000" },
};

static void set_number(struct sbx_pam_account_limit *limit, uint64_t value)
{
	limit->set = true;
	(void)snprintf(limit->property_text, sizeof(limit->property_text), "%" PRIu64, value);
	(void)snprintf(limit->file_text, sizeof(limit->file_text), "%" PRIu64, value);
}

/* The kernel counts whole pages, and rounds down what it's told. */
static void set_bytes(struct sbx_pam_account_limit *limit, uint64_t value)
{
	set_number(limit, value - value % (uint64_t)sysconf(_SC_PAGESIZE));
}

static void set_cpu(struct sbx_pam_account_limit *limit, uint64_t milli)
{
	limit->set = true;
	(void)snprintf(limit->property_text, sizeof(limit->property_text),
		       "%" PRIu64 ".%" PRIu64 "%%", milli / 10, milli % 10);
	(void)snprintf(limit->file_text, sizeof(limit->file_text), "%" PRIu64 " %d",
		       milli * CPU_PERIOD / 1000, CPU_PERIOD);
}

void sbx_pam_account_limits_fill(
	const struct sbx_limits *limits,
	struct sbx_pam_account_limit ret_limits[static SBX_PAM_ACCOUNT_LIMITS])
{
	const uint64_t sessions = limits->sessions ? limits->sessions : SBX_PAM_SESSIONS;

	memcpy(ret_limits, table, sizeof(table));
	if (limits->memory)
		set_bytes(&ret_limits[MEMORY],
			  limits->memory + SBX_PAM_MEMORY_BASE + sessions * SBX_PAM_MEMORY_SESSION);
	/* No allowance: where the sandbox may not swap, nothing of the account's may. */
	if (limits->swap_set)
		set_bytes(&ret_limits[SWAP], limits->swap);
	if (limits->pids)
		set_number(&ret_limits[TASKS],
			   limits->pids + SBX_PAM_TASKS_BASE + sessions * SBX_PAM_TASKS_SESSION);
	if (limits->cpus_milli)
		set_cpu(&ret_limits[CPU], (uint64_t)limits->cpus_milli + SBX_PAM_CPU_BASE);
}

bool sbx_pam_account_limit_holds(const struct sbx_pam_account_limit *limit, int group)
{
	_cleanup_close_ int fd = openat(group, limit->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;

	if (fd < 0 || sbx_read_all(fd, FILE_MAX, &text, NULL) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, limit->file_text) == 0;
}

int sbx_pam_account_limit_write(const struct sbx_pam_account_limit *limit, int group)
{
	_cleanup_close_ int fd = openat(group, limit->file, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return sbx_write_all(fd, limit->file_text, strlen(limit->file_text));
}

void sbx_pam_account_limit_name(const struct sbx_pam_account_limit *limit, char *names, size_t size)
{
	size_t length = strlen(names);

	(void)snprintf(names + length, size - length, "%s%s", length ? ", " : "", limit->key);
}

int sbx_pam_account_limits_judge(const struct sbx_limits *limits, const char *names,
				 const char *hint, struct sbx_error *warning, struct sbx_error *err)
{
	if (!names[0])
		return 0;
	if (!limits->best_effort)
		return sbx_error_set(
			err, -ENOTSUP,
			"%s: can't be enforced for the account: %s, or set limits.enforce "
			"to \"best-effort\"",
			names, hint);
	(void)sbx_error_set(warning, -ENOTSUP, "%s: not enforced for the account: %s", names, hint);
	return 0;
}
