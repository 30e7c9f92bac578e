#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

#include "engine_args.h"
#include "wire.h"

#define START_SECONDS 30 /* how long PID 1 may take to start a command */

int sbx_request_prepare(struct sbx_request *request, const struct sbx_account *account,
			const struct sbx_policy *policy, char *const *caller_env)
{
	struct sbx_strv *env = &request->env;

	request->nofile = policy->limits.nofile;
	request->pids = policy->limits.pids;
	if (sbx_engine_home_inside(account, &request->cwd) < 0)
		return -ENOMEM;
	(void)sbx_strv_addf(env, "HOME=%s", request->cwd);
	(void)sbx_strv_addf(env, "USER=%s", account->name);
	(void)sbx_strv_addf(env, "LOGNAME=%s", account->name);
	(void)sbx_strv_addf(env, "SHELL=%s", policy->shell);
	(void)sbx_strv_addf(env, "XDG_RUNTIME_DIR=/run/user/%u", account->uid);
	for (size_t i = 0; i < policy->env_set_count; i++)
		(void)sbx_strv_addf(env, "%s=%s", policy->env_set[i].name,
				    policy->env_set[i].value);
	for (; caller_env && *caller_env; caller_env++) {
		char name[128];
		size_t length = strcspn(*caller_env, "=");
		bool taken = false;

		if (length == 0 || length >= sizeof(name) || (*caller_env)[length] != '=')
			continue;
		memcpy(name, *caller_env, length);
		name[length] = '\0';
		if (!sbx_policy_passes_env(policy, name))
			continue;
		for (size_t i = 0; i < env->count && !taken; i++)
			taken = strncmp(env->items[i], *caller_env, length + 1) == 0;
		if (!taken)
			(void)sbx_strv_add(env, *caller_env);
	}
	return env->failed ? -ENOMEM : 0;
}

void sbx_request_done(struct sbx_request *request)
{
	sbx_strv_done(&request->env);
	free(request->cwd);
	request->cwd = NULL;
}

/* Append a string with its NUL, as long as it fits. */
static bool put_string(char *body, size_t *length, const char *string)
{
	size_t size = strlen(string) + 1;

	if (size > SBX_WIRE_EXEC_MAX - *length)
		return false;
	memcpy(body + *length, string, size);
	*length += size;
	return true;
}

static void describe_terminal(struct sbx_wire_exec *exec)
{
	struct winsize size;
	struct termios modes;

	exec->flags |= SBX_EXEC_TTY;
	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) {
		exec->rows = size.ws_row;
		exec->columns = size.ws_col;
		exec->xpixel = size.ws_xpixel;
		exec->ypixel = size.ws_ypixel;
	}
	if (tcgetattr(STDIN_FILENO, &modes) == 0) {
		exec->iflag = modes.c_iflag;
		exec->oflag = modes.c_oflag;
		exec->cflag = modes.c_cflag;
		exec->lflag = modes.c_lflag;
		memcpy(exec->cc, modes.c_cc, NCCS);
	}
}

static int send_request(int conn, const struct sbx_request *request, const int *fds,
			struct sbx_error *err)
{
	_cleanup_free_ char *body = malloc(SBX_WIRE_EXEC_MAX);
	struct sbx_wire_exec exec = { .nofile = request->nofile, .nproc = request->pids };
	size_t length = sizeof(exec);
	bool fits;
	int r;

	if (!body)
		return sbx_error_set(err, -ENOMEM, "session: out of memory");
	if (request->terminal)
		describe_terminal(&exec);
	fits = put_string(body, &length, request->program);
	for (; fits && request->argv[exec.argc]; exec.argc++)
		fits = put_string(body, &length, request->argv[exec.argc]);
	for (; fits && exec.envc < request->env.count; exec.envc++)
		fits = put_string(body, &length, request->env.items[exec.envc]);
	fits = fits && put_string(body, &length, request->cwd);
	if (!fits || exec.argc + exec.envc > SBX_WIRE_STRINGS_MAX)
		return sbx_error_set(
			err, -E2BIG,
			"session: the command with its environment is longer than %u bytes",
			SBX_WIRE_EXEC_MAX);
	memcpy(body, &exec, sizeof(exec));
	r = sbx_wire_send(conn, SBX_WIRE_EXEC, body, length, fds, fds ? 3 : 0);
	if (r == -EPIPE || r == -ECONNRESET)
		return sbx_error_set(err, -ECONNABORTED,
				     "session: the sandbox ended before it could begin");
	return r < 0 ? sbx_error_set(err, r, "session: %s", strerror(-r)) : 0;
}

