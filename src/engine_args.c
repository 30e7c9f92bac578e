#include "engine_args.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "paths.h"
#include "wire.h"

#define ACCOUNT_PROCESSES 128 /* for the account's logins and podman, of the host's RLIMIT_NPROC */

int sbx_engine_global_args(const struct sbx_facts *facts, struct sbx_strv *args)
{
	(void)sbx_strv_add(args, SBX_PODMAN);
	(void)sbx_strv_add(args, "--storage-driver=overlay");
	/* podman insists on a folder it may write for networks of its own, which we don't use. */
	(void)sbx_strv_addf(args, "--network-config-dir=/run/user/%u/sandbox-shell/networks",
			    facts->account->uid);
	return sbx_strv_addf(args, "--cgroup-manager=%s", facts->systemd ? "systemd" : "cgroupfs");
}

/* What holds for every sandbox, whatever its policy. */
static const char *const fixed_args[] = {
	"run",
	"--detach",
	"--replace",
	"--pull=never",
	"--init",
	"--entrypoint=",
	"--userns=keep-id",
	"--pid=private",
	"--uts=private",
	"--cgroupns=private",
	"--log-driver=none",
	"--restart=no",
	"--http-proxy=false",
	"--systemd=false",
	"--stop-signal=SIGTERM",
	"--stop-timeout=5",
	"--label=sandbox-shell=1",
};

/* podman reads --mount as one line of CSV: quoted, a field may hold anything. */
static void put_field(FILE *out, const char *key, const char *value)
{
	(void)fprintf(out, ",\"%s=", key);
	for (; *value; value++) {
		if (*value == '"')
			(void)fputc('"', out);
		(void)fputc(*value, out);
	}
	(void)fputc('"', out);
}

static void add_bind(const char *source, const char *target, bool writable, struct sbx_strv *args)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out) {
		(void)fputs("--mount=type=bind", out);
		put_field(out, "src", source);
		put_field(out, "dst", target);
		if (!writable)
			(void)fputs(",ro", out);
		if (fclose(out) == 0)
			(void)sbx_strv_add(args, text);
		else
			args->failed = true;
	} else {
		args->failed = true;
	}
	free(text);
}

static void add_identity(const struct sbx_policy *policy, const struct sbx_facts *facts,
			 const char *home, struct sbx_strv *args)
{
	const struct sbx_account *account = facts->account;

	(void)sbx_strv_addf(args, "--init-path=%s", facts->init_path);
	(void)sbx_strv_addf(args, "--security-opt=seccomp=%s", facts->seccomp);
	if (facts->cgroup_parent)
		(void)sbx_strv_addf(args, "--cgroup-parent=%s", facts->cgroup_parent);
	(void)sbx_strv_addf(args, "--name=%s", facts->container);
	(void)sbx_strv_addf(args, "--hostname=%s", policy->sandbox);
	(void)sbx_strv_addf(args, "--user=%u:%u", account->uid, account->gid);
	(void)sbx_strv_addf(args, "--passwd-entry=%s:*:%u:%u::%s:%s", account->name, account->uid,
			    account->gid, home, policy->shell);
	(void)sbx_strv_addf(args, "--workdir=%s", home);
	add_bind(facts->home_source, home, true, args);
	add_bind(facts->start_dir, SBX_START_DIR_INSIDE, false, args);
}

/*
 * What PID 1 may have: all that the host allows but room, which must be left for the account
 * outside the sandbox. Commands get what the policy says, from PID 1, and never as much as that has
 * (see init_child.c).
 */
static void add_rlimit(const char *name, uint64_t hard, uint64_t room, struct sbx_strv *args)
{
	uint64_t most = hard > 2 * room ? hard - room : hard;

	if (hard)
		(void)sbx_strv_addf(args, "--ulimit=%s=%" PRIu64 ":%" PRIu64, name, most, most);
}

