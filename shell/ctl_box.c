/*
 * box and run: into a sandbox, as a login would; stop and kill: end all in it; reset and rm: away
 * with its container, or with all of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "leftover.h"
#include "session.h"
#include "util.h"

static int usage(const char *how, struct sbx_error *err)
{
	return sbx_error_set(err, -EINVAL, "usage: sandboxctl %s", how);
}

static int fill_request(struct sbx_request *request, struct ctl_target *target, char **command,
			char *argv0, char **login)
{
	const char *base = strrchr(target->policy->shell, '/');

	(void)snprintf(argv0, 128, "-%.120s", base ? base + 1 : target->policy->shell);
	login[0] = argv0;
	login[1] = NULL;
	request->program = command[0] ? command[0] : target->policy->shell;
	request->argv = command[0] ? command : login;
	request->terminal = isatty(0) && isatty(1) && isatty(2);
	return sbx_request_prepare(request, &target->account, target->policy, environ);
}

static int enter(const struct ctl *ctl, char **args, struct sbx_error *err)
{
	struct ctl_target target = { 0 };
	struct sbx_request request = { 0 };
	char argv0[128], *login[2], **command = args[1] ? args + 2 : args + 1;
	int r = ctl_open(ctl, args[0], true, &target, err);

	if (r == 0 && !ctl->by_root)
		r = sbx_policy_check_access(target.policy, time(NULL), err);
	if (r == 0) {
		request.seconds = ctl->by_root ? 0 : target.policy->limits.session_time;
		r = fill_request(&request, &target, command, argv0, login);
		if (r < 0)
			(void)sbx_error_set(err, r, "out of memory");
	}
	if (r == 0)
		r = sbx_box_run(&target.box, &request, err);
	sbx_request_done(&request);
	ctl_close(&target);
	return r;
}

int ctl_box(const struct ctl *ctl, char **args, struct sbx_error *err)
{
	if (!args[0] || (args[1] && strcmp(args[1], "--") != 0))
		return usage("box NAME [-- COMMAND [ARGUMENT...]]", err);
	return enter(ctl, args, err);
}

int ctl_run(const struct ctl *ctl, char **args, struct sbx_error *err)
{
	if (!args[0] || (args[1] && strcmp(args[1], "--") != 0))
		return usage("run ACCOUNT [-- COMMAND [ARGUMENT...]]", err);
	if (!ctl->by_root)
		return sbx_error_set(err, -EPERM,
				     "run: for root: your own sandbox is entered by "
				     "`sandboxctl box`");
	return enter(ctl, args, err);
}

/*
 * At once means that PID 1 goes first, and all inside with it: whoever holds the lock may be
 * waiting for something that hangs in there.
 */
static int end(const struct ctl *ctl, const char *name, bool at_once, struct sbx_error *err)
{
	_cleanup_close_ int lock = -1;
	struct ctl_target target = { 0 };
	int r = ctl_open(ctl, name, false, &target, err);

	if (r == 0 && at_once)
		sbx_leftover_kill(target.account.uid, target.box.instance);
	if (r == 0)
		r = sbx_box_lock(&target.box, &lock, err);
	if (r == 0)
		r = sbx_box_open_engine(&target.box, err);
	if (r == 0)
		r = sbx_engine_stop(&target.box.engine, !at_once, err);
	ctl_close(&target);
	return r;
}

int ctl_stop(const struct ctl *ctl, char **args, struct sbx_error *err)
{
	if (!args[0] || args[1])
		return usage("stop NAME", err);
	return end(ctl, args[0], false, err);
}

int ctl_kill(const struct ctl *ctl, char **args, struct sbx_error *err)
{
	if (!args[0] || args[1])
		return usage("kill NAME", err);
	return end(ctl, args[0], true, err);
}

/* The container, and with data all of the sandbox's folder. */
static int take_away(const struct ctl *ctl, const char *command, const char *name, bool data,
		     struct sbx_error *err)
{
	struct ctl_target target = { 0 };
	struct stat st;
	_cleanup_free_ char *path = NULL, *loses = NULL;
	int r;

	r = ctl_open(ctl, name, false, &target, err);
	if (r == 0 && asprintf(&path, "%s/%s/home", target.base, name) < 0) {
		path = NULL;
		r = sbx_error_set(err, -ENOMEM, "out of memory");
	}
	if (r == 0 && asprintf(&loses, "remove its container and %s %s/%s%s",
			       data ? "all files in" : "what is in it outside of", target.base,
			       name, data ? "" : "/home") < 0) {
		loses = NULL;
		r = sbx_error_set(err, -ENOMEM, "out of memory");
	}
	if (r == 0 && lstat(path, &st) < 0)
		r = sbx_error_set(err, -ENOENT, "%s: no such sandbox in %s", name, target.base);
	if (r == 0)
		r = ctl_confirm(ctl, command, name, loses, err);
	if (r == 0)
		r = sbx_box_remove(&target.box, data, err);
	ctl_close(&target);
	return r;
}

int ctl_reset(const struct ctl *ctl, char **args, struct sbx_error *err)
{
	if (!args[0] || args[1])
		return usage("reset [--yes] NAME", err);
	return take_away(ctl, "reset", args[0], false, err);
}

int ctl_rm(const struct ctl *ctl, char **args, struct sbx_error *err)
{
	if (!args[0] || args[1])
		return usage("rm [--yes] NAME", err);
	return take_away(ctl, "rm", args[0], true, err);
}
