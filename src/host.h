/*
 * What this host offers an account, and whether a started sandbox really got what its policy says.
 * Read from the kernel's own files: never from what podman claims.
 */
#ifndef SBX_HOST_H
#define SBX_HOST_H

#include "engine_args.h"
#include "error.h"

/*
 * Fill systemd, pasta, the controllers and the desktop sockets the policy wants. The sockets are
 * owned by facts: free them with sbx_host_facts_done. The other fields are left alone.
 */
int sbx_host_facts(const struct sbx_policy *policy, const struct sbx_account *account,
		   struct sbx_facts *facts, struct sbx_error *err);

void sbx_host_facts_done(struct sbx_facts *facts);

/*
 * Look at a started PID 1 from outside: its mounts (below), and that its cgroup has the limits that
 * were asked for (those whose controller facts has). Returns 0 or -ENOTSUP with the reason.
 */
int sbx_host_verify(const struct sbx_policy *policy, const struct sbx_facts *facts, pid_t pid,
		    struct sbx_error *err);

/*
 * The part of it that is pure: in the text of a mountinfo (proc_pid_mountinfo(5)), which is taken
 * apart, the root is an overlay, and nothing at or below the target of a mount with mode "ro" can
 * be written.
 */
int sbx_host_verify_mounts(const struct sbx_policy *policy, char *mountinfo, struct sbx_error *err);

/*
 * Is this process, as the host counts, PID 1 of a pid namespace right below ours (not of one that
 * somebody inside has made)? By NSpid of /proc/PID/status.
 */
bool sbx_host_is_init(pid_t pid);

/* A whole file of the kernel's or root's, which the caller frees; NULL when it can't be read. */
char *sbx_host_read_file(const char *path);

/*
 * The path of a process's cgroup below /sys/fs/cgroup, by the line "0::PATH" of a /proc/PID/cgroup
 * (cgroups(7)). The caller frees it; NULL when there's none.
 */
char *sbx_host_cgroup(const char *proc_file);

#endif
