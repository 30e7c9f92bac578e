/*
 * sandbox-init: PID 1 of every sandbox. podman starts it with --init-path; it listens
 * for the account's shell outside, forks a subreaper for each session, and reaps.
 *
 * Its children inherit all confinement, which is why it applies none. It runs as the account's uid,
 * as everything inside does: it is not dumpable, so nothing inside may trace it or open its files,
 * and as PID 1 of its namespace it gets no signal from inside that it has not asked for
 * (pid_namespaces(7)). It trusts nobody inside, and from outside only peers of its own uid. It
 * never allocates, and its listening socket has no name inside.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init_session.h"
#include "init_tree.h"
#include "wire.h"

#define SESSIONS_MAX 4096
#define BACKLOG 4096   /* the kernel caps it at net.core.somaxconn */
#define EVENTS_MAX 256 /* of one kind, before the others get their turn */
#define SWEEP_INTERVAL_MS 20
#define SWEEPS_MAX 50
#define SESSION_OOM_SCORE_ADJ "200"
#define TERM_GRACE_ROUNDS 30 /* times 100 ms between SIGTERM for all and the end */

/*
 * A session's place here is its own from fork to wait; 0 is free. used is how far the table was
 * ever filled.
 */
static pid_t sessions[SESSIONS_MAX];
static size_t used;
/* Shared with the subreapers, which say here whether their client is still there. */
static uint8_t *attached;
static int oom_score_adj = -1; /* /proc/self/oom_score_adj */
static char own_oom_score_adj[8];
static bool
	must_sweep; /* a session's subreaper was killed from inside: what it left is ours to end */

/* What others of our uid can change about us. */
static struct state {
	struct rlimit limits[RLIM_NLIMITS];
	long nice, scheduler, io_priority;
} at_start;

static _Noreturn void die(const char *what)
{
	dprintf(STDERR_FILENO, "sandbox-init: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static bool peer_is_outside(int sock)
{
	pid_t pid;
	uid_t uid;

	return sbx_wire_peer(sock, &pid, &uid) == 0 && pid == 0 && uid == getuid();
}

static void expect(int channel, enum sbx_wire_type type, int *fds, size_t fd_count)
{
	struct sbx_wire_header header;
	size_t got = 0;
	int r = sbx_wire_recv_header(channel, &header, fds, fd_count, &got);

	if (r < 0 || header.type != type || header.length != 0 || got != fd_count) {
		errno = r < 0 ? -r : EPROTO;
		die("start channel");
	}
}

/*
 * Get the sandbox's socket from the shell that starts us, and listen on it, which makes us the one
 * whom SO_PEERCRED names to clients (unix(7)). Until the shell has written us into its record we
 * serve nobody, and end if it goes: a running sandbox is always one that the outside knows.
 */
static int receive_listener(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int channel, listener = -1;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	channel = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (channel < 0 || connect(channel, (struct sockaddr *)&address, sizeof(address)) < 0)
		die("nobody starts this sandbox (use sandbox-shell or sandboxctl)");
	if (!peer_is_outside(channel)) {
		errno = EPERM;
		die("start channel");
	}
	expect(channel, SBX_WIRE_LISTEN, &listener, 1);
	if (fcntl(listener, F_SETFL, O_NONBLOCK) < 0 || listen(listener, BACKLOG) < 0)
		die("listen");
	if (sbx_wire_send(channel, SBX_WIRE_READY, NULL, 0, NULL, 0) < 0)
		die("start channel");
	expect(channel, SBX_WIRE_COMMIT, NULL, 0);
	(void)close(channel);
	return listener;
}

static void refuse(int conn, int error, const char *what)
{
	struct sbx_wire_failed failed = { .error = (uint32_t)error };

	strncpy(failed.text, what, sizeof(failed.text) - 1);
	(void)sbx_wire_send(conn, SBX_WIRE_FAILED, &failed, sizeof(failed), NULL, 0);
}

static void read_state(struct state *state)
{
	memset(state, 0, sizeof(*state));
	for (int i = 0; i < RLIM_NLIMITS; i++)
		(void)getrlimit((__rlimit_resource_t)i, &state->limits[i]);
	state->nice = getpriority(PRIO_PROCESS, 0);
	state->scheduler = sched_getscheduler(0);
	state->io_priority = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
}

/*
 * prlimit(2), setpriority(2) and their kin let anything of our uid hold us back, for good. A PID 1
 * that can't serve because of it makes room for a new one: the next login starts the sandbox again.
 * The affinity alone can be taken back (within the cpuset, which is the outside's).
 */
static void end_if_crippled(void)
{
	struct state now;
	cpu_set_t all;

	read_state(&now);
	if (memcmp(&now, &at_start, sizeof(now)) != 0)
		_exit(1);
	memset(&all, 0xff, sizeof(all));
	(void)sched_setaffinity(0, sizeof(all), &all);
}

static struct sbx_wire_count count_sessions(void)
{
	struct sbx_wire_count count = { 0 };

	for (size_t i = 0; i < used; i++) {
		count.attached += sessions[i] != 0 && attached[i];
		count.background += sessions[i] != 0 && !attached[i];
	}
	return count;
}

/*
 * What is forked meanwhile is a better victim for the OOM killer than the PID 1 that all logins
 * need. Nobody may lower their own again below what PID 1 was given (proc(5)), nor need to.
 */
static void offer_to_oom_killer(const char *adjustment)
{
	if (oom_score_adj >= 0 && pwrite(oom_score_adj, adjustment, strlen(adjustment), 0) < 0) {
		/* More stands already: nothing to do. */
	}
}

/* The file is ours only while we're dumpable: opened before, it stays open. */
static void open_oom_score_adj(void)
{
	ssize_t n;

	oom_score_adj = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	n = oom_score_adj >= 0
		    ? pread(oom_score_adj, own_oom_score_adj, sizeof(own_oom_score_adj) - 1, 0)
		    : -1;
	if (n <= 0) {
		(void)close(oom_score_adj);
		oom_score_adj = -1;
	}
}

static void serve_one(int conn)
{
	size_t place = 0;
	pid_t pid;

	end_if_crippled();
	while (place < used && sessions[place] != 0)
		place++;
	if (place == SESSIONS_MAX) {
		refuse(conn, EAGAIN, "sessions");
		return;
	}
	attached[place] = 0;
	offer_to_oom_killer(SESSION_OOM_SCORE_ADJ);
	pid = fork();
	if (pid < 0) {
		refuse(conn, errno, "fork");
	} else if (pid == 0) {
		struct sbx_wire_count count = count_sessions();

		sbx_session_serve(conn, &count, &attached[place]);
	} else {
		sessions[place] = pid;
		used += place == used;
	}
	offer_to_oom_killer(own_oom_score_adj);
}

static void accept_some(int listener)
{
	int conn = -1;

	for (int count = 0; count < EVENTS_MAX; count++) {
		conn = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (conn < 0)
			break;
		if (peer_is_outside(conn))
			serve_one(conn);
		(void)close(conn);
	}
	if (conn < 0 && errno != EAGAIN)
		end_if_crippled();
}

static pid_t *find_session(pid_t pid)
{
	for (size_t i = 0; i < used; i++)
		if (sessions[i] == pid)
			return &sessions[i];
	return NULL;
}

/*
 * A session's subreaper only ever exits: one that was stopped or killed was so by its own command.
 * Not more than EVENTS_MAX at a time, as orphans may come faster: returns whether more may wait.
 */
static bool reap_some(void)
{
	for (int count = 0; count < EVENTS_MAX; count++) {
		siginfo_t info = { 0 };
		pid_t *session;

		if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG) < 0 || info.si_pid == 0)
			return false;
		session = find_session(info.si_pid);
		if (session && info.si_code != CLD_EXITED) {
			must_sweep = true;
			(void)kill(info.si_pid, SIGKILL);
		}
		if (session && info.si_code != CLD_STOPPED)
			*session = 0;
	}
	return true;
}

