/*
 * Finding and ending the processes below one process, from /proc alone.
 *
 * PID 1 and its sessions hold no privilege: what they can do is see every process of
 * the sandbox's pid namespace and signal those of the same user. Every process that a session
 * left behind is a descendant of its subreaper (PR_SET_CHILD_SUBREAPER(2const)), whatever
 * it did to detach itself.
 */
#ifndef SBX_INIT_TREE_H
#define SBX_INIT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Send signal to every process below root, but not to root, nor to the count processes of spare or
 * what is below those. Returns how many live ones it reached (what sudo started isn't ours to
 * signal), or -1 when /proc can't be read: whoever may set our limits from inside (prlimit(2)) can
 * arrange that, and the caller must end in a way that leaves nothing.
 */
long sbx_tree_signal(pid_t root, const pid_t *spare, size_t count, int signal);

/*
 * End them: stop all that can be found until a look finds no new one (a stopped process can't fork,
 * so a fork bomb loses the race), then kill. The caller reaps, and calls again until nothing is
 * left. Returns as above. Processes that fork and end faster than /proc can be read are never
 * caught so: for them there is only kill(-1), which the kernel does in one go.
 */
long sbx_tree_kill(pid_t root, const pid_t *spare, size_t count);

#endif
