/*
 * policy: check a file or an account's policy without logging in; show what is in force; print the
 * schema.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "paths.h"
#include "seccomp_profile.h"
#include "util.h"

/* As a login would: below /etc only root's files count; a draft elsewhere may be the caller's. */
static int load_file(const char *path, struct sbx_policy **policy, struct sbx_error *err)
{
	bool installed = strncmp(path, SBX_CONF_DIR "/", strlen(SBX_CONF_DIR "/")) == 0;
	struct sbx_policy_source source = {
		.account_path = path,
		.account = "sandbox",
		.also_owner = installed ? 0 : getuid(),
		.setup_default = SBX_SETUP_PATH,
	};

	if (access(path, F_OK) < 0)
		return sbx_error_set(err, -errno, "%s: %s", path, strerror(errno));
	return sbx_policy_load(&source, policy, err);
}

/* A word with a slash or ending in .json is a file; any other is an account. */
static int load_named(const char *what, struct sbx_policy **policy, struct sbx_error *err)
{
	size_t length = strlen(what);
	bool is_file = strchr(what, '/') || (length > 5 && strcmp(what + length - 5, ".json") == 0);

	if (is_file)
		return load_file(what, policy, err);
	if (!sbx_name_valid(what))
		return sbx_error_set(err, -EINVAL, "%s: neither a file nor a valid account name",
				     what);
	return sbx_policy_load_account(what, policy, err);
}

/* What podman is given, as it is given. */
static int print_seccomp(const struct sbx_policy *policy, struct sbx_error *err)
{
	_cleanup_free_ char *text = NULL;
	int r = sbx_seccomp_profile_text(policy, &text, err);

	if (r == 0)
		(void)printf("%s\n", text);
	return r;
}

int ctl_policy(const struct ctl *ctl, char **args, struct sbx_error *err)
{
	_cleanup_policy_ struct sbx_policy *policy = NULL;
	const char *verb = args[0];
	bool show = verb && strcmp(verb, "show") == 0;
	int r;

	if (verb && strcmp(verb, "schema") == 0 && !args[1])
		return sbx_policy_print_schema(stdout);
	if (!verb || !args[1] || args[2] || (!show && strcmp(verb, "check") != 0))
		return sbx_error_set(err, -EINVAL,
				     "usage: sandboxctl policy check FILE|ACCOUNT, policy show "
				     "[--seccomp] FILE|ACCOUNT, policy schema");
	r = load_named(args[1], &policy, err);
	if (r == 0 && show && ctl->seccomp)
		return print_seccomp(policy, err);
	if (r == 0 && show)
		return sbx_policy_print(policy, stdout);
	if (r == 0)
		(void)printf("%s: good\n", args[1]);
	return r;
}
