/*
 * What a killed podman leaves behind: its monitor (conmon) waiting for a container that podman has
 * forgotten, and a runtime that waits to be told to go on. podman itself removes neither.
 */
#ifndef SBX_LEFTOVER_H
#define SBX_LEFTOVER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * End every conmon of this uid that stands for a container of this name: its children are killed,
 * and it gets a moment to tell podman so, or podman would take the container for running for ever.
 * Under the sandbox's lock, when no sandbox of that name is known to run; or to end one that does,
 * and a login that is just starting it.
 */
void sbx_leftover_kill(uid_t uid, const char *name);

/*
 * Remove podman's empty cgroups below the account's own; one with processes stays, as the kernel
 * sees to.
 */
void sbx_leftover_remove_groups(const char *parent);

/* Is there such a conmon? */
bool sbx_leftover_exists(uid_t uid, const char *name);

#endif
