/*
 * What stands behind pam_sandbox.so in a file of /etc/pam.d.
 */
#ifndef SBX_PAM_OPTIONS_H
#define SBX_PAM_OPTIONS_H

#include <stdbool.h>

#include "error.h"

struct sbx_pam_options {
	bool debug;
	const char *policy_dir; /* absolute; holds policy.json and policy.d/ */
	const char *group;      /* the module acts on its members only */
};

/*
 * Read them. The strings are argv's own. Returns 0, or -EINVAL for an option that isn't known or
 * has no good value; the later of two wins.
 */
int sbx_pam_options_parse(int argc, const char **argv, struct sbx_pam_options *ret_options,
			  struct sbx_error *err);

#endif
