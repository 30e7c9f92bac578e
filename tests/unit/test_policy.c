/*
 * Loading a policy from files: merging, defaults, what is printed, access, the environment.
 *
 * The golden files are written into a folder that only root (and we) can write, since the loader
 * would rightly refuse a checkout that belongs to somebody else. Runs from the checkout's root.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy.h"
#include "policy_table.h"
#include "safe_folder.h"
#include "util.h"

static char folder[256];

static char *read_whole(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;

	if (fd < 0 || sbx_read_all(fd, (size_t)1024 * 1024, &text, NULL) < 0)
		fail_msg("%s: run the tests from the checkout's root", path);
	return text;
}

static void need_folder(void)
{
	if (folder[0] || make_safe_folder(folder, sizeof(folder)))
		return;
	folder[0] = '\0';
	print_message("skipped: no folder here that only root and we can write\n");
	skip();
}

/* Put texts (NULL: no such file) where the loader reads them, and load. */
static int load(const char *host, const char *account, bool optional,
		struct sbx_policy **ret_policy, struct sbx_error *err)
{
	char host_path[300], account_path[300];
	const struct sbx_policy_source source = {
		.defaults_path = host_path,
		.account_path = account_path,
		.account_optional = optional,
		.account = "agent",
		.also_owner = getuid(),
		.setup_default = "/etc/sandbox-shell/setup.sh",
	};

	(void)snprintf(host_path, sizeof(host_path), "%s/policy.json", folder);
	(void)snprintf(account_path, sizeof(account_path), "%s/agent.json", folder);
	(void)unlink(host_path);
	(void)unlink(account_path);
	if (host)
		assert_true(write_file(folder, "policy.json", host, 0644));
	if (account)
		assert_true(write_file(folder, "agent.json", account, 0600));
	return sbx_policy_load(&source, ret_policy, err);
}

static void load_fine(const char *host, const char *account, struct sbx_policy **ret_policy)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (load(host, account, true, ret_policy, &err) < 0)
		fail_msg("%s", err.message);
}

/* The message without the folder's changing name. */
static void expect_error(const char *host, const char *account, int code, const char *message)
{
	struct sbx_policy *policy = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	char wanted[600];

	assert_int_equal(load(host, account, false, &policy, &err), code);
	(void)snprintf(wanted, sizeof(wanted), "%s/%s", folder, message);
	assert_string_equal(err.message, wanted);
	assert_null(policy);
}

static void expect_print(const struct sbx_policy *policy, const char *golden)
{
	_cleanup_free_ char *wanted = read_whole(golden);
	_cleanup_free_ char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	assert_int_equal(sbx_policy_print(policy, out), 0);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, wanted);
}

static void test_defaults(void **state)
{
	_cleanup_policy_ struct sbx_policy *policy = NULL;

	(void)state;
	need_folder();
	load_fine(NULL, NULL, &policy);
	expect_print(policy, "tests/golden/policy-default.out.json");
	assert_false(policy->setup_set);
	assert_true(policy->access_enabled);
	assert_int_equal(policy->network, SBX_NETWORK_ISOLATED);
}

static void test_merge(void **state)
{
	_cleanup_free_ char *host = read_whole("tests/golden/policy-host.json");
	_cleanup_free_ char *account = read_whole("tests/golden/policy-account.json");
	_cleanup_policy_ struct sbx_policy *policy = NULL;

	(void)state;
	need_folder();
	load_fine(host, account, &policy);
	expect_print(policy, "tests/golden/policy-merged.out.json");
}

