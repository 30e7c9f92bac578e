/*
 * The effective policy as JSON; see policy.h. It goes by the table, so no key can be forgotten.
 *
 * Numbers are printed as a file may say them (sizes in bytes); what isn't set is null, which no
 * file may say.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "policy.h"
#include "policy_table.h"
#include "policy_write.h"

static uint64_t read_number(const struct sbx_policy *policy, const struct sbx_policy_key *key)
{
	const void *field = sbx_policy_const_field(policy, key->offset);
	uint64_t value = 0;
	uint32_t small = 0;
	bool flag = false;

	if (key->width == sizeof(value)) {
		memcpy(&value, field, sizeof(value));
		return value;
	}
	if (key->width == sizeof(small)) {
		memcpy(&small, field, sizeof(small));
		return small;
	}
	memcpy(&flag, field, sizeof(flag));
	return flag;
}

static bool is_set(const struct sbx_policy *policy, const struct sbx_policy_key *key)
{
	if (key->set_offset)
		return *(const bool *)sbx_policy_const_field(policy, key->set_offset);
	return read_number(policy, key) != 0;
}

static void print_number(const struct sbx_policy *policy, const struct sbx_policy_key *key,
			 FILE *out)
{
	uint64_t value = read_number(policy, key);
	char text[SBX_VALUE_TEXT_MAX];

	if (!is_set(policy, key)) {
		(void)fputs("null", out);
	} else if (key->kind == SBX_KIND_SIZE) {
		(void)fprintf(out, "%" PRIu64, value);
	} else if (key->kind == SBX_KIND_TIME) {
		sbx_value_format_time(text, policy->access_expires);
		sbx_write_string(out, text);
	} else {
		sbx_policy_key_format(key, value, text);
		(void)fprintf(out, key->kind == SBX_KIND_DURATION ? "\"%s\"" : "%s", text);
	}
}

static void print_mounts(const struct sbx_policy *policy, FILE *out)
{
	(void)fputc('[', out);
	for (size_t i = 0; i < policy->mount_count; i++) {
		(void)fputs(i ? ", { \"source\": " : "{ \"source\": ", out);
		sbx_write_string(out, policy->mounts[i].source);
		(void)fputs(", \"target\": ", out);
		sbx_write_string(out, policy->mounts[i].target);
		(void)fprintf(out, ", \"mode\": \"%s\" }",
			      policy->mounts[i].writable ? "rw" : "ro");
	}
	(void)fputc(']', out);
}

static void print_env(const struct sbx_policy *policy, FILE *out)
{
	(void)fputc('{', out);
	for (size_t i = 0; i < policy->env_set_count; i++) {
		(void)fputs(i ? ", " : " ", out);
		sbx_write_string(out, policy->env_set[i].name);
		(void)fputs(": ", out);
		sbx_write_string(out, policy->env_set[i].value);
	}
	(void)fputs(policy->env_set_count ? " }" : "}", out);
}

static void print_value(const struct sbx_policy *policy, const struct sbx_policy_key *key,
			FILE *out)
{
	const void *field = sbx_policy_const_field(policy, key->offset);

	switch (key->kind) {
	case SBX_KIND_VERSION:
		(void)fprintf(out, "%d", SBX_POLICY_VERSION);
		break;
	case SBX_KIND_BOOL:
		(void)fputs(read_number(policy, key) ? "true" : "false", out);
		break;
	case SBX_KIND_CHOICE:
		sbx_write_string(out, key->choices[read_number(policy, key)]);
		break;
	case SBX_KIND_STRING:
		sbx_write_string(out, *(char *const *)field);
		break;
	case SBX_KIND_LIST:
		sbx_write_strings(out, *(const char *const *const *)field);
		break;
	case SBX_KIND_MOUNTS:
		print_mounts(policy, out);
		break;
	case SBX_KIND_ENV:
		print_env(policy, out);
		break;
	case SBX_KIND_INTEGER:
	case SBX_KIND_SIZE:
	case SBX_KIND_DURATION:
	case SBX_KIND_CPUS:
	case SBX_KIND_TIME:
		print_number(policy, key, out);
		break;
	}
}

/* Before each key: the comma, and the end and the begin of sections where they change. */
static void print_section(const char *before, const char *now, bool first, FILE *out)
{
	bool same = strcmp(before, now) == 0;

	if (!same && before[0])
		(void)fputs("\n  }", out);
	(void)fputs(first ? "\n" : ",\n", out);
	if (!same && now[0])
		(void)fprintf(out, "  \"%s\": {\n", now);
}

int sbx_policy_print(const struct sbx_policy *policy, FILE *out)
{
	const char *section = "";

	(void)fputc('{', out);
	for (size_t i = 0; i < sbx_policy_key_count; i++) {
		const struct sbx_policy_key *key = &sbx_policy_keys[i];

		print_section(section, key->section, i == 0, out);
		section = key->section;
		(void)fprintf(out, "%s\"%s\": ", section[0] ? "    " : "  ", key->name);
		print_value(policy, key, out);
	}
	(void)fputs(section[0] ? "\n  }\n}\n" : "\n}\n", out);
	return ferror(out) || fflush(out) != 0 ? -EIO : 0;
}
