/*
 * From checked JSON to struct sbx_policy, by the table; see policy_apply.h.
 *
 * Nothing is ignored: a key that isn't in the table, a value that isn't in range, an effect that
 * doesn't exist yet, each refuses the whole file.
 */
#include "policy_apply.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy_lists.h"
#include "policy_table.h"
#include "util.h"

typedef int apply_fn(const struct sbx_apply *a, const struct sbx_policy_key *key,
		     const struct sbx_json_node *node);

static int refuse_pending(const struct sbx_apply *a, const struct sbx_json_node *node)
{
	return sbx_json_fail(a->json, node, false, -ENOTSUP, a->err,
			     "not supported yet: leave it out");
}

static void store_number(const struct sbx_apply *a, const struct sbx_policy_key *key,
			 uint64_t value)
{
	void *field = sbx_policy_field(a->policy, key->offset);
	uint32_t small = (uint32_t)value;
	bool flag = value != 0;

	if (key->width == sizeof(value))
		memcpy(field, &value, sizeof(value));
	else if (key->width == sizeof(small))
		memcpy(field, &small, sizeof(small));
	else
		memcpy(field, &flag, sizeof(flag));
	if (key->set_offset)
		*(bool *)sbx_policy_field(a->policy, key->set_offset) = true;
}

static int apply_version(const struct sbx_apply *a, const struct sbx_policy_key *key,
			 const struct sbx_json_node *node)
{
	(void)key;
	if (node->kind != SBX_JSON_NUMBER)
		return sbx_apply_mismatch(a, node, "the number 1");
	if (node->value->valuedouble != SBX_POLICY_VERSION)
		return sbx_json_fail(a->json, node, false, -EINVAL, a->err,
				     "%.*s is not a version known here: write %d",
				     (int)node->length, a->json->text + node->value_at,
				     SBX_POLICY_VERSION);
	return 0;
}

static int apply_bool(const struct sbx_apply *a, const struct sbx_policy_key *key,
		      const struct sbx_json_node *node)
{
	if (node->kind != SBX_JSON_TRUE && node->kind != SBX_JSON_FALSE)
		return sbx_apply_mismatch(a, node, "true or false");
	store_number(a, key, node->kind == SBX_JSON_TRUE);
	return 0;
}

/* In range? The value is in the field's unit; shown is the text as written. */
static int check_range(const struct sbx_apply *a, const struct sbx_policy_key *key,
		       const struct sbx_json_node *node, double value)
{
	char limit[SBX_VALUE_TEXT_MAX];

	if (value >= (double)key->min && value <= (double)key->max)
		return 0;
	sbx_policy_key_format(key, value < (double)key->min ? key->min : key->max, limit);
	return sbx_json_fail(a->json, node, false, -EINVAL, a->err, "%.*s is %s %s",
			     (int)(node->length < 40 ? node->length : 40),
			     a->json->text + node->value_at,
			     value < (double)key->min ? "below" : "above", limit);
}

/* The text of a size or duration, as a number. */
static int read_quantity(const struct sbx_apply *a, const struct sbx_policy_key *key,
			 const struct sbx_json_node *node, double *ret_value)
{
	uint64_t value = 0;
	const char *why;

	if (key->kind == SBX_KIND_SIZE)
		why = sbx_value_parse_size(node->string, &value);
	else
		why = sbx_value_parse_duration(node->string, &value);
	if (why)
		return sbx_apply_bad_text(a, node, false, why);
	*ret_value = (double)value;
	return 0;
}

static int read_number(const struct sbx_apply *a, const struct sbx_policy_key *key,
		       const struct sbx_json_node *node, double *ret_value)
{
	double value = node->value->valuedouble;

	if (key->kind == SBX_KIND_CPUS) {
		*ret_value = value * 1000;
		return 0;
	}
	/* No range goes beyond 2^53, where a double still holds every integer. */
	if (value > -1e15 && value < 1e15 && (double)(int64_t)value != value)
		return sbx_json_fail(a->json, node, false, -EINVAL, a->err,
				     "%.*s is not a whole number", (int)node->length,
				     a->json->text + node->value_at);
	*ret_value = value;
	return 0;
}

static int apply_number(const struct sbx_apply *a, const struct sbx_policy_key *key,
			const struct sbx_json_node *node)
{
	static const char *const wanted[] = {
		[SBX_KIND_INTEGER] = "a whole number",
		[SBX_KIND_SIZE] = "a size, in bytes or as \"512M\"",
		[SBX_KIND_DURATION] = "a duration such as \"30m\" or \"8h\"",
		[SBX_KIND_CPUS] = "a number of CPUs such as 2 or 0.5",
	};
	bool text = key->kind == SBX_KIND_SIZE || key->kind == SBX_KIND_DURATION;
	bool number = key->kind != SBX_KIND_DURATION;
	double value = 0;
	int r;

	if (node->kind == SBX_JSON_STRING && text)
		r = read_quantity(a, key, node, &value);
	else if (node->kind == SBX_JSON_NUMBER && number)
		r = read_number(a, key, node, &value);
	else
		r = sbx_apply_mismatch(a, node, wanted[key->kind]);
	if (r == 0)
		r = check_range(a, key, node, value);
	if (r < 0)
		return r;
	if (key->pending)
		return refuse_pending(a, node);
	store_number(a, key, (uint64_t)(value + 0.5));
	return 0;
}

