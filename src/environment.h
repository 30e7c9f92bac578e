/*
 * How sandbox-shell passes the client's environment to sandbox-session: renamed, so that no library
 * acts on it.
 */
#ifndef SBX_ENVIRONMENT_H
#define SBX_ENVIRONMENT_H

#define SBX_CLIENT_PREFIX "SANDBOX_CLIENT_"

#endif