static void add_limits(const struct sbx_limits *limits, const struct sbx_facts *facts,
		       bool ipc_host, struct sbx_strv *args)
{
	if (limits->memory && facts->memory) {
		(void)sbx_strv_addf(args, "--memory=%" PRIu64, limits->memory);
		if (limits->swap_set)
			(void)sbx_strv_addf(args, "--memory-swap=%" PRIu64,
					    limits->memory + limits->swap);
	}
	if (limits->cpus_milli && facts->cpu)
		(void)sbx_strv_addf(args, "--cpus=%u.%03u", limits->cpus_milli / 1000,
				    limits->cpus_milli % 1000);
	if (facts->pids && limits->pids)
		(void)sbx_strv_addf(args, "--pids-limit=%u", limits->pids + SBX_WIRE_NPROC_RESERVE);
	else
		(void)sbx_strv_add(args, "--pids-limit=-1");
	add_rlimit("nofile", facts->nofile, 0, args);
	add_rlimit("nproc", facts->nproc, ACCOUNT_PROCESSES, args);
	if (limits->shm && !ipc_host)
		(void)sbx_strv_addf(args, "--shm-size=%" PRIu64, limits->shm);
	if (limits->tmp)
		(void)sbx_strv_addf(args,
				    "--tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777,size=%" PRIu64,
				    limits->tmp);
	else
		(void)sbx_strv_add(args, "--tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777");
}

/* Isolated never maps an address to the host's loopback (slirp4netns(1), passt(1)). */
static void add_network(const struct sbx_policy *policy, bool pasta, struct sbx_strv *args)
{
	switch (policy->network) {
	case SBX_NETWORK_HOST:
		(void)sbx_strv_add(args, "--network=host");
		break;
	case SBX_NETWORK_ISOLATED:
		(void)sbx_strv_add(args, pasta ? "--network=pasta:--no-map-gw,--map-guest-addr,none"
					       : "--network=slirp4netns:allow_host_loopback=false");
		break;
	default:
		(void)sbx_strv_add(args, "--network=none");
	}
}

static void add_mounts(const struct sbx_policy *policy, const struct sbx_facts *facts,
		       struct sbx_strv *args)
{
	for (size_t i = 0; i < policy->mount_count; i++)
		add_bind(policy->mounts[i].source, policy->mounts[i].target,
			 policy->mounts[i].writable, args);
	for (size_t i = 0; i < facts->socket_count; i++)
		add_bind(facts->sockets[i].source, facts->sockets[i].target, true, args);
	/* podman puts these into PID 1's environment, from where every session has them. */
	for (size_t i = 0; i < facts->socket_count; i++)
		if (facts->sockets[i].variable)
			(void)sbx_strv_addf(args, "--env=%s", facts->sockets[i].variable);
	for (char **device = policy->devices; device && *device; device++)
		(void)sbx_strv_addf(args, "--device=%s", *device);
	if (policy->devices && policy->devices[0])
		(void)sbx_strv_add(args, "--group-add=keep-groups");
}

int sbx_engine_run_args(const struct sbx_policy *policy, const struct sbx_facts *facts,
			struct sbx_strv *args)
{
	_cleanup_free_ char *home = NULL;

	if (sbx_engine_home_inside(facts->account, &home) < 0)
		return -ENOMEM;
	(void)sbx_engine_global_args(facts, args);
	for (size_t i = 0; i < ARRAY_SIZE(fixed_args); i++)
		(void)sbx_strv_add(args, fixed_args[i]);
	add_identity(policy, facts, home, args);
	if (!policy->privileges_root) {
		(void)sbx_strv_add(args, "--cap-drop=all");
		(void)sbx_strv_add(args, "--security-opt=no-new-privileges");
	}
	/* A new one of /proc is let be mounted only where the one there is seen whole. */
	if (policy->nesting)
		(void)sbx_strv_add(args, "--security-opt=unmask=ALL");
	add_limits(&policy->limits, facts, policy->ipc_host, args);
	(void)sbx_strv_addf(args, "--tmpfs=/run/user/%u:rw,nosuid,nodev,mode=0700,size=64m,U",
			    facts->account->uid);
	(void)sbx_strv_add(args, policy->ipc_host ? "--ipc=host" : "--ipc=private");
	add_network(policy, facts->pasta, args);
	add_mounts(policy, facts, args);
	(void)sbx_strv_add(args, policy->image);
	(void)sbx_strv_add(args, SBX_START_DIR_INSIDE "/" SBX_START_SOCKET);
	return args->failed ? -ENOMEM : 0;
}

