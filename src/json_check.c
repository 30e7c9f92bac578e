/*
 * The checker and index of strict JSON; see json_check.h.
 *
 * A recursive descent over the bytes, bounded in depth and in the number of values. The nodes are
 * allocated once, so pointers to them stay good. Positions are worked out only for a message.
 */
#include "json_check.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "util.h"

struct parser {
	struct sbx_json *json;
	size_t at;
	char *free_strings; /* where the next unescaped string goes */
	unsigned int depth;
	struct sbx_error *err;
};

static int parse_value(struct parser *p, struct sbx_json_node *node);

/* The byte at the parser's place, NUL at the end (a NUL in the text is no token either). */
static char peek(const struct parser *p)
{
	return p->at < p->json->length ? p->json->text[p->at] : '\0';
}

static void skip_space(struct parser *p)
{
	while (p->at < p->json->length && strchr(" \t\r\n", p->json->text[p->at]) &&
	       p->json->text[p->at])
		p->at++;
}

/* What stands here is not what could: say so, and name the usual mistakes. */
static int unexpected(struct parser *p, const struct sbx_json_node *node, const char *wanted)
{
	const struct sbx_json *json = p->json;
	unsigned char c = (unsigned char)peek(p);

	if (p->at >= json->length)
		return sbx_json_fail_at(json, node, p->at, -EINVAL, p->err,
					"the file ends too early: expected %s", wanted);
	if (c == '/' || c == '#')
		return sbx_json_fail_at(json, node, p->at, -EINVAL, p->err,
					"a comment is not JSON: remove it");
	if (c == '\'')
		return sbx_json_fail_at(json, node, p->at, -EINVAL, p->err,
					"single quotes are not JSON: use \"");
	if (c > 0x20 && c < 0x7f)
		return sbx_json_fail_at(json, node, p->at, -EINVAL, p->err, "found %c: expected %s",
					c, wanted);
	return sbx_json_fail_at(json, node, p->at, -EINVAL, p->err,
				"found the byte 0x%02x: expected %s", c, wanted);
}

/* A new last member of parent; *tail is where the link to it belongs. */
static struct sbx_json_node *add_node(struct parser *p, struct sbx_json_node *parent,
				      struct sbx_json_node ***tail)
{
	struct sbx_json_node *node;

	if (p->json->count >= p->json->room) {
		(void)sbx_json_fail_at(p->json, parent, p->at, -EINVAL, p->err,
				       "more than %d values", SBX_JSON_MAX_VALUES);
		return NULL;
	}
	node = &p->json->nodes[p->json->count++];
	node->parent = parent;
	node->index = parent->count++;
	**tail = node;
	*tail = &node->next;
	return node;
}

/* Unescape the string here; *ret_string stays in the json's own memory. */
static int parse_string(struct parser *p, const struct sbx_json_node *node, const char **ret_string)
{
	struct sbx_json_problem problem;
	ptrdiff_t length = sbx_json_text_string(p->json->text, p->json->length, &p->at,
						p->free_strings, &problem);

	if (length < 0) {
		(void)sbx_json_fail_at(p->json, node, problem.at, -EINVAL, p->err, "%s",
				       problem.why);
		return -EINVAL;
	}
	*ret_string = p->free_strings;
	p->free_strings += length + 1;
	return 0;
}

static int parse_key(struct parser *p, struct sbx_json_node *object, struct sbx_json_node ***tail,
		     struct sbx_json_node **ret_node)
{
	const struct sbx_json_node *twin;
	struct sbx_json_node *node;
	size_t key_at = p->at;
	const char *key;
	int r;

	if (peek(p) != '"')
		return unexpected(p, object, "a key in double quotes");
	r = parse_string(p, object, &key);
	if (r < 0)
		return r;
	twin = sbx_json_member(object, key);
	node = add_node(p, object, tail);
	if (!node)
		return -EINVAL;
	node->key_at = key_at;
	node->key = key;
	if (twin) {
		unsigned int line, column;

		sbx_json_locate(p->json, twin->key_at, &line, &column);
		return sbx_json_fail(p->json, node, true, -EINVAL, p->err,
				     "duplicate key: it is already at %u:%u", line, column);
	}
	skip_space(p);
	if (peek(p) != ':')
		return unexpected(p, node, ": after the key");
	p->at++;
	*ret_node = node;
	return 0;
}

static int parse_member(struct parser *p, struct sbx_json_node *parent,
			struct sbx_json_node ***tail)
{
	struct sbx_json_node *node = NULL;
	int r = 0;

	if (parent->kind == SBX_JSON_OBJECT)
		r = parse_key(p, parent, tail, &node);
	else
		node = add_node(p, parent, tail);
	if (r < 0)
		return r;
	return node ? parse_value(p, node) : -EINVAL;
}

/* An object or a list, whose opening bracket is here. */
static int parse_members(struct parser *p, struct sbx_json_node *parent)
{
	bool object = parent->kind == SBX_JSON_OBJECT;
	struct sbx_json_node **tail = &parent->child;
	char close = object ? '}' : ']';

	p->at++;
	skip_space(p);
	if (peek(p) == close) {
		p->at++;
		return 0;
	}
	for (;;) {
		int r = parse_member(p, parent, &tail);

		if (r < 0)
			return r;
		skip_space(p);
		if (peek(p) == close) {
			p->at++;
			return 0;
		}
		if (peek(p) != ',')
			return unexpected(p, parent, object ? ", or }" : ", or ]");
		p->at++;
		skip_space(p);
		if (peek(p) == close)
			return sbx_json_fail_at(p->json, parent, p->at, -EINVAL, p->err,
						"comma before %c: remove it", close);
	}
}

