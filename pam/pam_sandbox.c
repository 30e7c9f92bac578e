/*
 * pam_sandbox.so: lets the accounts of a group in as their policies say, and prepares the host
 * for their sandboxes. The only code of ours that runs as root at a login, inside of sshd or
 * login.
 *
 * It trusts the passwd and group databases, root's policy files and its own folder below /run. It
 * doesn't trust the user's name, PAM_RHOST, PAM's or the process's environment, nor anything of
 * the account's. It must never exit, print, keep state outside of PAM's data, or let somebody in
 * because a step failed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#pragma GCC visibility push(default)
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#pragma GCC visibility pop

#include "cidr.h"
#include "pam_account.h"
#include "pam_options.h"
#include "pam_session.h"
#include "policy.h"
#include "policy_value.h"
#include "util.h"

#define DATA "pam_sandbox_session"

/* One call of the module. */
struct call {
	pam_handle_t *pamh;
	const char *user; /* as PAM has it: from anywhere */
	bool silent;
	struct sbx_pam_options options;
	struct sbx_account account;
	struct sbx_policy *policy;
	struct sbx_error err;
};

static void call_done(struct call *call)
{
	sbx_account_done(&call->account);
	sbx_policy_free(call->policy);
}

static void debug(const struct call *call, const char *what, const char *more)
{
	if (call->options.debug)
		pam_syslog(call->pamh, LOG_DEBUG, "%s%s", what, more);
}

/*
 * The one report of a failure: a line in the log, and the reason for the person. Returns the PAM
 * code.
 */
static int deny(struct call *call, int code)
{
	char quoted[SBX_VALUE_TEXT_MAX];

	pam_syslog(call->pamh,
		   code == PAM_PERM_DENIED || code == PAM_ACCT_EXPIRED ? LOG_NOTICE : LOG_ERR,
		   "account %s denied: %s", sbx_value_quote(quoted, call->user), call->err.message);
	if (!call->silent)
		(void)pam_error(call->pamh, "sandbox-shell: %s", call->err.message);
	return code;
}

/* The PAM code for a failure of a step. */
static int pam_code(int error)
{
	static const struct {
		int error, code;
	} codes[] = {
		{ -ENOMEM, PAM_BUF_ERR },           { -ENOENT, PAM_PERM_DENIED },
		{ -EPERM, PAM_PERM_DENIED },        { -EINVAL, PAM_PERM_DENIED },
		{ -ENOTSUP, PAM_PERM_DENIED },      { -EACCES, PAM_PERM_DENIED },
		{ -EKEYEXPIRED, PAM_ACCT_EXPIRED }, { -EUSERS, PAM_PERM_DENIED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].error == error)
			return codes[i].code;
	return PAM_SYSTEM_ERR;
}

/*
 * What every entry begins with. Returns PAM_SUCCESS when the account is ours to look after,
 * PAM_IGNORE when it isn't, or what to deny with. With options that are wrong it can't tell: then
 * everybody but root is denied.
 */
static int begin(struct call *call, pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct sbx_error bad_options = SBX_ERROR_INIT;
	bool member = false, missing = false;
	const char *user = NULL;
	int r, options;

	*call = (struct call){ .pamh = pamh, .silent = flags & PAM_SILENT };
	options = sbx_pam_options_parse(argc, argv, &call->options, &bad_options);
	r = pam_get_item(pamh, PAM_USER, (const void **)&user);
	if (r != PAM_SUCCESS || !user || !user[0])
		return PAM_USER_UNKNOWN;
	call->user = user;
	r = sbx_pam_account_find(user, options < 0 ? "" : call->options.group, &call->account,
				 &member, &missing, &call->err);
	if (r == -ENOENT)
		return PAM_USER_UNKNOWN;
	if (r < 0)
		return deny(call, pam_code(r));
	if (options < 0 && call->account.uid != 0) {
		call->err = bad_options;
		return deny(call, PAM_SERVICE_ERR);
	}
	if (missing)
		pam_syslog(pamh, LOG_WARNING, "accounts=%s: no such group: nobody is looked after",
			   call->options.group);
	else if (!member)
		debug(call, "not in the group: ", call->account.name);
	return member ? PAM_SUCCESS : PAM_IGNORE;
}

/* The policy, from the same files and by the same rules as sandbox-shell. */
static int load_policy(struct call *call)
{
	_cleanup_free_ char *defaults = NULL, *own = NULL, *setup = NULL;
	const char *dir = call->options.policy_dir;
	struct sbx_policy_source source = { .account = call->account.name };
	char quoted[SBX_VALUE_TEXT_MAX];

	/* The name becomes part of a path: nothing but a plain name may. */
	if (!sbx_name_valid(call->account.name))
		return sbx_error_set(
			&call->err, -EINVAL,
			"account %s: not a name that can have a policy: use a-z, 0-9, _ . -",
			sbx_value_quote(quoted, call->account.name));
	if (asprintf(&defaults, "%s/policy.json", dir) < 0)
		defaults = NULL;
	if (asprintf(&own, "%s/policy.d/%s.json", dir, call->account.name) < 0)
		own = NULL;
	if (asprintf(&setup, "%s/setup.sh", dir) < 0)
		setup = NULL;
	if (!defaults || !own || !setup)
		return sbx_error_set(&call->err, -ENOMEM, "policy: out of memory");
	source.defaults_path = defaults;
	source.account_path = own;
	source.setup_default = setup;
	return sbx_policy_load(&source, &call->policy, &call->err);
}

