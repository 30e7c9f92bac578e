#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "paths.h"

#define CONTAINER_ID_LENGTH 64
#define KILLED "137" /* an exit status as conmon writes it: 128 + SIGKILL */

/* podman's reasons that need a better one, by what they contain. */
static const struct {
	const char *contains;
	const char *means;
	int code; /* 0 for -EIO */
} reasons[] = {
	{ "newuidmap",
	  "subordinate uids can't be mapped: check /etc/subuid, /etc/subgid and that newuidmap "
	  "and newgidmap are installed (package uidmap)",
	  0 },
	{ "newgidmap",
	  "subordinate gids can't be mapped: check /etc/subgid and that newgidmap is installed "
	  "(package uidmap)",
	  0 },
	{ "container state improper", "the container is stuck in a state that podman can't leave",
	  -ESTALE },
	{ "invalid internal status",
	  "its processes were killed, and it needs `podman system migrate`", -ENOTRECOVERABLE },
	{ "storage graph driver",
	  "the account's storage was made with another driver than overlay (vfs copies "
	  "the whole image per sandbox): empty it with `podman system reset`",
	  0 },
	{ "no space left on device",
	  "no space left where the account's images and sandboxes are "
	  "(~/.local/share/containers), or in its runtime folder: free some",
	  0 },
	{ "insufficient UIDs or GIDs",
	  "the account has too few subordinate uids: usermod --add-subuids, "
	  "--add-subgids",
	  0 },
	{ "payload does not match any of the supported image formats",
	  "its file in " SBX_IMAGE_DIR " is damaged: make it again with `sandboxctl build-base`",
	  0 },
	{ "no subuid ranges", "the account has no subordinate uids: usermod --add-subuids", 0 },
};

static int explain(struct sbx_process *process, struct sbx_error *err)
{
	char reason[512];

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (strstr(process->err_text, reasons[i].contains))
			return sbx_error_set(err, reasons[i].code ? reasons[i].code : -EIO,
					     "podman: %s", reasons[i].means);
	sbx_process_reason(process, reason, sizeof(reason));
	return sbx_error_set(err, -EIO, "podman: %s", reason);
}

static int start_podman(struct sbx_engine *engine, const struct sbx_strv *args, int progress,
			struct sbx_process *process, struct sbx_error *err)
{
	struct sbx_strv env = { 0 };
	struct sbx_spawn spawn = { .in = -1, .out = -1, .progress = progress };
	int r = args->failed ? -ENOMEM
			     : sbx_engine_environment(engine->account, engine->facts.systemd, &env);

	spawn.argv = args->items;
	spawn.env = env.items;
	if (r < 0)
		(void)sbx_error_set(err, r, "podman: out of memory");
	else
		r = sbx_process_start(&spawn, process, err);
	sbx_strv_done(&env);
	return r;
}

static int finish(struct sbx_process *process, int progress, int *ret_status, struct sbx_error *err)
{
	int status = sbx_process_wait(process, progress);

	if (status < 0)
		return sbx_error_set(err, status, "podman: %s", strerror(-status));
	if (process->err_length == 0 && (status == 126 || status == 127))
		return sbx_error_set(err, -ENOENT,
				     "podman: can't be run: install it (looked for " SBX_PODMAN
				     ")");
	*ret_status = status;
	return 0;
}

/*
 * Run podman with these arguments, the last one NULL, to its end. *ret_status gets its exit status
 * where one is wanted; otherwise any but 0 is a failure with podman's reason.
 */
__attribute__((sentinel)) static int run(struct sbx_engine *engine, struct sbx_process *process,
					 int *ret_status, struct sbx_error *err, ...)
{
	struct sbx_strv args = { 0 };
	const char *arg;
	va_list rest;
	int status = -1, r;

	(void)sbx_engine_global_args(&engine->facts, &args);
	va_start(rest, err);
	while ((arg = va_arg(rest, const char *)) != NULL)
		(void)sbx_strv_add(&args, arg);
	va_end(rest);
	r = start_podman(engine, &args, engine->progress, process, err);
	sbx_strv_done(&args);
	if (r == 0)
		r = finish(process, engine->progress, &status, err);
	if (r < 0)
		return r;
	if (ret_status)
		*ret_status = status;
	else if (status != 0)
		return explain(process, err);
	return 0;
}

int sbx_engine_launch(struct sbx_engine *engine, bool create, struct sbx_process *ret_process,
		      struct sbx_error *err)
{
	struct sbx_strv args = { 0 };
	int r;

	if (create) {
		(void)sbx_engine_run_args(engine->policy, &engine->facts, &args);
	} else {
		(void)sbx_engine_global_args(&engine->facts, &args);
		(void)sbx_strv_add(&args, "start");
		(void)sbx_strv_add(&args, engine->facts.container);
	}
	r = start_podman(engine, &args, -1, ret_process, err);
	sbx_strv_done(&args);
	return r;
}

int sbx_engine_finish(struct sbx_process *process, struct sbx_error *err)
{
	int status = -1, r = finish(process, -1, &status, err);

	if (r < 0)
		return r;
	return status == 0 ? 0 : explain(process, err);
}

