/*
 * Text, lists, mounts and env.set of a policy file; see policy_lists.h.
 */
#include "policy_lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static int no_memory(const struct sbx_apply *a, const struct sbx_json_node *node)
{
	return sbx_json_fail(a->json, node, false, -ENOMEM, a->err, "out of memory");
}

int sbx_apply_mismatch(const struct sbx_apply *a, const struct sbx_json_node *node,
		       const char *wanted)
{
	return sbx_json_fail(a->json, node, false, -EINVAL, a->err, "found %s: expected %s",
			     sbx_json_kind_name(node->kind), wanted);
}

int sbx_apply_bad_text(const struct sbx_apply *a, const struct sbx_json_node *node, bool at_key,
		       const char *why)
{
	char quoted[SBX_VALUE_TEXT_MAX];

	return sbx_json_fail(a->json, node, at_key, -EINVAL, a->err, "%s %s",
			     sbx_value_quote(quoted, at_key ? node->key : node->string), why);
}

int sbx_apply_check_text(const struct sbx_apply *a, const struct sbx_json_node *node,
			 const struct sbx_value_form *form)
{
	const char *why;

	if (node->kind != SBX_JSON_STRING)
		return sbx_apply_mismatch(a, node, form->what);
	why = sbx_value_check(form, node->string);
	return why ? sbx_apply_bad_text(a, node, false, why) : 0;
}

int sbx_apply_store_text(const struct sbx_apply *a, const struct sbx_json_node *node, char **field)
{
	char *text = strdup(node->string);

	if (!text)
		return no_memory(a, node);
	free(*field);
	*field = text;
	return 0;
}

static int check_count(const struct sbx_apply *a, const struct sbx_policy_key *key,
		       const struct sbx_json_node *node, size_t count)
{
	if (count <= key->max_items)
		return 0;
	return sbx_json_fail(a->json, node, false, -EINVAL, a->err,
			     "has %zu entries: at most %zu are allowed", count, key->max_items);
}

void sbx_list_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

int sbx_apply_list(const struct sbx_apply *a, const struct sbx_policy_key *key,
		   const struct sbx_json_node *node)
{
	char ***field = (char ***)sbx_policy_field(a->policy, key->offset);
	struct sbx_strv list = { 0 };
	int r;

	if (node->kind != SBX_JSON_LIST)
		return sbx_apply_mismatch(a, node, "a list of strings");
	r = check_count(a, key, node, node->count);
	for (const struct sbx_json_node *item = node->child; item && r == 0; item = item->next) {
		r = sbx_apply_check_text(a, item, key->form);
		if (r == 0 && sbx_strv_add(&list, item->string) < 0)
			r = no_memory(a, item);
	}
	if (r < 0) {
		sbx_strv_done(&list);
		return r;
	}
	sbx_list_free(*field);
	*field = list.items;
	return 0;
}

void sbx_mounts_free(struct sbx_mount *mounts, size_t count)
{
	for (size_t i = 0; mounts && i < count; i++) {
		free(mounts[i].source);
		free(mounts[i].target);
	}
	free(mounts);
}

static int mount_mode(const struct sbx_apply *a, const struct sbx_json_node *node,
		      struct sbx_mount *mount)
{
	if (node->kind != SBX_JSON_STRING)
		return sbx_apply_mismatch(a, node, "\"ro\" or \"rw\"");
	mount->writable = strcmp(node->string, "rw") == 0;
	if (!mount->writable && strcmp(node->string, "ro") != 0)
		return sbx_apply_bad_text(a, node, false, "is not one of \"ro\" or \"rw\"");
	return 0;
}

/*
 * A place that the sandbox needs for itself: nothing of the host's goes on top of it. "below" ones
 * with all that is in them; sandbox-init's socket and podman's init are under /run.
 */
static bool is_own_target(const char *target)
{
	static const char *const below[] = { "/proc", "/sys", "/dev", "/run/sandbox-init",
					     "/run/podman-init" };

	for (size_t i = 0; i < ARRAY_SIZE(below); i++) {
		size_t length = strlen(below[i]);

		if (strncmp(target, below[i], length) == 0 &&
		    (!target[length] || target[length] == '/'))
			return true;
	}
	return strcmp(target, "/run") == 0 || strcmp(target, "/tmp") == 0;
}

static int mount_target(const struct sbx_apply *a, const struct sbx_json_node *node,
			struct sbx_mount *mounts, size_t index)
{
	int r = sbx_apply_check_text(a, node, &sbx_form_mount_path);

	if (r != 0)
		return r;
	if (is_own_target(node->string))
		return sbx_apply_bad_text(a, node, false,
					  "belongs to the sandbox itself: choose another place");
	for (size_t i = 0; i < index; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): one_mount saw to it */
		if (strcmp(mounts[i].target, node->string) == 0)
			return sbx_apply_bad_text(a, node, false,
						  "is the target of another mount too");
	return sbx_apply_store_text(a, node, &mounts[index].target);
}