/* What the printer says and what the engine reads must be the same: a look at the struct itself. */
static void test_fields(void **state)
{
	_cleanup_free_ char *host = read_whole("tests/golden/policy-host.json");
	_cleanup_free_ char *account = read_whole("tests/golden/policy-account.json");
	_cleanup_policy_ struct sbx_policy *policy = NULL;

	(void)state;
	need_folder();
	load_fine(host, account, &policy);
	assert_int_equal(policy->limits.memory, 512 * 1024 * 1024);
	assert_true(policy->limits.swap_set);
	assert_int_equal(policy->limits.swap, 0);
	assert_int_equal(policy->limits.cpus_milli, 1500);
	assert_int_equal(policy->limits.pids, 512);
	assert_int_equal(policy->limits.nofile, 4096);
	assert_int_equal(policy->limits.tmp, 1048576);
	assert_int_equal(policy->limits.shm, 0);
	assert_true(policy->limits.best_effort);
	assert_int_equal(policy->network, SBX_NETWORK_HOST);
	assert_true(policy->ipc_host && policy->privileges_root && policy->setup_set);
	assert_true(policy->wayland && policy->pipewire && policy->x11);
	assert_string_equal(policy->devices[0], "nvidia.com/gpu=all");
	assert_null(policy->devices[2]);
	assert_int_equal(policy->mount_count, 2);
	assert_string_equal(policy->mounts[0].source, "/srv/\xc3\xbc \\ 1");
	assert_true(policy->mounts[0].writable);
	assert_false(policy->mounts[1].writable);
	assert_int_equal(policy->env_set_count, 3);
	assert_string_equal(policy->env_set[0].value, "host");
	assert_string_equal(policy->env_set[1].value, "account \"quoted\"");
	assert_true(policy->access_enabled && policy->access_expires_set);
	assert_int_equal(policy->access_expires, 1798761600);
}

/* An empty list replaces as any other list does. */
static void test_empty_list_replaces(void **state)
{
	_cleanup_policy_ struct sbx_policy *policy = NULL;

	(void)state;
	need_folder();
	load_fine("{\"version\": 1, \"devices\": [\"/dev/dri\"], \"mounts\": [{\"source\": \"/a\", "
		  "\"target\": \"/a\"}]}",
		  "{\"version\": 1, \"devices\": [], \"mounts\": [], \"env\": {\"pass\": []}}",
		  &policy);
	assert_null(policy->devices);
	assert_int_equal(policy->mount_count, 0);
	assert_null(policy->env_pass);
	assert_false(sbx_policy_passes_env(policy, "TERM"));
}

static void test_refusals(void **state)
{
	struct sbx_policy *policy = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	char wanted[600];

	(void)state;
	need_folder();
	assert_int_equal(load("{\"version\": 1}", NULL, false, &policy, &err), -ENOENT);
	(void)snprintf(wanted, sizeof(wanted),
		       "no policy for account agent (%s/agent.json): ask the operator to create it",
		       folder);
	assert_string_equal(err.message, wanted);
	expect_error("{\"version\": 1, \"limits\": 1}", "{\"version\": 1}", -EINVAL,
		     "policy.json:1:26: limits: found a number: expected an object");
	expect_error("{\"version\": 1}", "{\"version\": 1\n", -EINVAL,
		     "agent.json:2:1: the file ends too early: expected , or }");
	expect_error("{}", "{\"version\": 1}", -EINVAL,
		     "policy.json:1:1: version: missing: begin with \"version\": 1");
	expect_error(NULL, "{\"version\": 1, \"session\": {\"record\": \"tty\"}}", -ENOTSUP,
		     "agent.json:1:38: session.record: \"tty\" is not supported yet: leave it out");
	expect_error(NULL, "{\"version\": 1,\n\"limits\": {\"swap\": 0}}", -EINVAL,
		     "agent.json:2:20: limits.swap: needs limits.memory: set that too, or leave "
		     "this out");
	expect_error(
		"{\"version\": 1, \"limits\": {\"shm\": \"64K\"}}",
		"{\"version\": 1, \"ipc\": \"host\"}", -EINVAL,
		"policy.json:1:34: limits.shm: cannot limit the host's /dev/shm: leave it out, or "
		"ipc \"host\"");
	expect_error("{\"version\": 1, \"limits\": {\"swap\": \"1G\"}}", "{\"version\": 1}",
		     -EINVAL,
		     "policy.json:1:35: limits.swap: needs limits.memory: set that too, or leave "
		     "this out");
	expect_error("{\"version\": 1, \"seccomp\": {\"deny\": [\"read\", \"bpf\"]}}",
		     "{\"version\": 1, \"seccomp\": {\"allow\": [\"keyctl\", \"bpf\"]}}", -EINVAL,
		     "agent.json:1:37: seccomp.allow: \"bpf\" is in seccomp.deny too: leave it out "
		     "of one of them");
	expect_error("{\"version\": 1, \"nesting\": true}",
		     "{\"version\": 1, \"seccomp\": {\"profile\": \"strict\"}}", -EINVAL,
		     "policy.json:1:27: nesting: needs new user namespaces, which seccomp.profile "
		     "\"strict\" refuses: leave out one of them");
	expect_error(NULL, "{\"version\": 1, \"seccomp\": {\"allow\": [\"unshare\"]}}", -EINVAL,
		     "agent.json:1:37: seccomp.allow: \"unshare\" may be denied, not allowed: in a "
		     "cgroup namespace of its own the sandbox could lift its limits");
}

