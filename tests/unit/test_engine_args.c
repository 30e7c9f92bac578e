/*
 * From a policy to podman's arguments: the whole of them against tests/golden/run-*.txt, one a
 * line. UPDATE=1 writes those anew, for a person to read the difference. Runs from the checkout's
 * root.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine_args.h"
#include "policy_text.h"
#include "util.h"

static const struct sbx_account account = { 1001, 1002, (char[]){ "agent" },
					    (char[]){ "/home/agent" } };

/* Every controller, cgroupfs, slirp4netns; no desktop. */
static struct sbx_facts usual_facts(void)
{
	return (struct sbx_facts){
		.seccomp = "/run/user/1000/sandbox-shell/box/seccomp.json",
		.account = &account,
		.container = "agent-0123",
		.init_path = "/usr/local/libexec/sandbox-shell/sandbox-init",
		.home_source = "/home/agent/sandboxes/agent/home",
		.start_dir = "/run/user/1001/sandbox-shell/agent/start",
		.memory = true,
		.cpu = true,
		.pids = true,
	};
}

static void host_without_controllers(struct sbx_facts *facts)
{
	facts->memory = facts->cpu = facts->pids = false;
}

static void host_with_systemd(struct sbx_facts *facts)
{
	facts->systemd = true;
}

static void host_with_group(struct sbx_facts *facts)
{
	static char group[] = "/user/agent";

	facts->cgroup_parent = group;
}

static void host_with_pasta(struct sbx_facts *facts)
{
	facts->pasta = true;
}

/* Hard limits below what a policy allows, and above what another one does. */
static void host_with_few(struct sbx_facts *facts)
{
	facts->nofile = 512;
	facts->nproc = 100;
}

/* Just enough, were it not for what the account needs outside. */
static void host_with_enough(struct sbx_facts *facts)
{
	facts->nofile = 5120;
	facts->nproc = 258;
}

static void host_with_plenty(struct sbx_facts *facts)
{
	facts->nofile = 1048576;
	facts->nproc = 100000;
}

static void host_with_odd_paths(struct sbx_facts *facts)
{
	facts->home_source = "/home/a \"b\",c/sandboxes/agent/home";
	facts->start_dir = "/run/user/1001/sandbox-shell/agent,rw/start";
}

static void host_with_desktop(struct sbx_facts *facts)
{
	static char wayland[] = "/run/user/1001/wayland-0",
		    variable[] = "WAYLAND_DISPLAY=wayland-0";
	static char pipewire[] = "/run/user/1001/pipewire-0";
	static const struct sbx_desktop_socket sockets[] = {
		{ wayland, wayland, variable },
		{ pipewire, pipewire, NULL },
	};

	facts->sockets = sockets;
	facts->socket_count = ARRAY_SIZE(sockets);
}

#define ALL_LIMITS                                                                       \
	"\"memory\":\"2G\",\"swap\":\"512M\",\"cpus\":1.5,\"pids\":100,\"nofile\":4096," \
	"\"tmp\":\"64M\",\"shm\":\"1M\""

