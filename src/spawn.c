#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util.h"

#define CHUNKS 16 /* of 4096 bytes: what a pipe holds (pipe(7)) */

struct child_fds {
	int in, out, err;
	bool keep;
};

static _Noreturn void become(const struct sbx_spawn *spawn, const struct child_fds *fds,
			     pid_t parent)
{
	struct sigaction fresh = { .sa_handler = SIG_DFL };
	sigset_t none;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		_exit(127);
	for (int signal = 1; signal < NSIG; signal++)
		(void)sigaction(signal, &fresh, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (!fds->keep && (dup2(fds->in, 0) < 0 || dup2(fds->out, 1) < 0 || dup2(fds->err, 2) < 0))
		_exit(127);
	(void)close_range(3, ~0U, 0);
	(void)execve(spawn->argv[0], spawn->argv, spawn->env);
	_exit(errno == ENOENT ? 127 : 126);
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void close_process(struct sbx_process *process)
{
	close_one(&process->out);
	close_one(&process->err);
	close_one(&process->pidfd);
	process->pid = 0;
}

int sbx_process_start(const struct sbx_spawn *spawn, struct sbx_process *ret_process,
		      struct sbx_error *err)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int out[2] = { -1, -1 }, errors[2] = { -1, -1 };
	struct child_fds fds = { .keep = spawn->keep_stdio };
	pid_t parent = getpid();
	int code;

	memset(ret_process, 0, sizeof(*ret_process));
	ret_process->out = ret_process->err = ret_process->pidfd = -1;
	if (null < 0 || (!fds.keep && pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0) ||
	    (!fds.keep && spawn->out < 0 && pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0)) {
		code = -errno;
		close_one(&errors[0]);
		close_one(&errors[1]);
		return sbx_error_set(err, code, "%s: pipe: %s", spawn->argv[0], strerror(-code));
	}
	/* The helper's ends block, as programs expect. */
	if (!fds.keep)
		(void)fcntl(errors[1], F_SETFL, 0);
	if (out[1] >= 0)
		(void)fcntl(out[1], F_SETFL, 0);
	fds.in = spawn->in >= 0 ? spawn->in : null;
	fds.out = spawn->out >= 0 ? spawn->out : out[1];
	fds.err = errors[1];
	ret_process->pid = fork();
	if (ret_process->pid == 0)
		become(spawn, &fds, parent);
	code = -errno;
	close_one(&out[1]);
	close_one(&errors[1]);
	ret_process->out = out[0];
	ret_process->err = errors[0];
	if (ret_process->pid < 0) {
		close_process(ret_process);
		return sbx_error_set(err, code,
				     "%s: fork: %s: the account is at its limit of processes",
				     spawn->argv[0], strerror(-code));
	}
	ret_process->pidfd = (int)syscall(SYS_pidfd_open, ret_process->pid, 0);
	if (ret_process->pidfd < 0) {
		code = -errno;
		sbx_process_kill(ret_process);
		return sbx_error_set(err, code, "%s: pidfd_open: %s", spawn->argv[0],
				     strerror(-code));
	}
	return 0;
}

/* Keep the last part of a stream that may be longer than the room there is. */
static void keep_tail(char *text, size_t *length, const char *more, size_t count)
{
	size_t room = SBX_SPAWN_CAPTURE_MAX - 1;

	if (count >= room) {
		more += count - room;
		count = room;
	}
	if (*length + count > room) {
		size_t drop = *length + count - room;

		memmove(text, text + drop, *length - drop);
		*length -= drop;
	}
	memcpy(text + *length, more, count);
	*length += count;
	text[*length] = '\0';
}

void sbx_process_collect(struct sbx_process *process, int progress)
{
	char chunk[4096];
	ssize_t n;

	/* A pipe's worth at most: something that the helper left behind may write for ever. */
	for (int i = 0;
	     i < CHUNKS && process->out >= 0 && (n = read(process->out, chunk, sizeof(chunk))) > 0;
	     i++) {
		size_t room = SBX_SPAWN_CAPTURE_MAX - 1 - process->out_length;
		size_t take = (size_t)n < room ? (size_t)n : room;

		memcpy(process->out_text + process->out_length, chunk, take);
		process->out_length += take;
		process->out_text[process->out_length] = '\0';
	}
	for (int i = 0;
	     i < CHUNKS && process->err >= 0 && (n = read(process->err, chunk, sizeof(chunk))) > 0;
	     i++) {
		keep_tail(process->err_text, &process->err_length, chunk, (size_t)n);
		if (progress >= 0)
			(void)sbx_write_all(progress, chunk, (size_t)n);
	}
}

int sbx_process_wait(struct sbx_process *process, int progress)
{
	int status;

	for (;;) {
		struct pollfd polled[] = {
			{ .fd = process->pidfd, .events = POLLIN },
			{ .fd = process->out, .events = POLLIN },
			{ .fd = process->err, .events = POLLIN },
		};

		if (poll(polled, ARRAY_SIZE(polled), -1) < 0 && errno != EINTR)
			return -errno;
		sbx_process_collect(process, progress);
		if (polled[0].revents)
			break;
		if (polled[1].revents & POLLHUP)
			close_one(&process->out);
		if (polled[2].revents & POLLHUP)
			close_one(&process->err);
	}
	sbx_process_collect(process, progress);
	if (waitpid(process->pid, &status, 0) < 0)
		status = 0xff00;
	close_process(process);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void sbx_process_kill(struct sbx_process *process)
{
	if (process->pid > 0) {
		(void)kill(process->pid, SIGKILL);
		(void)waitpid(process->pid, NULL, 0);
	}
	close_process(process);
}

void sbx_process_reason(const struct sbx_process *process, char *reason, size_t room)
{
	const char *text = process->err_text, *best = NULL, *line = text;
	size_t best_length = 0;

	while (*line) {
		size_t length = strcspn(line, "\n");
		bool is_error = strncmp(line, "Error: ", 7) == 0;

		if (length > 0 && (is_error || !best)) {
			best = line;
			best_length = length;
		}
		line += length + (line[length] == '\n');
	}
	if (!best) {
		(void)snprintf(reason, room, "no reason given");
		return;
	}
	if (strncmp(best, "Error: ", 7) == 0) {
		best += 7;
		best_length -= 7;
	}
	(void)snprintf(reason, room, "%.*s", (int)best_length, best);
}

int sbx_spawn_run(const struct sbx_spawn *spawn, struct sbx_process *process, struct sbx_error *err)
{
	struct sbx_process own;
	char reason[512];
	const char *name = strrchr(spawn->argv[0], '/') + 1;
	int status;

	if (!process)
		process = &own;
	status = sbx_process_start(spawn, process, err);
	if (status < 0)
		return status;
	status = sbx_process_wait(process, spawn->progress);
	if (status == 0)
		return 0;
	if (status < 0)
		return sbx_error_set(err, status, "%s: %s", name, strerror(-status));
	if (process->err_length == 0 && (status == 127 || status == 126))
		return sbx_error_set(err, -ENOENT, "%s: can't be run: install it (looked for %s)",
				     name, spawn->argv[0]);
	sbx_process_reason(process, reason, sizeof(reason));
	return sbx_error_set(err, -EIO, "%s: %s", name, reason);
}