/* The host's swap goes with the account's memory; both ways to write a size. */
static void test_limits_across_files(void **state)
{
	_cleanup_policy_ struct sbx_policy *policy = NULL;

	(void)state;
	need_folder();
	load_fine("{\"version\": 1, \"limits\": {\"swap\": 0, \"shm\": \"64K\"}}",
		  "{\"version\": 1, \"limits\": {\"memory\": 16777216}}", &policy);
	assert_true(policy->limits.swap_set);
	assert_int_equal(policy->limits.shm, 65536);
	assert_int_equal(policy->limits.memory, 16777216);
}

/* A file that another could have written is refused whatever it says, the host-wide one as well. */
static void test_unsafe_file(void **state)
{
	struct sbx_policy *policy = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	char path[300], wanted[600];
	struct sbx_policy_source source = { .account = "agent", .also_owner = getuid() };

	(void)state;
	need_folder();
	(void)snprintf(path, sizeof(path), "%s/shared.json", folder);
	assert_true(write_file(folder, "shared.json", "{\"version\": 1}", 0666));
	(void)snprintf(wanted, sizeof(wanted),
		       "%s: the file itself is writable by others (mode 0666): chmod go-w it",
		       path);
	source.account_path = path;
	assert_int_equal(sbx_policy_load(&source, &policy, &err), -EPERM);
	assert_string_equal(err.message, wanted);
	source.account_path = NULL;
	source.account_optional = true;
	source.defaults_path = path;
	assert_int_equal(sbx_policy_load(&source, &policy, &err), -EPERM);
	assert_string_equal(err.message, wanted);
	assert_null(policy);
}

static void test_account_name(void **state)
{
	static const char *const names[] = {
		"", "../x", "a/b", "A", ".a", "a.", "a..b", "-a", "a b"
	};
	struct sbx_policy *policy = NULL;
	struct sbx_policy_source source = { .account = "Agent", .account_optional = true };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(sbx_policy_load_account(names[i], &policy, &err), -EINVAL);
	assert_string_equal(err.message, "account a b: not a name that can have a policy: use a-z, "
					 "0-9, _ . -");
	assert_int_equal(sbx_policy_load(&source, &policy, &err), -EINVAL);
	assert_string_equal(err.message, "Agent: sandbox: the account's name can't name a sandbox: "
					 "set \"sandbox\" to another");
	assert_null(policy);
}

static void test_access(void **state)
{
	struct sbx_policy policy = { .access_enabled = true };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_policy_check_access(&policy, INT64_MAX, &err), 0);
	policy.access_expires_set = true;
	policy.access_expires = 1798761600;
	assert_int_equal(sbx_policy_check_access(&policy, 1798761599, &err), 0);
	assert_int_equal(sbx_policy_check_access(&policy, 1798761600, &err), -EACCES);
	assert_string_equal(
		err.message,
		"access.expires: access ended at 2027-01-01T00:00:00Z: ask the operator");
	policy.access_enabled = false;
	assert_int_equal(sbx_policy_check_access(&policy, 0, &err), -EACCES);
	assert_string_equal(err.message,
			    "access.enabled: this account is disabled: ask the operator");
}

