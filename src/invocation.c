#include "invocation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "paths.h"
#include "util.h"

/* Where sshd_config's Subsystem lines of the distributions say the server is. */
static const char *const sftp_servers[] = {
	"internal-sftp",
	"sftp-server",
	"/usr/lib/openssh/sftp-server",
	"/usr/libexec/openssh/sftp-server",
	"/usr/lib/ssh/sftp-server",
	"/usr/libexec/sftp-server",
	"/usr/libexec/ssh/sftp-server",
	"/usr/lib/sftp-server",
};

#define SFTP_INSIDE                                                                        \
	"PATH=\"$PATH:/usr/lib/openssh:/usr/libexec/openssh:/usr/lib/ssh:/usr/libexec\"; " \
	"exec sftp-server"

static bool is_ourselves(const char *command)
{
	return strcmp(command, SBX_SHELL_PATH) == 0 || strcmp(command, "sandbox-shell") == 0;
}

/* ForceCommand: what the client asked for, or a login when it asked for nothing. */
static void forced(const char *original, struct sbx_invocation *invocation)
{
	invocation->wish = original ? SBX_WISH_COMMAND : SBX_WISH_LOGIN;
	invocation->command = original;
	invocation->login = !original;
}

int sbx_invocation_read(int argc, char *const *argv, const char *original,
			struct sbx_invocation *ret_invocation, struct sbx_error *err)
{
	struct sbx_invocation result = { .wish = SBX_WISH_LOGIN,
					 .login = argc > 0 && argv[0][0] == '-' };
	bool takes_command = false;
	int i = 1;

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		result.wish = SBX_WISH_VERSION;
	else if (argc == 2 && strcmp(argv[1], "--help") == 0)
		result.wish = SBX_WISH_HELP;
	if (result.wish != SBX_WISH_LOGIN)
		goto done;
	/* Bundles of -c, -l and -i, as a shell takes them; all but -c come before its command. */
	for (; i < argc && argv[i][0] == '-' && argv[i][1] && !takes_command; i++) {
		size_t known = strspn(argv[i] + 1, "cli");

		if (argv[i][1 + known])
			break;
		takes_command = strchr(argv[i], 'c') != NULL;
		result.login |= strchr(argv[i], 'l') != NULL;
	}
	if (takes_command && i + 1 == argc) {
		result.wish = SBX_WISH_COMMAND;
		result.command = argv[i];
		if (is_ourselves(result.command))
			forced(original, &result);
	} else if (takes_command || i < argc) {
		return sbx_error_set(
			err, -EINVAL,
			"arguments: takes -c COMMAND, -l or nothing, as a login shell does");
	} else if (argc > 0 && argv[0][0] != '-' && original) {
		forced(original, &result);
	} else {
		result.login = true;
	}
done:
	*ret_invocation = result;
	return 0;
}

int sbx_invocation_map_sftp(const char *command, char **ret_command)
{
	*ret_command = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(sftp_servers); i++) {
		size_t length = strlen(sftp_servers[i]);

		if (strncmp(command, sftp_servers[i], length) != 0 ||
		    (command[length] != '\0' && command[length] != ' '))
			continue;
		if (asprintf(ret_command, SFTP_INSIDE "%s", command + length) < 0) {
			*ret_command = NULL;
			return -ENOMEM;
		}
		return 0;
	}
	return 0;
}
