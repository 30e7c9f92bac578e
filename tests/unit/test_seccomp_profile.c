/*
 * The seccomp profile that is made of the system's: what it takes away, and what it refuses to
 * build on.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "policy_text.h"
#include "seccomp_profile.h"
#include "util.h"

/* The profile of a policy, made of a small one of a system's. */
static cJSON *profile_of(const char *text)
{
	static const char system[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"archMap\":[{\"architecture\":"
		"\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\"]}],\"syscalls\":["
		"{\"names\":[\"clone\",\"read\",\"clone3\",\"ptrace\",\"ioctl\",\"socket\"],"
		"\"action\":\"SCMP_ACT_ALLOW\"},{\"names\":[\"unshare\"],\"action\":"
		"\"SCMP_ACT_ALLOW\",\"includes\":{\"caps\":[\"X\"]}}]}";
	_cleanup_policy_ struct sbx_policy *policy = policy_of(text);
	struct sbx_error err = SBX_ERROR_INIT;
	_cleanup_free_ char *made = NULL;
	cJSON *profile;

	assert_int_equal(sbx_seccomp_profile_make(policy, system, &made, &err), 0);
	profile = cJSON_Parse(made);
	assert_non_null(profile);
	return profile;
}

static bool arg_holds(const cJSON *arg, const uint64_t *args)
{
	int index = cJSON_GetObjectItem(arg, "index")->valueint;
	uint64_t mask = (uint64_t)cJSON_GetObjectItem(arg, "value")->valuedouble;
	uint64_t value = (uint64_t)cJSON_GetObjectItem(arg, "valueTwo")->valuedouble;

	assert_string_equal(cJSON_GetObjectItem(arg, "op")->valuestring, "SCMP_CMP_MASKED_EQ");
	return (args[index] & mask) == value;
}

static bool rule_holds(const cJSON *rule, const char *name, const uint64_t *args)
{
	const cJSON *item;
	bool holds = false;

	cJSON_ArrayForEach(item, cJSON_GetObjectItem(rule, "names")) holds =
		holds || strcmp(item->valuestring, name) == 0;
	cJSON_ArrayForEach(item, cJSON_GetObjectItem(rule, "args")) holds =
		holds && arg_holds(item, args);
	return holds;
}

/*
 * What a call is answered: 0 allowed, an errno, -1 the profile's default. All rules of a name are
 * tried, and never may two of them hold.
 */
static int answer(const cJSON *profile, const char *name, uint64_t first, uint64_t second,
		  uint64_t third)
{
	const uint64_t args[] = { first, second, third };
	const cJSON *rule;
	int result = -1;

	cJSON_ArrayForEach(rule, cJSON_GetObjectItem(profile, "syscalls"))
	{
		const cJSON *error = cJSON_GetObjectItem(rule, "errnoRet");

		if (!rule_holds(rule, name, args))
			continue;
		assert_int_equal(result, -1);
		result = error ? error->valueint : 0;
	}
	return result;
}

#define HIGH (UINT64_C(1) << 32)
#define STRICT "{\"version\":1,\"seccomp\":{\"profile\":\"strict\"}}"

static void test_new_cgroup_namespaces_are_taken_away(void **state)
{
	cJSON *profile = profile_of("{\"version\":1}");

	(void)state;
	assert_int_equal(answer(profile, "read", 0, 0, 0), 0);
	assert_int_equal(answer(profile, "clone", CLONE_NEWUSER | CLONE_NEWPID, 0, 0), 0);
	assert_int_equal(answer(profile, "clone", CLONE_NEWCGROUP, 0, 0), -1);
	assert_int_equal(answer(profile, "unshare", CLONE_NEWUSER, 0, 0), 0);
	assert_int_equal(answer(profile, "unshare", CLONE_NEWUSER | CLONE_NEWCGROUP, 0, 0), -1);
	assert_int_equal(answer(profile, "clone3", 0, 0, 0), ENOSYS);
	assert_int_equal(answer(profile, "keyctl", 0, 0, 0), -1);
	cJSON_Delete(profile);
}

static void test_lists_have_the_last_word(void **state)
{
	cJSON *profile = profile_of(
		"{\"version\":1,\"seccomp\":{\"profile\":\"strict\",\"deny\":[\"ptrace\","
		"\"clone\"],\"allow\":[\"keyctl\",\"socket\"]}}");

	(void)state;
	assert_int_equal(answer(profile, "ptrace", 0, 0, 0), EPERM);
	assert_int_equal(answer(profile, "clone", 0, 0, 0), EPERM);
	assert_int_equal(answer(profile, "keyctl", 0, 0, 0), 0);
	assert_int_equal(answer(profile, "socket", AF_ALG, 0, 0), 0);
	assert_int_equal(answer(profile, "bpf", 0, 0, 0), EPERM);
	cJSON_Delete(profile);
}

static void test_strict(void **state)
{
	cJSON *profile = profile_of(STRICT);

	(void)state;
	assert_int_equal(answer(profile, "read", 0, 0, 0), 0);
	assert_int_equal(answer(profile, "io_uring_setup", 0, 0, 0), ENOSYS);
	assert_int_equal(answer(profile, "clone", CLONE_NEWUSER, 0, 0), -1);
	assert_int_equal(answer(profile, "clone", SIGCHLD, 0, 0), 0);
	assert_int_equal(answer(profile, "unshare", CLONE_NEWUSER, 0, 0), -1);
	assert_int_equal(answer(profile, "personality", 0, 0, 0), 0);
	assert_int_equal(answer(profile, "personality", UINT32_MAX, 0, 0), 0);
	assert_int_equal(answer(profile, "personality", 0x0040000, 0, 0), -1);
	assert_int_equal(answer(profile, "socket", AF_UNIX, 0, 0), 0);
	assert_int_equal(answer(profile, "socket", HIGH | AF_INET, 0, 0), 0);
	assert_int_equal(answer(profile, "socket", AF_NETLINK, 0, NETLINK_ROUTE), 0);
	assert_int_equal(answer(profile, "socket", AF_NETLINK, 0, NETLINK_NETFILTER),
			 EPROTONOSUPPORT);
	assert_int_equal(answer(profile, "socket", AF_NETLINK, 0, HIGH | NETLINK_AUDIT),
			 EPROTONOSUPPORT);
	assert_int_equal(answer(profile, "socket", AF_ALG, 0, 0), EAFNOSUPPORT);
	assert_int_equal(answer(profile, "socket", HIGH | AF_VSOCK, 0, 0), EAFNOSUPPORT);
	assert_int_equal(answer(profile, "socket", 4711, 0, 0), -1);
	assert_null(
		cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(profile, "archMap"), 0),
				    "subArchitectures"));
	cJSON_Delete(profile);
}

