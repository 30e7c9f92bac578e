/*
 * What the host offers an account, by the kernel's files and the account's sockets: made up ones.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "host.h"
#include "own_places.h"
#include "policy_text.h"
#include "util.h"

#define UID 54321

static const struct sbx_account account = { UID, UID, (char[]){ "agent" },
					    (char[]){ "/home/agent" } };
static void put_socket(const char *path, uid_t owner)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	make_parents(path);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(chown(path, owner, owner), 0);
}

static struct sbx_facts facts_of(const char *policy_text)
{
	_cleanup_policy_ struct sbx_policy *policy = policy_of(policy_text);
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_facts facts = { 0 };

	assert_int_equal(sbx_host_facts(policy, &account, &facts, &err), 0);
	return facts;
}

static void test_controllers(void **state)
{
	static const struct {
		const char *text;
		bool memory, cpu, pids;
	} cases[] = {
		{ "cpuset cpu io memory hugetlb pids rdma misc\n", true, true, true },
		{ "memory\n", true, false, false },
		{ "cpu", false, true, false },
		{ "pids cpuset\n", false, false, true },
		{ "cpuset xcpu cpux memory.x pidsmemory\n", false, false, false },
		{ "cpuset cpu\n", false, true, false },
		{ "\n", false, false, false },
		{ "", false, false, false },
	};

	(void)state;
	enter_own_places();
	put_file("/proc/self/cgroup", "2:cpu:/elsewhere\n0::/user/agent/login\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sbx_facts facts;

		put_file("/sys/fs/cgroup/user/agent/cgroup.controllers", cases[i].text);
		facts = facts_of("{\"version\":1}");
		if (facts.memory != cases[i].memory || facts.cpu != cases[i].cpu ||
		    facts.pids != cases[i].pids)
			fail_msg("case %zu: memory %d, cpu %d, pids %d", i, facts.memory, facts.cpu,
				 facts.pids);
		assert_ptr_equal(facts.account, &account);
		assert_false(facts.systemd);
		assert_string_equal(facts.cgroup_parent, "/user/agent");
		sbx_host_facts_done(&facts);
		assert_null(facts.cgroup_parent);
	}
}

/*
 * With a user manager it's that one's group that counts, and podman makes the cgroups over its bus.
 */
static void test_systemd(void **state)
{
	struct sbx_facts facts;

	(void)state;
	enter_own_places();
	put_file("/proc/self/cgroup", "0::/user/agent/login\n");
	put_file("/sys/fs/cgroup/user/agent/cgroup.controllers", "memory cpu pids\n");
	put_file("/run/user/54321/bus", "no socket");
	facts = facts_of("{\"version\":1}");
	assert_false(facts.systemd);
	sbx_host_facts_done(&facts);
	assert_int_equal(unlink("/run/user/54321/bus"), 0);
	put_socket("/run/user/54321/bus", UID);
	put_file("/sys/fs/cgroup/user.slice/user-54321.slice/user@54321.service/cgroup.controllers",
		 "memory pids\n");
	facts = facts_of("{\"version\":1}");
	assert_true(facts.systemd);
	assert_true(facts.memory);
	assert_false(facts.cpu);
	assert_true(facts.pids);
	assert_null(facts.cgroup_parent);
	sbx_host_facts_done(&facts);
}

/* As the account: which group is it below which podman may make others? */
static int parent_is(const char *expected)
{
	struct sbx_facts facts;
	bool fine;

	if (setresgid(UID, UID, UID) < 0 || setresuid(UID, UID, UID) < 0)
		return 2;
	facts = facts_of("{\"version\":1}");
	fine = expected ? facts.cgroup_parent && strcmp(facts.cgroup_parent, expected) == 0
			: !facts.cgroup_parent;
	sbx_host_facts_done(&facts);
	return fine ? 0 : 1;
}

