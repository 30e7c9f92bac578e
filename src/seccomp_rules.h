/*
 * Editing the rules of a seccomp profile, the JSON array "syscalls" of containers-common's format.
 */
#ifndef SBX_SECCOMP_RULES_H
#define SBX_SECCOMP_RULES_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What one of a system call's arguments (index, from 0) has to be: equal to value in the bits of
 * mask. Arguments that the kernel reads as 32 bits are compared in those only, so that nothing
 * above them makes a difference.
 */
struct sbx_seccomp_arg {
	unsigned int index;
	uint32_t mask;
	uint32_t value;
};

#define SBX_SECCOMP_ARGS_MAX 2

/* What is done: allowed with error 0, else refused with that errno; if all of its args are so. */
struct sbx_seccomp_rule {
	const char *name;
	int error;
	size_t arg_count;
	struct sbx_seccomp_arg args[SBX_SECCOMP_ARGS_MAX];
	const char *why;
};

/* Take a name out of whatever the rules say of it. */
void sbx_seccomp_forget(cJSON *rules, const char *name);

/* Append a rule. Returns 0 or -ENOMEM. */
int sbx_seccomp_add(cJSON *rules, const struct sbx_seccomp_rule *rule);

/*
 * In the place of all rules for a name: allow it, but for values of an argument of 32 bits, at
 * most eight, which are refused with error. Returns 0 or -ENOMEM.
 */
int sbx_seccomp_allow_but(cJSON *rules, const char *name, unsigned int index,
			  const uint32_t *values, size_t count, int error, const char *why);

#endif
