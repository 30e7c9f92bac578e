/*
 * From a policy to podman's arguments: pure functions, no file is opened and nothing is asked.
 * What they need to know of the host comes in as facts, so that tests can hold the result against
 * goldens.
 */
#ifndef SBX_ENGINE_ARGS_H
#define SBX_ENGINE_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "policy.h"
#include "util.h"

#define SBX_PODMAN "/usr/bin/podman"
#define SBX_CRUN "/usr/bin/crun"
#define SBX_START_DIR_INSIDE "/run/sandbox-init"
#define SBX_START_SOCKET "start"

/* A socket of the account's desktop that exists on the host and may be mounted. */
struct sbx_desktop_socket {
	char *source;   /* host path */
	char *target;   /* path inside */
	char *variable; /* NAME=VALUE for sessions, or NULL */
};

struct sbx_facts {
	const struct sbx_account *account;
	const char *container;   /* podman's name for it */
	const char *init_path;   /* sandbox-init on the host */
	const char *home_source; /* BASE/NAME/home */
	const char *start_dir;   /* holds the start socket; mounted read-only */
	const char *seccomp;     /* the file of the profile */
	bool systemd;            /* the account's user manager is there to make cgroups */
	char *cgroup_parent; /* below which podman makes cgroups when systemd doesn't; NULL for its
				default */
	bool memory, cpu, pids; /* controllers that are delegated to the account */
	uint64_t nofile, nproc; /* hard limits of this process, which nobody unprivileged can go
				   above; 0 for none */
	bool pasta;             /* slirp4netns is missing and pasta there */
	const struct sbx_desktop_socket *sockets;
	size_t socket_count;
};

/*
 * The arguments every podman command of ours begins with, the program included: overlay storage,
 * the cgroup manager that fits the host.
 */
int sbx_engine_global_args(const struct sbx_facts *facts, struct sbx_strv *args);

/* The whole `podman … run` that makes and starts the sandbox. Returns 0 or -ENOMEM. */
int sbx_engine_run_args(const struct sbx_policy *policy, const struct sbx_facts *facts,
			struct sbx_strv *args);

/*
 * A number that changes when the policy asks for a different container: FNV-1a over the arguments,
 * less the limits that a running one can be given. It guards against forgetting, not against
 * forging: policies are root's.
 */
int sbx_engine_digest(const struct sbx_policy *policy, const struct sbx_account *account,
		      uint64_t *ret_digest);

/* The same for those limits: of the cgroup, and what happens where one can't be had. */
uint64_t sbx_engine_limits_digest(const struct sbx_limits *limits);

/* The environment podman gets: nothing of the caller's. */
int sbx_engine_environment(const struct sbx_account *account, bool systemd, struct sbx_strv *env);

/* /home/NAME, as seen inside. */
int sbx_engine_home_inside(const struct sbx_account *account, char **ret_path);

/*
 * The file below SBX_IMAGE_DIR that holds an image, as a name: other characters than [A-Za-z0-9._-]
 * become '_'.
 */
int sbx_engine_image_file(const char *image, char **ret_name);

#endif
