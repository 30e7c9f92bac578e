/*
 * The profile "strict", line by line with its reason; see seccomp_strict.h.
 *
 * It leaves what compilers, debuggers, package managers and browsers call. What programs try, to
 * do without it when it isn't there, is refused with ENOSYS; the rest with EPERM, as by a kernel
 * that forbids it.
 */
#include "seccomp_strict.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>

#include "seccomp_rules.h"
#include "util.h"

#define ALL_BITS UINT32_MAX

static const struct sbx_seccomp_rule refused[] = {
	{ "io_uring_setup", ENOSYS, .why = "io_uring: much of the kernel, past these rules" },
	{ "io_uring_enter", ENOSYS, .why = "io_uring" },
	{ "io_uring_register", ENOSYS, .why = "io_uring" },
	{ "userfaultfd", EPERM, .why = "holds the kernel where a race is to be won" },
	{ "perf_event_open", EPERM, .why = "a large interface with a long list of holes" },
	{ "bpf", EPERM, .why = "programs in the kernel" },
	{ "keyctl", EPERM, .why = "keys aren't per sandbox" },
	{ "add_key", EPERM, .why = "keys aren't per sandbox" },
	{ "request_key", EPERM, .why = "keys aren't per sandbox" },
	{ "setns", EPERM, .why = "into another namespace" },
	{ "mount", EPERM, .why = "file systems are the engine's to mount" },
	{ "umount", EPERM, .why = "mounts may hide something" },
	{ "umount2", EPERM, .why = "mounts may hide something" },
	{ "pivot_root", EPERM, .why = "mounts" },
	{ "chroot", EPERM, .why = "the way out of a root is another root" },
	{ "fsopen", EPERM, .why = "mounts" },
	{ "fsconfig", EPERM, .why = "mounts" },
	{ "fsmount", EPERM, .why = "mounts" },
	{ "fspick", EPERM, .why = "mounts" },
	{ "open_tree", EPERM, .why = "mounts" },
	{ "move_mount", EPERM, .why = "mounts" },
	{ "mount_setattr", EPERM, .why = "mounts" },
	{ "open_by_handle_at", EPERM, .why = "files by number, past every folder" },
	{ "fanotify_init", EPERM, .why = "watches whole file systems" },
	{ "fanotify_mark", EPERM, .why = "watches whole file systems" },
	{ "pidfd_getfd", EPERM, .why = "takes another process's descriptors" },
	{ "kcmp", EPERM, .why = "compares the kernel's pointers" },
	{ "modify_ldt", ENOSYS, .why = "segments of 16 bits, for old programs" },
	{ "vmsplice", EPERM, .why = "pages shared with pipes, which was a hole before" },
	{ "syslog", EPERM, .why = "the kernel's log is the host's" },
	{ "acct", EPERM, .why = "the host's" },
	{ "reboot", EPERM, .why = "the host's" },
	{ "quotactl", EPERM, .why = "the host's" },
	{ "quotactl_fd", EPERM, .why = "the host's" },
	{ "adjtimex", EPERM, .why = "the host's clock" },
	{ "clock_adjtime", EPERM, .why = "the host's clock" },
	{ "lookup_dcookie", EPERM, .why = "a profiler's, and gone since" },
	{ "migrate_pages", EPERM, .why = "moves memory between nodes" },
	{ "move_pages", EPERM, .why = "moves memory between nodes" },
};

/*
 * The kernel reads the domain as 32 bits: an int. Of netlink, what tells of interfaces and of
 * devices.
 */
static const struct sbx_seccomp_rule sockets[] = {
	{ "socket", 0, 1, { { 0, ALL_BITS, AF_UNIX } }, "an ordinary family" },
	{ "socket", 0, 1, { { 0, ALL_BITS, AF_INET } }, "an ordinary family" },
	{ "socket", 0, 1, { { 0, ALL_BITS, AF_INET6 } }, "an ordinary family" },
	{ "socket",
	  0,
	  2,
	  { { 0, ALL_BITS, AF_NETLINK }, { 2, ALL_BITS, NETLINK_ROUTE } },
	  "which interfaces there are" },
	{ "socket",
	  0,
	  2,
	  { { 0, ALL_BITS, AF_NETLINK }, { 2, ALL_BITS, NETLINK_KOBJECT_UEVENT } },
	  "which devices there are" },
};

/* personality(2): its argument is 32 bits. */
static const struct sbx_seccomp_rule personalities[] = {
	{ "personality", 0, 1, { { 0, ALL_BITS, PER_LINUX } }, "the usual one" },
	{ "personality", 0, 1, { { 0, ALL_BITS, UINT32_MAX } }, "asks which it is" },
};

static int replace(cJSON *rules, const struct sbx_seccomp_rule *with, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count; i++)
		sbx_seccomp_forget(rules, with[i].name);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = sbx_seccomp_add(rules, &with[i]);
	return r;
}

/*
 * As a kernel says it that was built without them; programs expect that: sudo of the audit
 * system.
 */
static int refuse_families(cJSON *rules)
{
	struct sbx_seccomp_rule rule = { "socket", EAFNOSUPPORT, 1, .why = "a rare family" };
	struct sbx_seccomp_rule netlink = { "socket",
					    EPROTONOSUPPORT,
					    2,
					    { { 0, ALL_BITS, AF_NETLINK } },
					    "what configures the host" };
	int r = 0;

	for (uint32_t protocol = 0; r == 0 && protocol < MAX_LINKS; protocol++) {
		if (protocol == NETLINK_ROUTE || protocol == NETLINK_KOBJECT_UEVENT)
			continue;
		netlink.args[1] = (struct sbx_seccomp_arg){ 2, ALL_BITS, protocol };
		r = sbx_seccomp_add(rules, &netlink);
	}

	for (uint32_t family = 0; r == 0 && family < AF_MAX; family++) {
		if (family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
		    family == AF_NETLINK)
			continue;
		rule.args[0] = (struct sbx_seccomp_arg){ 0, ALL_BITS, family };
		r = sbx_seccomp_add(rules, &rule);
	}
	return r;
}

/*
 * ioctl(2)'s second argument is 32 bits in the kernel: CVE-2019-7303 was a filter that looked at
 * 64.
 */
static int refuse_typing(cJSON *rules)
{
	static const uint32_t typing[] = { TIOCSTI, TIOCLINUX };

	return sbx_seccomp_allow_but(rules, "ioctl", 1, typing, ARRAY_SIZE(typing), EPERM,
				     "all but what types into a terminal");
}

int sbx_seccomp_make_strict(cJSON *profile, cJSON *rules)
{
	cJSON *arch;
	int r = replace(rules, refused, ARRAY_SIZE(refused));

	if (r == 0)
		r = replace(rules, sockets, ARRAY_SIZE(sockets));
	if (r == 0)
		r = refuse_families(rules);
	if (r == 0)
		r = replace(rules, personalities, ARRAY_SIZE(personalities));
	if (r == 0)
		r = refuse_typing(rules);
	/* No entry for programs of 32 bits, nor x32: whoever tries is killed. */
	cJSON_ArrayForEach(arch, cJSON_GetObjectItemCaseSensitive(profile, "archMap"))
	{
		cJSON_DeleteItemFromObjectCaseSensitive(arch, "subArchitectures");
	}
	return r;
}
