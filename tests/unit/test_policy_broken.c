/*
 * Every way a policy file can be wrong, with the one line a person gets for it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "json_check.h"
#include "policy.h"
#include "policy_apply.h"
#include "util.h"

static int apply(const char *text, struct sbx_policy **ret_policy, struct sbx_error *err)
{
	_cleanup_policy_ struct sbx_policy *policy = calloc(1, sizeof(*policy));
	_cleanup_json_ struct sbx_json *json = NULL;
	int r;

	assert_non_null(policy);
	assert_int_equal(sbx_policy_apply_defaults(policy), 0);
	r = sbx_json_parse("t", text, strlen(text), &json, err);
	if (r == 0)
		r = sbx_policy_apply(policy, json, err);
	if (r == 0 && ret_policy)
		*ret_policy = steal_pointer(policy);
	return r;
}

/* The text around the member under test, and where that stands. */
#define TOP(members) "{\"version\": 1, " members "}"
#define IN(section, members) "{\"version\": 1, \"" section "\": {" members "}}"
#define LIMIT(members) IN("limits", members) /* a value of "memory" is at 1:37, a key at 1:27 */
#define MOUNT(members) TOP("\"mounts\": [{" members "}]")

struct broken {
	const char *text;
	const char *message;
};

static const struct broken keys[] = {
	/* the file as a whole */
	{ "[]", "t:1:1: found a list: expected an object" },
	{ "1", "t:1:1: found a number: expected an object" },
	{ "{}", "t:1:1: version: missing: begin with \"version\": 1" },
	{ "\n{\"image\": \"x\"}", "t:2:1: version: missing: begin with \"version\": 1" },
	{ "{\"version\": 2}", "t:1:13: version: 2 is not a version known here: write 1" },
	{ "{\"version\": 1.5}", "t:1:13: version: 1.5 is not a version known here: write 1" },
	{ "{\"version\": \"1\"}", "t:1:13: version: found a string: expected the number 1" },
	/* keys that don't exist, with what was probably meant */
	{ TOP("\"imagee\": \"x\""), "t:1:16: imagee: unknown key: did you mean image?" },
	{ TOP("\"Image\": \"x\""), "t:1:16: Image: unknown key: did you mean image?" },
	{ TOP("\"memory\": 1"), "t:1:16: memory: unknown key: did you mean limits.memory?" },
	{ TOP("\"limit\": {}"), "t:1:16: limit: unknown key: did you mean limits?" },
	{ TOP("\"limits.memory\": 1"),
	  "t:1:16: limits.memory: unknown key: see sandbox-policy(5)" },
	{ TOP("\"\": 1"), "t:1:16: unknown key: see sandbox-policy(5)" },
	{ LIMIT("\"memroy\": 1"),
	  "t:1:27: limits.memroy: unknown key: did you mean limits.memory?" },
	{ LIMIT("\"MEMORY\": 1"),
	  "t:1:27: limits.MEMORY: unknown key: did you mean limits.memory?" },
	{ LIMIT("\"cpu\": 1"), "t:1:27: limits.cpu: unknown key: did you mean limits.cpus?" },
	{ LIMIT("\"image\": 1"), "t:1:27: limits.image: unknown key: did you mean image?" },
	{ LIMIT("\"zzz\": 1"), "t:1:27: limits.zzz: unknown key: see sandbox-policy(5)" },
	{ IN("session", "\"on_disconect\": 1"),
	  "t:1:28: session.on_disconect: unknown key: did you mean session.on_disconnect?" },
	{ TOP("\"limits\": 5"), "t:1:26: limits: found a number: expected an object" },
	{ TOP("\"access\": null"), "t:1:26: access: found null: expected an object" },
	/* numbers */
	{ "{\"version\": 1,\n \"limits\":\n  {\"memory\": 12}}",
	  "t:3:14: limits.memory: 12 is below 16M" },
	{ LIMIT("\"memory\": 0"), "t:1:37: limits.memory: 0 is below 16M" },
	{ LIMIT("\"memory\": -1"), "t:1:37: limits.memory: -1 is below 16M" },
	{ LIMIT("\"memory\": 16777215"), "t:1:37: limits.memory: 16777215 is below 16M" },
	{ LIMIT("\"memory\": 17592186044417"),
	  "t:1:37: limits.memory: 17592186044417 is above 16T" },
	{ LIMIT("\"memory\": 1e300"), "t:1:37: limits.memory: 1e300 is above 16T" },
	{ LIMIT("\"memory\": \"12K\""), "t:1:37: limits.memory: \"12K\" is below 16M" },
	{ LIMIT("\"memory\": \"17T\""), "t:1:37: limits.memory: \"17T\" is above 16T" },
	{ LIMIT("\"memory\": \"99999999999999999999T\""),
	  "t:1:37: limits.memory: \"99999999999999999999T\" is above 16T" },
	{ LIMIT("\"memory\": \"18014398509481985T\""), /* 2^64 + 2^40 */
	  "t:1:37: limits.memory: \"18014398509481985T\" is above 16T" },
	{ LIMIT("\"memory\": 16777216.5"),
	  "t:1:37: limits.memory: 16777216.5 is not a whole number" },
	{ LIMIT("\"memory\": true"),
	  "t:1:37: limits.memory: found true: expected a size, in bytes or as \"512M\"" },
	{ LIMIT("\"memory\": null"),
	  "t:1:37: limits.memory: found null: expected a size, in bytes or as \"512M\"" },
	{ LIMIT("\"memory\": []"),
	  "t:1:37: limits.memory: found a list: expected a size, in bytes or as \"512M\"" },
	{ LIMIT("\"memory\": 1e999"), "t:1:37: limits.memory: too large for a number" },
	{ LIMIT("\"memory\": 0512"),
	  "t:1:37: limits.memory: leading zero: write the number without it" },
	{ LIMIT("\"swap\": -1"), "t:1:35: limits.swap: -1 is below 0" },
	{ LIMIT("\"pids\": 7"), "t:1:35: limits.pids: 7 is below 8" },
	{ LIMIT("\"pids\": 4194305"), "t:1:35: limits.pids: 4194305 is above 4194304" },
	{ LIMIT("\"pids\": \"100\""),
	  "t:1:35: limits.pids: found a string: expected a whole number" },
	{ LIMIT("\"pids\": 10.5"), "t:1:35: limits.pids: 10.5 is not a whole number" },
	{ LIMIT("\"nofile\": 63"), "t:1:37: limits.nofile: 63 is below 64" },
	{ LIMIT("\"nofile\": 1048577"), "t:1:37: limits.nofile: 1048577 is above 1048576" },
	{ LIMIT("\"cpus\": 0"), "t:1:35: limits.cpus: 0 is below 0.01" },
	{ LIMIT("\"cpus\": 0.009"), "t:1:35: limits.cpus: 0.009 is below 0.01" },
	{ LIMIT("\"cpus\": 1025"), "t:1:35: limits.cpus: 1025 is above 1024" },
	{ LIMIT("\"cpus\": \"2\""),
	  "t:1:35: limits.cpus: found a string: expected a number of CPUs such as 2 or 0.5" },
	{ LIMIT("\"tmp\": \"1023K\""), "t:1:34: limits.tmp: \"1023K\" is below 1M" },
	{ LIMIT("\"shm\": \"63K\""), "t:1:34: limits.shm: \"63K\" is below 64K" },
	{ LIMIT("\"disk\": \"1M\""), "t:1:35: limits.disk: \"1M\" is below 64M" },
	{ LIMIT("\"sessions\": 0"), "t:1:39: limits.sessions: 0 is below 1" },
	{ LIMIT("\"session_time\": \"0s\""), "t:1:43: limits.session_time: \"0s\" is below 1s" },
	{ LIMIT("\"idle_stop\": \"366d\""), "t:1:40: limits.idle_stop: \"366d\" is above 365d" },
	{ LIMIT("\"idle_stop\": 60"), "t:1:40: limits.idle_stop: found a number: expected a "
				      "duration such as \"30m\" or \"8h\"" },
	{ LIMIT("\"idle_stop\": \"1h30m\""),
	  "t:1:40: limits.idle_stop: \"1h30m\" is not a duration: write a whole number and s, m, h "
	  "or d, such as \"30m\"" },
	{ LIMIT("\"enforce\": \"best_effort\""), "t:1:38: limits.enforce: \"best_effort\" is not "
						 "one of \"required\" or \"best-effort\": did "
						 "you mean \"best-effort\"?" },
	/* choices and flags */
	{ IN("network", "\"mode\": \"bridge\""),
	  "t:1:36: network.mode: \"bridge\" is not one of \"isolated\", \"none\", \"filtered\" or "
	  "\"host\"" },
	{ IN("network", "\"mode\": false"),
	  "t:1:36: network.mode: found false: expected \"isolated\", \"none\", \"filtered\" or "
	  "\"host\"" },
	{ TOP("\"ipc\": \"Host\""),
	  "t:1:23: ipc: \"Host\" is not one of \"private\" or \"host\": did "
	  "you mean \"host\"?" },
	{ TOP("\"privileges\": \"admin\""),
	  "t:1:30: privileges: \"admin\" is not one of \"none\" or \"root\"" },
	{ IN("desktop", "\"x11\": 1"),
	  "t:1:35: desktop.x11: found a number: expected true or false" },
	{ IN("desktop", "\"wayland\": \"yes\""),
	  "t:1:39: desktop.wayland: found a string: expected true or false" },
	{ IN("access", "\"enabled\": 0"),
	  "t:1:38: access.enabled: found a number: expected true or false" },
};

