/*
 * The relay's confinement; see confine.h. Three things that each would do: a filter of system
 * calls, Landlock, and limits. The filter is made when this is built (src/gen/seccomp_tables.c),
 * where its list is.
 */
#include "confine.h"

#include <errno.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

/*
 * More than are open by then, and than poll(2) is asked for, whose number of descriptors is held
 * to this too.
 */
#define FILES 64

/* All rights that the first version of Landlock knows; each one after it knows those. */
#define ALL_RIGHTS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

/*
 * No path at all, where the kernel has Landlock (5.13; landlock(7)). The filter lets none be
 * opened either: so it's no error where it hasn't, or isn't switched on.
 */
static void leave_file_systems(void)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = ALL_RIGHTS };
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(uint64_t), 0);

	if (ruleset < 0)
		return;
	(void)syscall(SYS_landlock_restrict_self, ruleset, 0);
	(void)close(ruleset);
}

static int limit(int resource, rlim_t value)
{
	struct rlimit limits = { value, value };

	return setrlimit(resource, &limits);
}

int sbx_confine(struct sbx_error *err)
{
	struct sock_fprog program = {
		.len = sbx_confine_filter_length,
		.filter = (struct sock_filter *)(uintptr_t)sbx_confine_filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || limit(RLIMIT_NPROC, 0) < 0 ||
	    limit(RLIMIT_CORE, 0) < 0 || limit(RLIMIT_NOFILE, FILES) < 0)
		return sbx_error_set(err, -errno, "session: limits: %s", strerror(errno));
	leave_file_systems();
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &program) < 0)
		return sbx_error_set(err, -errno, "session: seccomp: %s", strerror(errno));
	return 0;
}