static const struct {
	const char *name;
	const char *policy;
	void (*change)(struct sbx_facts *facts);
} goldens[] = {
	{ "default", "{\"version\":1}", NULL },
	{ "limits", "{\"version\":1,\"limits\":{" ALL_LIMITS "}}", NULL },
	{ "no-swap", "{\"version\":1,\"limits\":{\"memory\":\"1G\",\"swap\":0,\"cpus\":0.25}}",
	  NULL },
	{ "limits-unenforced",
	  "{\"version\":1,\"limits\":{" ALL_LIMITS ",\"enforce\":\"best-effort\"}}",
	  host_without_controllers },
	{ "limits-of-host", "{\"version\":1,\"limits\":{" ALL_LIMITS "}}", host_with_few },
	{ "limits-near-host", "{\"version\":1,\"limits\":{" ALL_LIMITS "}}", host_with_enough },
	{ "limits-within-host", "{\"version\":1,\"limits\":{" ALL_LIMITS "}}", host_with_plenty },
	{ "no-limits-on-host", "{\"version\":1}", host_with_plenty },
	{ "host-network-ipc", "{\"version\":1,\"network\":{\"mode\":\"host\"},\"ipc\":\"host\"}",
	  NULL },
	{ "host-ipc-shm", "{\"version\":1,\"ipc\":\"host\",\"limits\":{\"shm\":\"1M\"}}", NULL },
	{ "no-network", "{\"version\":1,\"network\":{\"mode\":\"none\"}}", NULL },
	{ "root", "{\"version\":1,\"privileges\":\"root\"}", NULL },
	{ "nesting", "{\"version\":1,\"nesting\":true}", NULL },
	{ "names",
	  "{\"version\":1,\"sandbox\":\"other\",\"image\":\"registry.example/team/base:7\","
	  "\"shell\":\"/usr/bin/fish\"}",
	  NULL },
	{ "mounts",
	  "{\"version\":1,\"mounts\":["
	  "{\"source\":\"/srv/data\",\"target\":\"/data\"},"
	  "{\"source\":\"/srv/out\",\"target\":\"/out\",\"mode\":\"rw\"},"
	  "{\"source\":\"/srv/a b=c:d;e'f$(g)\",\"target\":\"/a b=c;e'f$(g)\"}]}",
	  NULL },
	{ "odd-paths", "{\"version\":1}", host_with_odd_paths },
	{ "devices", "{\"version\":1,\"devices\":[\"/dev/dri\",\"nvidia.com/gpu=all\"]}", NULL },
	{ "desktop", "{\"version\":1,\"desktop\":{\"wayland\":true,\"pipewire\":true}}",
	  host_with_desktop },
	{ "pasta", "{\"version\":1}", host_with_pasta },
	{ "systemd", "{\"version\":1}", host_with_systemd },
	{ "cgroup-parent", "{\"version\":1}", host_with_group },
	/* Sessions get these, one by one: the container doesn't. */
	{ "environment", "{\"version\":1,\"env\":{\"set\":{\"A\":\"b\"},\"pass\":[\"X_*\"]}}",
	  NULL },
};

static char *lines_of(const struct sbx_strv *args)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	for (size_t i = 0; i < args->count; i++)
		(void)fprintf(out, "%s\n", args->items[i]);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* What the file says; with UPDATE=1 what it says from now on. */
static char *golden(const char *name, const char *text)
{
	const char *update = getenv("UPDATE");
	bool write = update && strcmp(update, "1") == 0;
	_cleanup_close_ int fd = -1;
	char path[100], *expected = NULL;

	(void)snprintf(path, sizeof(path), "tests/golden/run-%s.txt", name);
	if (write) {
		_cleanup_close_ int out =
			open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

		assert_int_equal(sbx_write_all(out, text, strlen(text)), 0);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: missing (UPDATE=1 makes it)", path);
	assert_int_equal(sbx_read_all(fd, 100000, &expected, NULL), 0);
	return expected;
}

static void test_goldens(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(goldens); i++) {
		_cleanup_policy_ struct sbx_policy *policy = policy_of(goldens[i].policy);
		struct sbx_facts facts = usual_facts();
		_cleanup_free_ char *text = NULL, *expected = NULL;
		struct sbx_strv args = { 0 };

		if (goldens[i].change)
			goldens[i].change(&facts);
		assert_int_equal(sbx_engine_run_args(policy, &facts, &args), 0);
		assert_null(args.items[args.count]);
		text = lines_of(&args);
		expected = golden(goldens[i].name, text);
		if (strcmp(text, expected) != 0)
			fail_msg("run-%s: expected:\n%s\nfound:\n%s", goldens[i].name, expected,
				 text);
		sbx_strv_done(&args);
	}
}

static bool has(const struct sbx_strv *args, const char *wanted)
{
	for (size_t i = 0; i < args->count; i++)
		if (strcmp(args->items[i], wanted) == 0)
			return true;
	return false;
}

