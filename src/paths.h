/*
 * Where things are. All of it is fixed at build time: nothing comes from the environment.
 */
#ifndef SBX_PATHS_H
#define SBX_PATHS_H

#ifndef SBX_PREFIX
#define SBX_PREFIX "/usr/local"
#endif
#ifndef SBX_SYSCONFDIR
#define SBX_SYSCONFDIR "/etc"
#endif

#define SBX_SHELL_PATH SBX_PREFIX "/bin/sandbox-shell"
#define SBX_SESSION_PATH SBX_PREFIX "/libexec/sandbox-shell/sandbox-session"
#define SBX_INIT_PATH SBX_PREFIX "/libexec/sandbox-shell/sandbox-init"
#define SBX_SHARE_DIR SBX_PREFIX "/share/sandbox-shell"
#define SBX_CONF_DIR SBX_SYSCONFDIR "/sandbox-shell"
#define SBX_POLICY_DEFAULTS SBX_CONF_DIR "/policy.json"
#define SBX_POLICY_DIR SBX_CONF_DIR "/policy.d"
#define SBX_SETUP_PATH SBX_CONF_DIR "/setup.sh"
#define SBX_IMAGE_DIR "/var/lib/sandbox-shell/images"

#define SBX_DEFAULT_IMAGE "localhost/sandbox-base:latest"
#define SBX_DEFAULT_SHELL "/bin/bash"

#endif
