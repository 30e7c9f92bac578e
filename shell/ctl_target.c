#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "paths.h"
#include "util.h"

int ctl_base(const struct ctl *ctl, const struct sbx_account *account, char **ret_base,
	     struct sbx_error *err)
{
	char *base = NULL;

	if (asprintf(&base, "%s%s", ctl->dir ? ctl->dir : account->home,
		     ctl->dir ? "" : "/sandboxes") < 0)
		return sbx_error_set(err, -ENOMEM, "out of memory");
	*ret_base = base;
	return 0;
}

/* The caller's own policy for a sandbox in a folder of theirs. */
static int load_own(const struct ctl *ctl, const char *name, struct ctl_target *target,
		    struct sbx_error *err)
{
	_cleanup_free_ char *path = NULL, *setup = NULL;
	struct sbx_policy_source source = {
		.account_optional = true,
		.account = name,
		.also_owner = target->account.uid,
	};

	if (asprintf(&path, "%s/%s/policy.json", target->base, name) < 0)
		path = NULL;
	/* In a checkout its own setup.sh serves. */
	if (asprintf(&setup, "%s/../setup.sh", ctl->dir ? ctl->dir : target->base) < 0)
		setup = NULL;
	if (!path || !setup)
		return sbx_error_set(err, -ENOMEM, "out of memory");
	source.account_path = path;
	source.setup_default = ctl->dir ? setup : SBX_SETUP_PATH;
	return sbx_policy_load(&source, &target->policy, err);
}

static bool has_root_policy(const char *account)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, SBX_POLICY_DIR "/%s.json", account) < 0) {
		path = NULL;
		return false;
	}
	return access(path, F_OK) == 0;
}

/* Nothing but defaults and the name: enough to find a sandbox by. */
static int load_nothing(const char *name, struct ctl_target *target, struct sbx_error *err)
{
	struct sbx_policy_source source = {
		.account_optional = true,
		.account = name,
		.setup_default = SBX_SETUP_PATH,
	};

	return sbx_policy_load(&source, &target->policy, err);
}

int ctl_confirm(const struct ctl *ctl, const char *command, const char *name, const char *what,
		struct sbx_error *err)
{
	char answer[8] = "";

	if (ctl->yes)
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return sbx_error_set(err, -EPERM, "%s %s: would %s: say --yes", command, name,
				     what);
	(void)fprintf(stderr, "%s %s: %s? [y/N] ", command, name, what);
	if (!fgets(answer, sizeof(answer), stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
		return sbx_error_set(err, -ECANCELED, "%s %s: not done", command, name);
	return 0;
}

int ctl_open(const struct ctl *ctl, const char *name, bool policy_needed, struct ctl_target *target,
	     struct sbx_error *err)
{
	bool rooted;
	int r;

	if (!sbx_name_valid(name))
		return sbx_error_set(
			err, -EINVAL,
			"%s: not a sandbox name: lower-case letters, digits, '_', '-' and '.', "
			"at most 32, beginning with a letter or '_'",
			name);
	r = sbx_account_self(&target->account, err);
	if (r == 0)
		r = ctl_base(ctl, &target->account, &target->base, err);
	if (r < 0)
		return r;
	rooted = !ctl->dir && has_root_policy(target->account.name);
	r = rooted ? sbx_policy_load_account(target->account.name, &target->policy, err)
		   : load_own(ctl, name, target, err);
	if (r < 0 && !policy_needed)
		r = load_nothing(name, target, err);
	if (r < 0)
		return r;
	if (strcmp(target->policy->sandbox, name) != 0)
		return sbx_error_set(err, -ENOENT,
				     "%s: the policy names this sandbox %s: use that name", name,
				     target->policy->sandbox);
	return sbx_box_open(&target->box, &target->account, target->policy, target->base,
			    ctl->init_path, err);
}

void ctl_close(struct ctl_target *target)
{
	if (target->box.base)
		sbx_box_done(&target->box);
	sbx_policy_free(target->policy);
	sbx_account_done(&target->account);
	free(target->base);
	*target = (struct ctl_target){ 0 };
}
