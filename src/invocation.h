/*
 * What a login wants, from how the shell was called: argv as sshd, su or a person gives it, and
 * SSH_ORIGINAL_COMMAND under ForceCommand (sshd_config(5)). Pure: no command is ever parsed, for
 * whatever it says happens inside as a whole.
 */
#ifndef SBX_INVOCATION_H
#define SBX_INVOCATION_H

#include <stdbool.h>

#include "error.h"

enum sbx_wish { SBX_WISH_LOGIN, SBX_WISH_COMMAND, SBX_WISH_VERSION, SBX_WISH_HELP };

struct sbx_invocation {
	enum sbx_wish wish;
	const char *command; /* for SBX_WISH_COMMAND; argv's or the environment's */
	bool login;          /* the shell inside reads its profile */
};

/*
 * Read the call. original is SSH_ORIGINAL_COMMAND or NULL. Returns 0, or -EINVAL for arguments that
 * no shell is called with.
 */
int sbx_invocation_read(int argc, char *const *argv, const char *original,
			struct sbx_invocation *ret_invocation, struct sbx_error *err);

/*
 * The command to run inside in place of an sftp server of the host's, as sshd's Subsystem names it
 * (a path that need not exist inside, or internal-sftp); its options stay. NULL in *ret_command
 * when it's none of those. Returns 0 or -ENOMEM; the caller frees *ret_command.
 */
int sbx_invocation_map_sftp(const char *command, char **ret_command);

#endif