static void test_cgroup_parent(void **state)
{
	static const struct {
		const char *own; /* of the groups, which belong to the account */
		const char *also;
		const char *expected;
	} cases[] = {
		{ NULL, NULL, NULL },
		{ "/sys/fs/cgroup/user/agent/login", NULL, "/user/agent/login" },
		{ "/sys/fs/cgroup/user/agent/login", "/sys/fs/cgroup/user/agent", "/user/agent" },
	};

	(void)state;
	enter_own_places();
	put_file("/proc/self/cgroup", "0::/user/agent/login\n");
	put_file("/sys/fs/cgroup/user/agent/login/cgroup.controllers", "memory\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int status = -1;
		pid_t pid;

		if (cases[i].own)
			assert_int_equal(chown(cases[i].own, UID, UID), 0);
		if (cases[i].also)
			assert_int_equal(chown(cases[i].also, UID, UID), 0);
		(void)fflush(NULL);
		pid = fork();
		if (pid == 0)
			_exit(parent_is(cases[i].expected));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

#define DESKTOP "{\"version\":1,\"desktop\":{\"wayland\":true,\"pipewire\":true,\"x11\":true}}"

static void test_sockets(void **state)
{
	struct sbx_facts facts;

	(void)state;
	enter_own_places();
	facts = facts_of(DESKTOP);
	assert_int_equal(facts.socket_count, 0);
	sbx_host_facts_done(&facts);
	put_socket("/run/user/54321/wayland-0", UID);
	put_socket("/run/user/54321/pipewire-0", UID);
	put_socket("/tmp/.X11-unix/X0", UID);
	put_file("/run/user/54321/Xauthority", "cookie");
	assert_int_equal(chown("/run/user/54321/Xauthority", UID, UID), 0);
	facts = facts_of("{\"version\":1}");
	assert_int_equal(facts.socket_count, 0);
	sbx_host_facts_done(&facts);
	facts = facts_of("{\"version\":1,\"desktop\":{\"pipewire\":true}}");
	assert_int_equal(facts.socket_count, 1);
	assert_string_equal(facts.sockets[0].source, "/run/user/54321/pipewire-0");
	assert_string_equal(facts.sockets[0].target, "/run/user/54321/pipewire-0");
	assert_null(facts.sockets[0].variable);
	sbx_host_facts_done(&facts);
	facts = facts_of(DESKTOP);
	assert_int_equal(facts.socket_count, 4);
	assert_string_equal(facts.sockets[0].variable, "WAYLAND_DISPLAY=wayland-0");
	assert_string_equal(facts.sockets[2].source, "/tmp/.X11-unix/X0");
	assert_string_equal(facts.sockets[3].variable, "XAUTHORITY=/run/user/54321/Xauthority");
	sbx_host_facts_done(&facts);
	assert_int_equal(facts.socket_count, 0);
}

/* Only the account's own: a foreign one, a link to one, a folder aren't mounted. */
static void test_foreign_sockets(void **state)
{
	struct sbx_facts facts;

	(void)state;
	enter_own_places();
	put_socket("/run/user/54321/wayland-0", UID + 1);
	put_socket("/run/user/54321/other", UID);
	assert_int_equal(symlink("other", "/run/user/54321/pipewire-0"), 0);
	assert_int_equal(lchown("/run/user/54321/pipewire-0", UID, UID), 0);
	make_parents("/tmp/.X11-unix/X0/");
	assert_int_equal(chown("/tmp/.X11-unix/X0", UID, UID), 0);
	facts = facts_of(DESKTOP);
	assert_int_equal(facts.socket_count, 0);
	sbx_host_facts_done(&facts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_controllers, leave_own_places),
		cmocka_unit_test_teardown(test_systemd, leave_own_places),
		cmocka_unit_test_teardown(test_cgroup_parent, leave_own_places),
		cmocka_unit_test_teardown(test_sockets, leave_own_places),
		cmocka_unit_test_teardown(test_foreign_sockets, leave_own_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