static int apply_choice(const struct sbx_apply *a, const struct sbx_policy_key *key,
			const struct sbx_json_node *node)
{
	char list[128] = "";
	const char *near;
	int index;

	for (size_t i = 0, used = 0; key->choices[i] && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s\"%s\"",
					 i == 0                ? ""
					 : key->choices[i + 1] ? ", "
							       : " or ",
					 key->choices[i]);
	if (node->kind != SBX_JSON_STRING)
		return sbx_apply_mismatch(a, node, list);
	index = sbx_policy_key_choice(key, node->string);
	if (index < 0) {
		char quoted[SBX_VALUE_TEXT_MAX];

		near = sbx_policy_nearest(node->string, key->choices);
		return sbx_json_fail(a->json, node, false, -EINVAL, a->err,
				     "%s is not one of %s%s%s%s",
				     sbx_value_quote(quoted, node->string), list,
				     near ? ": did you mean \"" : "", near ? near : "",
				     near ? "\"?" : "");
	}
	if (key->pending && strcmp(key->pending, node->string) == 0)
		return sbx_json_fail(a->json, node, false, -ENOTSUP, a->err,
				     "\"%s\" is not supported yet: leave it out", node->string);
	store_number(a, key, (uint64_t)index);
	return 0;
}

static int apply_string(const struct sbx_apply *a, const struct sbx_policy_key *key,
			const struct sbx_json_node *node)
{
	int r = sbx_apply_check_text(a, node, key->form);

	if (r == 0)
		r = sbx_apply_store_text(a, node,
					 (char **)sbx_policy_field(a->policy, key->offset));
	if (r == 0 && key->set_offset)
		*(bool *)sbx_policy_field(a->policy, key->set_offset) = true;
	return r;
}

static int apply_time(const struct sbx_apply *a, const struct sbx_policy_key *key,
		      const struct sbx_json_node *node)
{
	int r = sbx_apply_check_text(a, node, key->form);
	int64_t time;

	if (r < 0)
		return r;
	(void)sbx_value_parse_time(node->string, &time); /* the form has checked it */
	memcpy(sbx_policy_field(a->policy, key->offset), &time, sizeof(time));
	*(bool *)sbx_policy_field(a->policy, key->set_offset) = true;
	return 0;
}

static int apply_list(const struct sbx_apply *a, const struct sbx_policy_key *key,
		      const struct sbx_json_node *node)
{
	int r = sbx_apply_list(a, key, node);

	return r == 0 && key->pending && node->count > 0 ? refuse_pending(a, node) : r;
}

static apply_fn *const apply_kinds[] = {
	[SBX_KIND_VERSION] = apply_version,   [SBX_KIND_BOOL] = apply_bool,
	[SBX_KIND_INTEGER] = apply_number,    [SBX_KIND_SIZE] = apply_number,
	[SBX_KIND_DURATION] = apply_number,   [SBX_KIND_CPUS] = apply_number,
	[SBX_KIND_TIME] = apply_time,         [SBX_KIND_CHOICE] = apply_choice,
	[SBX_KIND_STRING] = apply_string,     [SBX_KIND_LIST] = apply_list,
	[SBX_KIND_MOUNTS] = sbx_apply_mounts, [SBX_KIND_ENV] = sbx_apply_env,
};

static int unknown_key(const struct sbx_apply *a, const char *section,
		       const struct sbx_json_node *node)
{
	char suggestion[64];

	if (sbx_policy_key_suggest(section, node->key, suggestion, sizeof(suggestion)))
		return sbx_json_fail(a->json, node, true, -EINVAL, a->err,
				     "unknown key: did you mean %s?", suggestion);
	return sbx_json_fail(a->json, node, true, -EINVAL, a->err,
			     "unknown key: see sandbox-policy(5)");
}

static int apply_object(const struct sbx_apply *a, const char *section,
			const struct sbx_json_node *object)
{
	if (object->kind != SBX_JSON_OBJECT)
		return sbx_apply_mismatch(a, object, "an object");
	for (const struct sbx_json_node *node = object->child; node; node = node->next) {
		const struct sbx_policy_key *key = sbx_policy_key_find(section, node->key);
		int r;

		if (key)
			r = apply_kinds[key->kind](a, key, node);
		else if (!section[0] && sbx_policy_section(node->key))
			r = apply_object(a, node->key, node);
		else
			r = unknown_key(a, section, node);
		if (r < 0)
			return r;
	}
	return 0;
}

int sbx_policy_apply(struct sbx_policy *policy, const struct sbx_json *json, struct sbx_error *err)
{
	const struct sbx_apply a = { .policy = policy, .json = json, .err = err };
	const struct sbx_json_node *root = &json->nodes[0];
	int r = apply_object(&a, "", root);

	if (r < 0)
		return r;
	if (!sbx_json_member(root, "version"))
		return sbx_json_fail(json, root, false, -EINVAL, err,
				     "version: missing: begin with \"version\": %d",
				     SBX_POLICY_VERSION);
	return 0;
}

int sbx_policy_apply_defaults(struct sbx_policy *policy)
{
	for (size_t i = 0; i < sbx_policy_key_count; i++) {
		const struct sbx_policy_key *key = &sbx_policy_keys[i];
		void *field = sbx_policy_field(policy, key->offset);
		struct sbx_strv list = { 0 };

		if (key->kind == SBX_KIND_BOOL)
			*(bool *)field = key->default_bool;
		if (key->default_text) {
			*(char **)field = strdup(key->default_text);
			if (!*(char **)field)
				return -ENOMEM;
		}
		if (!key->default_list)
			continue;
		for (size_t j = 0; key->default_list[j]; j++)
			(void)sbx_strv_add(&list, key->default_list[j]);
		*(char ***)field = list.items;
		if (list.failed)
			return -ENOMEM;
	}
	return 0;
}
