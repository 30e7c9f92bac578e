/*
 * doctor: goes through the tables of checks, and prints what it found.
 *
 * It trusts the kernel, root's files and the programs of the system that it asks, and nothing that
 * an account could have written. It changes nothing without --fix, and then only what a check has
 * found and has a fix for.
 */
#include "ctl_doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl_root.h"
#include "policy_write.h"
#include "session.h"
#include "util.h"

static const struct ctl_checks *const tables[] = { &ctl_checks_host, &ctl_checks_pam,
						   &ctl_checks_accounts, &ctl_checks_sshd };

struct run {
	const struct ctl *ctl;
	struct ctl_doctor doctor;
	size_t checks, found, untold;
};

const char *ctl_doctor_missing(const char *text, char *missing, size_t size)
{
	static const char *const needed[] = { "cpu", "memory", "pids" };

	missing[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!sbx_has_word(text, needed[i]))
			(void)snprintf(missing + strlen(missing), size - strlen(missing), " %s",
				       needed[i]);
	return missing[0] ? missing : NULL;
}

int ctl_doctor_place(const char *name, const char *path, struct sbx_error *err)
{
	_cleanup_free_ char *source = NULL, *text = NULL, *folder = strdup(path);
	int r;

	if (!folder || asprintf(&source, SBX_SHARE_DIR "/host/%s", name) < 0) {
		source = NULL;
		return sbx_error_set(err, -ENOMEM, "out of memory");
	}
	if (access(path, F_OK) == 0)
		return sbx_error_set(err, -EEXIST, "%s: is there already", path);
	r = ctl_root_read(source, &text, err);
	if (r < 0)
		return r;
	if (!text)
		return sbx_error_set(err, -ENOENT, "%s: isn't there", source);
	/* The drop-ins' folder may have gone with them; who could write there is seen next. */
	*strrchr(folder, '/') = '\0';
	(void)mkdir(folder, 0755);
	return ctl_root_write(path, text, 0644, err);
}

static const char *result_name(int result)
{
	static const char *const names[] = { "well", "found", "not here" };

	return result < 0 ? "untold" : names[result];
}

static void print_json(struct run *run, const struct ctl_check *check,
		       const struct ctl_account *account, int result, const char *fixed,
		       const struct sbx_error *message)
{
	(void)printf("%s\n  {\"check\": \"%s\", \"account\": ", run->checks > 1 ? "," : "",
		     check->name);
	if (account)
		sbx_write_string(stdout, account->account.name);
	else
		(void)fputs("null", stdout);
	(void)printf(", \"result\": \"%s\", \"message\": ", result_name(result));
	if (result == CTL_WELL || result == CTL_NOT_HERE)
		(void)fputs("null", stdout);
	else
		sbx_write_string(stdout, message->message);
	(void)fputs(", \"fixed\": ", stdout);
	if (fixed)
		sbx_write_string(stdout, fixed);
	else
		(void)fputs("null", stdout);
	(void)fputc('}', stdout);
}

static void print_text(int result, const char *fixed, const struct sbx_error *message)
{
	if (fixed)
		(void)printf("doctor: fixed: %s\n", fixed);
	if (result == CTL_FOUND || result < 0)
		(void)printf("doctor: %s\n", message->message);
}

/* Look, and where something is found that may be fixed, fix it and look again. */
static void run_check(struct run *run, const struct ctl_check *check,
		      const struct ctl_account *account)
{
	struct sbx_error message = SBX_ERROR_INIT, done = SBX_ERROR_INIT;
	struct ctl_doctor *doctor = &run->doctor;
	const char *fixed = NULL;
	int result = CTL_NOT_HERE;

	if (!check->systemd || doctor->systemd)
		result = check->look(doctor, check, account, &message);
	if (result == CTL_FOUND && run->ctl->fix && check->fix) {
		if (check->fix(doctor, check, account, &done) == 0)
			fixed = done.message;
		ctl_doctor_done_sshd(doctor);
		result = check->look(doctor, check, account, &message);
	}
	run->checks++;
	run->found += result == CTL_FOUND;
	run->untold += result < 0;
	if (run->ctl->json)
		print_json(run, check, account, result, fixed, &message);
	else
		print_text(result, fixed, &message);
}

static void run_table(struct run *run, const struct ctl_checks *table)
{
	const struct ctl_accounts *accounts = &run->doctor.accounts;

	for (size_t i = 0; !table->each_account && i < table->count; i++)
		run_check(run, &table->items[i], NULL);
	for (size_t a = 0; table->each_account && a < accounts->count; a++)
		for (size_t i = 0; i < table->count; i++)
			run_check(run, &table->items[i], &accounts->items[a]);
}

int ctl_doctor(const struct ctl *ctl, char **args, struct sbx_error *err)
{
	struct run run = { .ctl = ctl };
	struct stat st;
	int r;

	if (args[0])
		return sbx_error_set(err, -EINVAL, "usage: sandboxctl doctor [--json] [--fix]");
	if (geteuid() != 0)
		return sbx_error_set(err, -EPERM, "doctor: for root");
	run.doctor.systemd = lstat("/run/systemd/system", &st) == 0 && S_ISDIR(st.st_mode);
	/* Without the group there's no account: a check of its own finds that. */
	r = ctl_accounts_list(&run.doctor.accounts, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (ctl->json)
		(void)fputc('[', stdout);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		run_table(&run, tables[i]);
	if (ctl->json)
		(void)fputs("\n]\n", stdout);
	else if (run.found == 0 && run.untold == 0)
		(void)printf("doctor: all is well: %zu checks, accounts: %zu\n", run.checks,
			     run.doctor.accounts.count);
	ctl_doctor_done_sshd(&run.doctor);
	ctl_accounts_done(&run.doctor.accounts);
	if (run.found > 0)
		return 1;
	return run.untold > 0 ? SBX_EXIT_FAILURE : 0;
}
