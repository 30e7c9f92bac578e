/*
 * pam_sandbox.so: who is refused, with what reason, in one line of the log; and whom it leaves
 * alone.
 */
#include "test_pam_host.h"

static void test_refused(void **state)
{
	char long_text[5000];
	static const char *const hosts[] = {
		"198.51.100.7",
		"::ffff:198.51.100.7",
		"2001:db9::1",
		"localhost",
		"192.0.2.7.example.com",
		"192.0.2.7/24",
		"192.0.2.07",
		"$(id)",
		"%s%n%d",
		"\x1b[2Jx",
		"a\nb",
		"\xff\xfe",
		" ",
		"",
		NULL,
	};

	(void)state;
	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	policy(limited);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		refuse(ACCOUNT, hosts[i], PAM_PERM_DENIED, "sandbox-shell: access.from: ");
	refuse(ACCOUNT, long_text, PAM_PERM_DENIED, "access.from: \"aaaaaaaa");
	policy("{\"version\":1,\"access\":{\"enabled\":false,\"expires\":\"2001-01-01T00:00:00Z\"}}");
	refuse(ACCOUNT, NULL, PAM_PERM_DENIED, "access.enabled: ");
	policy("{\"version\":1,\"access\":{\"expires\":\"2001-01-01T00:00:00Z\"}}");
	refuse(ACCOUNT, NULL, PAM_ACCT_EXPIRED,
	       "access.expires: access ended at 2001-01-01T00:00:00Z");
	policy("{\"version\":1,\"nosuchkey\":1}");
	refuse(ACCOUNT, NULL, PAM_PERM_DENIED, ACCOUNT ".json:1:14: nosuchkey: ");
	policy("{\"version\":1}");
	assert_int_equal(chmod("/etc/sandbox-shell/policy.d/" ACCOUNT ".json", 0666), 0);
	refuse(ACCOUNT, NULL, PAM_PERM_DENIED, "writable by others");
	assert_int_equal(unlink("/etc/sandbox-shell/policy.d/" ACCOUNT ".json"), 0);
	refuse(ACCOUNT, NULL, PAM_PERM_DENIED, "no policy for account " ACCOUNT);
	/* No such account, or none with a name at all. */
	refuse("nosuchaccount", NULL, PAM_USER_UNKNOWN, "");
	refuse("../agent", NULL, PAM_USER_UNKNOWN, "");
	refuse("agent\n", NULL, PAM_USER_UNKNOWN, "");
	refuse(long_text, NULL, PAM_USER_UNKNOWN, "");
	refuse("", NULL, PAM_USER_UNKNOWN, "");
	assert_closed();
}

/* A folder in the place of the runtime folder that isn't right is nobody's to repair. */
static void test_wrong_runtime_folder(void **state)
{
	(void)state;
	policy(limited);
	assert_int_equal(mkdir(runtime, 0700), 0);
	refuse(ACCOUNT, "192.0.2.7", PAM_SUCCESS, "runtime folder: /run/user/");
	assert_int_equal(chown(runtime, account.pw_uid, account.pw_gid), 0);
	assert_int_equal(chmod(runtime, 0755), 0);
	refuse(ACCOUNT, "192.0.2.7", PAM_SUCCESS, "with mode 0755");
	assert_int_equal(rmdir(runtime), 0);
	assert_int_equal(symlink("/tmp", runtime), 0);
	refuse(ACCOUNT, "192.0.2.7", PAM_SUCCESS, "runtime folder: /run/user/");
	assert_int_equal(unlink(runtime), 0);
	assert_closed();
}

static void test_who_is_meant(void **state)
{
	pam_handle_t *pamh;
	char line[2048];

	(void)state;
	policy("{\"version\":1,\"access\":{\"enabled\":false}}");
	/* Ours only: libpam makes "must fail" of a stack in which all say "ignore". */
	refuse("plain", NULL, PAM_PERM_DENIED, "");
	assert_string_equal(said, "");
	refuse("root", NULL, PAM_PERM_DENIED, "");
	assert_string_equal(said, "");
	options("accounts=nosuchgroup");
	pamh = start(ACCOUNT, NULL);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	assert_string_equal(said, "");
	assert_int_equal(logged(line, sizeof(line)), 1);
	assert_non_null(strstr(line, "accounts=nosuchgroup: no such group"));
	end(pamh, PAM_PERM_DENIED);
	options("accounts=plain");
	refuse("plain", NULL, PAM_PERM_DENIED, "no policy for account plain (/etc/");
	options("accounts=plain policy_dir=/run/nowhere debug");
	refuse("plain", NULL, PAM_PERM_DENIED, "(/run/nowhere/policy.d/plain.json)");
	options("acounts=sandboxed");
	refuse(ACCOUNT, NULL, PAM_SERVICE_ERR, "option \"acounts=sandboxed\": unknown");
	refuse("plain", NULL, PAM_SERVICE_ERR, "option \"acounts=sandboxed\": unknown");
	refuse("root", NULL, PAM_PERM_DENIED, "");
	assert_string_equal(said, "");
	options("");
	/* Silent is silent. */
	pamh = start(ACCOUNT, NULL);
	assert_int_equal(pam_acct_mgmt(pamh, PAM_SILENT), PAM_PERM_DENIED);
	assert_int_equal(pam_open_session(pamh, PAM_SILENT), PAM_PERM_DENIED);
	assert_string_equal(said, "");
	end(pamh, PAM_PERM_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_wrong_runtime_folder),
		cmocka_unit_test(test_who_is_meant),
	};

	return RUN_ON_HOST(tests);
}
