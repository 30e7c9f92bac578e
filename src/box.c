#include "box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box_start.h"
#include "host.h"
#include "host_limits.h"
#include "leftover.h"
#include "record.h"
#include "seccomp_profile.h"
#include "util.h"
#include "wire.h"

#define LOCK "lock"
#define SECCOMP "seccomp.json"
#define ATTEMPTS 4

/*
 * Two folders may each have a sandbox of one name; podman and the runtime folder know one
 * namespace.
 */
static char *name_instance(const struct sbx_account *account, const struct sbx_policy *policy,
			   const char *base)
{
	size_t home = strlen(account->home);
	char *name = NULL;

	if (strncmp(base, account->home, home) == 0 && strcmp(base + home, "/sandboxes") == 0)
		return strdup(policy->sandbox);
	if (asprintf(&name, "%s-%08x", policy->sandbox,
		     (unsigned int)sbx_hash(SBX_HASH_START, base)) < 0)
		return NULL;
	return name;
}

int sbx_box_open(struct sbx_box *box, const struct sbx_account *account,
		 const struct sbx_policy *policy, const char *base, const char *init_path,
		 struct sbx_error *err)
{
	int r;

	*box = (struct sbx_box){
		.account = account,
		.policy = policy,
		.init_path = init_path,
		.terminal = isatty(STDERR_FILENO),
		.limits = sbx_engine_limits_digest(&policy->limits),
		.runtime = SBX_FOLDER_INIT,
		.data = SBX_FOLDER_INIT,
	};
	box->base = strdup(base);
	box->instance = name_instance(account, policy, base);
	if (!box->base || !box->instance || sbx_engine_digest(policy, account, &box->digest) < 0) {
		sbx_box_done(box);
		return sbx_error_set(err, -ENOMEM, "sandbox: out of memory");
	}
	r = sbx_folder_runtime(account, box->instance, true, &box->runtime, err);
	if (r < 0)
		sbx_box_done(box);
	return r;
}

void sbx_box_done(struct sbx_box *box)
{
	sbx_host_facts_done(&box->engine.facts);
	free((void *)(uintptr_t)box->engine.facts.home_source);
	free((void *)(uintptr_t)box->engine.facts.start_dir);
	free((void *)(uintptr_t)box->engine.facts.seccomp);
	sbx_folder_done(&box->runtime);
	sbx_folder_done(&box->data);
	free(box->base);
	free(box->instance);
	*box = (struct sbx_box){ .runtime = SBX_FOLDER_INIT, .data = SBX_FOLDER_INIT };
}

int sbx_box_connect(struct sbx_box *box, int *ret_conn, struct sbx_error *err)
{
	struct sbx_record record;
	int r = sbx_record_read(box->runtime.fd, SBX_BOX_RECORD, &record);

	if (r < 0 || !record.ready)
		return sbx_error_set(err, -ENOENT, "sandbox: not running");
	if (record.digest != box->digest || record.limits != box->limits)
		return sbx_error_set(err, -ESTALE, "sandbox: runs under an earlier policy");
	return sbx_box_dial(box, record.pid, ret_conn, err);
}

int sbx_box_count_sessions(struct sbx_box *box)
{
	_cleanup_close_ int conn = -1;
	struct sbx_wire_header header;
	struct sbx_wire_count count = { 0 };
	struct sbx_record record;
	int r = sbx_record_read(box->runtime.fd, SBX_BOX_RECORD, &record);

	if (r == 0)
		r = sbx_box_dial(box, record.pid, &conn, NULL);
	if (r == 0)
		r = sbx_wire_send(conn, SBX_WIRE_QUERY, NULL, 0, NULL, 0);
	if (r == 0)
		r = sbx_wire_recv_header(conn, &header, NULL, 0, NULL);
	if (r == 0 && (header.type != SBX_WIRE_COUNT || header.length != sizeof(count)))
		r = -EPROTO;
	if (r == 0)
		r = sbx_wire_recv_body(conn, &count, sizeof(count));
	return r < 0 ? r : (int)(count.attached & 0xffffff);
}

int sbx_box_open_engine(struct sbx_box *box, struct sbx_error *err)
{
	struct sbx_facts *facts = &box->engine.facts;
	char *home = NULL, *start = NULL, *seccomp = NULL;

	if (facts->account)
		return 0;
	if (asprintf(&home, "%s/%s/home", box->base, box->policy->sandbox) < 0)
		home = NULL;
	if (asprintf(&start, "%s/start", box->runtime.path) < 0)
		start = NULL;
	if (asprintf(&seccomp, "%s/" SECCOMP, box->runtime.path) < 0)
		seccomp = NULL;
	box->engine.account = box->account;
	box->engine.policy = box->policy;
	box->engine.progress = box->terminal ? STDERR_FILENO : -1;
	facts->container = box->instance;
	facts->init_path = box->init_path;
	facts->home_source = home;
	facts->start_dir = start;
	facts->seccomp = seccomp;
	if (!home || !start || !seccomp)
		return sbx_error_set(err, -ENOMEM, "sandbox: out of memory");
	return sbx_host_facts(box->policy, box->account, facts, err);
}

