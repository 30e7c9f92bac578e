/*
 * The digest that says whether a container is still the one that its policy asks for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine_args.h"
#include "policy_text.h"
#include "util.h"

static const struct sbx_account account = { 1001, 1002, (char[]){ "agent" },
					    (char[]){ "/home/agent" } };

static uint64_t digest_of(const char *text, const struct sbx_account *who)
{
	_cleanup_policy_ struct sbx_policy *policy = policy_of(text);
	uint64_t digest = 0;

	assert_int_equal(sbx_engine_digest(policy, who, &digest), 0);
	return digest;
}

#define POLICY(text) "{\"version\":1," text "}"

/* Each asks for another container than the default, and than any other of them. */
static void test_digest_changes(void **state)
{
	static const char *const policies[] = {
		"{\"version\":1}",
		POLICY("\"sandbox\":\"other\""),
		POLICY("\"image\":\"localhost/other:latest\""),
		POLICY("\"shell\":\"/bin/sh\""),
		POLICY("\"setup\":\"/etc/other\""),
		POLICY("\"limits\":{\"tmp\":\"64M\"}"),
		POLICY("\"limits\":{\"shm\":\"64M\"}"),
		POLICY("\"network\":{\"mode\":\"none\"}"),
		POLICY("\"network\":{\"mode\":\"host\"}"),
		POLICY("\"ipc\":\"host\""),
		POLICY("\"privileges\":\"root\""),
		POLICY("\"nesting\":true"),
		POLICY("\"devices\":[\"/dev/dri\"]"),
		POLICY("\"devices\":[\"/dev/dri\",\"/dev/kvm\"]"),
		POLICY("\"desktop\":{\"wayland\":true}"),
		POLICY("\"desktop\":{\"pipewire\":true}"),
		POLICY("\"desktop\":{\"x11\":true}"),
		POLICY("\"desktop\":{\"wayland\":true,\"x11\":true}"),
		POLICY("\"mounts\":[{\"source\":\"/a\",\"target\":\"/b\"}]"),
		POLICY("\"mounts\":[{\"source\":\"/a\",\"target\":\"/b\",\"mode\":\"rw\"}]"),
		POLICY("\"mounts\":[{\"source\":\"/a\",\"target\":\"/c\"}]"),
		POLICY("\"seccomp\":{\"profile\":\"strict\"}"),
		POLICY("\"seccomp\":{\"deny\":[\"ptrace\"]}"),
		POLICY("\"seccomp\":{\"allow\":[\"ptrace\"]}"),
		POLICY("\"seccomp\":{\"allow\":[\"bpf\",\"ptrace\"]}"),
	};
	uint64_t digests[ARRAY_SIZE(policies)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		digests[i] = digest_of(policies[i], &account);
		for (size_t n = 0; n < i; n++)
			if (digests[n] == digests[i])
				fail_msg("one digest for %s and %s", policies[n], policies[i]);
	}
}

/*
 * None of these asks for another container: they hold for each session, or for whether there is
 * one.
 */
static void test_digest_stays(void **state)
{
	static const char *const policies[] = {
		POLICY("\"sandbox\":\"agent\""),
		POLICY("\"env\":{\"set\":{\"A\":\"b\"}}"),
		POLICY("\"env\":{\"pass\":[\"A\"]}"),
		POLICY("\"limits\":{\"memory\":\"1G\",\"swap\":0}"),
		POLICY("\"limits\":{\"cpus\":1.5}"),
		POLICY("\"limits\":{\"pids\":100}"),
		POLICY("\"limits\":{\"nofile\":100}"),
		POLICY("\"limits\":{\"sessions\":3,\"session_time\":\"1h\"}"),
		POLICY("\"limits\":{\"enforce\":\"best-effort\"}"),
		POLICY("\"access\":{\"expires\":\"2030-01-01T00:00:00Z\"}"),
		POLICY("\"access\":{\"enabled\":false}"),
		POLICY("\"network\":{\"mode\":\"isolated\"}"),
		POLICY("\"desktop\":{\"x11\":false}"),
		POLICY("\"seccomp\":{\"profile\":\"default\",\"deny\":[]}"),
	};
	uint64_t usual = digest_of("{\"version\":1}", &account);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
		if (digest_of(policies[i], &account) != usual)
			fail_msg("another digest for %s", policies[i]);
}

/* A running sandbox is given these, each another than the default and than any other of them. */
static void test_limits_digest(void **state)
{
	static const char *const policies[] = {
		"{\"version\":1}",
		POLICY("\"limits\":{\"memory\":\"1G\"}"),
		POLICY("\"limits\":{\"memory\":\"2G\"}"),
		POLICY("\"limits\":{\"memory\":\"1G\",\"swap\":0}"),
		POLICY("\"limits\":{\"memory\":\"1G\",\"swap\":\"1G\"}"),
		POLICY("\"limits\":{\"cpus\":1.5}"),
		POLICY("\"limits\":{\"pids\":100}"),
		POLICY("\"limits\":{\"enforce\":\"best-effort\"}"),
	};
	uint64_t digests[ARRAY_SIZE(policies)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		_cleanup_policy_ struct sbx_policy *policy = policy_of(policies[i]);

		digests[i] = sbx_engine_limits_digest(&policy->limits);
		for (size_t n = 0; n < i; n++)
			if (digests[n] == digests[i])
				fail_msg("one digest for %s and %s", policies[n], policies[i]);
	}
}

static void test_digest_of_account(void **state)
{
	const struct sbx_account others[] = {
		{ 1001, 1002, (char[]){ "other" }, (char[]){ "/home/agent" } },
		{ 1003, 1002, (char[]){ "agent" }, (char[]){ "/home/agent" } },
		{ 1001, 1003, (char[]){ "agent" }, (char[]){ "/home/agent" } },
	};
	uint64_t usual = digest_of("{\"version\":1}", &account);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_not_equal(digest_of("{\"version\":1}", &others[i]), usual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest_changes),
		cmocka_unit_test(test_digest_stays),
		cmocka_unit_test(test_limits_digest),
		cmocka_unit_test(test_digest_of_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
