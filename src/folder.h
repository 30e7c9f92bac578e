/*
 * The folders of one sandbox, opened safely: $XDG_RUNTIME_DIR/sandbox-shell/NAME (by its fixed
 * path, not the variable) and ~/sandboxes/NAME. Both belong to the account and nobody else may
 * reach into them; from inside only home/ can be seen.
 */
#ifndef SBX_FOLDER_H
#define SBX_FOLDER_H

#include <stdbool.h>

#include "account.h"
#include "error.h"

struct sbx_folder {
	int fd;
	char *path;
};

#define SBX_FOLDER_INIT  \
	{                \
		-1, NULL \
	}

/*
 * Open, and with create make, /run/user/UID/sandbox-shell/NAME. /run/user/UID itself is never made:
 * it's refused when it's missing, no folder, someone else's or open to others.
 */
int sbx_folder_runtime(const struct sbx_account *account, const char *name, bool create,
		       struct sbx_folder *ret_folder, struct sbx_error *err);

/*
 * Open, and with create make, BASE/NAME and its home/. base is an absolute path whose last part is
 * made too when it's missing. A home/ that is made gets the marker SBX_FOLDER_NEW beside it first,
 * which stays until setup.sh has run.
 */
int sbx_folder_data(const struct sbx_account *account, const char *base, const char *name,
		    bool create, struct sbx_folder *ret_folder, struct sbx_error *err);

#define SBX_FOLDER_NEW "new"

void sbx_folder_done(struct sbx_folder *folder);

#endif
