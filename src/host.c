#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_limits.h"

#define PROC_FILE_MAX (256 * 1024)

char *sbx_host_read_file(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;

	if (fd < 0 || sbx_read_all(fd, PROC_FILE_MAX, &text, NULL) < 0)
		return NULL;
	return text;
}

char *sbx_host_cgroup(const char *proc_file)
{
	_cleanup_free_ char *text = sbx_host_read_file(proc_file);
	char *line = text, *path = NULL;

	while (line && strncmp(line, "0::", 3) != 0) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	if (!line)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	if (asprintf(&path, "/sys/fs/cgroup%s", line + 3) < 0)
		return NULL;
	return path;
}

/*
 * The group below which the account may make others: the parent of the one this login is in where
 * that's the account's too, for a group that has both processes and limited groups below it can't
 * be (cgroups(7)).
 */
static char *own_group(void)
{
	char *group = sbx_host_cgroup("/proc/self/cgroup");
	char *slash = group ? strrchr(group, '/') : NULL;

	if (slash && slash > group + strlen("/sys/fs/cgroup")) {
		*slash = '\0';
		if (access(group, W_OK) < 0)
			*slash = '/';
	}
	return group;
}

static void find_controllers(const struct sbx_account *account, struct sbx_facts *facts)
{
	_cleanup_free_ char *group = NULL, *path = NULL, *controllers = NULL;

	if (facts->systemd) {
		if (asprintf(&group, "/sys/fs/cgroup/user.slice/user-%u.slice/user@%u.service",
			     account->uid, account->uid) < 0)
			group = NULL;
	} else {
		group = own_group();
	}
	/*
	 * Without a parent that is ours podman's cgroupfs manager can't make a cgroup, says
	 * nothing, and runs the sandbox in our own, unlimited.
	 */
	if (!facts->systemd && group && access(group, W_OK) == 0)
		facts->cgroup_parent = strdup(group + strlen("/sys/fs/cgroup"));
	if (!group || asprintf(&path, "%s/cgroup.controllers", group) < 0)
		return;
	controllers = sbx_host_read_file(path);
	if (!controllers)
		return;
	facts->memory = sbx_has_word(controllers, "memory");
	facts->cpu = sbx_has_word(controllers, "cpu");
	facts->pids = sbx_has_word(controllers, "pids");
}

struct desktop {
	bool wanted;
	const char *source;   /* printf format for the uid */
	const char *target;   /* likewise */
	const char *variable; /* for podman's --env, or NULL */
};

static int add_socket(const struct sbx_account *account, const struct desktop *desktop,
		      struct sbx_facts *facts, struct sbx_desktop_socket *sockets)
{
	struct sbx_desktop_socket *socket = &sockets[facts->socket_count];
	char source[128], target[128], variable[160];
	struct stat st;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(source, sizeof(source), desktop->source, account->uid);
	(void)snprintf(target, sizeof(target), desktop->target, account->uid);
	(void)snprintf(variable, sizeof(variable), desktop->variable ? desktop->variable : "",
		       account->uid);
#pragma GCC diagnostic pop
	if (!desktop->wanted || lstat(source, &st) < 0 || st.st_uid != account->uid ||
	    (!S_ISSOCK(st.st_mode) && !S_ISREG(st.st_mode)))
		return 0;
	socket->source = strdup(source);
	socket->target = strdup(target);
	socket->variable = desktop->variable ? strdup(variable) : NULL;
	facts->socket_count++;
	if (!socket->source || !socket->target || (desktop->variable && !socket->variable))
		return -ENOMEM;
	return 0;
}

