/*
 * What the module did to an account, beyond any one session: empty files in the account's folder
 * of the session count, which is root's. Used under that folder's lock.
 */
#ifndef SBX_PAM_MARKS_H
#define SBX_PAM_MARKS_H

#include <stdbool.h>

/* Set or clear. Returns 0 or -errno. */
int sbx_pam_mark(int folder, const char *name, bool set);

bool sbx_pam_is_marked(int folder, const char *name);

#endif