static const struct broken texts[] = {
	{ TOP("\"sandbox\": \"\""),
	  "t:1:27: sandbox: \"\" is empty: leave the key out or give it a value" },
	{ TOP("\"sandbox\": \"../x\""), "t:1:27: sandbox: \"../x\" is not a name" },
	{ TOP("\"sandbox\": 5"),
	  "t:1:27: sandbox: found a number: expected a name such as \"agent\"" },
	{ TOP("\"image\": \"-v\""), "t:1:25: image: \"-v\" is not an image" },
	{ TOP("\"image\": \"a b\""), "t:1:25: image: \"a b\" is not an image" },
	{ TOP("\"image\": \"oci:/x\""), "t:1:25: image: \"oci:/x\" is not an image" },
	{ TOP("\"shell\": \"bash\""),
	  "t:1:25: shell: \"bash\" is not an absolute path: begin it with /" },
	{ TOP("\"shell\": \"/bin/../sh\""), "t:1:25: shell: \"/bin/../sh\" has . or .. in it" },
	{ TOP("\"shell\": \"/bin/\\nsh\""), "t:1:25: shell: \"/bin/?sh\" has a control character" },
	{ TOP("\"shell\": \"/bin/\\u009bsh\""),
	  "t:1:25: shell: \"/bin/\?\?sh\" has a control character" },
	{ TOP("\"setup\": \"/etc//x\""), "t:1:25: setup: \"/etc//x\" has an empty part" },
	{ TOP("\"setup\": \"/etc/x/\""), "t:1:25: setup: \"/etc/x/\" has an empty part" },
	/* lists */
	{ TOP("\"devices\": \"/dev/dri\""),
	  "t:1:27: devices: found a string: expected a list of strings" },
	{ TOP("\"devices\": [\"/dev/dri\", 1]"),
	  "t:1:40: devices[1]: found a number: expected a device such as" },
	{ TOP("\"devices\": [\"/etc/passwd\"]"),
	  "t:1:28: devices[0]: \"/etc/passwd\" is not a device" },
	{ TOP("\"devices\": [\"/dev\"]"), "t:1:28: devices[0]: \"/dev\" is not a device" },
	{ TOP("\"devices\": [\"/dev/../etc\"]"),
	  "t:1:28: devices[0]: \"/dev/../etc\" has . or .." },
	{ TOP("\"devices\": [\"/dev/a:/dev/b\"]"),
	  "t:1:28: devices[0]: \"/dev/a:/dev/b\" has a :" },
	{ TOP("\"devices\": [\"gpu=all\"]"), "t:1:28: devices[0]: \"gpu=all\" is not a device" },
	{ IN("network", "\"allow\": [\"example.com\"]"),
	  "t:1:38: network.allow[0]: \"example.com\" is not an endpoint" },
	{ IN("network", "\"allow\": [\"example.com:0\"]"),
	  "t:1:38: network.allow[0]: \"example.com:0\" is not an endpoint" },
	{ IN("network", "\"allow\": [\"10.0.0.1/8:53/udp\"]"),
	  "t:1:38: network.allow[0]: \"10.0.0.1/8:53/udp\" has bits set behind its prefix" },
	{ IN("access", "\"from\": [\"192.0.2.0/33\"]"),
	  "t:1:36: access.from[0]: \"192.0.2.0/33\" is not an address" },
	{ IN("access", "\"expires\": \"2027-02-29T00:00:00Z\""),
	  "t:1:38: access.expires: \"2027-02-29T00:00:00Z\" is not a time" },
	{ IN("access", "\"expires\": 1800000000"),
	  "t:1:38: access.expires: found a number: expected a time such as" },
	{ IN("seccomp", "\"deny\": [\"Ptrace\"]"),
	  "t:1:37: seccomp.deny[0]: \"Ptrace\" is not a system call's name" },
	{ IN("seccomp", "\"allow\": [\"ptrase\"]"),
	  "t:1:38: seccomp.allow[0]: \"ptrase\" is no system call of this machine" },
	/* the environment */
	{ IN("env", "\"set\": [\"A=1\"]"),
	  "t:1:31: env.set: found a list: expected an object of names and values" },
	{ IN("env", "\"set\": {\"A\": 1}"),
	  "t:1:37: env.set.A: found a number: expected a string" },
	{ IN("env", "\"set\": {\"A=B\": \"1\"}"),
	  "t:1:32: env.set.A=B: \"A=B\" is not a variable's name" },
	{ IN("env", "\"set\": {\"1A\": \"1\"}"),
	  "t:1:32: env.set.1A: \"1A\" is not a variable's name" },
	{ IN("env", "\"set\": {\"\": \"1\"}"), "t:1:32: env.set.: \"\" is empty" },
	{ IN("env", "\"set\": {\"A\": \"x\\ny\"}"),
	  "t:1:37: env.set.A: \"x?y\" has a control character" },
	{ IN("env", "\"set\": {\"HOME\": \"/\"}"),
	  "t:1:32: env.set.HOME: \"HOME\" is set by the login itself" },
	{ IN("env", "\"set\": {\"XDG_RUNTIME_DIR\": \"/\"}"),
	  "t:1:32: env.set.XDG_RUNTIME_DIR: \"XDG_RUNTIME_DIR\" is set by the login itself" },
	{ IN("env", "\"pass\": [\"USER\"]"),
	  "t:1:33: env.pass[0]: \"USER\" is set by the login itself" },
	{ IN("env", "\"pass\": [\"*\"]"), "t:1:33: env.pass[0]: \"*\" may have one *" },
	{ IN("env", "\"pass\": [\"L*C\"]"), "t:1:33: env.pass[0]: \"L*C\" may have one *" },
	{ IN("env", "\"pass\": [\"LC_**\"]"), "t:1:33: env.pass[0]: \"LC_**\" may have one *" },
	/* mounts */
	{ TOP("\"mounts\": {}"), "t:1:26: mounts: found an object: expected a list of mounts" },
	{ TOP("\"mounts\": [\"/a:/b\"]"), "t:1:27: mounts[0]: found a string: expected an object" },
	{ MOUNT(""), "t:1:27: mounts[0]: source is missing: a mount has source and target" },
	{ MOUNT("\"source\": \"/a\""), "t:1:27: mounts[0]: target is missing" },
	{ MOUNT("\"source\": \"/a,b\""), "t:1:38: mounts[0].source: \"/a,b\" has , or" },
	{ MOUNT("\"source\": \"a\""), "t:1:38: mounts[0].source: \"a\" is not an absolute path" },
	{ MOUNT("\"source\": \"/\""), "t:1:38: mounts[0].source: \"/\" is the root folder" },
	{ MOUNT("\"source\": \"/a/..\""), "t:1:38: mounts[0].source: \"/a/..\" has . or .. in it" },
	{ MOUNT("\"target\": \"/proc\""),
	  "t:1:38: mounts[0].target: \"/proc\" belongs to the sandbox" },
	{ MOUNT("\"target\": \"/proc/sys\""),
	  "t:1:38: mounts[0].target: \"/proc/sys\" belongs to" },
	{ MOUNT("\"target\": \"/run/sandbox-init\""),
	  "t:1:38: mounts[0].target: \"/run/sandbox-init\" belongs to the sandbox itself" },
	{ MOUNT("\"target\": \"/tmp\""),
	  "t:1:38: mounts[0].target: \"/tmp\" belongs to the sandbox" },
	{ MOUNT("\"mode\": \"wr\""),
	  "t:1:36: mounts[0].mode: \"wr\" is not one of \"ro\" or \"rw\"" },
	{ MOUNT("\"mode\": true"),
	  "t:1:36: mounts[0].mode: found true: expected \"ro\" or \"rw\"" },
	{ MOUNT("\"sourc\": \"/a\""),
	  "t:1:28: mounts[0].sourc: unknown key: did you mean source?" },
	{ MOUNT("\"options\": \"\""),
	  "t:1:28: mounts[0].options: unknown key: a mount has source" },
	{ TOP("\"mounts\": [{\"source\": \"/a\", \"target\": \"/x\"}, {\"target\": \"/x\"}]"),
	  "t:1:72: mounts[1].target: \"/x\" is the target of another mount too" },
};

