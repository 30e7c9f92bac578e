/*
 * Who is calling: by uid and the passwd database, whatever the environment says. As root, each in a
 * process of its own that becomes somebody.
 */
#include <errno.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "account.h"
#include "util.h"

#define NOBODYS 54321

struct identity {
	uid_t real, effective, saved;
	gid_t groups[3];
	int result;
	const char *message;
};

/* In a process of its own. Returns the line where it's wrong. */
static int call_as(const struct identity *who)
{
	struct sbx_account account = { .uid = 12345 };
	struct sbx_error err = SBX_ERROR_INIT;
	struct passwd *entry = getpwuid(who->real);
	_cleanup_free_ char *home = entry ? strdup(entry->pw_dir) : NULL;
	_cleanup_free_ char *name = entry ? strdup(entry->pw_name) : NULL;

	if (setresgid(who->groups[0], who->groups[1], who->groups[2]) < 0 ||
	    setresuid(who->real, who->effective, who->saved) < 0)
		return __LINE__;
	if (sbx_account_self(&account, &err) != who->result)
		return __LINE__;
	if (strncmp(err.message, who->message, strlen(who->message)) != 0)
		return __LINE__;
	if (who->result < 0)
		return account.uid == 12345 && !account.name ? 0 : __LINE__;
	if (account.uid != who->real || account.gid != who->groups[0] ||
	    strcmp(account.name, name) != 0 || strcmp(account.home, home) != 0)
		return __LINE__;
	sbx_account_done(&account);
	return account.name ? __LINE__ : 0;
}

static void test_identities(void **state)
{
	static const struct identity cases[] = {
		{ 1, 1, 1, { 1, 1, 1 }, 0, "" },
		{ 1, 1, 1, { 7, 7, 7 }, 0, "" },
		{ 0, 0, 0, { 0, 0, 0 }, -EPERM, "identity: root has no sandbox" },
		{ 1, 0, 0, { 1, 1, 1 }, -EPERM, "identity: runs setuid or setgid" },
		{ 0, 1, 1, { 1, 1, 1 }, -EPERM, "identity: runs setuid or setgid" },
		{ 1, 1, 0, { 1, 1, 1 }, -EPERM, "identity: runs setuid or setgid" },
		{ 1, 1, 1, { 1, 0, 0 }, -EPERM, "identity: runs setuid or setgid" },
		{ 1, 1, 1, { 1, 1, 0 }, -EPERM, "identity: runs setuid or setgid" },
		{ NOBODYS,
		  NOBODYS,
		  NOBODYS,
		  { 1, 1, 1 },
		  -ENOENT,
		  "identity: uid 54321: no such account" },
	};

	(void)state;
	if (getuid() != 0) {
		print_message("skipped: becoming somebody needs root\n");
		skip();
	}
	assert_int_equal(setenv("HOME", "/tmp", 1), 0);
	assert_int_equal(setenv("USER", "root", 1), 0);
	assert_int_equal(setenv("LOGNAME", "root", 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status = -1;
		pid_t pid;

		(void)fflush(NULL);
		pid = fork();
		if (pid == 0)
			_exit(call_as(&cases[i]) & 0xff);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("case %zu: line %d", i, WEXITSTATUS(status));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_identities) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