static int find_sockets(const struct sbx_policy *policy, const struct sbx_account *account,
			struct sbx_facts *facts)
{
	const struct desktop desktops[] = {
		{ policy->wayland, "/run/user/%u/wayland-0", "/run/user/%u/wayland-0",
		  "WAYLAND_DISPLAY=wayland-0" },
		{ policy->pipewire, "/run/user/%u/pipewire-0", "/run/user/%u/pipewire-0", NULL },
		{ policy->pipewire, "/run/user/%u/pulse/native", "/run/user/%u/pulse/native",
		  NULL },
		{ policy->x11, "/tmp/.X11-unix/X0", "/tmp/.X11-unix/X0", "DISPLAY=:0" },
		{ policy->x11, "/run/user/%u/Xauthority", "/run/user/%u/Xauthority",
		  "XAUTHORITY=/run/user/%u/Xauthority" },
	};
	struct sbx_desktop_socket *sockets = calloc(ARRAY_SIZE(desktops), sizeof(*sockets));
	int r = 0;

	if (!sockets)
		return -ENOMEM;
	facts->sockets = sockets;
	facts->socket_count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(desktops) && r == 0; i++)
		r = add_socket(account, &desktops[i], facts, sockets);
	return r;
}

static uint64_t hard_limit(__rlimit_resource_t resource)
{
	struct rlimit limit;

	return getrlimit(resource, &limit) < 0 || limit.rlim_max == RLIM_INFINITY ? 0
										  : limit.rlim_max;
}

int sbx_host_facts(const struct sbx_policy *policy, const struct sbx_account *account,
		   struct sbx_facts *facts, struct sbx_error *err)
{
	char bus[64];
	struct stat st;

	facts->account = account;
	facts->nofile = hard_limit(RLIMIT_NOFILE);
	facts->nproc = hard_limit(RLIMIT_NPROC);
	(void)snprintf(bus, sizeof(bus), "/run/user/%u/bus", account->uid);
	facts->systemd = lstat(bus, &st) == 0 && S_ISSOCK(st.st_mode);
	facts->pasta =
		access("/usr/bin/slirp4netns", X_OK) < 0 && access("/usr/bin/pasta", X_OK) == 0;
	find_controllers(account, facts);
	if (find_sockets(policy, account, facts) < 0) {
		sbx_host_facts_done(facts);
		return sbx_error_set(err, -ENOMEM, "host: out of memory");
	}
	return 0;
}

void sbx_host_facts_done(struct sbx_facts *facts)
{
	for (size_t i = 0; i < facts->socket_count; i++) {
		free(facts->sockets[i].source);
		free(facts->sockets[i].target);
		free(facts->sockets[i].variable);
	}
	free((void *)(uintptr_t)facts->sockets);
	free(facts->cgroup_parent);
	facts->cgroup_parent = NULL;
	facts->sockets = NULL;
	facts->socket_count = 0;
}

int sbx_host_verify(const struct sbx_policy *policy, const struct sbx_facts *facts, pid_t pid,
		    struct sbx_error *err)
{
	_cleanup_free_ char *mounts = NULL;
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%ld/mountinfo", (long)pid);
	mounts = sbx_host_read_file(path);
	if (!mounts)
		return sbx_error_set(err, -ENOTSUP, "start: %s can't be read", path);
	r = sbx_host_verify_mounts(policy, mounts, err);
	return r < 0 ? r : sbx_host_verify_limits(policy, facts, pid, err);
}

/* How deep in pid namespaces a process is, by the numbers in NSpid, and the last of them. */
static int namespace_depth(const char *process, long *ret_last)
{
	_cleanup_free_ char *text = NULL;
	char path[64], *end;
	const char *p;
	int depth = 0;

	(void)snprintf(path, sizeof(path), "/proc/%s/status", process);
	text = sbx_host_read_file(path);
	p = text ? strstr(text, "\nNSpid:") : NULL;
	if (!p)
		return -1;
	for (p += strlen("\nNSpid:"); *p && *p != '\n'; p = end, depth++) {
		*ret_last = strtol(p, &end, 10);
		if (end == p)
			break;
	}
	return depth;
}

bool sbx_host_is_init(pid_t pid)
{
	char process[32];
	long own = 0, inner = 0;
	int depth = namespace_depth("self", &own);

	(void)snprintf(process, sizeof(process), "%ld", (long)pid);
	return depth > 0 && namespace_depth(process, &inner) == depth + 1 && inner == 1;
}