/* Right, but without effect in this version: refused, not ignored. */
static const struct broken pending[] = {
	{ LIMIT("\"disk\": \"10G\""), "t:1:35: limits.disk: not supported yet: leave it out" },
	{ LIMIT("\"idle_stop\": \"30m\""), "t:1:40: limits.idle_stop: not supported yet" },
	{ IN("network", "\"mode\": \"filtered\""),
	  "t:1:36: network.mode: \"filtered\" is not supported yet: leave it out" },
	{ IN("network", "\"allow\": [\"example.com:443\"]"),
	  "t:1:37: network.allow: not supported yet" },
	{ IN("session", "\"record\": \"tty\""),
	  "t:1:38: session.record: \"tty\" is not supported yet" },
	{ IN("session", "\"on_disconnect\": \"keep\""),
	  "t:1:45: session.on_disconnect: \"keep\" is not supported yet" },
};

static void check(const struct broken *table, size_t count, int code)
{
	for (size_t i = 0; i < count; i++) {
		struct sbx_policy *policy = NULL;
		struct sbx_error err = SBX_ERROR_INIT;
		int r = apply(table[i].text, &policy, &err);

		if (r != code ||
		    strncmp(err.message, table[i].message, strlen(table[i].message)) != 0)
			fail_msg("%s\n  wanted: %s\n  got:    %s (%d)", table[i].text,
				 table[i].message, err.message, r);
		assert_null(policy);
	}
}

