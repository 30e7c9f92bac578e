#include "ctl_relaxed.h"

#include <errno.h>

#define DEVICE                                                                          \
	"the device with all that its driver can be made to do, and whatever else the " \
	"account's groups may reach"
#define SYSTEM_CALL "a system call that the profile refuses, with whatever holes it has"
#define MOUNT                                                                               \
	"what is below it can be changed and deleted from inside, as the account may, and " \
	"so can what others of the host run or read from there"

static void add(struct sbx_strv *list, const char *key, const char *value, const char *gives)
{
	(void)sbx_strv_add(list, key);
	(void)sbx_strv_add(list, value);
	(void)sbx_strv_add(list, gives);
}

static void add_settings(const struct sbx_policy *policy, struct sbx_strv *list)
{
	const struct {
		bool relaxed;
		const char *key, *value, *gives;
	} settings[] = {
		{ policy->network == SBX_NETWORK_HOST, "network.mode", "host",
		  "the host's own network: services on its loopback and in abstract sockets, all "
		  "that the host reaches, and its free ports" },
		{ policy->ipc_host, "ipc", "host",
		  "the host's System V IPC and /dev/shm: memory that other programs share there, as "
		  "far as its modes let the account" },
		{ policy->privileges_root, "privileges", "root",
		  "root inside, over the account's subordinate ids: set-id programs work, more of "
		  "the kernel can be reached, and what runs as root inside outlives its session" },
		{ policy->nesting, "nesting", "true",
		  "all of /proc and /sys can be read that the account could read outside, keys and "
		  "timers among it; nothing of it can be written" },
		{ policy->wayland, "desktop.wayland", "true",
		  "the account's Wayland session: windows on its screen, its clipboard" },
		{ policy->pipewire, "desktop.pipewire", "true",
		  "the account's sound: microphone, camera and screen where the session shares "
		  "them" },
		{ policy->x11, "desktop.x11", "true",
		  "the account's X11 display: every key typed and every window's content, and typing "
		  "into any of them, also those outside of the sandbox" },
		{ policy->limits.best_effort, "limits.enforce", "best-effort",
		  "a limit that the host can't enforce is left out with a warning" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (settings[i].relaxed)
			add(list, settings[i].key, settings[i].value, settings[i].gives);
}

int ctl_relaxed_list(const struct sbx_policy *policy, struct sbx_strv *ret_list)
{
	struct sbx_strv list = { 0 };

	add_settings(policy, &list);
	for (char **device = policy->devices; device && *device; device++)
		add(&list, "devices", *device, DEVICE);
	for (size_t i = 0; i < policy->mount_count; i++)
		if (policy->mounts[i].writable)
			add(&list, "mounts", policy->mounts[i].source, MOUNT);
	for (char **name = policy->seccomp_allow; name && *name; name++)
		add(&list, "seccomp.allow", *name, SYSTEM_CALL);
	if (list.failed) {
		sbx_strv_done(&list);
		return -ENOMEM;
	}
	*ret_list = list;
	return 0;
}
