/*
 * The system's profile, changed: narrowed by "strict", then as the policy's lists say, the denied
 * last.
 *
 * And in each new cgroup namespaces are taken away. In one of its own a process may mount cgroup2
 * writable, and the files of the sandbox's group belong to the account: it could lift its limits,
 * or freeze PID 1. The kernel hides that only on hosts whose cgroup2 is mounted with nsdelegate
 * (cgroup_namespaces(7)). clone3 passes its flags in memory, where seccomp can't see them: it's
 * answered as by a kernel that doesn't have it, and libraries fall back to clone. User, mount and
 * other namespaces stay.
 */
#include "seccomp_profile.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "seccomp_rules.h"
#include "seccomp_strict.h"
#include "util.h"

#define PROFILE_MAX (1024 * 1024)

/* The administrator's before the distribution's, as podman looks for it. */
static const char *const system_profiles[] = {
	"/etc/containers/seccomp.json",
	"/usr/share/containers/seccomp.json",
};

static const char *const guarded[] = { "clone", "clone3", "unshare" };

const char *sbx_seccomp_profile_kept(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(guarded); i++)
		if (strcmp(name, guarded[i]) == 0)
			return "may be denied, not allowed: in a cgroup namespace of its own the "
			       "sandbox could lift its limits";
	return NULL;
}

/* The flags of clone(2) are in its first argument, as unsigned long: all below bit 32. */
static int guard(cJSON *rules, uint32_t flags)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(guarded); i++) {
		struct sbx_seccomp_rule rule = {
			guarded[i], 0, 1, { { 0, flags, 0 } }, "no new namespaces of some kinds"
		};

		if (strcmp(guarded[i], "clone3") == 0) {
			rule.error = ENOSYS;
			rule.arg_count = 0;
		}
		sbx_seccomp_forget(rules, guarded[i]);
		r = sbx_seccomp_add(rules, &rule);
	}
	return r;
}

/* Each name of a list allowed (error 0), or refused. */
static int say(cJSON *rules, char *const *names, int error, const char *why)
{
	int r = 0;

	for (; r == 0 && names && *names; names++) {
		struct sbx_seccomp_rule rule = { *names, error, .why = why };

		sbx_seccomp_forget(rules, *names);
		r = sbx_seccomp_add(rules, &rule);
	}
	return r;
}

static int change(const struct sbx_policy *policy, cJSON *profile, cJSON *rules)
{
	uint32_t flags = CLONE_NEWCGROUP;
	int r = 0;

	if (policy->seccomp_strict) {
		flags |= CLONE_NEWUSER;
		r = sbx_seccomp_make_strict(profile, rules);
	}
	if (r == 0)
		r = guard(rules, flags);
	if (r == 0)
		r = say(rules, policy->seccomp_allow, 0, "seccomp.allow");
	if (r == 0)
		r = say(rules, policy->seccomp_deny, EPERM, "seccomp.deny");
	return r;
}

int sbx_seccomp_profile_make(const struct sbx_policy *policy, const char *system, char **ret_text,
			     struct sbx_error *err)
{
	cJSON *profile = cJSON_Parse(system);
	cJSON *rules = cJSON_GetObjectItemCaseSensitive(profile, "syscalls");
	const cJSON *action = cJSON_GetObjectItemCaseSensitive(profile, "defaultAction");
	char *text = NULL;
	int r = -EBADMSG;

	/* One that allows what it doesn't name would allow what we take out. */
	if (cJSON_IsArray(rules) && cJSON_IsString(action) &&
	    strcmp(action->valuestring, "SCMP_ACT_ALLOW") != 0) {
		r = change(policy, profile, rules);
		text = r == 0 ? cJSON_Print(profile) : NULL;
	}
	cJSON_Delete(profile);
	if (r == 0 && !text)
		r = -ENOMEM;
	if (r < 0 || !text)
		return sbx_error_set(
			err, r, "seccomp: %s",
			r == -ENOMEM ? "out of memory"
				     : "the system's profile is no list of what is allowed");
	*ret_text = text;
	return 0;
}

static int read_system(char **ret_text, struct sbx_error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(system_profiles); i++) {
		_cleanup_close_ int fd = open(system_profiles[i], O_RDONLY | O_CLOEXEC);
		int r;

		if (fd < 0 && errno == ENOENT)
			continue;
		r = fd < 0 ? -errno : sbx_read_all(fd, PROFILE_MAX, ret_text, NULL);
		if (r < 0)
			return sbx_error_set(err, r, "seccomp %s: %s", system_profiles[i],
					     strerror(-r));
		return 0;
	}
	return sbx_error_set(err, -ENOENT, "seccomp: %s is missing: install containers-common",
			     system_profiles[ARRAY_SIZE(system_profiles) - 1]);
}

int sbx_seccomp_profile_text(const struct sbx_policy *policy, char **ret_text,
			     struct sbx_error *err)
{
	_cleanup_free_ char *system = NULL;
	int r = read_system(&system, err);

	return r == 0 ? sbx_seccomp_profile_make(policy, system, ret_text, err) : r;
}

int sbx_seccomp_profile_write(const struct sbx_policy *policy, int folder, const char *name,
			      struct sbx_error *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	int r = sbx_seccomp_profile_text(policy, &text, err);

	if (r < 0)
		return r;
	(void)unlinkat(folder, name, 0);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : sbx_write_all(fd, text, strlen(text));
	return r < 0 ? sbx_error_set(err, r, "seccomp: %s", strerror(-r)) : 0;
}
