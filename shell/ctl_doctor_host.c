/*
 * doctor's checks of the host: what the kernel offers, which programs are there, and whether our
 * own are root's.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ctl_doctor.h"
#include "ctl_place.h"
#include "ctl_root.h"
#include "engine_args.h"
#include "host.h"
#include "paths.h"
#include "policy.h"
#include "util.h"

#define OVERLAY_MAJOR 5 /* Linux 5.13 has rootless overlay */
#define OVERLAY_MINOR 13

CTL_LOOK(look_unified)
{
	struct statfs fs;

	if (statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
		return CTL_WELL;
	return CTL_FIND(found, "/sys/fs/cgroup: is not cgroup v2, without which no limit holds: "
			       "boot with systemd.unified_cgroup_hierarchy=1, or mount cgroup2 "
			       "there");
}

CTL_LOOK(look_controllers)
{
	_cleanup_free_ char *text = sbx_host_read_file("/sys/fs/cgroup/cgroup.controllers");
	char missing[32];

	if (!ctl_doctor_missing(text, missing, sizeof(missing)))
		return CTL_WELL;
	return CTL_FIND(found,
			"cgroup controllers:%s missing, so that its limits can't hold: free them "
			"from cgroup v1 (cgroup_no_v1=all), and don't disable them "
			"(cgroup_disable)",
			missing);
}

/* Set-uid root, or with capabilities of its own. */
CTL_LOOK(look_idmap)
{
	const char *path = check->argument;
	struct stat st;

	if (stat(path, &st) < 0)
		return CTL_FIND(found,
				"%s: missing: rootless podman needs it: install uidmap "
				"(shadow-utils)",
				path);
	if ((st.st_uid == 0 && (st.st_mode & S_ISUID)) ||
	    getxattr(path, "security.capability", NULL, 0) > 0)
		return CTL_WELL;
	return CTL_FIND(found,
			"%s: is neither set-uid root nor has capabilities, and so can't map ids: "
			"reinstall uidmap (shadow-utils)",
			path);
}

/* A switch of the kernel's: value is what it must not be. One that isn't there is fine. */
CTL_LOOK(look_switch)
{
	_cleanup_free_ char *text = sbx_host_read_file(check->argument);

	if (!text)
		return CTL_WELL;
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, check->value) != 0)
		return CTL_WELL;
	return CTL_FIND(found,
			"%s: is %s, so that accounts can't have user namespaces, which rootless "
			"podman needs: set it by sysctl.d(5)",
			check->argument, text);
}

/* Ubuntu lets programs with a profile of their own have user namespaces. */
CTL_LOOK(look_apparmor)
{
	if (access("/etc/apparmor.d/podman", F_OK) == 0)
		return CTL_WELL;
	return look_switch(doctor, check, account, found);
}

/* argument is a list of paths, one of which must be there; value the package. */
CTL_LOOK(look_program)
{
	const char *path = check->argument;

	while (*path) {
		if (ctl_place_has_program(path))
			return CTL_WELL;
		path += strlen(path) + 1;
	}
	return CTL_FIND(found, "%s: missing, and no sandbox starts without: install %s",
			check->argument, check->value);
}

CTL_LOOK(look_overlay)
{
	unsigned int major = 0, minor = 0;
	struct utsname kernel;

	if (ctl_place_has_program("/usr/bin/fuse-overlayfs"))
		return CTL_WELL;
	if (uname(&kernel) == 0 && sscanf(kernel.release, "%3u.%3u", &major, &minor) == 2 &&
	    (major > OVERLAY_MAJOR || (major == OVERLAY_MAJOR && minor >= OVERLAY_MINOR)))
		return CTL_WELL;
	return CTL_FIND(found, "overlay: Linux before 5.13 has none for accounts: install "
			       "fuse-overlayfs");
}

CTL_LOOK(look_storage)
{
	_cleanup_free_ char *text = sbx_host_read_file("/etc/containers/storage.conf");
	char *rest = text, *line;

	while (rest && (line = strsep(&rest, "\n")) != NULL) {
		char driver[32];

		if (sscanf(line, " driver = \"%31[^\"]\"", driver) == 1 &&
		    strcmp(driver, "vfs") == 0)
			return CTL_FIND(found,
					"/etc/containers/storage.conf: driver is \"vfs\", which "
					"copies the whole image for each sandbox: set it to "
					"\"overlay\"");
	}
	return CTL_WELL;
}

static int look_image_of(const char *image, struct sbx_error *found)
{
	_cleanup_free_ char *name = NULL, *path = NULL;

	if (sbx_engine_image_file(image, &name) < 0 ||
	    asprintf(&path, SBX_IMAGE_DIR "/%s", name) < 0)
		return sbx_error_set(found, -ENOMEM, "out of memory");
	if (access(path, R_OK) == 0)
		return CTL_WELL;
	return CTL_FIND(found,
			"%s: missing, so that an account that hasn't the image yet can't begin: %s",
			path,
			strcmp(image, SBX_DEFAULT_IMAGE) == 0
				? "sandboxctl build-base"
				: "podman save --format=oci-archive it there");
}

