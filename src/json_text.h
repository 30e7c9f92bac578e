/*
 * The words of strict JSON: strings and numbers, checked and unescaped.
 *
 * Used by json_check only. Nothing in here allocates, and nothing reads past length.
 */
#ifndef SBX_JSON_TEXT_H
#define SBX_JSON_TEXT_H

#include <stddef.h>

/* What is wrong with the text, and at which byte. */
struct sbx_json_problem {
	size_t at;
	const char *why; /* a literal: "why: what to do" */
};

/*
 * Unescape the string whose opening quote is text[*at] into out, NUL-terminated; out has room for
 * as many bytes as the string has in the text. *at moves behind the closing quote.
 * Returns the bytes written without the NUL, or -1 and the problem.
 */
ptrdiff_t sbx_json_text_string(const char *text, size_t length, size_t *at, char *out,
			       struct sbx_json_problem *problem);

/*
 * Check the number that begins at text[*at] and move behind it. Returns 0, or -1 and the problem.
 */
int sbx_json_text_number(const char *text, size_t length, size_t *at,
			 struct sbx_json_problem *problem);

#endif
