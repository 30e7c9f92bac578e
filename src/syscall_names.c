/*
 * Which names are system calls; see syscall_names.h.
 */
#include "syscall_names.h"

#include <string.h>

bool sbx_syscall_known(const char *name)
{
	for (const char *known = sbx_syscall_names; *known; known += strlen(known) + 1)
		if (strcmp(known, name) == 0)
			return true;
	return false;
}