int sbx_engine_digest(const struct sbx_policy *policy, const struct sbx_account *account,
		      uint64_t *ret_digest)
{
	struct sbx_facts facts = { .account = account,
				   .container = "",
				   .init_path = "",
				   .home_source = "",
				   .start_dir = "",
				   .seccomp = "" };
	const char *rest[] = { policy->setup, policy->wayland ? "w" : "",
			       policy->pipewire ? "p" : "", policy->x11 ? "x" : "",
			       policy->seccomp_strict ? "strict" : "" };
	struct sbx_strv args = { 0 };
	uint64_t hash = SBX_HASH_START;
	int r = sbx_engine_run_args(policy, &facts, &args);

	for (size_t i = 0; i < ARRAY_SIZE(rest); i++)
		(void)sbx_strv_add(&args, rest[i]);
	for (char **name = policy->seccomp_deny; name && *name; name++)
		(void)sbx_strv_addf(&args, "deny %s", *name);
	for (char **name = policy->seccomp_allow; name && *name; name++)
		(void)sbx_strv_addf(&args, "allow %s", *name);
	if (args.failed)
		r = -ENOMEM;
	for (size_t i = 0; r == 0 && i < args.count; i++)
		hash = sbx_hash(hash, args.items[i]);
	sbx_strv_done(&args);
	if (r == 0)
		*ret_digest = hash;
	return r;
}

uint64_t sbx_engine_limits_digest(const struct sbx_limits *limits)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 " %d %u %u %d", limits->memory,
		       limits->swap, limits->swap_set, limits->cpus_milli, limits->pids,
		       limits->best_effort);
	return sbx_hash(SBX_HASH_START, text);
}

int sbx_engine_environment(const struct sbx_account *account, bool systemd, struct sbx_strv *env)
{
	(void)sbx_strv_add(env,
			   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	(void)sbx_strv_addf(env, "HOME=%s", account->home);
	(void)sbx_strv_addf(env, "USER=%s", account->name);
	(void)sbx_strv_addf(env, "XDG_RUNTIME_DIR=/run/user/%u", account->uid);
	/* Not ~/.config, which the account may write: /etc/containers and this, of root's. */
	(void)sbx_strv_add(env, "XDG_CONFIG_HOME=" SBX_CONF_DIR "/podman");
	(void)sbx_strv_add(env, "LANG=C.UTF-8");
	if (systemd)
		(void)sbx_strv_addf(env, "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/%u/bus",
				    account->uid);
	return env->failed ? -ENOMEM : 0;
}

int sbx_engine_home_inside(const struct sbx_account *account, char **ret_path)
{
	char *path = NULL;

	if (asprintf(&path, "/home/%s", account->name) < 0)
		return -ENOMEM;
	*ret_path = path;
	return 0;
}

int sbx_engine_image_file(const char *image, char **ret_name)
{
	const char *last = strrchr(image, '/');
	bool tagged = strpbrk(last ? last : image, ":@") != NULL;
	char *name = NULL;

	if (asprintf(&name, "%s%s.tar", image, tagged ? "" : ":latest") < 0)
		return -ENOMEM;
	for (char *p = name; *p; p++)
		if (!isascii(*p) || (!isalnum((unsigned char)*p) && !strchr("._-", *p)))
			*p = '_';
	*ret_name = name;
	return 0;
}
