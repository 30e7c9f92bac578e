/*
 * The last steps between a session and the command it runs: the terminal, the standard
 * descriptors, signals and limits as a program expects them, and execve.
 */
#ifndef SBX_INIT_CHILD_H
#define SBX_INIT_CHILD_H

#include <sys/resource.h>

#include "wire.h"

struct sbx_child {
	const char *program;
	char **argv;
	char **env;
	const char *cwd;
	int stdio[3];         /* to become 0, 1, 2; three times the slave with a terminal */
	int terminal;         /* the slave that becomes the controlling terminal, or -1 */
	rlim_t nofile, nproc; /* the policy's limits; 0 for none */
};

/*
 * Make a pty inside, with the modes and size the client has. Returns 0 and both ends, or -errno.
 */
int sbx_child_open_pty(const struct sbx_wire_exec *exec, int *ret_master, int *ret_slave);

/*
 * Become the command. Runs in a fresh child that nothing else may depend on: never returns, but
 * exits with 127 when there is no such program, 126 when it can't be run, with a line on its
 * stderr.
 */
_Noreturn void sbx_child_exec(const struct sbx_child *child);

#endif
