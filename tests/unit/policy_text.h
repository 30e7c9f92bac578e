/*
 * A policy from its JSON text, for tests of what is made of one. No file is involved.
 */
#ifndef TESTS_POLICY_TEXT_H
#define TESTS_POLICY_TEXT_H

#include <stdlib.h>
#include <string.h>

#include "policy_apply.h"

/*
 * With the table's defaults, and "agent" for the sandbox's name. Fails the test when it's refused.
 */
static inline struct sbx_policy *policy_of(const char *text)
{
	struct sbx_policy *policy = calloc(1, sizeof(*policy));
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_json *json = NULL;

	assert_non_null(policy);
	assert_int_equal(sbx_policy_apply_defaults(policy), 0);
	policy->sandbox = strdup("agent");
	policy->setup = strdup("/etc/sandbox-shell/setup.sh");
	if (sbx_json_parse("test", text, strlen(text), &json, &err) < 0 ||
	    sbx_policy_apply(policy, json, &err) < 0)
		fail_msg("%s", err.message);
	sbx_json_free(json);
	return policy;
}

#endif