int sbx_box_lock(struct sbx_box *box, int *ret_lock, struct sbx_error *err)
{
	_cleanup_close_ int fd =
		openat(box->runtime.fd, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return sbx_error_set(err, -errno, "lock %s/" LOCK ": %s", box->runtime.path,
				     strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		sbx_box_say(box, "waiting for another login that is setting up %s",
			    box->policy->sandbox);
		while (flock(fd, LOCK_EX) < 0)
			if (errno != EINTR)
				return sbx_error_set(err, -errno, "lock: %s", strerror(errno));
	}
	*ret_lock = steal_fd(&fd);
	return 0;
}

/*
 * A limit that can't be had refuses the login, or is left out with a warning. Nothing runs
 * unlimited in silence.
 */
static int check_limits(struct sbx_box *box, struct sbx_error *err)
{
	char missing[64];

	if (sbx_host_unenforced(box->policy, &box->engine.facts, missing, sizeof(missing)) == 0)
		return 0;
	if (!box->policy->limits.best_effort)
		return sbx_error_set(
			err, -ENOTSUP,
			"%s: this host can't enforce it for %s: the cgroup controller is "
			"not delegated to the account (or set limits.enforce to "
			"\"best-effort\")",
			missing, box->account->name);
	(void)fprintf(stderr, "sandbox-shell: warning: not enforced on this host: %s\n", missing);
	return 0;
}

/* What a new container needs: its image in the account's store. */
static int ensure_image(struct sbx_box *box, struct sbx_error *err)
{
	int r = sbx_engine_has_image(&box->engine, err);

	if (r != 0)
		return r < 0 ? r : 0;
	r = sbx_engine_load_image(&box->engine, err);
	return r < 0 ? r : 1;
}

/*
 * Start the container that the lasting record knows. One that can't be started is not thrown away,
 * for it may hold what was installed into it. There's no other way only where a socket of the
 * desktop that it mounts has gone, and where podman is stuck in a state that nothing leads out of,
 * such as running with its monitor and PID 1 dead.
 */
static int start_existing(struct sbx_box *box, bool ready, struct sbx_error *err)
{
	const struct sbx_policy *policy = box->policy;
	int r = sbx_box_start(box, false, ready, err);
	int exists;

	if (r == 0 || r == -ENOTSUP || r == -ENOTRECOVERABLE || r == -ETIMEDOUT)
		return r;
	exists = sbx_engine_exists(&box->engine, err);
	if (exists <= 0)
		return exists < 0 ? exists : -ENOENT;
	/*
	 * From whatever state a killed start or a dead monitor left it in, these two lead to one
	 * that start leads out of.
	 */
	(void)sbx_engine_stop(&box->engine, false, NULL);
	(void)sbx_engine_mark_ended(&box->engine, NULL);
	r = sbx_box_start(box, false, ready, err);
	if (r == -ESTALE ||
	    (r < 0 && r != -ENOTSUP && (policy->wayland || policy->pipewire || policy->x11)))
		return -ENOENT;
	return r;
}

/*
 * Make the container. --replace and, from the second try on, a removal clear away what a
 * predecessor left that was killed half-way.
 */
static int create(struct sbx_box *box, struct sbx_error *err)
{
	int r = -EIO, loaded;

	sbx_box_say(box, "creating sandbox %s", box->policy->sandbox);
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		r = sbx_box_start(box, true, false, err);
		if (r == 0 || r == -ENOTSUP)
			break;
		loaded = ensure_image(box, attempt + 1 < ATTEMPTS ? err : NULL);
		if (loaded < 0)
			return loaded;
		if (loaded == 0) {
			sbx_leftover_kill(box->account->uid, box->instance);
			(void)sbx_engine_remove(&box->engine, NULL);
		}
	}
	return r;
}

static int start_or_create(struct sbx_box *box, struct sbx_record *lasting, struct sbx_error *err)
{
	int r = -ENOENT;

	sbx_leftover_kill(box->account->uid, box->instance);
	if (box->engine.facts.cgroup_parent)
		sbx_leftover_remove_groups(box->engine.facts.cgroup_parent);
	if (lasting->digest == box->digest)
		r = start_existing(box, lasting->ready, err);
	else if (lasting->digest != 0)
		r = ensure_image(box, err) < 0 ? -EIO
					       : -ENOENT; /* before the old one is replaced */
	if (r == -ENOENT) {
		*lasting = (struct sbx_record){ 0 };
		r = sbx_record_write(box->data.fd, SBX_BOX_RECORD, lasting, err);
		if (r == 0)
			r = sbx_seccomp_profile_write(box->policy, box->runtime.fd, SECCOMP, err);
		if (r == 0)
			r = create(box, err);
	}
	if (r == -ENOTSUP)
		(void)sbx_engine_stop(&box->engine, true, NULL);
	return r;
}

