/*
 * New cgroup namespaces are taken away. In one of its own a process may mount cgroup2 writable, and
 * the files of the sandbox's group belong to the account: it could lift its limits, or freeze PID
 * 1. The kernel hides that only on hosts whose cgroup2 is mounted with nsdelegate
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

#include "util.h"

#define PROFILE_MAX (1024 * 1024)

/* The administrator's before the distribution's, as podman looks for it. */
static const char *const system_profiles[] = {
	"/etc/containers/seccomp.json",
	"/usr/share/containers/seccomp.json",
};

static const char *const guarded[] = { "clone", "clone3", "unshare" };

static bool is_guarded(const cJSON *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(guarded); i++)
		if (cJSON_IsString(name) && strcmp(name->valuestring, guarded[i]) == 0)
			return true;
	return false;
}

/* Take the guarded names out of whatever the system's profile says of them. */
static void remove_guarded(cJSON *rules)
{
	cJSON *rule;

	cJSON_ArrayForEach(rule, rules)
	{
		cJSON *names = cJSON_GetObjectItemCaseSensitive(rule, "names");

		for (int i = cJSON_GetArraySize(names) - 1; i >= 0; i--)
			if (is_guarded(cJSON_GetArrayItem(names, i)))
				cJSON_DeleteItemFromArray(names, i);
	}
}

/* Our own word on them, as an OCI runtime takes it (config-linux.md, "Seccomp"). */
static int add_rules(cJSON *rules)
{
	char text[512];
	cJSON *rule;

	for (size_t i = 0; i < ARRAY_SIZE(guarded); i++) {
		if (strcmp(guarded[i], "clone3") == 0)
			(void)snprintf(text, sizeof(text),
				       "{\"names\":[\"clone3\"],\"action\":\"SCMP_ACT_ERRNO\","
				       "\"errnoRet\":%d,\"errno\":\"ENOSYS\"}",
				       ENOSYS);
		else
			(void)snprintf(text, sizeof(text),
				       "{\"names\":[\"%s\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":"
				       "[{\"index\":0,\"value\":%d,\"valueTwo\":0,"
				       "\"op\":\"SCMP_CMP_MASKED_EQ\"}]}",
				       guarded[i], CLONE_NEWCGROUP);
		rule = cJSON_Parse(text);
		if (!rule || !cJSON_AddItemToArray(rules, rule)) {
			cJSON_Delete(rule);
			return -ENOMEM;
		}
	}
	return 0;
}

int sbx_seccomp_profile_make(const char *system, char **ret_text, struct sbx_error *err)
{
	cJSON *profile = cJSON_Parse(system);
	cJSON *rules = cJSON_GetObjectItemCaseSensitive(profile, "syscalls");
	const cJSON *action = cJSON_GetObjectItemCaseSensitive(profile, "defaultAction");
	char *text = NULL;
	int r = -EBADMSG;

	/* One that allows what it doesn't name would allow what we take out. */
	if (cJSON_IsArray(rules) && cJSON_IsString(action) &&
	    strcmp(action->valuestring, "SCMP_ACT_ALLOW") != 0) {
		remove_guarded(rules);
		r = add_rules(rules);
		text = r == 0 ? cJSON_PrintUnformatted(profile) : NULL;
	}
	cJSON_Delete(profile);
	if (r == 0 && !text)
		r = -ENOMEM;
	if (r < 0)
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

int sbx_seccomp_profile_write(int folder, const char *name, struct sbx_error *err)
{
	_cleanup_free_ char *system = NULL, *text = NULL;
	_cleanup_close_ int fd = -1;
	int r = read_system(&system, err);

	if (r == 0)
		r = sbx_seccomp_profile_make(system, &text, err);
	if (r < 0)
		return r;
	(void)unlinkat(folder, name, 0);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : sbx_write_all(fd, text, strlen(text));
	return r < 0 ? sbx_error_set(err, r, "seccomp: %s", strerror(-r)) : 0;
}
