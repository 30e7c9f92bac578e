/*
 * Strict JSON: what cJSON would accept wrongly is refused before cJSON sees it.
 *
 * The text of a policy file is checked byte by byte (RFC 8259 and nothing more: no duplicate
 * keys however they are spelled, no NUL, no lone surrogates, no invalid UTF-8, no overflowing
 * numbers, no comments, no byte order mark, nothing after the value) and indexed, so that every
 * key and value knows where it stands. Then cJSON parses it and must have understood the same,
 * node by node. Lookups go over the index, which compares keys exactly; cJSON's own
 * case-insensitive ones are never used.
 */
#ifndef SBX_JSON_CHECK_H
#define SBX_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define SBX_JSON_MAX_DEPTH 16
#define SBX_JSON_MAX_VALUES 2048
#define SBX_JSON_MAX_NUMBER 32 /* characters; cJSON cuts numbers at 63 */
#define SBX_JSON_PATH_MAX 256

struct cJSON;

enum sbx_json_kind {
	SBX_JSON_OBJECT,
	SBX_JSON_LIST,
	SBX_JSON_STRING,
	SBX_JSON_NUMBER,
	SBX_JSON_TRUE,
	SBX_JSON_FALSE,
	SBX_JSON_NULL,
};

/* One value and its place. All of it belongs to the struct sbx_json. */
struct sbx_json_node {
	enum sbx_json_kind kind;
	const struct cJSON *value; /* never NULL after a successful parse */
	const char *key;           /* unescaped; NULL for the root and for what stands in a list */
	const char *string;        /* unescaped text of a string, NULL for other kinds */
	struct sbx_json_node *parent, *child, *next;
	size_t count; /* members of an object or a list */
	size_t index; /* which member of its parent, from 0 */
	size_t key_at;
	size_t value_at; /* byte offsets in the text */
	size_t length;   /* bytes of the value as written */
};

struct sbx_json {
	const char *file; /* how messages name the text; borrowed */
	const char *text; /* borrowed, must outlive this */
	size_t length;
	struct sbx_json_node *nodes; /* in the order of the text; nodes[0] is the root */
	size_t count, room;
	char *strings;
	struct cJSON *root;
};

/*
 * Check and parse text[0..length), which is followed by a NUL. Returns 0, -EINVAL with
 * "FILE:LINE:COL: path: why: what to do", or -ENOMEM; *ret_json is untouched on failure.
 */
int sbx_json_parse(const char *file, const char *text, size_t length, struct sbx_json **ret_json,
		   struct sbx_error *err);

void sbx_json_free(struct sbx_json *json);

static inline void sbx_json_cleanup(struct sbx_json **json)
{
	sbx_json_free(*json);
}

#define _cleanup_json_ __attribute__((cleanup(sbx_json_cleanup)))

/* The member of an object with exactly this key, or NULL. */
const struct sbx_json_node *sbx_json_member(const struct sbx_json_node *object, const char *key);

/* The value at a path of keys such as "limits.memory" or "mounts[1].source", or NULL. */
const struct sbx_json_node *sbx_json_find(const struct sbx_json *json, const char *path);

/* Line and column of a byte, both from 1; a column is one character of UTF-8, a tab is one. */
void sbx_json_locate(const struct sbx_json *json, size_t at, unsigned int *ret_line,
		     unsigned int *ret_column);

/* The path of a node, printable and cut to size; "" for the root. */
void sbx_json_path(const struct sbx_json_node *node, char *path, size_t size);

/* "an object", "a string", "null", ...: for messages. */
const char *sbx_json_kind_name(enum sbx_json_kind kind);

/*
 * Set err to "FILE:LINE:COL: path: MESSAGE" for a value (or, at_key, for its key). Returns code.
 */
int sbx_json_fail(const struct sbx_json *json, const struct sbx_json_node *node, bool at_key,
		  int code, struct sbx_error *err, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* The same for any byte of the text; node gives the path. */
int sbx_json_fail_at(const struct sbx_json *json, const struct sbx_json_node *node, size_t at,
		     int code, struct sbx_error *err, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

#endif
