/*
 * Lingering: the account's user manager and runtime folder stay when nobody is logged in. Where
 * systemd-logind, or elogind, runs.
 */
#ifndef SBX_CTL_LINGER_H
#define SBX_CTL_LINGER_H

#include <stdbool.h>
#include <sys/types.h>

#include "error.h"

bool ctl_linger_possible(void);

bool ctl_linger_is_on(const char *name);

int ctl_linger_turn_on(const char *name, struct sbx_error *err);

/* Off, and what runs for it ended: sessions and the user manager. Not being on is fine. */
int ctl_linger_turn_off(const char *name, uid_t uid, struct sbx_error *err);

#endif
