/*
 * The end of an account's processes and files, by root, who trusts nothing about either.
 */
#ifndef SBX_CTL_END_H
#define SBX_CTL_END_H

#include <sys/types.h>

#include "error.h"

/*
 * Kill every process of the account, those inside of its sandboxes and under its subordinate ids
 * too, until none is left, zombies neither; waits 30 s at most. Should be called when nothing new
 * can be started for the account. Must not hit anybody else's.
 */
int ctl_end_processes(const char *name, uid_t uid, struct sbx_error *err);

/*
 * Remove a folder with all that is in it, whoever owns that, if it is the account's. One that
 * isn't there is fine. No link is followed, and no other file system is entered.
 */
int ctl_end_tree(const char *path, uid_t uid, struct sbx_error *err);

#endif