/* access.from, against the address that PAM was told; a name of a host is none. */
static int check_source(struct call *call)
{
	char *const *range = call->policy->access_from;
	const char *remote = NULL;
	struct sbx_address address;
	char quoted[SBX_VALUE_TEXT_MAX];

	if (!range || !*range)
		return 0;
	if (pam_get_item(call->pamh, PAM_RHOST, (const void **)&remote) != PAM_SUCCESS || !remote ||
	    !remote[0])
		return sbx_error_set(&call->err, -EACCES,
				     "access.from: this login comes from no network address");
	if (sbx_address_parse(remote, &address) < 0)
		return sbx_error_set(&call->err, -EACCES,
				     "access.from: %s is not an address (sshd: set UseDNS no)",
				     sbx_value_quote(quoted, remote));
	for (; *range; range++)
		if (sbx_cidr_contains(*range, &address))
			return 0;
	return sbx_error_set(&call->err, -EACCES,
			     "access.from: no login is allowed from %s: ask the operator",
			     sbx_value_quote(quoted, remote));
}

/* All of the policy that decides whether this login may be. Returns 0 or -errno. */
static int admit(struct call *call)
{
	int r = load_policy(call);

	if (r == 0) {
		r = sbx_policy_check_access(call->policy, time(NULL), &call->err);
		if (r == -EACCES && call->policy->access_enabled)
			r = -EKEYEXPIRED;
	}
	return r == 0 ? check_source(call) : r;
}

static int check_account(struct call *call)
{
	int r = admit(call);

	/* Whoever asks without being root opens no session either. */
	if (r == 0 && geteuid() == 0)
		r = sbx_pam_session_check(&call->account, call->policy, &call->err);
	if (r < 0)
		return deny(call, pam_code(r));
	debug(call, "account admitted: ", call->account.name);
	return PAM_SUCCESS;
}

static void free_data(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	sbx_pam_session_free(data);
}

/* Open it and leave it with PAM. Returns 0 or -errno, and then nothing is left of it. */
static int open_session(struct call *call, struct sbx_error *warning)
{
	struct sbx_pam_session *session = NULL;
	char variable[64];
	int r;

	r = sbx_pam_session_open(&call->account, call->policy, &session, warning, &call->err);
	if (r < 0)
		return r;
	(void)snprintf(variable, sizeof(variable), "XDG_RUNTIME_DIR=/run/user/%u",
		       call->account.uid);
	if (pam_putenv(call->pamh, variable) == PAM_SUCCESS &&
	    pam_set_data(call->pamh, DATA, session, free_data) == PAM_SUCCESS)
		return 0;
	(void)sbx_pam_session_close(session, NULL);
	sbx_pam_session_free(session);
	return sbx_error_set(&call->err, -ENOMEM, "session: out of memory");
}

/* Why no session can be opened here, or NULL. */
static const char *no_session(const struct call *call)
{
	const void *data = NULL;

	if (geteuid() != 0)
		return "can be opened by root only";
	if (pam_get_data(call->pamh, DATA, &data) == PAM_SUCCESS && data)
		return "is open already";
	return NULL;
}

static int start_session(struct call *call)
{
	struct sbx_error warning = SBX_ERROR_INIT;
	const char *why = no_session(call);
	int r = why ? sbx_error_set(&call->err, -EPROTO, "session: %s", why) : admit(call);

	if (r == 0)
		r = open_session(call, &warning);
	if (r < 0) {
		r = pam_code(r);
		return deny(call, r == PAM_SYSTEM_ERR ? PAM_SESSION_ERR : r);
	}
	if (warning.code != 0)
		pam_syslog(call->pamh, LOG_WARNING, "account %s: %s", call->account.name,
			   warning.message);
	debug(call, "session opened: ", call->account.name);
	return PAM_SUCCESS;
}

static int run(pam_handle_t *pamh, int flags, int argc, const char **argv,
	       int (*worker)(struct call *call))
{
	struct call call;
	int r = begin(&call, pamh, flags, argc, argv);

	if (r == PAM_SUCCESS)
		r = worker(&call);
	call_done(&call);
	return r;
}

int pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(pamh, flags, argc, argv, check_account);
}

int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return run(pamh, flags, argc, argv, start_session);
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct sbx_error err = SBX_ERROR_INIT;
	const void *data = NULL;
	int r;

	(void)flags;
	(void)argc;
	(void)argv;
	/* None: not an account of ours, or the session was refused. */
	if (pam_get_data(pamh, DATA, &data) != PAM_SUCCESS || !data)
		return PAM_IGNORE;
	r = sbx_pam_session_close((struct sbx_pam_session *)(uintptr_t)data, &err);
	(void)pam_set_data(pamh, DATA, NULL, NULL);
	if (r == 0)
		return PAM_SUCCESS;
	pam_syslog(pamh, LOG_ERR, "session not closed cleanly: %s", err.message);
	return PAM_SESSION_ERR;
}
