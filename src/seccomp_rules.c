/*
 * Editing a profile's rules; see seccomp_rules.h.
 *
 * A rule without arguments and one with some for the same name don't add up: libseccomp lets the
 * former win (seccomp_rule_add(3)). So a name has either, and what a rule can't say, "all values
 * but this", is said as the ranges around it.
 */
#include "seccomp_rules.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "util.h"

void sbx_seccomp_forget(cJSON *rules, const char *name)
{
	cJSON *rule;

	cJSON_ArrayForEach(rule, rules)
	{
		cJSON *names = cJSON_GetObjectItemCaseSensitive(rule, "names");

		for (int i = cJSON_GetArraySize(names) - 1; i >= 0; i--) {
			const cJSON *item = cJSON_GetArrayItem(names, i);

			if (cJSON_IsString(item) && strcmp(item->valuestring, name) == 0)
				cJSON_DeleteItemFromArray(names, i);
		}
	}
}

/*
 * config-linux.md of the OCI runtime specification, "Seccomp": value is the mask here, valueTwo
 * what is left.
 */
static bool add_arg(cJSON *args, const struct sbx_seccomp_arg *arg)
{
	cJSON *item = cJSON_CreateObject();

	return item && cJSON_AddItemToArray(args, item) &&
	       cJSON_AddNumberToObject(item, "index", arg->index) &&
	       cJSON_AddNumberToObject(item, "value", arg->mask) &&
	       cJSON_AddNumberToObject(item, "valueTwo", arg->value) &&
	       cJSON_AddStringToObject(item, "op", "SCMP_CMP_MASKED_EQ");
}

static bool fill(cJSON *item, const struct sbx_seccomp_rule *rule)
{
	const char *action = rule->error ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW";
	cJSON *names = cJSON_AddArrayToObject(item, "names");
	cJSON *name = names ? cJSON_CreateString(rule->name) : NULL;
	cJSON *args;

	if (!name || !cJSON_AddItemToArray(names, name) ||
	    !cJSON_AddStringToObject(item, "action", action) ||
	    !cJSON_AddStringToObject(item, "comment", rule->why))
		return false;
	if (rule->error && !cJSON_AddNumberToObject(item, "errnoRet", rule->error))
		return false;
	args = rule->arg_count > 0 ? cJSON_AddArrayToObject(item, "args") : NULL;
	if (rule->arg_count > 0 && !args)
		return false;
	for (size_t i = 0; i < rule->arg_count; i++)
		if (!add_arg(args, &rule->args[i]))
			return false;
	return true;
}

int sbx_seccomp_add(cJSON *rules, const struct sbx_seccomp_rule *rule)
{
	cJSON *item = cJSON_CreateObject();

	if (!item)
		return -ENOMEM;
	if (!fill(item, rule) || !cJSON_AddItemToArray(rules, item)) {
		cJSON_Delete(item);
		return -ENOMEM;
	}
	return 0;
}

/* Is one of the values among those that have this prefix? */
static bool is_below(const uint32_t *values, size_t count, uint32_t mask, uint32_t prefix)
{
	for (size_t i = 0; i < count; i++)
		if ((values[i] & mask) == prefix)
			return true;
	return false;
}

int sbx_seccomp_allow_but(cJSON *rules, const char *name, unsigned int index,
			  const uint32_t *values, size_t count, int error, const char *why)
{
	struct sbx_seccomp_rule rule = { .name = name, .arg_count = 1, .why = why };
	uint32_t mask = 0;
	int r = 0;

	sbx_seccomp_forget(rules, name);
	/* From the highest bit down: what differs there from all of the values is allowed. */
	for (int bit = 31; r == 0 && bit >= 0; bit--) {
		mask |= UINT32_C(1) << bit;
		for (size_t i = 0; r == 0 && i < count; i++) {
			uint32_t other = (values[i] & mask) ^ (UINT32_C(1) << bit);

			/* Two values with one prefix have one neighbour. */
			if (is_below(values, count, mask, other) ||
			    is_below(values, i, mask, values[i] & mask))
				continue;
			rule.args[0] = (struct sbx_seccomp_arg){ index, mask, other };
			r = sbx_seccomp_add(rules, &rule);
		}
	}
	rule.error = error;
	for (size_t i = 0; r == 0 && i < count; i++) {
		rule.args[0] = (struct sbx_seccomp_arg){ index, UINT32_MAX, values[i] };
		r = sbx_seccomp_add(rules, &rule);
	}
	return r;
}