/* `podman KIND exists NAME` says 0 for yes and 1 for no. */
static int exists(struct sbx_engine *engine, const char *kind, const char *name,
		  struct sbx_error *err)
{
	struct sbx_process process;
	int status = -1, r;

	r = run(engine, &process, &status, err, kind, "exists", name, NULL);
	if (r < 0)
		return r;
	if (status > 1)
		return explain(&process, err);
	return status == 0;
}

int sbx_engine_exists(struct sbx_engine *engine, struct sbx_error *err)
{
	return exists(engine, "container", engine->facts.container, err);
}

int sbx_engine_has_image(struct sbx_engine *engine, struct sbx_error *err)
{
	return exists(engine, "image", engine->policy->image, err);
}

int sbx_engine_load_image(struct sbx_engine *engine, struct sbx_error *err)
{
	_cleanup_free_ char *name = NULL, *path = NULL;
	struct sbx_process process;
	int r;

	if (sbx_engine_image_file(engine->policy->image, &name) < 0 ||
	    asprintf(&path, SBX_IMAGE_DIR "/%s", name) < 0) {
		path = NULL;
		return sbx_error_set(err, -ENOMEM, "image: out of memory");
	}
	if (access(path, R_OK) < 0)
		return sbx_error_set(err, -ENOENT,
				     "image %s: neither in the account's own store nor in %s: make "
				     "it with `sandboxctl build-base`",
				     engine->policy->image, path);
	if (engine->progress >= 0)
		dprintf(engine->progress,
			"sandbox-shell: loading image %s into the account's store\n",
			engine->policy->image);
	r = run(engine, &process, NULL, err, "load", "--input", path, NULL);
	if (r < 0)
		return sbx_error_wrap(err, "image %s", engine->policy->image);
	r = sbx_engine_has_image(engine, err);
	if (r == 0)
		return sbx_error_set(
			err, -ENOENT,
			"image %s: %s holds another image: make it again with `sandboxctl "
			"build-base`",
			engine->policy->image, path);
	return r < 0 ? r : 0;
}

int sbx_engine_remove(struct sbx_engine *engine, struct sbx_error *err)
{
	struct sbx_process process;
	int status = -1, r;

	r = run(engine, &process, &status, err, "rm", "--force", "--time=0", "--ignore",
		engine->facts.container, NULL);
	if (r < 0)
		return r;
	if (status != 0)
		return explain(&process, err);
	/* A podman that was killed may leave a container that only the storage library knows. */
	return run(engine, &process, &status, err, "rm", "--storage", engine->facts.container,
		   NULL);
}

int sbx_engine_stop(struct sbx_engine *engine, bool wait, struct sbx_error *err)
{
	struct sbx_process process;

	return run(engine, &process, NULL, err, "stop", "--ignore", wait ? "--time=5" : "--time=0",
		   engine->facts.container, NULL);
}

int sbx_engine_migrate(struct sbx_engine *engine, struct sbx_error *err)
{
	struct sbx_process process;

	return run(engine, &process, NULL, err, "system", "migrate", NULL);
}

/* By the file that conmon writes when its container ends. */
static int write_exit_file(uid_t uid, const char *id, struct sbx_error *err)
{
	_cleanup_close_ int fd = -1;
	char path[160];

	(void)snprintf(path, sizeof(path), "/run/user/%u/libpod/tmp/exits/%.64s", uid, id);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return sbx_error_set(err, -errno, "podman: %s: %s", path, strerror(errno));
	return sbx_write_all(fd, KILLED, strlen(KILLED));
}

int sbx_engine_mark_ended(struct sbx_engine *engine, struct sbx_error *err)
{
	_cleanup_free_ char *id = NULL;
	struct sbx_process process;
	int r = run(engine, &process, NULL, err, "container", "inspect", "--format={{.Id}}",
		    engine->facts.container, NULL);

	if (r < 0)
		return r;
	process.out_text[strcspn(process.out_text, "\n")] = '\0';
	if (strspn(process.out_text, "0123456789abcdef") != CONTAINER_ID_LENGTH ||
	    process.out_text[CONTAINER_ID_LENGTH])
		return sbx_error_set(err, -EBADMSG, "podman: no container ID");
	id = strdup(process.out_text);
	if (!id)
		return sbx_error_set(err, -ENOMEM, "podman: out of memory");
	r = write_exit_file(engine->account->uid, id, err);
	if (r < 0)
		return r;
	return run(engine, &process, NULL, err, "unshare", SBX_CRUN, "delete", "--force", id, NULL);
}

int sbx_engine_delete_folder(struct sbx_engine *engine, const char *path, struct sbx_error *err)
{
	struct sbx_process process;

	return run(engine, &process, NULL, err, "unshare", "/bin/rm", "--recursive", "--force",
		   "--one-file-system", "--", path, NULL);
}

int sbx_engine_list(struct sbx_engine *engine, char **ret_text, struct sbx_error *err)
{
	struct sbx_process process;
	int r = run(engine, &process, NULL, err, "ps", "--all", "--filter=label=sandbox-shell=1",
		    "--format={{.Names}} {{.State}}", NULL);

	if (r < 0)
		return r;
	*ret_text = strdup(process.out_text);
	return *ret_text ? 0 : sbx_error_set(err, -ENOMEM, "podman: out of memory");
}
