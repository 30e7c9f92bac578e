/*
 * The JSON Schema (draft 2020-12) of a policy file, from the loader's own table; see policy.h.
 *
 * For editors and generators. It says no less than the loader where JSON Schema can say it: a
 * file that the loader takes is always valid by it, the reverse isn't promised.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "policy.h"
#include "policy_table.h"
#include "policy_write.h"

static void write_pattern(FILE *out, const char *pattern, size_t max_length)
{
	/* Patterns are written as JSON has them, already escaped. */
	(void)fprintf(out, "\"type\": \"string\", \"pattern\": \"%s\"", pattern);
	if (max_length)
		(void)fprintf(out, ", \"maxLength\": %zu", max_length);
}

static void write_string_form(FILE *out, const struct sbx_value_form *form)
{
	write_pattern(out, form->pattern, form->max_length);
}

static void write_list(const struct sbx_policy_key *key, FILE *out)
{
	(void)fprintf(out, "\"type\": \"array\", \"maxItems\": %zu, \"items\": { ", key->max_items);
	write_string_form(out, key->form);
	(void)fputs(" }, \"default\": ", out);
	sbx_write_strings(out, key->default_list);
}

static void write_mounts(const struct sbx_policy_key *key, FILE *out)
{
	(void)fprintf(out,
		      "\"type\": \"array\", \"maxItems\": %zu, \"items\": { \"type\": \"object\", "
		      "\"additionalProperties\": false,\n        "
		      "\"required\": [\"source\", \"target\"], \"properties\": {\n"
		      "          \"source\": { ",
		      key->max_items);
	write_string_form(out, &sbx_form_mount_path);
	(void)fputs(" },\n          \"target\": { ", out);
	write_string_form(out, &sbx_form_mount_path);
	(void)fputs(" },\n          \"mode\": { \"enum\": [\"ro\", \"rw\"], \"default\": \"ro\" } "
		    "} }, \"default\": []",
		    out);
}

static void write_env(const struct sbx_policy_key *key, FILE *out)
{
	(void)fprintf(out, "\"type\": \"object\", \"maxProperties\": %zu, \"propertyNames\": { ",
		      key->max_items);
	write_string_form(out, &sbx_form_env_name);
	(void)fputs(" }, \"additionalProperties\": { ", out);
	write_string_form(out, &sbx_form_env_value);
	(void)fputs(" }, \"default\": {}", out);
}

static void write_range(const struct sbx_policy_key *key, FILE *out)
{
	if (key->kind == SBX_KIND_CPUS) {
		char low[SBX_VALUE_TEXT_MAX], high[SBX_VALUE_TEXT_MAX];

		sbx_value_format_cpus(low, key->min);
		sbx_value_format_cpus(high, key->max);
		(void)fprintf(out, "\"type\": \"number\", \"minimum\": %s, \"maximum\": %s", low,
			      high);
		return;
	}
	(void)fprintf(out, "\"type\": \"integer\", \"minimum\": %" PRIu64 ", \"maximum\": %" PRIu64,
		      key->min, key->max);
}

static void write_string_key(const struct sbx_policy_key *key, FILE *out)
{
	write_string_form(out, key->form);
	if (!key->default_text)
		return;
	(void)fputs(", \"default\": ", out);
	sbx_write_string(out, key->default_text);
}

static void write_type(const struct sbx_policy_key *key, FILE *out)
{
	switch (key->kind) {
	case SBX_KIND_VERSION:
		(void)fprintf(out, "\"const\": %d", SBX_POLICY_VERSION);
		break;
	case SBX_KIND_BOOL:
		(void)fprintf(out, "\"type\": \"boolean\", \"default\": %s",
			      key->default_bool ? "true" : "false");
		break;
	case SBX_KIND_INTEGER:
	case SBX_KIND_CPUS:
		write_range(key, out);
		break;
	case SBX_KIND_SIZE:
		(void)fputs("\"anyOf\": [{ ", out);
		write_range(key, out);
		(void)fputs(" }, { ", out);
		write_pattern(out, "^(0|[1-9][0-9]*)[KMGT]$", 0);
		(void)fputs(" }]", out);
		break;
	case SBX_KIND_DURATION:
		write_pattern(out, "^(0|[1-9][0-9]*)[smhd]$", 0);
		break;
	case SBX_KIND_CHOICE:
		(void)fputs("\"enum\": ", out);
		sbx_write_strings(out, key->choices);
		(void)fputs(", \"default\": ", out);
		sbx_write_string(out, key->choices[0]);
		break;
	case SBX_KIND_TIME:
	case SBX_KIND_STRING:
		write_string_key(key, out);
		break;
	case SBX_KIND_LIST:
		write_list(key, out);
		break;
	case SBX_KIND_MOUNTS:
		write_mounts(key, out);
		break;
	case SBX_KIND_ENV:
		write_env(key, out);
		break;
	}
}

static void write_description(const struct sbx_policy_key *key, FILE *out)
{
	char text[512];

	if (!key->pending)
		(void)snprintf(text, sizeof(text), "%s", key->description);
	else if (key->kind == SBX_KIND_CHOICE)
		(void)snprintf(text, sizeof(text), "%s (%s: not supported yet.)", key->description,
			       key->pending);
	else
		(void)snprintf(text, sizeof(text), "%s (Not supported yet.)", key->description);
	(void)fputs("\"description\": ", out);
	sbx_write_string(out, text);
}

static void write_key(const struct sbx_policy_key *key, FILE *out)
{
	const char *indent = key->section[0] ? "        " : "    ";

	(void)fprintf(out, "%s\"%s\": {\n%s  ", indent, key->name, indent);
	write_description(key, out);
	(void)fprintf(out, ",\n%s  ", indent);
	write_type(key, out);
	(void)fprintf(out, "\n%s}", indent);
}

/* Before each key: the comma, and the end and the begin of sections where they change. */
static void write_section(const char *before, const char *now, bool first, FILE *out)
{
	bool same = strcmp(before, now) == 0;

	if (!same && before[0])
		(void)fputs("\n      }\n    }", out);
	(void)fputs(first ? "\n" : ",\n", out);
	if (same || !now[0])
		return;
	(void)fprintf(out, "    \"%s\": {\n      \"description\": ", now);
	sbx_write_string(out, sbx_policy_section(now));
	(void)fputs(",\n      \"type\": \"object\",\n      \"additionalProperties\": false,\n"
		    "      \"properties\": {\n",
		    out);
}

int sbx_policy_print_schema(FILE *out)
{
	const char *section = "";

	(void)fputs("{\n"
		    "  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
		    "  \"title\": \"Policy of sandbox-shell\",\n"
		    "  \"description\": \"Generated from src/policy_table.c; see "
		    "sandbox-policy(5).\",\n"
		    "  \"type\": \"object\",\n"
		    "  \"required\": [\"version\"],\n"
		    "  \"additionalProperties\": false,\n"
		    "  \"properties\": {",
		    out);
	for (size_t i = 0; i < sbx_policy_key_count; i++) {
		const struct sbx_policy_key *key = &sbx_policy_keys[i];

		write_section(section, key->section, i == 0, out);
		section = key->section;
		write_key(key, out);
	}
	(void)fputs(section[0] ? "\n      }\n    }\n  }\n}\n" : "\n  }\n}\n", out);
	return ferror(out) || fflush(out) != 0 ? -EIO : 0;
}
