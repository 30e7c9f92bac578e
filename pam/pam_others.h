/*
 * Does an account still have processes beside the session that ends?
 */
#ifndef SBX_PAM_OTHERS_H
#define SBX_PAM_OTHERS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Is there a live process with this uid (real, effective, saved or of the file system) that
 * doesn't descend from the calling one? True as well when /proc can't be read.
 */
bool sbx_pam_others_live(uid_t uid);

#endif