static void test_keys(void **state)
{
	(void)state;
	check(keys, ARRAY_SIZE(keys), -EINVAL);
}

static void test_texts(void **state)
{
	(void)state;
	check(texts, ARRAY_SIZE(texts), -EINVAL);
}

static void test_pending(void **state)
{
	(void)state;
	check(pending, ARRAY_SIZE(pending), -ENOTSUP);
}

/* Defaults written out are no request for anything. */
static void test_pending_defaults(void **state)
{
	static const char text[] = TOP(
		"\"network\": {\"mode\": \"isolated\", \"allow\": []}, \"seccomp\": {\"profile\": "
		"\"default\", \"deny\": [], \"allow\": []}, \"session\": {\"record\": \"none\", "
		"\"on_disconnect\": \"hangup\"}, \"access\": {\"from\": []}");
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(apply(text, NULL, &err), 0);
	assert_string_equal(err.message, "");
}

/* A list may be long, but not without end. */
static void test_list_length(void **state)
{
	char text[2048] = "{\"version\": 1, \"devices\": [\"/dev/a\"";
	struct sbx_error err = SBX_ERROR_INIT;
	size_t used = strlen(text);

	(void)state;
	for (int i = 1; i < 64; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, ", \"/dev/a\"");
	(void)snprintf(text + used, sizeof(text) - used, "]}");
	assert_int_equal(apply(text, NULL, &err), 0);
	(void)snprintf(text + used, sizeof(text) - used, ", \"/dev/a\"]}");
	assert_int_equal(apply(text, NULL, &err), -EINVAL);
	assert_string_equal(err.message, "t:1:27: devices: has 65 entries: at most 64 are allowed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),        cmocka_unit_test(test_texts),
		cmocka_unit_test(test_pending),     cmocka_unit_test(test_pending_defaults),
		cmocka_unit_test(test_list_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
