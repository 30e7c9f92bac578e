/*
 * See init_session.h. The states of a session: waiting for its EXEC; running (command alive, client
 * there); reported (the command ended, the client hasn't said yet that it knows); left (it has, and
 * something in the background goes on); hung up (the client went before that: everything is told
 * so, then killed). The client says so because a terminal that goes away kills the command first:
 * only then comes the end of the client's stream.
 */
#include "init_session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init_child.h"
#include "init_tree.h"
#include "wire.h"

#define REQUEST_SECONDS 10    /* how long a client may take to say what it wants */
#define KILL_PATIENCE_MS 1500 /* then PID 1 is to end it */
#define REAP_MAX 256
#define HANGUP_GRACE_MS 1000 /* between SIGHUP and SIGKILL */
/*
 * Between two tries to kill what is left: doubled each time, as under privileges "root" what sudo
 * started isn't ours to kill, and is waited for.
 */
#define KILL_INTERVAL_MS 10
#define KILL_INTERVAL_MAX_MS 1000

static char request[SBX_WIRE_EXEC_MAX];
static char *strings[SBX_WIRE_STRINGS_MAX + 4];

struct session {
	int conn;
	int signals;  /* signalfd for SIGCHLD */
	int terminal; /* the pty's slave: while it's open here, the client sees no end of its output
		       */
	pid_t command;
	bool running;
	uint8_t *attached;
};

static long long now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static _Noreturn void fail(int conn, int error, const char *what)
{
	struct sbx_wire_failed failed = { .error = (uint32_t)error };

	strncpy(failed.text, what, sizeof(failed.text) - 1);
	(void)sbx_wire_send(conn, SBX_WIRE_FAILED, &failed, sizeof(failed), NULL, 0);
	_exit(0);
}

/* Keep conn only, as descriptor 3: nothing of PID 1's may reach a command. */
static int keep_only(int conn)
{
	if (conn != 3 && dup2(conn, 3) < 0)
		_exit(1);
	(void)close_range(4, ~0U, 0);
	return 3;
}

static _Noreturn void answer_query(int conn, const struct sbx_wire_count *count)
{
	(void)sbx_wire_send(conn, SBX_WIRE_COUNT, count, sizeof(*count), NULL, 0);
	_exit(0);
}

/*
 * Read the request into `request`; returns its length. Ends the process where there's none worth an
 * answer.
 */
