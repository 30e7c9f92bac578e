#include "box_start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "host.h"
#include "host_limits.h"
#include "leftover.h"
#include "record.h"
#include "util.h"
#include "wire.h"

#define PODMAN_START_MS 60000
#define HANDSHAKE_MS 5000 /* between podman's success and PID 1's first word */
#define START_DIR "start"

void sbx_box_say(const struct sbx_box *box, const char *format, ...)
{
	va_list args;

	if (!box->terminal)
		return;
	(void)fputs("sandbox-shell: ", stderr);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputs("\n", stderr);
}

/*
 * A Unix socket bound to a fresh file of the runtime folder. listen says whether it takes
 * connections yet.
 */
static int bind_socket(struct sbx_box *box, const char *file, int type, bool listening, int *ret_fd,
		       struct sbx_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
			      box->runtime.path, file);

	if (length < 0 || (size_t)length >= sizeof(address.sun_path))
		return sbx_error_set(err, -ENAMETOOLONG, "socket %s/%s: path too long",
				     box->runtime.path, file);
	if (unlinkat(box->runtime.fd, file, 0) < 0 && errno != ENOENT)
		return sbx_error_set(err, -errno, "socket %s: %s", address.sun_path,
				     strerror(errno));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    (listening && listen(fd, 4) < 0))
		return sbx_error_set(err, -errno, "socket %s: %s", address.sun_path,
				     strerror(errno));
	*ret_fd = steal_fd(&fd);
	return 0;
}

struct start {
	int listener; /* of the start channel */
	int channel;  /* PID 1, once it came */
	int socket;   /* the sandbox's, for PID 1 to listen on */
	pid_t init;
	long long deadline; /* for podman, in sbx_now_ms; 0 for none */
	struct sbx_process podman;
	bool podman_running;
	bool created; /* just now, by this start */
};

static void done_start(struct sbx_box *box, struct start *start)
{
	int fds[] = { start->listener, start->channel, start->socket };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	(void)unlinkat(box->runtime.fd, START_DIR "/" SBX_START_SOCKET, 0);
	if (start->podman_running)
		sbx_process_kill(&start->podman);
}

static int prepare_start(struct sbx_box *box, struct start *start, struct sbx_error *err)
{
	int r;

	if (mkdirat(box->runtime.fd, START_DIR, 0700) < 0 && errno != EEXIST)
		return sbx_error_set(err, -errno, "folder %s/" START_DIR ": %s", box->runtime.path,
				     strerror(errno));
	(void)unlinkat(box->runtime.fd, SBX_BOX_RECORD, 0);
	r = bind_socket(box, START_DIR "/" SBX_START_SOCKET, SOCK_SEQPACKET, true, &start->listener,
			err);
	if (r == 0)
		r = bind_socket(box, SBX_BOX_SOCKET, SOCK_STREAM, false, &start->socket, err);
	return r;
}

