/*
 * sandbox-session: the login itself, run by sandbox-shell with an environment of renamed variables
 * only.
 *
 * It trusts getuid(), the passwd database and root's policy files. It doesn't trust its arguments
 * (they name what runs inside, nothing else), its descriptors 0-2 (see relay.h), its environment,
 * nor what the sandbox answers. Every failure is one line on stderr and exit status 125; there's no
 * way from here to a shell of the host's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "account.h"
#include "box.h"
#include "environment.h"
#include "invocation.h"
#include "paths.h"
#include "policy.h"
#include "session.h"
#include "session_count.h"
#include "util.h"
#include "version.h"

/*
 * 0-2 open, nothing else; not dumpable, so that the sandbox can't reach our descriptors
 * (pidfd_getfd(2)).
 */
static int close_doors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd < 0 || close_range(3, ~0U, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    chdir("/") < 0)
		return -1;
	(void)umask(077);
	return 0;
}

/*
 * Hold the process that started us, sshd's for this login, to see its end. Returns a pidfd, or -1
 * when it has ended already.
 */
static int hold_client(void)
{
	pid_t parent = getppid();
	int pidfd = (int)syscall(SYS_pidfd_open, parent, 0);

	if (pidfd >= 0 && getppid() == parent)
		return pidfd;
	if (pidfd >= 0)
		(void)close(pidfd);
	return -1;
}

/*
 * As many descriptors as we may have: the kernel measures by it what we may pass on (see
 * init_child.c).
 */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Undo the renaming in place; variables that sandbox-shell didn't rename are dropped. */
static void take_environment(void)
{
	size_t kept = 0;

	for (char **variable = environ; *variable; variable++)
		if (strncmp(*variable, SBX_CLIENT_PREFIX, strlen(SBX_CLIENT_PREFIX)) == 0)
			environ[kept++] = *variable + strlen(SBX_CLIENT_PREFIX);
	environ[kept] = NULL;
}

static const char *client_variable(char *const *environment, const char *name)
{
	size_t length = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
			return *environment + length + 1;
	return NULL;
}

static int fill_request(struct sbx_request *request, const struct sbx_invocation *invocation,
			const struct sbx_account *account, const struct sbx_policy *policy,
			char **client, char *argv0, const char **argv, char **mapped)
{
	const char *base = strrchr(policy->shell, '/');
	size_t at = 0;

	(void)snprintf(argv0, 128, "%s%.120s", invocation->login ? "-" : "",
		       base ? base + 1 : policy->shell);
	argv[at++] = argv0;
	if (invocation->wish == SBX_WISH_COMMAND) {
		if (sbx_invocation_map_sftp(invocation->command, mapped) < 0)
			return -ENOMEM;
		argv[at++] = "-c";
		argv[at++] = *mapped ? *mapped : invocation->command;
	}
	argv[at] = NULL;
	request->program = policy->shell;
	request->argv = (char *const *)(uintptr_t)argv;
	/* A terminal is what the session was given as all three, not any one of them. */
	request->terminal = isatty(0) && isatty(1) && isatty(2);
	request->seconds = policy->limits.session_time;
	return sbx_request_prepare(request, account, policy, client);
}

/* access.from and limits.sessions are pam_sandbox's to enforce: past it they would be no limit. */
static int check_admitted(const struct sbx_policy *policy, uid_t uid, struct sbx_error *err)
{
	if ((!policy->access_from && !policy->limits.sessions) ||
	    sbx_session_count_has_self(SBX_SESSION_COUNT_DIR, uid))
		return 0;
	return sbx_error_set(err, -EACCES,
			     "access.from, limits.sessions: this login came past pam_sandbox, "
			     "which enforces them: see pam_sandbox(8)");
}

static int log_in(const struct sbx_invocation *invocation, char **client, struct sbx_error *err)
{
	_cleanup_policy_ struct sbx_policy *policy = NULL;
	_cleanup_free_ char *base = NULL, *mapped = NULL;
	struct sbx_account account = { 0 };
	struct sbx_request request = { 0 };
	struct sbx_box box = { 0 };
	const char *argv[4];
	char argv0[128];
	int r;

	r = sbx_account_self(&account, err);
	if (r == 0)
		r = sbx_policy_load_account(account.name, &policy, err);
	if (r == 0)
		r = sbx_policy_check_access(policy, time(NULL), err);
	if (r == 0)
		r = check_admitted(policy, account.uid, err);
	if (r == 0 && asprintf(&base, "%s/sandboxes", account.home) < 0) {
		base = NULL;
		r = sbx_error_set(err, -ENOMEM, "out of memory");
	}
	if (r != 0)
		goto out;
	r = sbx_box_open(&box, &account, policy, base, SBX_INIT_PATH, err);
	if (r < 0)
		goto out;
	request.client = hold_client();
	r = fill_request(&request, invocation, &account, policy, client, argv0, argv, &mapped);
	if (r < 0)
		(void)sbx_error_set(err, r, "out of memory");
	else
		r = sbx_box_run(&box, &request, err);
	if (request.client > 0)
		(void)close(request.client);
	sbx_request_done(&request);
	sbx_box_done(&box);
out:
	sbx_account_done(&account);
	return r;
}

int main(int argc, char **argv)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_invocation invocation;
	char *no_variables[] = { NULL };
	char **client = environ;
	int r;

	if (close_doors() < 0)
		return SBX_EXIT_FAILURE;
	raise_limit();
	take_environment();
	environ = no_variables;
	r = sbx_invocation_read(argc, argv, client_variable(client, "SSH_ORIGINAL_COMMAND"),
				&invocation, &err);
	if (r == 0 && invocation.wish == SBX_WISH_VERSION)
		return puts("sandbox-shell " SBX_VERSION) < 0;
	if (r == 0 && invocation.wish == SBX_WISH_HELP)
		return puts("usage: sandbox-shell [-l] [-c COMMAND]\n"
			    "The login shell of a sandboxed account: see sandbox-shell(1).") < 0;
	if (r == 0)
		r = log_in(&invocation, client, &err);
	if (r >= 0)
		return r;
	(void)fprintf(stderr, "sandbox-shell: %s\n", err.message);
	return SBX_EXIT_FAILURE;
}
