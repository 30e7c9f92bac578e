/*
 * The system calls of the architecture this was built for, as libseccomp knows them.
 */
#ifndef SBX_SYSCALL_NAMES_H
#define SBX_SYSCALL_NAMES_H

#include <stdbool.h>

/*
 * One behind the other, each with its NUL; an empty one is the last. Made by
 * src/gen/seccomp_tables.c.
 */
extern const char sbx_syscall_names[];

bool sbx_syscall_known(const char *name);

#endif
