/*
 * What a relay may still do, once it copies what comes from inside.
 */
#ifndef SBX_CONFINE_H
#define SBX_CONFINE_H

#include <linux/filter.h>

#include "error.h"

/*
 * Confine this process for good to what it needs to relay, to say what went wrong and to end: the
 * descriptors it has, and no others; no file, no process, no socket of its own, nothing to
 * execute. The kernel kills it when it tries, and says so in its log. Must be called when all is
 * open, and nothing will be started any more. Returns 0, or -errno with err set, and then the
 * session must not go on.
 */
int sbx_confine(struct sbx_error *err);

/* The filter, made by src/gen/seccomp_tables.c. */
extern const struct sock_filter sbx_confine_filter[];
extern const unsigned short sbx_confine_filter_length;

#endif
