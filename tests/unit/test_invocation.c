/*
 * How the shell is called, and what a login then wants.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "invocation.h"
#include "paths.h"
#include "util.h"

struct call {
	const char *argv[6];
	const char *original;
	enum sbx_wish wish;
	const char *command;
	bool login;
};

static int count(const char *const *argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	return argc;
}

static int read_call(const char *const *argv, const char *original,
		     struct sbx_invocation *invocation, struct sbx_error *err)
{
	return sbx_invocation_read(count(argv), (char *const *)(uintptr_t)argv, original,
				   invocation, err);
}

static const struct call calls[] = {
	/* sshd and login without a command; the client's wish is for ForceCommand only. */
	{ { "-sandbox-shell" }, NULL, SBX_WISH_LOGIN, NULL, true },
	{ { "-sandbox-shell" }, "id", SBX_WISH_LOGIN, NULL, true },
	{ { "-" }, NULL, SBX_WISH_LOGIN, NULL, true },
	{ { "sandbox-shell" }, NULL, SBX_WISH_LOGIN, NULL, true },
	{ { SBX_SHELL_PATH }, NULL, SBX_WISH_LOGIN, NULL, true },
	{ { NULL }, NULL, SBX_WISH_LOGIN, NULL, true },
	{ { NULL }, "id", SBX_WISH_LOGIN, NULL, true },
	{ { "sandbox-shell", "-l" }, NULL, SBX_WISH_LOGIN, NULL, true },
	{ { "sandbox-shell", "-i" }, NULL, SBX_WISH_LOGIN, NULL, true },
	{ { "sandbox-shell", "-il" }, NULL, SBX_WISH_LOGIN, NULL, true },
	{ { "sandbox-shell", "-i", "-l" }, NULL, SBX_WISH_LOGIN, NULL, true },
	/* sshd with a command; su - with one. */
	{ { "sandbox-shell", "-c", "id -u; x" }, NULL, SBX_WISH_COMMAND, "id -u; x", false },
	{ { "-sandbox-shell", "-c", "id" }, NULL, SBX_WISH_COMMAND, "id", true },
	{ { "sandbox-shell", "-l", "-c", "id" }, NULL, SBX_WISH_COMMAND, "id", true },
	{ { "sandbox-shell", "-lc", "id" }, NULL, SBX_WISH_COMMAND, "id", true },
	{ { "sandbox-shell", "-cl", "id" }, NULL, SBX_WISH_COMMAND, "id", true },
	{ { "sandbox-shell", "-ic", "id" }, NULL, SBX_WISH_COMMAND, "id", false },
	{ { "sandbox-shell", "-c", "" }, NULL, SBX_WISH_COMMAND, "", false },
	{ { "sandbox-shell", "-c", "-c" }, NULL, SBX_WISH_COMMAND, "-c", false },
	{ { "sandbox-shell", "-c", "--help" }, NULL, SBX_WISH_COMMAND, "--help", false },
	{ { "sandbox-shell", "-c", "id" }, "other", SBX_WISH_COMMAND, "id", false },
	/* ForceCommand where the login shell is another. */
	{ { "sandbox-shell" }, "id -u", SBX_WISH_COMMAND, "id -u", false },
	{ { SBX_SHELL_PATH }, "id -u", SBX_WISH_COMMAND, "id -u", false },
	{ { "sandbox-shell" }, "", SBX_WISH_COMMAND, "", false },
	/* ForceCommand where the login shell is ours as well. */
	{ { "sandbox-shell", "-c", SBX_SHELL_PATH }, "id", SBX_WISH_COMMAND, "id", false },
	{ { "sandbox-shell", "-c", SBX_SHELL_PATH }, NULL, SBX_WISH_LOGIN, NULL, true },
	{ { "sandbox-shell", "-c", "sandbox-shell" }, "id", SBX_WISH_COMMAND, "id", false },
	{ { "sandbox-shell", "-c", "sandbox-shell" }, NULL, SBX_WISH_LOGIN, NULL, true },
	/* ... but not a command that only begins like it: that's for inside. */
	{ { "sandbox-shell", "-c", SBX_SHELL_PATH " -c id" },
	  "other",
	  SBX_WISH_COMMAND,
	  SBX_SHELL_PATH " -c id",
	  false },
	{ { "sandbox-shell", "-c", "/tmp/sandbox-shell" },
	  "other",
	  SBX_WISH_COMMAND,
	  "/tmp/sandbox-shell",
	  false },
	{ { "sandbox-shell", "--version" }, NULL, SBX_WISH_VERSION, NULL, false },
	{ { "sandbox-shell", "--help" }, NULL, SBX_WISH_HELP, NULL, false },
};

