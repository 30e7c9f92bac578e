/*
 * Loading an account's policy; see policy.h.
 *
 * The host-wide file first, then the account's on top of it, each opened safely, checked whole,
 * and refused whole. It must never return a policy that is not exactly what the files say.
 */
#include "policy.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_check.h"
#include "paths.h"
#include "policy_apply.h"
#include "policy_file.h"
#include "policy_lists.h"
#include "policy_value.h"
#include "seccomp_profile.h"
#include "util.h"

/* One file and what it says; both stay until the checks across files are done. */
struct loaded {
	char *text;
	struct sbx_json *json;
};

/* The host-wide file and the account's; the later wins. */
struct loaded_pair {
	struct loaded files[2];
};

static void loaded_done(struct loaded_pair *pair)
{
	for (size_t i = 0; i < ARRAY_SIZE(pair->files); i++) {
		sbx_json_free(pair->files[i].json);
		free(pair->files[i].text);
	}
}

#define _cleanup_loaded_ __attribute__((cleanup(loaded_done)))

/* Returns -ENOENT without an error set when there is no such file. */
static int load_file(struct sbx_policy *policy, const char *path, uid_t also_owner,
		     struct loaded *file, struct sbx_error *err)
{
	struct sbx_error problem = SBX_ERROR_INIT;
	size_t length;
	int r;

	if (!path)
		return -ENOENT;
	r = sbx_policy_file_read(path, also_owner, &file->text, &length, &problem);
	if (r == -ENOENT)
		return r;
	if (r < 0)
		return sbx_error_set(err, r, "%s", problem.message);
	r = sbx_json_parse(path, file->text, length, &file->json, err);
	if (r < 0)
		return r;
	return sbx_policy_apply(policy, file->json, err);
}

/* Say it at the key in the file that gave it. */
static int fail_at_key(const struct loaded_pair *pair, const char *path, const char *message,
		       struct sbx_error *err)
{
	for (size_t i = ARRAY_SIZE(pair->files); i-- > 0;) {
		const struct sbx_json *json = pair->files[i].json;
		const struct sbx_json_node *node = json ? sbx_json_find(json, path) : NULL;

		if (node)
			return sbx_json_fail(json, node, false, -EINVAL, err, "%s", message);
	}
	return sbx_error_set(err, -EINVAL, "%s: %s", path, message);
}