/* All requests but two, whatever is above the 32 bits that the kernel reads. */
static void test_strict_typing(void **state)
{
	cJSON *profile = profile_of(STRICT);

	(void)state;
	for (uint64_t request = 0x5300; request < 0x5600; request++) {
		int expected = request == TIOCSTI || request == TIOCLINUX ? EPERM : 0;

		assert_int_equal(answer(profile, "ioctl", 0, request, 0), expected);
		assert_int_equal(answer(profile, "ioctl", 0, HIGH | request, 0), expected);
	}
	for (int bit = 0; bit < 32; bit++)
		assert_int_equal(answer(profile, "ioctl", 0, TIOCSTI ^ (UINT64_C(1) << bit), 0), 0);
	assert_int_equal(answer(profile, "ioctl", 0, UINT32_MAX, 0), 0);
	cJSON_Delete(profile);
}

static void test_what_is_no_profile_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\"}",
		"{\"syscalls\":[]}",
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[]}",
	};

	_cleanup_policy_ struct sbx_policy *policy = policy_of("{\"version\":1}");

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		char *text = NULL;

		assert_int_equal(sbx_seccomp_profile_make(policy, bad[i], &text, &err), -EBADMSG);
		assert_null(text);
		assert_non_null(strstr(err.message, "seccomp: "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_cgroup_namespaces_are_taken_away),
		cmocka_unit_test(test_lists_have_the_last_word),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_strict_typing),
		cmocka_unit_test(test_what_is_no_profile_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