static int finish_setup(struct sbx_box *box, struct sbx_record *lasting, struct sbx_error *err)
{
	struct sbx_record running;
	int r = sbx_record_read(box->runtime.fd, SBX_BOX_RECORD, &running);

	if (r < 0)
		return sbx_error_set(err, r, "record: %s", strerror(-r));
	if (!running.ready) {
		r = sbx_box_setup(box, err);
		if (r < 0)
			return r;
		lasting->ready = true;
		r = sbx_record_write(box->data.fd, SBX_BOX_RECORD, lasting, err);
		if (r < 0)
			return r;
		(void)unlinkat(box->data.fd, SBX_FOLDER_NEW, 0);
		running.ready = true;
		r = sbx_record_write(box->runtime.fd, SBX_BOX_RECORD, &running, err);
	}
	return r;
}

static int bring_up(struct sbx_box *box, struct sbx_error *err)
{
	struct sbx_record lasting = { 0 }, running;
	int r;

	r = sbx_box_open_engine(box, err);
	if (r == 0)
		r = sbx_folder_data(box->account, box->base, box->policy->sandbox, true, &box->data,
				    err);
	if (r == 0)
		r = check_limits(box, err);
	if (r < 0)
		return r;
	if (sbx_record_read(box->data.fd, SBX_BOX_RECORD, &lasting) < 0)
		lasting = (struct sbx_record){ 0 };
	if (sbx_record_read(box->runtime.fd, SBX_BOX_RECORD, &running) == 0 &&
	    sbx_box_count_sessions(box) >= 0) {
		r = running.digest == box->digest ? sbx_box_adjust(box, &running, err) : -ESTALE;
		if (r == 0)
			return finish_setup(box, &lasting, err);
		if (r != -ESTALE)
			return r;
		r = sbx_box_retire(box, err);
		if (r < 0)
			return r;
	}
	r = start_or_create(box, &lasting, err);
	if (r == -ENOTRECOVERABLE && sbx_engine_migrate(&box->engine, err) == 0)
		r = start_or_create(box, &lasting, err);
	if (r < 0)
		return r;
	lasting.digest = box->digest;
	r = sbx_record_write(box->data.fd, SBX_BOX_RECORD, &lasting, err);
	return r < 0 ? r : finish_setup(box, &lasting, err);
}

int sbx_box_enter(struct sbx_box *box, int *ret_conn, struct sbx_error *err)
{
	_cleanup_close_ int lock = -1;
	int r = sbx_box_connect(box, ret_conn, err);

	if (r != -ENOENT && r != -ESTALE && r != -EPERM)
		return r;
	r = sbx_box_lock(box, &lock, err);
	if (r < 0)
		return r;
	if (sbx_box_connect(box, ret_conn, err) == 0)
		return 0;
	r = bring_up(box, err);
	return r < 0 ? r : sbx_box_connect(box, ret_conn, err);
}

int sbx_box_run(struct sbx_box *box, const struct sbx_request *request, struct sbx_error *err)
{
	int conn = -1, r = -ECONNABORTED;

	for (int attempt = 0; attempt < 2 && r == -ECONNABORTED; attempt++) {
		r = sbx_box_enter(box, &conn, err);
		if (r == 0)
			r = sbx_session_run(conn, request, err);
	}
	return r;
}

int sbx_box_remove(struct sbx_box *box, bool data, struct sbx_error *err)
{
	_cleanup_close_ int lock = -1;
	_cleanup_free_ char *path = NULL;
	int r = sbx_box_lock(box, &lock, err);

	if (r == 0)
		r = sbx_box_open_engine(box, err);
	if (r == 0)
		r = sbx_engine_remove(&box->engine, err);
	if (r == -ENOTRECOVERABLE && sbx_engine_migrate(&box->engine, err) == 0)
		r = sbx_engine_remove(&box->engine, err);
	if (r < 0)
		return r;
	(void)unlinkat(box->runtime.fd, SBX_BOX_RECORD, 0);
	(void)unlinkat(box->runtime.fd, SBX_BOX_SOCKET, 0);
	if (!data)
		return 0;
	if (asprintf(&path, "%s/%s", box->base, box->policy->sandbox) < 0) {
		path = NULL;
		return sbx_error_set(err, -ENOMEM, "sandbox: out of memory");
	}
	return sbx_engine_delete_folder(&box->engine, path, err);
}