static bool is_listed(char *const *list, const char *name)
{
	for (; list && *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

static int check_seccomp(const struct sbx_policy *policy, const struct loaded_pair *pair,
			 struct sbx_error *err)
{
	for (char **name = policy->seccomp_allow; name && *name; name++) {
		const char *why = sbx_seccomp_profile_kept(*name);
		char text[256];

		if (!why && is_listed(policy->seccomp_deny, *name))
			why = "is in seccomp.deny too: leave it out of one of them";
		if (!why)
			continue;
		(void)snprintf(text, sizeof(text), "\"%s\" %s", *name, why);
		return fail_at_key(pair, "seccomp.allow", text, err);
	}
	return 0;
}

/* What no single key can tell. */
static int check_together(const struct sbx_policy *policy, const struct loaded_pair *pair,
			  struct sbx_error *err)
{
	if (policy->limits.swap_set && policy->limits.memory == 0)
		return fail_at_key(pair, "limits.swap",
				   "needs limits.memory: set that too, or leave this out", err);
	if (policy->limits.shm > 0 && policy->ipc_host)
		return fail_at_key(
			pair, "limits.shm",
			"cannot limit the host's /dev/shm: leave it out, or ipc \"host\"", err);
	if (policy->nesting && policy->seccomp_strict)
		return fail_at_key(pair, "nesting",
				   "needs new user namespaces, which seccomp.profile \"strict\" "
				   "refuses: leave out one of them",
				   err);
	return check_seccomp(policy, pair, err);
}

static int new_policy(const struct sbx_policy_source *source, struct sbx_policy **ret_policy,
		      struct sbx_error *err)
{
	_cleanup_policy_ struct sbx_policy *policy = calloc(1, sizeof(*policy));

	if (!policy || sbx_policy_apply_defaults(policy) < 0)
		return sbx_error_set(err, -ENOMEM, "policy: out of memory");
	policy->sandbox = strdup(source->account);
	policy->setup = strdup(source->setup_default ? source->setup_default : SBX_SETUP_PATH);
	if (!policy->sandbox || !policy->setup)
		return sbx_error_set(err, -ENOMEM, "policy: out of memory");
	*ret_policy = steal_pointer(policy);
	return 0;
}

int sbx_policy_load(const struct sbx_policy_source *source, struct sbx_policy **ret_policy,
		    struct sbx_error *err)
{
	_cleanup_policy_ struct sbx_policy *policy = NULL;
	_cleanup_loaded_ struct loaded_pair pair = { 0 };
	int r = new_policy(source, &policy, err);

	if (r < 0)
		return r;
	r = load_file(policy, source->defaults_path, source->also_owner, &pair.files[0], err);
	if (r < 0 && r != -ENOENT)
		return r;
	r = load_file(policy, source->account_path, source->also_owner, &pair.files[1], err);
	if (r == -ENOENT && !source->account_optional)
		return sbx_error_set(err, -ENOENT,
				     "no policy for account %s (%s): ask the operator to create it",
				     source->account,
				     source->account_path ? source->account_path : "no path");
	if (r < 0 && r != -ENOENT)
		return r;
	r = check_together(policy, &pair, err);
	if (r < 0)
		return r;
	if (!sbx_name_valid(policy->sandbox))
		return sbx_error_set(err, -EINVAL,
				     "%s: sandbox: the account's name can't name a sandbox: "
				     "set \"sandbox\" to another",
				     source->account_path ? source->account_path : source->account);
	*ret_policy = steal_pointer(policy);
	return 0;
}

int sbx_policy_load_account(const char *account, struct sbx_policy **ret_policy,
			    struct sbx_error *err)
{
	_cleanup_free_ char *path = NULL;
	struct sbx_policy_source source = {
		.defaults_path = SBX_POLICY_DEFAULTS,
		.account = account,
		.setup_default = SBX_SETUP_PATH,
	};

	/* The name becomes part of a path: nothing but a plain name may. */
	if (!sbx_name_valid(account))
		return sbx_error_set(err, -EINVAL,
				     "account %s: not a name that can have a policy: "
				     "use a-z, 0-9, _ . -",
				     account);
	if (asprintf(&path, "%s/%s.json", SBX_POLICY_DIR, account) < 0) {
		path = NULL;
		return sbx_error_set(err, -ENOMEM, "policy: out of memory");
	}
	source.account_path = path;
	return sbx_policy_load(&source, ret_policy, err);
}

void sbx_policy_free(struct sbx_policy *policy)
{
	if (!policy)
		return;
	free(policy->sandbox);
	free(policy->image);
	free(policy->shell);
	free(policy->setup);
	sbx_list_free(policy->network_allow);
	sbx_list_free(policy->devices);
	sbx_mounts_free(policy->mounts, policy->mount_count);
	sbx_list_free(policy->seccomp_deny);
	sbx_list_free(policy->seccomp_allow);
	sbx_env_free(policy->env_set, policy->env_set_count);
	sbx_list_free(policy->env_pass);
	sbx_list_free(policy->access_from);
	free(policy);
}

int sbx_policy_check_access(const struct sbx_policy *policy, int64_t now, struct sbx_error *err)
{
	char expires[SBX_VALUE_TEXT_MAX];

	if (!policy->access_enabled)
		return sbx_error_set(err, -EACCES,
				     "access.enabled: this account is disabled: ask the operator");
	if (policy->access_expires_set && now >= policy->access_expires) {
		sbx_value_format_time(expires, policy->access_expires);
		return sbx_error_set(err, -EACCES,
				     "access.expires: access ended at %s: ask the operator",
				     expires);
	}
	return 0;
}

bool sbx_policy_passes_env(const struct sbx_policy *policy, const char *name)
{
	if (sbx_value_check(&sbx_form_env_name, name)) /* malformed, or the login's own */
		return false;
	for (char *const *entry = policy->env_pass; entry && *entry; entry++) {
		size_t length = strlen(*entry);

		if (strcmp(*entry, name) == 0)
			return true;
		if (length > 0 && (*entry)[length - 1] == '*' &&
		    strncmp(*entry, name, length - 1) == 0)
			return true;
	}
	return false;
}