static int parse_number(struct parser *p, const struct sbx_json_node *node)
{
	struct sbx_json_problem problem;

	if (sbx_json_text_number(p->json->text, p->json->length, &p->at, &problem) < 0)
		return sbx_json_fail_at(p->json, node, problem.at, -EINVAL, p->err, "%s",
					problem.why);
	return 0;
}

static bool take_word(struct parser *p, const char *word)
{
	size_t length = strlen(word);

	if (p->json->length - p->at < length || memcmp(p->json->text + p->at, word, length) != 0)
		return false;
	p->at += length;
	return true;
}

static int parse_nested(struct parser *p, struct sbx_json_node *node, enum sbx_json_kind kind)
{
	int r;

	node->kind = kind;
	if (p->depth >= SBX_JSON_MAX_DEPTH)
		return sbx_json_fail_at(p->json, node, p->at, -EINVAL, p->err,
					"nested deeper than %d", SBX_JSON_MAX_DEPTH);
	p->depth++;
	r = parse_members(p, node);
	p->depth--;
	return r;
}

static int parse_value(struct parser *p, struct sbx_json_node *node)
{
	static const struct {
		const char *word;
		enum sbx_json_kind kind;
	} words[] = { { "true", SBX_JSON_TRUE },
		      { "false", SBX_JSON_FALSE },
		      { "null", SBX_JSON_NULL } };
	int r = -EINVAL;
	char c;

	skip_space(p);
	node->value_at = p->at;
	c = peek(p);
	if (c == '{' || c == '[') {
		r = parse_nested(p, node, c == '{' ? SBX_JSON_OBJECT : SBX_JSON_LIST);
	} else if (c == '"') {
		node->kind = SBX_JSON_STRING;
		r = parse_string(p, node, &node->string);
	} else if (c == '-' || (c >= '0' && c <= '9')) {
		node->kind = SBX_JSON_NUMBER;
		r = parse_number(p, node);
	} else {
		for (size_t i = 0; i < ARRAY_SIZE(words) && r < 0; i++) {
			if (take_word(p, words[i].word)) {
				node->kind = words[i].kind;
				r = 0;
			}
		}
		if (r < 0)
			r = unexpected(p, node, "a value");
	}
	node->length = p->at - node->value_at;
	return r;
}

/* Does cJSON's item say what the node says? Sets node->value all the way down. */
static bool agree(struct sbx_json_node *node, const cJSON *item)
{
	static const int types[] = {
		[SBX_JSON_OBJECT] = cJSON_Object, [SBX_JSON_LIST] = cJSON_Array,
		[SBX_JSON_STRING] = cJSON_String, [SBX_JSON_NUMBER] = cJSON_Number,
		[SBX_JSON_TRUE] = cJSON_True,     [SBX_JSON_FALSE] = cJSON_False,
		[SBX_JSON_NULL] = cJSON_NULL,
	};
	const cJSON *member = item->child;

	if ((item->type & 0xff) != types[node->kind])
		return false;
	if (node->key && (!item->string || strcmp(node->key, item->string) != 0))
		return false;
	if (node->string && (!item->valuestring || strcmp(node->string, item->valuestring) != 0))
		return false;
	node->value = item;
	for (struct sbx_json_node *child = node->child; child; child = child->next) {
		if (!member || !agree(child, member))
			return false;
		member = member->next;
	}
	return !member;
}

static int parse_text(struct sbx_json *json, struct sbx_error *err)
{
	struct parser p = { .json = json, .free_strings = json->strings, .err = err };
	struct sbx_json_node *root = &json->nodes[0];
	int r;

	json->count = 1;
	if (json->length >= 3 && memcmp(json->text, "\xef\xbb\xbf", 3) == 0)
		return sbx_json_fail_at(json, root, 0, -EINVAL, err,
					"byte order mark: save the file without it");
	skip_space(&p);
	if (p.at == json->length)
		return sbx_json_fail_at(json, root, 0, -EINVAL, err, "the file is empty");
	r = parse_value(&p, root);
	if (r < 0)
		return r;
	skip_space(&p);
	if (p.at < json->length)
		return unexpected(&p, root, "nothing after the value");
	json->root = cJSON_ParseWithLengthOpts(json->text, json->length + 1, NULL, true);
	if (!json->root || !agree(root, json->root))
		return sbx_json_fail_at(json, root, root->value_at, -EINVAL, err,
					"cJSON reads this differently or is out of memory");
	return 0;
}

int sbx_json_parse(const char *file, const char *text, size_t length, struct sbx_json **ret_json,
		   struct sbx_error *err)
{
	_cleanup_json_ struct sbx_json *json = calloc(1, sizeof(*json));
	int r;

	if (!json)
		return sbx_error_set(err, -ENOMEM, "%s: out of memory", file);
	json->file = file;
	json->text = text;
	json->length = length;
	json->room = 1;
	for (size_t i = 0; i < length && json->room < SBX_JSON_MAX_VALUES; i++)
		json->room += text[i] == ',' || text[i] == '{' || text[i] == '[';
	json->nodes = calloc(json->room, sizeof(*json->nodes));
	json->strings = malloc(length + 1);
	if (!json->nodes || !json->strings)
		return sbx_error_set(err, -ENOMEM, "%s: out of memory", file);
	r = parse_text(json, err);
	if (r < 0)
		return r;
	*ret_json = steal_pointer(json);
	return 0;
}

void sbx_json_free(struct sbx_json *json)
{
	if (!json)
		return;
	cJSON_Delete(json->root);
	free(json->nodes);
	free(json->strings);
	free(json);
}
