/*
 * The one table of the policy's keys: what the loader accepts, what `policy show` prints, what
 * the JSON Schema says.
 *
 * A key that isn't in here doesn't exist. Values go into struct sbx_policy by offset; the loader
 * decides by kind how.
 */
#ifndef SBX_POLICY_TABLE_H
#define SBX_POLICY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"
#include "policy_value.h"

#define SBX_POLICY_VERSION 1

enum sbx_policy_kind {
	SBX_KIND_VERSION,  /* has no field */
	SBX_KIND_BOOL,     /* bool */
	SBX_KIND_INTEGER,  /* uint32_t or uint64_t */
	SBX_KIND_SIZE,     /* uint64_t, bytes */
	SBX_KIND_DURATION, /* uint64_t, seconds */
	SBX_KIND_CPUS,     /* uint32_t, thousandths */
	SBX_KIND_TIME,     /* int64_t, seconds since the epoch */
	SBX_KIND_CHOICE,   /* the index in choices, in an enum or a bool */
	SBX_KIND_STRING,   /* char *, as form says */
	SBX_KIND_LIST,     /* char **, each as form says */
	SBX_KIND_MOUNTS,   /* mounts and mount_count */
	SBX_KIND_ENV,      /* env_set and env_set_count; merged name by name */
};

struct sbx_policy_key {
	const char *section; /* "" at the top */
	const char *name;
	enum sbx_policy_kind kind;
	size_t offset;     /* in struct sbx_policy */
	size_t width;      /* bytes of the field */
	size_t set_offset; /* of the bool that says "was given", 0 for none */
	uint64_t min, max; /* numbers, in the field's unit (sizes bytes, cpus thousandths) */
	size_t max_items;  /* lists, mounts, env */
	const struct sbx_value_form *form;
	const char *const *choices; /* NULL-terminated; the first is the default */
	const char *default_text;   /* of a string; NULL when the caller decides */
	const char *const *default_list;
	bool default_bool;
	/*
	 * Not supported yet: "*" when any value but the default is refused, or the one choice that
	 * is. NULL when all of the key is in force.
	 */
	const char *pending;
	const char *description; /* one line, with the unit */
};

/* The table, in the order in which things are printed: a section's keys stand together. */
extern const struct sbx_policy_key sbx_policy_keys[];
extern const size_t sbx_policy_key_count;

const struct sbx_policy_key *sbx_policy_key_find(const char *section, const char *name);

/* What a section is for, or NULL when there is none of this name. */
const char *sbx_policy_section(const char *name);

/* A number of this key as a person writes it: "512M", "8h", "1.5", "1024". */
void sbx_policy_key_format(const struct sbx_policy_key *key, uint64_t value,
			   char text[static SBX_VALUE_TEXT_MAX]);

/* The index of a choice, -1 when it's none of them. */
int sbx_policy_key_choice(const struct sbx_policy_key *key, const char *text);

/*
 * What was probably meant by an unknown key, "limits.memory" or "memory"; false when nothing is
 * near. section "" is the top.
 */
bool sbx_policy_key_suggest(const char *section, const char *name, char *suggestion, size_t size);

/* The nearest of the candidates to a word, NULL when none is near (two edits, any case). */
const char *sbx_policy_nearest(const char *word, const char *const *candidates);

/* A field of the policy by a key's offset. */
static inline void *sbx_policy_field(struct sbx_policy *policy, size_t offset)
{
	return (char *)policy + offset;
}

static inline const void *sbx_policy_const_field(const struct sbx_policy *policy, size_t offset)
{
	return (const char *)policy + offset;
}

#endif
