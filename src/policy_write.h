/*
 * Writing JSON strings, for `policy show` and the schema. Write errors are left to ferror(out).
 */
#ifndef SBX_POLICY_WRITE_H
#define SBX_POLICY_WRITE_H

#include <stdio.h>

/* A string in quotes. Quotes, backslashes and control characters are escaped; UTF-8 stays. */
void sbx_write_string(FILE *out, const char *text);

/* A NULL-terminated list of strings on one line; a list that is NULL is empty. */
void sbx_write_strings(FILE *out, const char *const *list);

#endif
