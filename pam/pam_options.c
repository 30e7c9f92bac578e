#include "pam_options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "paths.h"
#include "policy_value.h"
#include "util.h"

#define DEFAULT_GROUP "sandboxed"

static const char *check_folder(const char *value)
{
	return value[0] == '/' ? NULL : "is not an absolute path";
}

static const char *check_group(const char *value)
{
	return value[0] ? NULL : "is no group";
}

static const struct {
	const char *name; /* with a '=' at its end where a value follows */
	size_t offset;
	const char *(*check)(const char *value);
} known[] = {
	{ "debug", offsetof(struct sbx_pam_options, debug), NULL },
	{ "policy_dir=", offsetof(struct sbx_pam_options, policy_dir), check_folder },
	{ "accounts=", offsetof(struct sbx_pam_options, group), check_group },
};

static int parse_one(const char *text, struct sbx_pam_options *options, struct sbx_error *err)
{
	char quoted[SBX_VALUE_TEXT_MAX];
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		char *field = (char *)options + known[i].offset;
		size_t length = strlen(known[i].name);

		if (!known[i].check && strcmp(text, known[i].name) == 0) {
			*(bool *)field = true;
			return 0;
		}
		if (!known[i].check || strncmp(text, known[i].name, length) != 0)
			continue;
		why = known[i].check(text + length);
		if (why)
			return sbx_error_set(err, -EINVAL, "option %s: %s",
					     sbx_value_quote(quoted, text), why);
		*(const char **)(void *)field = text + length;
		return 0;
	}
	return sbx_error_set(err, -EINVAL, "option %s: unknown: see pam_sandbox(8)",
			     sbx_value_quote(quoted, text));
}

int sbx_pam_options_parse(int argc, const char **argv, struct sbx_pam_options *ret_options,
			  struct sbx_error *err)
{
	struct sbx_pam_options options = { .policy_dir = SBX_CONF_DIR, .group = DEFAULT_GROUP };

	for (int i = 0; i < argc; i++) {
		int r = parse_one(argv[i], &options, err);

		if (r < 0)
			return r;
	}
	*ret_options = options;
	return 0;
}
