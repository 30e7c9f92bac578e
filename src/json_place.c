/*
 * Where things are in strict JSON: by path, by line and column, and in messages; see json_check.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json_check.h"
#include "util.h"

const char *sbx_json_kind_name(enum sbx_json_kind kind)
{
	static const char *const names[] = {
		[SBX_JSON_OBJECT] = "an object", [SBX_JSON_LIST] = "a list",
		[SBX_JSON_STRING] = "a string",  [SBX_JSON_NUMBER] = "a number",
		[SBX_JSON_TRUE] = "true",        [SBX_JSON_FALSE] = "false",
		[SBX_JSON_NULL] = "null",
	};

	return (size_t)kind < ARRAY_SIZE(names) ? names[kind] : "something else";
}

static const struct sbx_json_node *member_n(const struct sbx_json_node *object, const char *key,
					    size_t length)
{
	if (!object || object->kind != SBX_JSON_OBJECT)
		return NULL;
	for (const struct sbx_json_node *node = object->child; node; node = node->next)
		if (node->key && strncmp(node->key, key, length) == 0 && !node->key[length])
			return node;
	return NULL;
}

const struct sbx_json_node *sbx_json_member(const struct sbx_json_node *object, const char *key)
{
	return member_n(object, key, strlen(key));
}

static const struct sbx_json_node *list_item(const struct sbx_json_node *list, size_t index)
{
	const struct sbx_json_node *node = list && list->kind == SBX_JSON_LIST ? list->child : NULL;

	while (node && node->index < index)
		node = node->next;
	return node;
}

const struct sbx_json_node *sbx_json_find(const struct sbx_json *json, const char *path)
{
	const struct sbx_json_node *node = &json->nodes[0];

	while (*path && node) {
		size_t length = strcspn(path, ".[");

		if (*path == '[') {
			char *end;

			node = list_item(node, strtoul(path + 1, &end, 10));
			path = *end == ']' ? end + 1 : end;
		} else {
			node = member_n(node, path, length);
			path += length;
		}
		if (*path == '.')
			path++;
	}
	return node;
}

void sbx_json_locate(const struct sbx_json *json, size_t at, unsigned int *ret_line,
		     unsigned int *ret_column)
{
	*ret_line = 1;
	*ret_column = 1;
	for (size_t i = 0; i < at && i < json->length; i++) {
		if (json->text[i] == '\n') {
			*ret_line += 1;
			*ret_column = 1;
		} else if (i + 1 >= at || (json->text[i + 1] & 0xc0) != 0x80) {
			*ret_column += 1; /* what stands at a byte counts, even a stray one */
		}
	}
}

/* Append what is printable ASCII of a key, at most 40 characters of it. */
static size_t append_key(char *path, size_t used, size_t size, const char *key)
{
	for (size_t i = 0; i < 40 && key[i] && used + 1 < size; i++)
		path[used++] = key[i] >= 0x20 && key[i] < 0x7f ? key[i] : '?';
	return used;
}

void sbx_json_path(const struct sbx_json_node *node, char *path, size_t size)
{
	const struct sbx_json_node *chain[SBX_JSON_MAX_DEPTH + 1];
	size_t depth = 0;
	size_t used = 0;

	for (; node && node->parent && depth < ARRAY_SIZE(chain); node = node->parent)
		chain[depth++] = node;
	path[0] = '\0';
	while (depth-- > 0 && used + 32 < size) {
		if (chain[depth]->key) {
			if (used > 0)
				path[used++] = '.';
			used = append_key(path, used, size, chain[depth]->key);
		} else {
			used += (size_t)snprintf(path + used, size - used, "[%zu]",
						 chain[depth]->index);
		}
		path[used] = '\0';
	}
}

static int report(const struct sbx_json *json, const struct sbx_json_node *node, size_t at,
		  int code, struct sbx_error *err, const char *message)
{
	char path[SBX_JSON_PATH_MAX];
	unsigned int line, column;

	sbx_json_locate(json, at, &line, &column);
	sbx_json_path(node, path, sizeof(path));
	return sbx_error_set(err, code, "%s:%u:%u: %s%s%s", json->file, line, column, path,
			     path[0] ? ": " : "", message);
}

int sbx_json_fail_at(const struct sbx_json *json, const struct sbx_json_node *node, size_t at,
		     int code, struct sbx_error *err, const char *format, ...)
{
	char message[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return report(json, node, at, code, err, message);
}

int sbx_json_fail(const struct sbx_json *json, const struct sbx_json_node *node, bool at_key,
		  int code, struct sbx_error *err, const char *format, ...)
{
	char message[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return report(json, node, at_key ? node->key_at : node->value_at, code, err, message);
}
