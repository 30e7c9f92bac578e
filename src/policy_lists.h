/*
 * The parts of policy_apply for text, lists, mounts and env.set. Used by policy_apply only.
 */
#ifndef SBX_POLICY_LISTS_H
#define SBX_POLICY_LISTS_H

#include "json_check.h"
#include "policy_table.h"

/* The file that is being applied, and what to. */
struct sbx_apply {
	struct sbx_policy *policy;
	const struct sbx_json *json;
	struct sbx_error *err;
};

/* All of these return 0, -EINVAL or -ENOMEM and have then set the error. */

/* "found a list: expected WANTED". */
int sbx_apply_mismatch(const struct sbx_apply *a, const struct sbx_json_node *node,
		       const char *wanted);

/* `"TEXT" why`, for a value's text or, at_key, its key's. */
int sbx_apply_bad_text(const struct sbx_apply *a, const struct sbx_json_node *node, bool at_key,
		       const char *why);

int sbx_apply_check_text(const struct sbx_apply *a, const struct sbx_json_node *node,
			 const struct sbx_value_form *form);

/* Replace *field, which is freed, by a copy of the node's text. */
int sbx_apply_store_text(const struct sbx_apply *a, const struct sbx_json_node *node, char **field);

int sbx_apply_list(const struct sbx_apply *a, const struct sbx_policy_key *key,
		   const struct sbx_json_node *node);
int sbx_apply_mounts(const struct sbx_apply *a, const struct sbx_policy_key *key,
		     const struct sbx_json_node *node);
int sbx_apply_env(const struct sbx_apply *a, const struct sbx_policy_key *key,
		  const struct sbx_json_node *node);

/* Free what a field of this shape holds; NULL is fine. */
void sbx_list_free(char **list);
void sbx_mounts_free(struct sbx_mount *mounts, size_t count);
void sbx_env_free(struct sbx_env_var *vars, size_t count);

#endif
