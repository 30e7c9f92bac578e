/*
 * enroll: an account that lands in its sandbox, made from nothing or taken over. All that is given
 * is checked before anything is made; when a step fails, what this call has made is undone; when
 * it is killed, the next one finds what is there and makes the rest.
 */
#include "ctl_enroll.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl_root.h"
#include "engine_args.h"
#include "paths.h"
#include "policy_file.h"

/*
 * As a login would read it: the host's defaults, and on top of them the file that is given, the
 * one that is there, or none. Nobody but root can change it between the check and the copy.
 */
static int check_policy(struct ctl_enroll *enroll, const char *given, char **ret_image,
			struct sbx_error *err)
{
	_cleanup_policy_ struct sbx_policy *policy = NULL;
	char path[512];
	struct sbx_policy_source source = {
		.defaults_path = SBX_POLICY_DEFAULTS,
		.account_path = given ? given : path,
		.account_optional = !given,
		.account = enroll->name,
		.setup_default = SBX_SETUP_PATH,
	};
	size_t length;
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s.json", SBX_POLICY_DIR, enroll->name);
	if (given && access(given, F_OK) < 0)
		return sbx_error_set(err, -errno, "--policy %s: %s", given, strerror(errno));
	r = sbx_policy_load(&source, &policy, err);
	if (r == 0 && given)
		r = sbx_policy_file_read(given, 0, &enroll->policy, &length, err);
	if (r < 0)
		return r;
	*ret_image = strdup(policy->image);
	return *ret_image ? 0 : sbx_error_set(err, -ENOMEM, "out of memory");
}

/* In reverse; what can't be undone is said in the same line. */
static void undo(struct ctl_enroll *enroll, const bool *began, size_t count, struct sbx_error *err)
{
	for (size_t i = count; i-- > 0;) {
		const struct ctl_enroll_step *step = &ctl_enroll_steps[i];
		struct sbx_error problem = SBX_ERROR_INIT, before = *err;

		if (!began[i] || !step->undo)
			continue;
		if (step->undo(enroll, &problem) == 0)
			ctl_say("%s: undone", step->what);
		else
			(void)sbx_error_set(err, err->code,
					    "%s; and the %s can't be undone (%s): sandboxctl "
					    "unenroll %s",
					    before.message, step->what, problem.message,
					    enroll->name);
	}
}

static int make_all(struct ctl_enroll *enroll, struct sbx_error *err)
{
	bool began[CTL_ENROLL_STEPS_MAX] = { false };
	int r = 0;

	for (size_t i = 0; i < ctl_enroll_step_count && r == 0; i++) {
		enroll->began = false;
		r = ctl_enroll_steps[i].make(enroll, err);
		began[i] = enroll->began;
		if (r < 0)
			undo(enroll, began, i + 1, err);
	}
	return r;
}

/* How to log in, and what is still missing for that. */
static void say_end(const struct ctl_enroll *enroll, const char *image)
{
	_cleanup_free_ char *file = NULL;
	char path[512], host[256] = "HOST";

	(void)gethostname(host, sizeof(host) - 1);
	(void)snprintf(path, sizeof(path), "%s/%s", CTL_KEYS_DIR, enroll->name);
	if (access(path, F_OK) < 0)
		ctl_say("missing: a key: sandboxctl enroll --key FILE %s", enroll->name);
	if (sbx_engine_image_file(image, &file) == 0) {
		(void)snprintf(path, sizeof(path), "%s/%s", SBX_IMAGE_DIR, file);
		if (access(path, F_OK) < 0 && strcmp(image, SBX_DEFAULT_IMAGE) == 0)
			ctl_say("missing: the base image: sandboxctl build-base");
		else if (access(path, F_OK) < 0)
			ctl_say("missing: the image %s, as %s", image, path);
	}
	ctl_say("log in with: ssh %s@%s", enroll->name, host);
}

static int enroll_account(const struct ctl *ctl, struct ctl_enroll *enroll, struct sbx_error *err)
{
	_cleanup_close_ int lock = -1;
	_cleanup_free_ char *image = NULL;
	int r = ctl_root_check("enroll", enroll->name, err);

	if (r == 0)
		r = check_policy(enroll, ctl->policy, &image, err);
	if (r == 0 && ctl->key)
		r = ctl_enroll_read_keys(enroll, ctl->key, err);
	if (r == 0)
		r = ctl_root_lock(&lock, err);
	if (r == 0)
		r = ctl_enroll_check(enroll, err);
	if (r == 0)
		r = make_all(enroll, err);
	if (r == 0)
		say_end(enroll, image);
	return r;
}

int ctl_enroll(const struct ctl *ctl, char **args, struct sbx_error *err)
{
	struct ctl_enroll enroll = { .name = args[0], .existing = ctl->existing };
	int r;

	if (!args[0] || args[1])
		return sbx_error_set(err, -EINVAL,
				     "usage: sandboxctl enroll ACCOUNT [--key FILE|-] [--policy "
				     "FILE] [--existing]");
	r = enroll_account(ctl, &enroll, err);
	sbx_strv_done(&enroll.keys);
	free(enroll.policy);
	free(enroll.home);
	free(enroll.old_shell);
	free(enroll.old_shells);
	free(enroll.old_keys);
	free(enroll.old_policy);
	return r;
}
