/*
 * The values of a policy: quantities and the forms that text may have.
 *
 * A check says NULL when the text is fine, or a literal "why: what to do" that completes
 * `"TEXT" ...`. All of them take any NUL-terminated string and allocate nothing.
 */
#ifndef SBX_POLICY_VALUE_H
#define SBX_POLICY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SBX_VALUE_TEXT_MAX 80 /* room for what the format and quote functions write */

/* "512M": a whole number and K, M, G or T (binary). What doesn't fit becomes UINT64_MAX. */
const char *sbx_value_parse_size(const char *text, uint64_t *ret_bytes);

/* "30m": a whole number and s, m, h or d. */
const char *sbx_value_parse_duration(const char *text, uint64_t *ret_seconds);

/* RFC 3339, to seconds since the epoch; fractions of a second are dropped. */
const char *sbx_value_parse_time(const char *text, int64_t *ret_time);

/* The shortest exact text in the parse functions' form; a size of no whole K is a bare number. */
void sbx_value_format_size(char text[static SBX_VALUE_TEXT_MAX], uint64_t bytes);
void sbx_value_format_duration(char text[static SBX_VALUE_TEXT_MAX], uint64_t seconds);
void sbx_value_format_cpus(char text[static SBX_VALUE_TEXT_MAX], uint64_t milli);
void sbx_value_format_time(char text[static SBX_VALUE_TEXT_MAX], int64_t time);

/* The text in quotes for a message: printable ASCII, cut after 60 characters. Returns quoted. */
const char *sbx_value_quote(char quoted[static SBX_VALUE_TEXT_MAX], const char *text);

/* What a string must look like. */
struct sbx_value_form {
	const char *what;    /* for messages: "expected WHAT" */
	const char *pattern; /* for the JSON Schema; may let through more than check does */
	size_t max_length;   /* bytes */
	const char *(*check)(const char *text);
};

extern const struct sbx_value_form sbx_form_name;
extern const struct sbx_value_form sbx_form_image;
extern const struct sbx_value_form sbx_form_path;       /* absolute, plain */
extern const struct sbx_value_form sbx_form_mount_path; /* and fit for podman's --mount */
extern const struct sbx_value_form sbx_form_device;
extern const struct sbx_value_form sbx_form_endpoint; /* "host:port", "CIDR:port/udp" */
extern const struct sbx_value_form sbx_form_cidr;
extern const struct sbx_value_form sbx_form_syscall;
extern const struct sbx_value_form sbx_form_env_name;
extern const struct sbx_value_form sbx_form_env_value;
extern const struct sbx_value_form sbx_form_env_pass; /* a name, or a prefix and '*' */
extern const struct sbx_value_form sbx_form_time;

/* Length, control characters (C0, DEL, C1), then the form's own check. */
const char *sbx_value_check(const struct sbx_value_form *form, const char *text);

/* HOME, USER, LOGNAME, SHELL, XDG_RUNTIME_DIR: set by the login itself, by nobody else. */
bool sbx_value_env_reserved(const char *name);

#endif
