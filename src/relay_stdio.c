/*
 * Sessions without a terminal. Descriptors that were handed over are watched for one thing: whether
 * whoever held their other ends has gone. See relay.h.
 */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "session.h"
#include "util.h"
#include "wire.h"

static char buffers[3][SBX_PUMP_BYTES];

static bool is_unix_stream(int fd)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof(int);
	int domain = 0, type = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 || domain != AF_UNIX)
		return false;
	size = sizeof(int);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_STREAM)
		return false;
	size = sizeof(peer);
	return getpeername(fd, (struct sockaddr *)&peer, &size) == 0;
}

bool sbx_relay_may_hand_over(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	if (S_ISFIFO(st.st_mode))
		return true;
	if (S_ISSOCK(st.st_mode))
		return is_unix_stream(fd);
	return S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

static bool same_file(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
	       one.st_ino == other.st_ino;
}

static int open_one(struct sbx_relay *relay, int fd)
{
	bool input = fd == STDIN_FILENO;
	int ends[2];

	if (sbx_relay_may_hand_over(fd)) {
		relay->give[fd] = fd;
		relay->handed[fd] = true;
		return 0;
	}
	/* stdout and stderr that are one file keep their order by sharing a pipe. */
	if (fd == STDERR_FILENO && relay->made[STDOUT_FILENO] &&
	    same_file(STDOUT_FILENO, STDERR_FILENO)) {
		relay->give[fd] = relay->give[STDOUT_FILENO];
		return 0;
	}
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	relay->give[fd] = input ? ends[0] : ends[1];
	relay->made[fd] = true;
	relay->pumps[fd] = (struct sbx_pump){
		.from = input ? fd : ends[0],
		.to = input ? ends[1] : fd,
		.owns_from = !input,
		.owns_to = input,
		.buffer = buffers[fd],
	};
	(void)fcntl(input ? ends[1] : ends[0], F_SETFL, O_NONBLOCK);
	return 0;
}

int sbx_relay_open(struct sbx_relay *relay, struct sbx_error *err)
{
	int r = 0;

	memset(relay, 0, sizeof(*relay));
	for (int fd = 0; fd < 3; fd++) {
		relay->give[fd] = -1;
		relay->pumps[fd].from = relay->pumps[fd].to = -1;
	}
	for (int fd = 0; fd < 3 && r == 0; fd++)
		r = open_one(relay, fd);
	if (r < 0)
		sbx_relay_done(relay);
	return r < 0 ? sbx_error_set(err, r, "session: pipe: %s", strerror(-r)) : 0;
}

void sbx_relay_handed_over(struct sbx_relay *relay)
{
	for (int fd = 0; fd < 3; fd++) {
		if (relay->made[fd])
			(void)close(relay->give[fd]);
		relay->made[fd] = false;
		relay->give[fd] = -1;
	}
}

void sbx_relay_done(struct sbx_relay *relay)
{
	sbx_relay_handed_over(relay);
	for (int fd = 0; fd < 3; fd++) {
		struct sbx_pump *pump = &relay->pumps[fd];

		if (pump->owns_from && pump->from >= 0)
			(void)close(pump->from);
		if (pump->owns_to && pump->to >= 0)
			(void)close(pump->to);
		pump->from = pump->to = -1;
	}
}

int sbx_relay_time_up(struct sbx_error *err)
{
	return sbx_error_set(err, -ETIME,
			     "session: its time is up (limits.session_time): log in again");
}

int sbx_relay_signals(void)
{
	static const int relayed[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH
	};
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(relayed); i++)
		(void)sigaddset(&set, relayed[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static void pass_signals(int conn, int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		struct sbx_wire_signal message = { info.ssi_signo };

		if (info.ssi_signo != SIGWINCH)
			(void)sbx_wire_send(conn, SBX_WIRE_SIGNAL, &message, sizeof(message), NULL,
					    0);
	}
}

/*
 * The other ends of all three have gone: so did the client. One alone may have its reasons (`|
 * head`, an input that ended). Each is forgotten once it has gone, as poll would tell it for ever.
 * A command can keep a pipe from looking so by opening its other end (/proc/self/fd/1), which is
 * why the process of the client is watched as well.
 */
static bool client_gone(struct pollfd *handed)
{
	int gone = 0;

	for (int fd = 0; fd < 3; fd++) {
		if (handed[fd].revents & (POLLHUP | POLLERR)) {
			handed[fd].fd = -1;
			handed[fd].events = POLLHUP; /* remembered as gone */
		}
		gone += handed[fd].events == POLLHUP;
	}
	return gone == 3;
}

static int result_of(int conn, struct sbx_relay *relay, struct sbx_error *err)
{
	int r = sbx_session_result(conn, err);

	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		const struct sbx_pump *pump = &relay->pumps[fd];

		sbx_pump_drain(&relay->pumps[fd]);
		/*
		 * A command inside can't see that our file is full; a reader that left did so by
		 * its own wish.
		 */
		if (r >= 0 && pump->broken && pump->error != EPIPE)
			r = sbx_error_set(err, -pump->error, "session: %s: %s: output was lost",
					  fd == STDOUT_FILENO ? "stdout" : "stderr",
					  strerror(pump->error));
	}
	return r;
}

int sbx_relay_stdio(const struct sbx_relay_ends *ends, struct sbx_relay *relay,
		    struct sbx_error *err)
{
	enum { CONN, SIGNALS, CLIENT, CLOCK, HANDED, PUMPS = HANDED + 3, COUNT = PUMPS + 6 };
	struct pollfd polled[COUNT] = {
		[CONN] = { .fd = ends->conn, .events = POLLIN },
		[SIGNALS] = { .fd = ends->signals, .events = POLLIN },
		[CLIENT] = { .fd = ends->client, .events = POLLIN },
		[CLOCK] = { .fd = ends->clock, .events = POLLIN },
	};

	for (int fd = 0; fd < 3; fd++)
		polled[HANDED + fd].fd = relay->handed[fd] ? fd : -1;
	for (;;) {
		for (int fd = 0; fd < 3; fd++)
			sbx_pump_want(&relay->pumps[fd], &polled[PUMPS + 2 * fd]);
		if (poll(polled, COUNT, -1) < 0 && errno != EINTR)
			return sbx_error_set(err, -errno, "session: poll: %s", strerror(errno));
		for (int fd = 0; fd < 3; fd++)
			sbx_pump_move(&relay->pumps[fd], &polled[PUMPS + 2 * fd]);
		if (polled[SIGNALS].revents)
			pass_signals(ends->conn, ends->signals);
		if (polled[CONN].revents)
			return result_of(ends->conn, relay, err);
		if (client_gone(&polled[HANDED]) || polled[CLIENT].revents)
			return 128 + SIGHUP;
		if (polled[CLOCK].revents)
			return sbx_relay_time_up(err);
	}
}
