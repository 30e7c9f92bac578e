/*
 * A policy file, from its bytes. What is refused has its place and one line of reason; what is
 * accepted can be shown.
 */
#include "fuzz.h"

#include "policy_apply.h"
#include "policy_value.h"
#include "util.h"

static struct sbx_policy *new_policy(void)
{
	struct sbx_policy *policy = calloc(1, sizeof(*policy));

	need(policy && sbx_policy_apply_defaults(policy) == 0);
	policy->sandbox = strdup("agent");
	policy->setup = strdup("/etc/sandbox-shell/setup.sh");
	need(policy->sandbox && policy->setup);
	return policy;
}

/* The policy of a text, NULL when it's refused. */
static struct sbx_policy *policy_of(const char *text, size_t size)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_policy *policy = new_policy();
	_cleanup_json_ struct sbx_json *json = NULL;
	unsigned int line, column;

	if (sbx_json_parse("t", text, size, &json, &err) == 0 &&
	    sbx_policy_apply(policy, json, &err) == 0)
		return policy;
	need_line(err.message);
	need(sscanf(err.message, "t:%u:%u: ", &line, &column) == 2);
	sbx_policy_free(policy);
	return NULL;
}

static char *print(const struct sbx_policy *policy, size_t *ret_size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);

	need(out && sbx_policy_print(policy, out) == 0 && fclose(out) == 0);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = text_of(data, size), *printed = NULL;
	_cleanup_policy_ struct sbx_policy *policy = policy_of(text, size);
	size_t length;

	if (!policy)
		return 0;
	printed = print(policy, &length);
	need(length > 0 && printed[0] == '{');
	return 0;
}