static int broken(int r, struct sbx_error *err)
{
	if (r == -ECONNRESET || r == -EPIPE)
		return sbx_error_set(
			err, -ECONNRESET,
			"session: the sandbox ended it: it was stopped, killed or ran out "
			"of memory");
	return sbx_error_set(err, r, "session: PID 1 of the sandbox answered nonsense (%s)",
			     strerror(-r));
}

static int refused(int conn, size_t length, struct sbx_error *err)
{
	struct sbx_wire_failed failed;
	int r;

	if (length != sizeof(failed))
		return broken(-EPROTO, err);
	r = sbx_wire_recv_body(conn, &failed, sizeof(failed));
	if (r < 0)
		return broken(r, err);
	failed.text[sizeof(failed.text) - 1] = '\0';
	if (failed.error == EAGAIN)
		return sbx_error_set(
			err, -EAGAIN,
			"session: the sandbox is at its limit of processes: end some, or have the "
			"operator stop it");
	return sbx_error_set(err, -EIO, "session: the sandbox could not %s: %s", failed.text,
			     strerror((int)(failed.error & 0xfff)));
}

/*
 * Unix98 pty masters are character devices with majors 128-135, or 5:2 when opened as ptmx; only
 * they know TIOCGPTN.
 */
static bool is_master(int fd)
{
	struct stat st;
	unsigned int number;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && ioctl(fd, TIOCGPTN, &number) == 0;
}

int sbx_session_start(int conn, const struct sbx_request *request, const int *fds, int *ret_master,
		      struct sbx_error *err)
{
	const struct timeval patience = { .tv_sec = START_SECONDS }, for_ever = { 0 };
	_cleanup_close_ int master = -1;
	struct sbx_wire_header header;
	size_t count = 0;
	int r = send_request(conn, request, fds, err);

	if (r < 0)
		return r;
	(void)setsockopt(conn, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	r = sbx_wire_recv_header(conn, &header, &master, request->terminal ? 1 : 0, &count);
	if (r == -EAGAIN)
		return sbx_error_set(err, r,
				     "session: PID 1 of the sandbox doesn't answer: stop it with "
				     "`sandboxctl stop`, the next login starts it again");
	(void)setsockopt(conn, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));
	if (r < 0)
		return broken(r, err) == -ECONNRESET ? -ECONNABORTED : r;
	if (header.type == SBX_WIRE_FAILED)
		return refused(conn, header.length, err);
	if (header.type != SBX_WIRE_STARTED || header.length != 0 ||
	    count != (request->terminal ? 1 : 0))
		return broken(-EPROTO, err);
	if (request->terminal && !is_master(master))
		return sbx_error_set(err, -EPROTO, "session: what the sandbox sent is no terminal");
	if (ret_master)
		*ret_master = steal_fd(&master);
	return 0;
}

int sbx_session_result(int conn, struct sbx_error *err)
{
	struct sbx_wire_header header;
	struct sbx_wire_exit result;
	int r = sbx_wire_recv_header(conn, &header, NULL, 0, NULL);

	if (r < 0)
		return broken(r, err);
	if (header.type == SBX_WIRE_FAILED)
		return refused(conn, header.length, err);
	if (header.type != SBX_WIRE_EXIT || header.length != sizeof(result))
		return broken(-EPROTO, err);
	r = sbx_wire_recv_body(conn, &result, sizeof(result));
	if (r < 0)
		return broken(r, err);
	/*
	 * Until this arrives the session takes the client's end for a hang-up. It may have ended
	 * meanwhile.
	 */
	(void)sbx_wire_send(conn, SBX_WIRE_SEEN, NULL, 0, NULL, 0);
	return (int)(result.signaled ? 128 + (result.value & 0x7f) : result.value & 0xff);
}
