/*
 * Who could have put a file where it is: root alone, or somebody else too?
 */
#ifndef SBX_CTL_PLACE_H
#define SBX_CTL_PLACE_H

#include <stdbool.h>

#include "error.h"

/*
 * Walk an absolute path from the top, links and where they lead included. Returns 0 when each
 * folder on the way, and what it names, is root's and writable by nobody else; 1 with what isn't in
 * found, "FOLDER: why"; -ENOENT when a part is missing, and all before it is good. It looks at
 * nothing below a place that others can write.
 */
int ctl_place_check(const char *path, struct sbx_error *found);

/* Is it an executable file? */
bool ctl_place_has_program(const char *path);

#endif