/*
 * End what belongs to no session any more. Where that can't be done, all ends. What is too quick to
 * be found takes every session with it.
 */
static void sweep(void)
{
	static int tries;
	long found;

	end_if_crippled();
	found = sbx_tree_kill(1, sessions, used);
	if (found < 0)
		_exit(1);
	must_sweep = found > 0;
	tries = must_sweep ? tries + 1 : 0;
	if (tries > SWEEPS_MAX) {
		(void)kill(-1, SIGKILL);
		tries = 0;
	}
}

/*
 * TERM counts only from outside: pid 0, and sent by kill(2). A signal that lost its sender's data,
 * which an inside that has used up its pending signals can arrange, shows uid 0 (kernel/signal.c,
 * collect_signal); uid 0 of the host shows as the overflow uid.
 */
static bool asked_to_end(int signals)
{
	struct signalfd_siginfo info;
	bool end = false;

	for (int count = 0;
	     count < EVENTS_MAX && read(signals, &info, sizeof(info)) == sizeof(info); count++)
		if (info.ssi_signo == SIGTERM && info.ssi_code == SI_USER && info.ssi_pid == 0 &&
		    info.ssi_uid != 0)
			end = true;
	return end;
}

/* End everything inside: asked first, then the kernel kills what is left as PID 1 goes. */
static _Noreturn void end_sandbox(int listener)
{
	(void)close(listener);
	(void)kill(-1, SIGHUP);
	(void)kill(-1, SIGTERM);
	(void)kill(-1, SIGCONT);
	for (int round = 0; round < TERM_GRACE_ROUNDS; round++) {
		pid_t pid;

		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			continue;
		if (pid < 0)
			break;
		(void)poll(NULL, 0, 100);
	}
	_exit(0);
}

/*
 * CHLD and TERM are read from a descriptor. The rest is ignored rather than blocked, for us and for
 * the sessions that inherit it: what is blocked stays pending, and counts against the account on
 * the whole host.
 */
static int open_signals(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t wanted;
	int fd;

	for (int signal = 1; signal < NSIG; signal++)
		if (signal != SIGCHLD && signal != SIGTERM)
			(void)sigaction(signal, &ignore, NULL);
	(void)sigemptyset(&wanted);
	(void)sigaddset(&wanted, SIGCHLD);
	(void)sigaddset(&wanted, SIGTERM);
	(void)sigprocmask(SIG_SETMASK, &wanted, NULL);
	fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		die("signalfd");
	return fd;
}

int main(int argc, char **argv)
{
	int listener, signals;
	bool more = false;

	/* podman runs "INIT -- COMMAND…"; our command is the start channel's path. */
	if (argc != 3 || strcmp(argv[1], "--") != 0 || getpid() != 1) {
		dprintf(STDERR_FILENO, "sandbox-init: runs as PID 1 of a sandbox only\n");
		return 1;
	}
	open_oom_score_adj();
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		die("prctl");
	attached =
		mmap(NULL, SESSIONS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (attached == MAP_FAILED)
		die("mmap");
	read_state(&at_start);
	signals = open_signals();
	listener = receive_listener(argv[2]);
	for (;;) {
		struct pollfd polled[] = {
			{ .fd = listener, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
		};

		(void)poll(polled, 2, more ? 0 : must_sweep ? SWEEP_INTERVAL_MS : -1);
		if (asked_to_end(signals))
			end_sandbox(listener);
		more = reap_some();
		if (must_sweep)
			sweep();
		accept_some(listener);
	}
}