/* Take PID 1's connection if it's one, and give it its socket. Others are shown the door. */
static void greet(struct sbx_box *box, struct start *start)
{
	struct timeval limit = { .tv_sec = HANDSHAKE_MS / 1000 };
	_cleanup_close_ int channel = accept4(start->listener, NULL, NULL, SOCK_CLOEXEC);
	pid_t pid;
	uid_t uid;

	if (channel < 0 || sbx_wire_peer(channel, &pid, &uid) < 0 || uid != box->account->uid ||
	    !sbx_host_is_init(pid))
		return;
	(void)setsockopt(channel, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (sbx_wire_send(channel, SBX_WIRE_LISTEN, NULL, 0, &start->socket, 1) < 0)
		return;
	start->channel = steal_fd(&channel);
	start->init = pid;
}

/* Until podman has ended and PID 1 has come, in whatever order. */
static int await_init(struct sbx_box *box, struct start *start, struct sbx_error *err)
{
	long long deadline = start->deadline;
	int r;

	while (start->podman_running || start->channel < 0) {
		struct pollfd polled[] = {
			{ .fd = start->channel < 0 ? start->listener : -1, .events = POLLIN },
			{ .fd = start->podman_running ? start->podman.pidfd : -1,
			  .events = POLLIN },
			{ .fd = start->podman_running ? start->podman.err : -1, .events = POLLIN },
			{ .fd = start->podman_running ? start->podman.out : -1, .events = POLLIN },
		};
		long long left = deadline ? deadline - sbx_now_ms() : -1;

		if (deadline && left <= 0 && start->podman_running)
			return sbx_error_set(
				err, -ETIMEDOUT,
				"start: podman hangs over the container: remove it with "
				"`sandboxctl rm`");
		if (deadline && left <= 0)
			return sbx_error_set(
				err, -ESTALE,
				"start: podman started the sandbox, but its PID 1 did not "
				"answer: %s",
				box->policy->seccomp_deny
					? "seccomp.deny may have what it needs: shorten that"
					: "try again, then `sandboxctl reset`");
		if (poll(polled, ARRAY_SIZE(polled), (int)left) < 0 && errno != EINTR)
			return sbx_error_set(err, -errno, "start: %s", strerror(errno));
		if (start->podman_running && !(polled[1].revents & POLLIN))
			sbx_process_collect(&start->podman, -1);
		if (polled[0].revents)
			greet(box, start);
		if (polled[1].revents) {
			start->podman_running = false;
			r = sbx_engine_finish(&start->podman, err);
			if (r < 0)
				return r;
			/* Nobody watches the container: podman only thinks that it runs. */
			if (start->channel < 0 &&
			    !sbx_leftover_exists(box->account->uid, box->instance))
				return sbx_error_set(err, -ESTALE,
						     "start: podman takes the sandbox for running");
			deadline = sbx_now_ms() + HANDSHAKE_MS;
		}
	}
	return 0;
}

static int commit(struct sbx_box *box, struct start *start, bool ready, struct sbx_error *err)
{
	struct sbx_record record = {
		.pid = start->init, .digest = box->digest, .limits = box->limits, .ready = ready
	};
	struct sbx_wire_header header;
	int r = sbx_wire_recv_header(start->channel, &header, NULL, 0, NULL);

	if (r < 0 || header.type != SBX_WIRE_READY)
		return sbx_error_set(err, -EPROTO, "start: PID 1 ended before it listened");
	/* It was created under other limits, perhaps. */
	r = start->created
		    ? 0
		    : sbx_host_apply_limits(box->policy, &box->engine.facts, start->init, err);
	if (r == 0)
		r = sbx_host_verify(box->policy, &box->engine.facts, start->init, err);
	if (r == 0)
		r = sbx_record_write(box->runtime.fd, SBX_BOX_RECORD, &record, err);
	if (r < 0)
		return r;
	r = sbx_wire_send(start->channel, SBX_WIRE_COMMIT, NULL, 0, NULL, 0);
	return r < 0 ? sbx_error_set(err, r, "start: PID 1 ended: %s", strerror(-r)) : 0;
}

int sbx_box_start(struct sbx_box *box, bool create, bool ready, struct sbx_error *err)
{
	struct start start = { .listener = -1, .channel = -1, .socket = -1, .created = create };
	int r = prepare_start(box, &start, err);

	/* Making a container may mean to re-own an image's layers, which takes what it takes. */
	if (!create)
		start.deadline = sbx_now_ms() + PODMAN_START_MS;
	if (r == 0)
		r = sbx_engine_launch(&box->engine, create, &start.podman, err);
	if (r == 0) {
		start.podman_running = true;
		r = await_init(box, &start, err);
	}
	if (r == 0)
		r = commit(box, &start, ready, err);
	done_start(box, &start);
	if (r < 0)
		(void)unlinkat(box->runtime.fd, SBX_BOX_RECORD, 0);
	return r;
}

int sbx_box_dial(struct sbx_box *box, pid_t init, int *ret_conn, struct sbx_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int conn = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;
	uid_t uid;
	int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SBX_BOX_SOCKET,
			      box->runtime.path);

	if (conn < 0 || length < 0 || (size_t)length >= sizeof(address.sun_path))
		return sbx_error_set(err, -EIO, "connect: no socket");
	if (connect(conn, (struct sockaddr *)&address, sizeof(address)) < 0)
		return sbx_error_set(err, -ENOENT, "connect: %s", strerror(errno));
	if (sbx_wire_peer(conn, &pid, &uid) < 0 || pid != init || uid != box->account->uid)
		return sbx_error_set(
			err, -EPERM,
			"connect: process %ld listens where PID 1 of the sandbox (%ld) should",
			(long)pid, (long)init);
	*ret_conn = steal_fd(&conn);
	return 0;
}