static void test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct sbx_invocation got = { .wish = (enum sbx_wish)99 };
		struct sbx_error err = SBX_ERROR_INIT;
		char what[300];

		(void)snprintf(what, sizeof(what), "case %zu: %s %s %s", i,
			       calls[i].argv[0] ? calls[i].argv[0] : "(none)",
			       calls[i].argv[0] && calls[i].argv[1] ? calls[i].argv[1] : "",
			       err.message);
		if (read_call(calls[i].argv, calls[i].original, &got, &err) != 0)
			fail_msg("refused: %s", what);
		if (got.wish != calls[i].wish || got.login != calls[i].login)
			fail_msg("%s: wish %d, login %d", what, (int)got.wish, got.login);
		if (!calls[i].command)
			assert_null(got.command);
		else
			assert_string_equal(got.command, calls[i].command);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[][6] = {
		{ "sandbox-shell", "-c" },
		{ "sandbox-shell", "-c", "a", "b" },
		{ "sandbox-shell", "-c", "-l", "a" },
		{ "sandbox-shell", "a" },
		{ "sandbox-shell", "" },
		{ "sandbox-shell", "-" },
		{ "sandbox-shell", "--" },
		{ "sandbox-shell", "-x" },
		{ "sandbox-shell", "-cx", "a" },
		{ "sandbox-shell", "-s" },
		{ "sandbox-shell", "-l", "a" },
		{ "sandbox-shell", "--login" },
		{ "sandbox-shell", "--version", "a" },
		{ "sandbox-shell", "--help", "-c", "a" },
		{ "-sandbox-shell", "script" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sbx_invocation got = { .wish = (enum sbx_wish)99 };
		struct sbx_error err = SBX_ERROR_INIT;

		if (read_call(cases[i], NULL, &got, &err) != -EINVAL ||
		    read_call(cases[i], "id", &got, &err) != -EINVAL)
			fail_msg("taken: case %zu", i);
		assert_string_equal(
			err.message,
			"arguments: takes -c COMMAND, -l or nothing, as a login shell does");
		assert_int_equal(got.wish, 99);
	}
}

static void test_sftp(void **state)
{
	static const struct {
		const char *command, *options; /* NULL: left alone */
	} cases[] = {
		{ "internal-sftp", "" },
		{ "internal-sftp -l INFO", " -l INFO" },
		{ "/usr/lib/openssh/sftp-server", "" },
		{ "/usr/lib/openssh/sftp-server -R -u 0027", " -R -u 0027" },
		{ "/usr/libexec/openssh/sftp-server", "" },
		{ "/usr/lib/ssh/sftp-server", "" },
		{ "/usr/libexec/sftp-server", "" },
		{ "sftp-server", "" },
		{ "internal-sftpd", NULL },
		{ "internal-sftp;id", NULL },
		{ "internal-sftp\nid", NULL },
		{ " internal-sftp", NULL },
		{ "exec /usr/lib/openssh/sftp-server", NULL },
		{ "/usr/lib/openssh/sftp-server2", NULL },
		{ "/tmp/sftp-server", NULL },
		{ "./sftp-server", NULL },
		{ "sftp", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *mapped = NULL;
		char expected[200];

		assert_int_equal(sbx_invocation_map_sftp(cases[i].command, &mapped), 0);
		if (!cases[i].options) {
			if (mapped)
				fail_msg("mapped: %s", cases[i].command);
			continue;
		}
		if (!mapped)
			fail_msg("not mapped: %s", cases[i].command);
		(void)snprintf(expected, sizeof(expected), "exec sftp-server%s", cases[i].options);
		assert_true(strlen(mapped) > strlen(expected));
		assert_string_equal(mapped + strlen(mapped) - strlen(expected), expected);
	}
}

/*
 * What it's mapped to finds the server where the image has it, and the image's own PATH goes first.
 */
static void test_sftp_search(void **state)
{
	_cleanup_free_ char *mapped = NULL;

	(void)state;
	assert_int_equal(sbx_invocation_map_sftp("internal-sftp -x", &mapped), 0);
	assert_memory_equal(mapped, "PATH=\"$PATH:", 12);
	assert_non_null(strstr(mapped, ":/usr/lib/openssh:"));
	assert_non_null(strstr(mapped, ":/usr/libexec/openssh:"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_sftp),
		cmocka_unit_test(test_sftp_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