static int mount_key(const struct sbx_apply *a, const struct sbx_json_node *node,
		     struct sbx_mount *mounts, size_t index)
{
	static const char *const names[] = { "source", "target", "mode", NULL };
	const char *near;
	int r;

	if (strcmp(node->key, "mode") == 0)
		return mount_mode(a, node, &mounts[index]);
	if (strcmp(node->key, "target") == 0)
		return mount_target(a, node, mounts, index);
	if (strcmp(node->key, "source") == 0) {
		r = sbx_apply_check_text(a, node, &sbx_form_mount_path);
		return r < 0 ? r : sbx_apply_store_text(a, node, &mounts[index].source);
	}
	near = sbx_policy_nearest(node->key, names);
	return sbx_json_fail(a->json, node, true, -EINVAL, a->err, "unknown key: %s%s%s",
			     near ? "did you mean " : "a mount has source, target and mode",
			     near ? near : "", near ? "?" : "");
}

static int one_mount(const struct sbx_apply *a, const struct sbx_json_node *item,
		     struct sbx_mount *mounts, size_t index)
{
	if (item->kind != SBX_JSON_OBJECT)
		return sbx_apply_mismatch(a, item, "an object with source and target");
	for (const struct sbx_json_node *node = item->child; node; node = node->next) {
		int r = mount_key(a, node, mounts, index);

		if (r < 0)
			return r;
	}
	if (!mounts[index].source || !mounts[index].target)
		return sbx_json_fail(a->json, item, false, -EINVAL, a->err,
				     "%s is missing: a mount has source and target",
				     mounts[index].source ? "target" : "source");
	return 0;
}

int sbx_apply_mounts(const struct sbx_apply *a, const struct sbx_policy_key *key,
		     const struct sbx_json_node *node)
{
	struct sbx_mount *mounts = NULL;
	size_t count = 0;
	int r;

	if (node->kind != SBX_JSON_LIST)
		return sbx_apply_mismatch(a, node, "a list of mounts");
	r = check_count(a, key, node, node->count);
	if (r < 0)
		return r;
	mounts = calloc(node->count + 1, sizeof(*mounts));
	if (!mounts)
		return no_memory(a, node);
	for (const struct sbx_json_node *item = node->child; item && r == 0; item = item->next)
		r = one_mount(a, item, mounts, count++);
	if (r < 0) {
		sbx_mounts_free(mounts, count);
		return r;
	}
	sbx_mounts_free(a->policy->mounts, a->policy->mount_count);
	a->policy->mounts = mounts;
	a->policy->mount_count = count;
	return 0;
}

void sbx_env_free(struct sbx_env_var *vars, size_t count)
{
	for (size_t i = 0; vars && i < count; i++) {
		free(vars[i].name);
		free(vars[i].value);
	}
	free(vars);
}

/* The variable of this name, or a new one at the end, for which there is room. */
static struct sbx_env_var *env_var(struct sbx_policy *policy, const char *name)
{
	struct sbx_env_var *var;

	for (size_t i = 0; i < policy->env_set_count; i++)
		if (strcmp(policy->env_set[i].name, name) == 0)
			return &policy->env_set[i];
	var = &policy->env_set[policy->env_set_count];
	*var = (struct sbx_env_var){ .name = strdup(name) };
	if (!var->name)
		return NULL;
	policy->env_set_count++;
	return var;
}

int sbx_apply_env(const struct sbx_apply *a, const struct sbx_policy_key *key,
		  const struct sbx_json_node *node)
{
	struct sbx_policy *policy = a->policy;
	struct sbx_env_var *vars;

	if (node->kind != SBX_JSON_OBJECT)
		return sbx_apply_mismatch(a, node, "an object of names and values");
	vars = reallocarray(policy->env_set, policy->env_set_count + node->count + 1,
			    sizeof(*vars));
	if (!vars)
		return no_memory(a, node);
	policy->env_set = vars;
	for (const struct sbx_json_node *item = node->child; item; item = item->next) {
		const char *why = sbx_value_check(&sbx_form_env_name, item->key);
		struct sbx_env_var *var;
		int r;

		if (why)
			return sbx_apply_bad_text(a, item, true, why);
		r = sbx_apply_check_text(a, item, &sbx_form_env_value);
		if (r < 0)
			return r;
		var = env_var(policy, item->key);
		if (!var)
			return no_memory(a, item);
		r = sbx_apply_store_text(a, item, &var->value);
		if (r < 0)
			return r;
	}
	return check_count(a, key, node, policy->env_set_count);
}