static void test_passes_env(void **state)
{
	static const char *const yes[] = { "LANG", "LC_ALL", "LC_", "H", "HOSTNAME" };
	static const char *const no[] = { "",     "LANGUAGE", "LC", "lang",  "HOME",
					  "PATH", "LANG=x",   "A",  "LC_A B" };
	char lang[] = "LANG", all[] = "LC_*", wide[] = "H*";
	char *pass[] = { lang, all, wide, NULL };
	struct sbx_policy policy = { .env_pass = pass };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		assert_true(sbx_policy_passes_env(&policy, yes[i]));
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		assert_false(sbx_policy_passes_env(&policy, no[i]));
}

/* docs/policy.schema.json is what the table says; sandboxctl policy schema prints it anew. */
static void test_schema(void **state)
{
	_cleanup_free_ char *wanted = read_whole("docs/policy.schema.json");
	_cleanup_free_ char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	(void)state;
	assert_non_null(out);
	assert_int_equal(sbx_policy_print_schema(out), 0);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, wanted);
}

/* ".It Ic KEY No (", and for a number its kind and range, as the table has them. */
static void man_heading(const struct sbx_policy_key *key, char *heading, size_t size)
{
	static const char *const kinds[] = { [SBX_KIND_INTEGER] = "number",
					     [SBX_KIND_SIZE] = "size",
					     [SBX_KIND_DURATION] = "duration",
					     [SBX_KIND_CPUS] = "number" };
	char low[SBX_VALUE_TEXT_MAX], high[SBX_VALUE_TEXT_MAX];
	int used = snprintf(heading, size, "\n.It Ic %s%s%s No (", key->section,
			    key->section[0] ? "." : "", key->name);

	if (key->max_items > 0)
		(void)snprintf(heading + used, size - (size_t)used, "%s of at most %zu",
			       key->kind == SBX_KIND_ENV ? "object" : "list", key->max_items);
	if (key->max == 0)
		return;
	sbx_policy_key_format(key, key->min, low);
	sbx_policy_key_format(key, key->max, high);
	(void)snprintf(heading + used, size - (size_t)used, "%s, %s to %s)", kinds[key->kind], low,
		       high);
}

static void test_man_page(void **state)
{
	_cleanup_free_ char *page = read_whole("docs/man/sandbox-policy.5");

	(void)state;
	for (size_t i = 0; i < sbx_policy_key_count; i++) {
		const char *place, *next, *pending;
		char heading[160];

		man_heading(&sbx_policy_keys[i], heading, sizeof(heading));
		place = strstr(page, heading);
		if (!place)
			fail_msg("docs/man/sandbox-policy.5 lacks%s", heading);
		next = strstr(place + 1, "\n.It Ic ");
		pending = strstr(place, "ot supported yet");
		if ((pending && (!next || pending < next)) != !!sbx_policy_keys[i].pending)
			fail_msg("docs/man/sandbox-policy.5: supported yet or not?%s", heading);
	}
}

static int teardown(void **state)
{
	(void)state;
	if (folder[0])
		remove_folder(folder);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),    cmocka_unit_test(test_merge),
		cmocka_unit_test(test_fields),      cmocka_unit_test(test_empty_list_replaces),
		cmocka_unit_test(test_refusals),    cmocka_unit_test(test_limits_across_files),
		cmocka_unit_test(test_unsafe_file), cmocka_unit_test(test_account_name),
		cmocka_unit_test(test_access),      cmocka_unit_test(test_passes_env),
		cmocka_unit_test(test_schema),      cmocka_unit_test(test_man_page),
	};

	return cmocka_run_group_tests(tests, NULL, teardown);
}