/* Whatever the policy: what confines a sandbox that isn't root, and what none may have. */
static void test_confinement(void **state)
{
	static const char *const always[] = { "--init",
					      "--userns=keep-id",
					      "--pid=private",
					      "--uts=private",
					      "--cgroupns=private",
					      "--pull=never",
					      "--http-proxy=false",
					      "--storage-driver=overlay" };
	static const char *const never[] = { "--privileged",
					     "--pid=host",
					     "--userns=host",
					     "--uts=host",
					     "--cgroupns=host",
					     "--cap-add=all",
					     "--security-opt=seccomp=unconfined",
					     "--security-opt=label=disable",
					     "--storage-driver=vfs" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(goldens); i++) {
		_cleanup_policy_ struct sbx_policy *policy = policy_of(goldens[i].policy);
		struct sbx_facts facts = usual_facts();
		struct sbx_strv args = { 0 };

		if (goldens[i].change)
			goldens[i].change(&facts);
		assert_int_equal(sbx_engine_run_args(policy, &facts, &args), 0);
		for (size_t n = 0; n < ARRAY_SIZE(always); n++)
			assert_true(has(&args, always[n]));
		for (size_t n = 0; n < ARRAY_SIZE(never); n++)
			assert_false(has(&args, never[n]));
		assert_int_equal(has(&args, "--cap-drop=all"), !policy->privileges_root);
		assert_int_equal(has(&args, "--security-opt=no-new-privileges"),
				 !policy->privileges_root);
		/* Nothing of the policy's comes after the image: it would be PID 1's arguments. */
		assert_string_equal(args.items[args.count - 2], policy->image);
		sbx_strv_done(&args);
	}
}

/* Nothing of the caller's environment, and with systemd its bus. */
static void test_environment(void **state)
{
	static const char expected[] =
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nHOME=/home/agent\n"
		"USER=agent\nXDG_RUNTIME_DIR=/run/user/1001\nXDG_CONFIG_HOME=/etc/sandbox-shell/podman\n"
		"LANG=C.UTF-8\n";
	static const char bus[] = "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1001/bus\n";

	(void)state;
	assert_int_equal(setenv("CONTAINERS_CONF", "/tmp/evil", 1), 0);
	for (int systemd = 0; systemd < 2; systemd++) {
		_cleanup_free_ char *text = NULL;
		struct sbx_strv env = { 0 };

		assert_int_equal(sbx_engine_environment(&account, systemd, &env), 0);
		text = lines_of(&env);
		assert_memory_equal(text, expected, strlen(expected));
		assert_string_equal(text + strlen(expected), systemd ? bus : "");
		sbx_strv_done(&env);
	}
}

static void test_image_files(void **state)
{
	static const struct {
		const char *image, *file;
	} cases[] = {
		{ "localhost/sandbox-base:latest", "localhost_sandbox-base_latest.tar" },
		{ "localhost/sandbox-base", "localhost_sandbox-base_latest.tar" },
		{ "base", "base_latest.tar" },
		{ "host:5000/base", "host_5000_base_latest.tar" },
		{ "host:5000/base:1.2", "host_5000_base_1.2.tar" },
		{ "base@sha256:00ff", "base_sha256_00ff.tar" },
		{ "../../etc/passwd", ".._.._etc_passwd_latest.tar" },
		{ "a\xc3\xa9 b\n", "a___b__latest.tar" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *file = NULL;

		assert_int_equal(sbx_engine_image_file(cases[i].image, &file), 0);
		assert_string_equal(file, cases[i].file);
	}
}

static void test_home(void **state)
{
	_cleanup_free_ char *home = NULL;

	(void)state;
	assert_int_equal(sbx_engine_home_inside(&account, &home), 0);
	assert_string_equal(home, "/home/agent");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goldens),     cmocka_unit_test(test_confinement),
		cmocka_unit_test(test_environment), cmocka_unit_test(test_image_files),
		cmocka_unit_test(test_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