/* Those that the accounts' policies name; without any account the one that the first will need. */
CTL_LOOK(look_image)
{
	const struct ctl_accounts *accounts = &doctor->accounts;
	int r = CTL_WELL;

	for (size_t i = 0; i < accounts->count && r == CTL_WELL; i++) {
		_cleanup_policy_ struct sbx_policy *policy = NULL;

		if (sbx_policy_load_account(accounts->items[i].account.name, &policy, NULL) == 0)
			r = look_image_of(policy->image, found);
	}
	return accounts->count ? r : look_image_of(SBX_DEFAULT_IMAGE, found);
}

CTL_LOOK(look_own)
{
	const char *path = check->argument;
	struct sbx_error why = SBX_ERROR_INIT;
	struct stat st;
	int r = ctl_place_check(path, &why);

	if (r < 0)
		return CTL_FIND(found, "%s: %s: make install, or reinstall the package", path,
				strerror(-r));
	if (r > 0)
		return CTL_FIND(found,
				"%s: whoever can write there decides what logins run: chown root, "
				"chmod go-w it, and reinstall, for it may be another's work",
				why.message);
	if (!check->value || (stat(path, &st) == 0 && (st.st_mode & 0111) == 0111 &&
			      !(st.st_mode & (S_ISUID | S_ISGID))))
		return CTL_WELL;
	return CTL_FIND(found, "%s: its mode is %04o: chmod 0755 it", path, st.st_mode & 07777);
}

/* Only the mode, and only of what nobody but root could have written: else it is to be replaced. */
CTL_LOOK(fix_own)
{
	const char *path = check->argument;
	int r = ctl_place_check(path, found);

	if (r != 0)
		return r < 0 ? r : -EPERM;
	if (chmod(path, 0755) < 0)
		return sbx_error_set(found, -errno, "%s: %s", path, strerror(errno));
	(void)sbx_error_set(found, -EINVAL, "%s: has mode 0755", path);
	return 0;
}

CTL_LOOK(look_shells)
{
	_cleanup_free_ char *text = NULL;
	int r = ctl_root_read(CTL_SHELLS, &text, found);

	if (r < 0 || ctl_root_lists_shell(text))
		return r < 0 ? r : CTL_WELL;
	return CTL_FIND(found, CTL_SHELLS ": lacks " SBX_SHELL_PATH
					  ", so that PAM and chsh take it for no shell: add that "
					  "line");
}

CTL_LOOK(fix_shells)
{
	_cleanup_free_ char *text = NULL;
	int r = ctl_root_read(CTL_SHELLS, &text, found);

	if (r == 0)
		r = ctl_root_add_shell(text, found);
	if (r == 0)
		(void)sbx_error_set(found, -EINVAL, CTL_SHELLS ": has " SBX_SHELL_PATH);
	return r;
}

CTL_LOOK(look_group)
{
	if (getgrnam(CTL_GROUP))
		return CTL_WELL;
	return CTL_FIND(found, "group " CTL_GROUP ": missing, by which accounts of ours are known: "
			       "groupadd --system " CTL_GROUP);
}

CTL_LOOK(fix_group)
{
	int r = ctl_tool(found, "/usr/sbin/groupadd", "--system", CTL_GROUP, NULL);

	if (r == 0)
		(void)sbx_error_set(found, -EINVAL, "group " CTL_GROUP ": made");
	return r;
}

#define SWITCH(name, path, bad)                           \
	{                                                 \
		name, look_switch, NULL, path, bad, false \
	}
#define PROGRAM(path, package)                                           \
	{                                                                \
		"program", look_program, NULL, path "\0", package, false \
	}
#define OWN(name, path, executable)                              \
	{                                                        \
		name, look_own, fix_own, path, executable, false \
	}

/* clang-format off */
static const struct ctl_check checks[] = {
	{ "cgroup-unified", look_unified, NULL, NULL, NULL, false },
	{ "cgroup-controllers", look_controllers, NULL, NULL, NULL, false },
	{ "idmap", look_idmap, NULL, "/usr/bin/newuidmap", NULL, false },
	{ "idmap", look_idmap, NULL, "/usr/bin/newgidmap", NULL, false },
	SWITCH("userns", "/proc/sys/kernel/unprivileged_userns_clone", "0"),
	SWITCH("userns", "/proc/sys/user/max_user_namespaces", "0"),
	{ "userns", look_apparmor, NULL, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
	  "1", false },
	PROGRAM(SBX_PODMAN, "podman"),
	PROGRAM(SBX_CRUN, "crun"),
	PROGRAM("/usr/bin/slirp4netns\0/usr/bin/pasta", "slirp4netns, or passt"),
	{ "overlay", look_overlay, NULL, NULL, NULL, false },
	{ "storage-driver", look_storage, NULL, NULL, NULL, false },
	{ "image", look_image, NULL, NULL, NULL, false },
	OWN("own-file", SBX_SHELL_PATH, "x"),
	OWN("own-file", SBX_SESSION_PATH, "x"),
	OWN("own-file", SBX_INIT_PATH, "x"),
	OWN("own-file", SBX_PREFIX "/bin/sandboxctl", "x"),
	OWN("own-folder", SBX_CONF_DIR, NULL),
	OWN("own-folder", SBX_POLICY_DIR, NULL),
	{ "shells", look_shells, fix_shells, NULL, NULL, false },
	{ "group", look_group, fix_group, NULL, NULL, false },
};
/* clang-format on */

const struct ctl_checks ctl_checks_host = { checks, ARRAY_SIZE(checks), false };
