/*
 * setup.sh: once per container, inside, as the account's own unprivileged user, before anybody else
 * gets in.
 *
 * The script itself is root's (or, in a checkout, the caller's); it goes in through a pipe, so that
 * nothing of the host is mounted for it. What it prints is hostile: it goes to the log as it is,
 * and to a person's terminal; the lines that become part of a message are made printable first.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box_start.h"
#include "pump.h"
#include "record.h"
#include "session.h"
#include "util.h"

#define SCRIPT_MAX (1024 * 1024)
#define LOG "setup.log"
#define TAIL_BYTES 512
#define TAIL_LINES 3

/*
 * Keep the script in a file of the sandbox's /tmp while it runs: what it reads from stdin is not
 * the script.
 */
static const char run_script[] = "f=$(mktemp) && cat >\"$f\" && chmod 700 \"$f\" || exit 126; "
				 "\"$f\" </dev/null; s=$?; rm -f \"$f\"; exit $s";

struct setup {
	const struct sbx_box *box;
	int conn;
	int log;
	struct sbx_pump script; /* the script's file into the sandbox */
	int output;
	char tail[TAIL_BYTES + 1];
	size_t tail_length;
};

/* Open the script; *ret_fd stays -1 when the default one simply isn't there. */
static int open_script(const struct sbx_policy *policy, int *ret_fd, struct sbx_error *err)
{
	_cleanup_close_ int fd = open(policy->setup, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno == ENOENT && !policy->setup_set)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return sbx_error_set(err, -errno, "setup %s: %s", policy->setup, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size > SCRIPT_MAX)
		return sbx_error_set(err, -EINVAL, "setup %s: not a regular file of at most 1 MiB",
				     policy->setup);
	*ret_fd = steal_fd(&fd);
	return 0;
}

static void keep_tail(struct setup *setup, const char *bytes, size_t count)
{
	if (count > TAIL_BYTES) {
		bytes += count - TAIL_BYTES;
		count = TAIL_BYTES;
	}
	if (setup->tail_length + count > TAIL_BYTES) {
		size_t drop = setup->tail_length + count - TAIL_BYTES;

		memmove(setup->tail, setup->tail + drop, setup->tail_length - drop);
		setup->tail_length -= drop;
	}
	memcpy(setup->tail + setup->tail_length, bytes, count);
	setup->tail_length += count;
	setup->tail[setup->tail_length] = '\0';
}

/* Take some output. Returns false at its end. */
static bool take_output(struct setup *setup)
{
	char bytes[4096];
	ssize_t n = read(setup->output, bytes, sizeof(bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;
	(void)sbx_write_all(setup->log, bytes, (size_t)n);
	if (setup->box->terminal)
		(void)sbx_write_all(STDERR_FILENO, bytes, (size_t)n);
	keep_tail(setup, bytes, (size_t)n);
	return true;
}

static int relay_setup(struct setup *setup, struct sbx_error *err)
{
	for (;;) {
		struct pollfd polled[4] = {
			[2] = { .fd = setup->output, .events = POLLIN },
			[3] = { .fd = setup->conn, .events = POLLIN },
		};

		sbx_pump_want(&setup->script, polled);
		if (poll(polled, 4, -1) < 0 && errno != EINTR)
			return sbx_error_set(err, -errno, "setup: %s", strerror(errno));
		sbx_pump_move(&setup->script, polled);
		if (polled[2].revents && !take_output(setup))
			setup->output = -1;
		if (polled[3].revents) {
			struct pollfd last = { .fd = setup->output, .events = POLLIN };

			while (setup->output >= 0 && poll(&last, 1, 0) > 0 && take_output(setup))
				continue;
			return sbx_session_result(setup->conn, err);
		}
	}
}

/* The last lines, joined, as a message shows them. */
static const char *last_lines(struct setup *setup)
{
	char *p = setup->tail + setup->tail_length;
	int lines = 0;

	while (p > setup->tail && p[-1] == '\n')
		*--p = '\0';
	for (; p > setup->tail; p--)
		if (p[-1] == '\n') {
			if (++lines == TAIL_LINES)
				break;
			p[-1] = '|';
		}
	return p;
}

static int make_request(const struct sbx_box *box, struct sbx_request *request)
{
	bool fresh = faccessat(box->data.fd, SBX_FOLDER_NEW, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	static const char *const argv[] = { "/bin/sh", "-c", run_script, NULL };

	request->program = argv[0];
	request->argv = (char *const *)(uintptr_t)argv;
	(void)sbx_strv_addf(&request->env, "SANDBOX_NEW=%d", fresh ? 1 : 0);
	(void)sbx_strv_addf(&request->env, "SANDBOX_NAME=%s", box->policy->sandbox);
	return sbx_request_prepare(request, box->account, box->policy, NULL);
}

static int run_setup(struct setup *setup, int script, struct sbx_error *err)
{
	static char buffer[SBX_PUMP_BYTES];
	_cleanup_close_ int in_read = -1, in_write = -1, out_read = -1, out_write = -1;
	struct sbx_request request = { 0 };
	int in[2], out[2], r;

	if (pipe2(in, O_CLOEXEC) < 0)
		return sbx_error_set(err, -errno, "setup: pipe: %s", strerror(errno));
	in_read = in[0];
	in_write = in[1];
	if (pipe2(out, O_CLOEXEC) < 0)
		return sbx_error_set(err, -errno, "setup: pipe: %s", strerror(errno));
	out_read = out[0];
	out_write = out[1];
	(void)fcntl(in_write, F_SETFL, O_NONBLOCK);
	r = make_request(setup->box, &request);
	if (r < 0)
		(void)sbx_error_set(err, r, "setup: out of memory");
	else
		r = sbx_session_start(setup->conn, &request,
				      (int[]){ in_read, out_write, out_write }, NULL, err);
	sbx_request_done(&request);
	if (r < 0)
		return r;
	(void)close(steal_fd(&in_read));
	(void)close(steal_fd(&out_write));
	setup->script = (struct sbx_pump){
		.from = script, .to = steal_fd(&in_write), .owns_to = true, .buffer = buffer
	};
	setup->output = out_read;
	r = relay_setup(setup, err);
	if (setup->script.to >= 0)
		(void)close(setup->script.to);
	return r;
}

int sbx_box_setup(struct sbx_box *box, struct sbx_error *err)
{
	_cleanup_close_ int script = -1, conn = -1, log = -1;
	struct setup setup = { .box = box, .output = -1 };
	struct sbx_record running;
	int r = open_script(box->policy, &script, err);

	if (r < 0 || script < 0)
		return r;
	r = sbx_record_read(box->runtime.fd, SBX_BOX_RECORD, &running);
	if (r < 0)
		return sbx_error_set(err, r, "setup: record: %s", strerror(-r));
	r = sbx_box_dial(box, running.pid, &conn, err);
	if (r < 0)
		return r;
	log = openat(box->data.fd, LOG, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		     0600);
	if (log < 0)
		return sbx_error_set(err, -errno, "setup %s/" LOG ": %s", box->data.path,
				     strerror(errno));
	sbx_box_say(box, "running %s", box->policy->setup);
	(void)signal(SIGPIPE, SIG_IGN);
	setup.conn = conn;
	setup.log = log;
	r = run_setup(&setup, script, err);
	if (r <= 0)
		return r;
	return sbx_error_set(err, -ECANCELED,
			     "setup %s: failed with status %d: %s: see %s/" LOG
			     "; the next login tries again",
			     box->policy->setup, r, last_lines(&setup), box->data.path);
}