static size_t read_request(int conn, const struct sbx_wire_count *count, int *fds,
			   size_t *ret_fd_count)
{
	struct timeval limit = { .tv_sec = REQUEST_SECONDS };
	struct sbx_wire_header header;

	(void)setsockopt(conn, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(conn, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (sbx_wire_recv_header(conn, &header, fds, SBX_WIRE_FDS, ret_fd_count) < 0)
		_exit(0);
	if (header.type == SBX_WIRE_QUERY && header.length == 0)
		answer_query(conn, count);
	if (header.type != SBX_WIRE_EXEC || header.length > sizeof(request))
		fail(conn, EPROTO, "request");
	if (sbx_wire_recv_body(conn, request, header.length) < 0)
		_exit(0);
	return header.length;
}

/* Start the command as a child. Descriptors are the child's alone afterwards. */
static void start_command(struct session *session, const struct sbx_child *child)
{
	*session->attached = 1; /* before the command can tell anybody that it runs */
	session->command = fork();
	if (session->command < 0) {
		*session->attached = 0;
		fail(session->conn, errno, "fork");
	}
	if (session->command == 0) {
		(void)close(session->conn);
		sbx_child_exec(child);
	}
	session->running = true;
	session->terminal = child->terminal;
	if (child->terminal < 0)
		for (int i = 0; i < 3; i++)
			(void)close(child->stdio[i]);
}

static void begin(struct session *session, size_t length, int *fds, size_t fd_count)
{
	struct sbx_child child = { .terminal = -1 };
	struct sbx_wire_exec exec;
	char *program, *cwd;
	int master = -1, r;

	if (sbx_wire_split_exec(request, length, strings, &program, &child.argv, &child.env, &cwd) <
	    0)
		fail(session->conn, EPROTO, "request");
	memcpy(&exec, request, sizeof(exec));
	child.program = program;
	child.cwd = cwd;
	child.nofile = exec.nofile;
	child.nproc = exec.nproc;
	if (fd_count != (exec.flags & SBX_EXEC_TTY ? 0 : 3))
		fail(session->conn, EPROTO, "descriptors");
	if (exec.flags & SBX_EXEC_TTY) {
		r = sbx_child_open_pty(&exec, &master, &child.terminal);
		if (r < 0)
			fail(session->conn, -r, "open a terminal");
		for (int i = 0; i < 3; i++)
			child.stdio[i] = child.terminal;
	} else {
		memcpy(child.stdio, fds, sizeof(child.stdio));
	}
	r = sbx_wire_send(session->conn, SBX_WIRE_STARTED, NULL, 0, &master, master >= 0);
	if (r < 0)
		_exit(0);
	if (master >= 0)
		(void)close(master);
	start_command(session, &child);
}

static void report(struct session *session, int status)
{
	struct sbx_wire_exit result = {
		.signaled = WIFSIGNALED(status),
		.value = (uint32_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)),
	};

	if (session->terminal >= 0)
		(void)close(session->terminal);
	/* First: who comes after this login has ended must not be told that it is still there. */
	*session->attached = 0;
	(void)sbx_wire_send(session->conn, SBX_WIRE_EXIT, &result, sizeof(result), NULL, 0);
	session->running = false;
}

/* What is left is in nobody's way: it goes on, as on a plain host. */
static void let_go(struct session *session)
{
	(void)close(session->conn);
	session->conn = -1;
}

/*
 * Reap what ended, but not more than REAP_MAX at a time, as orphans may come faster than that:
 * returns whether there may be more. Reports the command when it was among them. Ends this process
 * with its last child.
 */
static bool reap(struct session *session)
{
	struct signalfd_siginfo info;
	int status, count = 0;
	pid_t pid = 0;

	(void)!read(session->signals, &info, sizeof(info));
	while (count++ < REAP_MAX && (pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (session->running && pid == session->command)
			report(session, status);
	if (pid < 0 && errno == ECHILD)
		_exit(0);
	return pid > 0;
}

/* Something inside keeps us from our work: die in the way that makes PID 1 end what is below. */
static _Noreturn void give_up(void)
{
	(void)kill(getpid(), SIGKILL);
	_exit(1);
}

/* The client is gone: tell everything below, give it a moment, then kill until nothing is left. */
static _Noreturn void hang_up(struct session *session)
{
	long long deadline = now_ms() + HANGUP_GRACE_MS;
	int interval = KILL_INTERVAL_MS;
	long found;
	struct pollfd ended = { .fd = session->signals, .events = POLLIN };

	session->running = false;
	*session->attached = 0;
	(void)close(session->conn);
	(void)sbx_tree_signal(getpid(), NULL, 0, SIGHUP);
	(void)sbx_tree_signal(getpid(), NULL, 0, SIGCONT);
	for (;;) {
		long long left = deadline - now_ms();
		bool more = reap(session);

		if (left > 0) {
			(void)poll(&ended, 1, more ? 0 : (int)left);
			continue;
		}
		found = sbx_tree_kill(getpid(), NULL, 0);
		if (found < 0 || (found > 0 && left < -KILL_PATIENCE_MS))
			give_up();
		/* With nobody left alive the dead are no more than there are. */
		while (found == 0 && more)
			more = reap(session);
		(void)poll(&ended, 1, interval);
		if (interval < KILL_INTERVAL_MAX_MS)
			interval *= 2;
	}
}

/*
 * A message of the client's after EXEC: only SIGNAL and, at the end, SEEN make sense. Anything else
 * hangs up.
 */
static void hear_client(struct session *session)
{
	struct sbx_wire_header header;
	struct sbx_wire_signal message;

	if (sbx_wire_recv_header(session->conn, &header, NULL, 0, NULL) < 0)
		hang_up(session);
	if (header.type == SBX_WIRE_SEEN && header.length == 0 && !session->running) {
		let_go(session);
		return;
	}
	if (header.type != SBX_WIRE_SIGNAL || header.length != sizeof(message) ||
	    sbx_wire_recv_body(session->conn, &message, sizeof(message)) < 0)
		hang_up(session);
	if (session->running && message.signal > 0 && message.signal < NSIG)
		(void)kill(-session->command, (int)message.signal);
}

_Noreturn void sbx_session_serve(int conn, const struct sbx_wire_count *count, uint8_t *attached)
{
	struct session session = { .conn = keep_only(conn), .attached = attached };
	int fds[SBX_WIRE_FDS];
	size_t fd_count = 0, length;
	sigset_t child_ended;
	bool more = false;

	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	(void)sigemptyset(&child_ended);
	(void)sigaddset(&child_ended, SIGCHLD);
	session.signals = signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK);
	if (session.signals < 0)
		fail(session.conn, errno, "signalfd");
	length = read_request(session.conn, count, fds, &fd_count);
	begin(&session, length, fds, fd_count);
	for (;;) {
		struct pollfd polled[] = {
			{ .fd = session.signals, .events = POLLIN },
			{ .fd = session.conn, .events = POLLIN },
		};

		if (poll(polled, 2, more ? 0 : -1) < 0)
			continue;
		if (polled[0].revents || more)
			more = reap(&session);
		if (session.conn >= 0 && polled[1].revents)
			hear_client(&session);
	}
}
