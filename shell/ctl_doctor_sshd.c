/*
 * doctor's checks of what sshd does for each enrolled account, by its own word: `sshd -T -C
 * user=NAME` prints the settings that hold for a login, whatever files they come from.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_doctor.h"
#include "ctl_place.h"
#include "paths.h"
#include "util.h"

#define SSHD "/usr/sbin/sshd"
#define DROP_IN SBX_SYSCONFDIR "/ssh/sshd_config.d/50-sandbox-shell.conf"
#define VALUE_MAX 1024

void ctl_doctor_done_sshd(struct ctl_doctor *doctor)
{
	free(doctor->sshd);
	doctor->sshd = NULL;
	doctor->sshd_account = NULL;
}

static int ask_sshd(struct ctl_doctor *doctor, const struct ctl_account *account)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", lang[] = "LC_ALL=C";
	char *const env[] = { path, lang, NULL };
	char connection[128];
	char *const argv[] = { (char[]){ SSHD }, (char[]){ "-T" }, (char[]){ "-C" }, connection,
			       NULL };
	const struct sbx_spawn spawn = {
		.argv = argv, .env = env, .in = -1, .out = -1, .progress = -1
	};
	int r;

	if (doctor->sshd_account == account)
		return doctor->sshd_result;
	ctl_doctor_done_sshd(doctor);
	doctor->sshd = calloc(1, sizeof(*doctor->sshd));
	if (!doctor->sshd)
		return -ENOMEM;
	(void)snprintf(connection, sizeof(connection), "user=%.64s,host=localhost,addr=127.0.0.1",
		       account->account.name);
	r = sbx_spawn_run(&spawn, doctor->sshd, &doctor->sshd_error);
	if (r == 0 && doctor->sshd->out_length >= SBX_SPAWN_CAPTURE_MAX - 1)
		r = sbx_error_set(&doctor->sshd_error, -E2BIG, "sshd: says too much");
	doctor->sshd_account = account;
	doctor->sshd_result = r;
	return r;
}

/*
 * The next setting of this name, in lower case as sshd prints it; *at begins at NULL. Returns false
 * after the last.
 */
static bool next_setting(const struct ctl_doctor *doctor, const char *name, const char **at,
			 char value[static VALUE_MAX])
{
	size_t length = strlen(name);
	const char *line = *at ? *at : doctor->sshd->out_text;

	while (*line) {
		size_t end = strcspn(line, "\n");
		const char *next = line + end + (line[end] == '\n');

		if (end > length && end - length <= VALUE_MAX && line[length] == ' ' &&
		    strncmp(line, name, length) == 0) {
			(void)snprintf(value, VALUE_MAX, "%.*s", (int)(end - length - 1),
				       line + length + 1);
			*at = next;
			return true;
		}
		line = next;
	}
	return false;
}

static bool is(const struct ctl_doctor *doctor, const char *name, const char *value)
{
	const char *at = NULL;
	char now[VALUE_MAX];

	return next_setting(doctor, name, &at, now) && strcmp(now, value) == 0;
}

static bool is_forced(const struct ctl_doctor *doctor)
{
	return is(doctor, "forcecommand", SBX_SHELL_PATH);
}

/* Each of the following is asked only where sshd has answered. */
#define ASK()                                      \
	do {                                       \
		if (!ctl_place_has_program(SSHD))  \
			return CTL_NOT_HERE;       \
		if (ask_sshd(doctor, account) < 0) \
			return CTL_NOT_HERE;       \
	} while (0)

CTL_LOOK(look_answer)
{
	if (!ctl_place_has_program(SSHD))
		return CTL_NOT_HERE;
	if (ask_sshd(doctor, account) == 0)
		return CTL_WELL;
	return CTL_FIND(found, "sshd for %s: its settings can't be told: %s: see sshd -t",
			account->account.name, doctor->sshd_error.message);
}

/* argument must be value; printed as sshd_config(5) has it by check->name. */
CTL_LOOK(look_setting)
{
	const char *at = NULL;
	char now[VALUE_MAX] = "not known to it";

	ASK();
	(void)next_setting(doctor, check->argument, &at, now);
	if (strcmp(now, check->value) == 0)
		return CTL_WELL;
	return CTL_FIND(found, "sshd for %s: %s is %s: set it to %s", account->account.name,
			check->name, now, check->value);
}

CTL_LOOK(look_forwarding)
{
	static const char *const each[] = { "allowtcpforwarding", "allowstreamlocalforwarding",
					    "allowagentforwarding", "x11forwarding" };

	ASK();
	if (is(doctor, "disableforwarding", "yes"))
		return CTL_WELL;
	for (size_t i = 0; i < ARRAY_SIZE(each); i++)
		if (!is(doctor, each[i], "no"))
			return CTL_FIND(found,
					"sshd for %s: %s is on, which leads past the sandbox: set "
					"DisableForwarding to yes",
					account->account.name, each[i]);
	return CTL_WELL;
}

CTL_LOOK(look_sftp)
{
	static const char internal[] = "sftp internal-sftp";
	const char *at = NULL;
	char now[VALUE_MAX];

	ASK();
	while (next_setting(doctor, "subsystem", &at, now))
		/* A forced command comes before it. */
		if (strncmp(now, internal, strlen(internal)) == 0 && !is_forced(doctor))
			return CTL_FIND(found,
					"sshd for %s: Subsystem sftp is internal-sftp, by which "
					"sshd itself serves the host's files: name sftp-server by "
					"its path, or force " SBX_SHELL_PATH,
					account->account.name);
	return CTL_WELL;
}

