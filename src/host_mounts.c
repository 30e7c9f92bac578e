/*
 * What a sandbox's mounts turned out to be, against what its policy says. podman binds recursively,
 * but makes only the mount itself read-only: another file system below it would be writable.
 */
#include <errno.h>
#include <string.h>

#include "host.h"

struct mount {
	char *target;        /* unescaped in place */
	const char *options; /* of the mount, not of its file system */
	const char *type;
};

/* mountinfo writes blanks, tabs, newlines and backslashes as three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from;) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 +
				       (from[3] - '0'));
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

/*
 * "ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS [FIELD…] - TYPE …". Returns false for a line that
 * isn't one.
 */
static bool read_line(char *line, struct mount *mount)
{
	char *fields[6], *rest = line, *type = strstr(line, " - ");

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		fields[i] = strsep(&rest, " ");
	if (!fields[5] || !type)
		return false;
	type += strlen(" - ");
	type[strcspn(type, " ")] = '\0';
	mount->target = fields[4];
	mount->options = fields[5];
	mount->type = type;
	unescape(mount->target);
	return true;
}

static bool is_overlay(const char *type)
{
	return strcmp(type, "overlay") == 0 || strcmp(type, "fuse.fuse-overlayfs") == 0;
}

static bool is_read_only(const char *options)
{
	return strncmp(options, "ro", 2) == 0 && (options[2] == ',' || !options[2]);
}

static bool is_within(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && (path[length] == '/' || !path[length]);
}

/*
 * The mount of the policy that a path inside belongs to: the one with the longest target. NULL for
 * none.
 */
static const struct sbx_mount *owner_of(const struct sbx_policy *policy, const char *path)
{
	const struct sbx_mount *best = NULL;

	for (size_t i = 0; i < policy->mount_count; i++) {
		const struct sbx_mount *mount = &policy->mounts[i];

		if (is_within(path, mount->target) &&
		    (!best || strlen(mount->target) > strlen(best->target)))
			best = mount;
	}
	return best;
}

int sbx_host_verify_mounts(const struct sbx_policy *policy, char *mountinfo, struct sbx_error *err)
{
	bool overlay = false;
	char *line;

	while ((line = strsep(&mountinfo, "\n")) != NULL) {
		const struct sbx_mount *owner;
		struct mount mount;

		if (!read_line(line, &mount))
			continue;
		if (strcmp(mount.target, "/") == 0)
			overlay = is_overlay(mount.type);
		owner = owner_of(policy, mount.target);
		if (owner && !owner->writable && !is_read_only(mount.options))
			return sbx_error_set(
				err, -ENOTSUP,
				"mounts: %s is mode \"ro\", but another file system is "
				"mounted below it and would be writable at %s: give that "
				"a mount of its own",
				owner->source, mount.target);
	}
	if (!overlay)
		return sbx_error_set(err, -ENOTSUP,
				     "storage: podman doesn't use overlay for this account (vfs "
				     "copies the whole image per sandbox): empty its storage with "
				     "`podman system reset`, or install fuse-overlayfs");
	return 0;
}