CTL_LOOK(look_shell)
{
	bool is_shell = strcmp(account->shell, SBX_SHELL_PATH) == 0;
	const char *at = NULL, *name = account->account.name;
	char now[VALUE_MAX] = "none";

	if (ctl_place_has_program(SSHD) && ask_sshd(doctor, account) == 0)
		(void)next_setting(doctor, "forcecommand", &at, now);
	if (strcmp(now, SBX_SHELL_PATH) == 0 || (is_shell && strcmp(now, "none") == 0))
		return CTL_WELL;
	if (strcmp(now, "none") != 0)
		return CTL_FIND(
			found,
			"sshd for %s: ForceCommand is %s, which runs instead: set it to " SBX_SHELL_PATH
			", or leave it out",
			name, now);
	return CTL_FIND(found,
			"account %s: its login shell is %s, and sshd forces nothing, so that it "
			"lands on the host: usermod --shell " SBX_SHELL_PATH " %s",
			name, account->shell, name);
}

/* Variables by which a client would decide what runs before the sandbox does. */
CTL_LOOK(look_accept)
{
	static const char *const dangerous[] = {
		"LD_PRELOAD",
		"LD_LIBRARY_PATH",
		"LD_AUDIT",
		"PATH",
		"HOME",
		"SHELL",
		"USER",
		"LOGNAME",
		"IFS",
		"ENV",
		"BASH_ENV",
		"SHELLOPTS",
		"BASHOPTS",
		"PS4",
		"PYTHONPATH",
		"PERL5LIB",
		"XDG_RUNTIME_DIR",
		"XDG_CONFIG_HOME",
		"DBUS_SESSION_BUS_ADDRESS",
		"GCONV_PATH",
	};
	const char *at = NULL;
	char now[VALUE_MAX];

	ASK();
	while (next_setting(doctor, "acceptenv", &at, now))
		for (size_t i = 0; i < ARRAY_SIZE(dangerous); i++)
			if (fnmatch(now, dangerous[i], 0) == 0)
				return CTL_FIND(found,
						"sshd for %s: AcceptEnv %s lets the client set %s: "
						"name the variables that it needs",
						account->account.name, now, dangerous[i]);
	return CTL_WELL;
}

/* %h, %u, %U and %% of sshd_config(5); what is relative lies in the home. */
static int expand(const struct ctl_account *account, const char *pattern, char *path, size_t size)
{
	size_t used = 0;

	if (pattern[0] != '/' && strncmp(pattern, "%h", 2) != 0)
		used = (size_t)snprintf(path, size, "%s/", account->account.home);
	for (; *pattern && used < size; pattern++) {
		char number[16], plain[] = { *pattern, '\0' };
		const char *text = plain;

		if (pattern[0] == '%' && pattern[1]) {
			pattern++;
			(void)snprintf(number, sizeof(number), "%u", account->account.uid);
			plain[0] = *pattern;
			text = *pattern == 'h'   ? account->account.home
			       : *pattern == 'u' ? account->account.name
			       : *pattern == 'U' ? number
						 : plain;
		}
		used += (size_t)snprintf(path + used, size - used, "%s", text);
	}
	return used < size ? 0 : -ENAMETOOLONG;
}

CTL_LOOK(look_keys)
{
	const char *at = NULL, *name = account->account.name;
	char now[VALUE_MAX], path[VALUE_MAX], *rest = now, *pattern;

	ASK();
	if (!next_setting(doctor, "authorizedkeysfile", &at, now) || strcmp(now, "none") == 0)
		return CTL_WELL;
	while ((pattern = strsep(&rest, " ")) != NULL) {
		struct sbx_error why = SBX_ERROR_INIT;

		if (!*pattern)
			continue;
		if (expand(account, pattern, path, sizeof(path)) < 0)
			return sbx_error_set(found, -ENAMETOOLONG, "sshd for %s: %s: too long",
					     name, pattern);
		if (ctl_place_check(path, &why) > 0)
			return CTL_FIND(found,
					"sshd for %s: AuthorizedKeysFile %s: %s: keep keys where "
					"only root writes: " SBX_CONF_DIR "/authorized_keys.d/%%u",
					name, pattern, why.message);
	}
	return CTL_WELL;
}

/* For whatever of it was found: where the shipped settings are missing, they're put there. */
CTL_LOOK(fix_settings)
{
	int r = ctl_doctor_place("sshd.conf", DROP_IN, found);

	if (r == 0)
		(void)sbx_error_set(found, -EINVAL,
				    DROP_IN ": put there: reload sshd when doctor has no more to "
					    "say of it");
	return r;
}

#define MUST(name, setting, value)                                      \
	{                                                               \
		name, look_setting, fix_settings, setting, value, false \
	}

/* clang-format off */
static const struct ctl_check checks[] = {
	{ "sshd-settings", look_answer, NULL, NULL, NULL, false },
	{ "login-shell", look_shell, fix_settings, NULL, NULL, false },
	{ "Subsystem", look_sftp, fix_settings, NULL, NULL, false },
	{ "DisableForwarding", look_forwarding, fix_settings, NULL, NULL, false },
	MUST("PermitTunnel", "permittunnel", "no"),
	MUST("PermitUserRC", "permituserrc", "no"),
	{ "PermitUserEnvironment", look_setting, NULL, "permituserenvironment", "no", false },
	{ "AcceptEnv", look_accept, NULL, NULL, NULL, false },
	{ "AuthorizedKeysFile", look_keys, fix_settings, NULL, NULL, false },
	{ "UsePAM", look_setting, NULL, "usepam", "yes", false },
	{ "PermitEmptyPasswords", look_setting, NULL, "permitemptypasswords", "no", false },
};
/* clang-format on */

const struct ctl_checks ctl_checks_sshd = { checks, ARRAY_SIZE(checks), true };
