/*
 * build-base: the stock base image, from the Containerfile. Where no registry answers, its base is
 * made from the distribution's own packages with mmdebstrap. Run by root it goes where every
 * account's first login finds it; run by anybody else, into the caller's own store.
 *
 * It trusts the Containerfile (root's, or the caller's checkout) and the distribution's package
 * signatures.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "engine_args.h"
#include "paths.h"
#include "spawn.h"
#include "util.h"

#define ROOTFS_IMAGE "localhost/sandbox-rootfs:latest"
#define CONTAINERFILE_MAX (64 * 1024)

struct build {
	char *containerfile;
	char *context; /* an empty folder of our own */
	struct sbx_strv env;
	bool root;
};

static int out_of_memory(struct sbx_error *err)
{
	return sbx_error_set(err, -ENOMEM, "out of memory");
}

/*
 * Run a helper whose progress is for whoever watches; its output goes to stderr, as stdout has no
 * result to give.
 */
__attribute__((sentinel)) static int run(struct build *build, struct sbx_error *err,
					 const char *program, ...)
{
	struct sbx_strv args = { 0 };
	struct sbx_spawn spawn = { .in = -1, .out = STDERR_FILENO, .progress = STDERR_FILENO };
	const char *arg;
	va_list rest;
	int r;

	(void)sbx_strv_add(&args, program);
	va_start(rest, program);
	while ((arg = va_arg(rest, const char *)) != NULL)
		if (*arg)
			(void)sbx_strv_add(&args, arg);
	va_end(rest);
	spawn.argv = args.items;
	spawn.env = build->env.items;
	r = args.failed ? out_of_memory(err) : sbx_spawn_run(&spawn, NULL, err);
	sbx_strv_done(&args);
	return r;
}

#define PODMAN(build, err, ...) \
	run(build, err, SBX_PODMAN, "--storage-driver=overlay", __VA_ARGS__, NULL)

/*
 * The default of an ARG of the Containerfile: what follows "ARG NAME=" on its line, without quotes.
 */
static int read_default(const char *path, const char *name, char **ret_value, struct sbx_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	char key[64], *start;
	int r = fd < 0 ? -errno : sbx_read_all(fd, CONTAINERFILE_MAX, &text, NULL);

	if (!text)
		return sbx_error_set(err, r, "%s: %s", path, strerror(-r));
	(void)snprintf(key, sizeof(key), "\nARG %s=", name);
	start = strstr(text, key);
	if (!start)
		return sbx_error_set(err, -EINVAL, "%s: has no line ARG %s=...", path, name);
	start += strlen(key);
	start += *start == '"';
	start[strcspn(start, "\"\n")] = '\0';
	*ret_value = strdup(start);
	return *ret_value ? 0 : out_of_memory(err);
}

/* The distribution's code name, from os-release(5). */
static int read_suite(char *suite, size_t size, struct sbx_error *err)
{
	static const char key[] = "VERSION_CODENAME=";
	FILE *file = fopen("/etc/os-release", "re");
	char line[256];

	*suite = '\0';
	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, key, strlen(key)) == 0) {
			line[strcspn(line, "\n")] = '\0';
			(void)snprintf(suite, size, "%s", line + strlen(key));
		}
	if (file)
		(void)fclose(file);
	return *suite ? 0
		      : sbx_error_set(
				err, -ENOTSUP,
				"build-base: no registry answers, and this is no system whose "
				"packages mmdebstrap can take: podman pull the base of the "
				"Containerfile elsewhere and load it");
}

/* A root file system of packages, imported as the image that the Containerfile then begins with. */
static int make_rootfs(struct build *build, struct sbx_error *err)
{
	_cleanup_free_ char *packages = NULL, *include = NULL, *tar = NULL;
	char suite[256];
	int r;

	(void)fputs("sandboxctl: build-base: no registry answers: making the base from packages\n",
		    stderr);
	r = read_suite(suite, sizeof(suite), err);
	if (r == 0)
		r = read_default(build->containerfile, "PACKAGES", &packages, err);
	if (r != 0)
		return r;
	for (char *p = packages; *p; p++)
		if (*p == ' ')
			*p = ',';
	if (asprintf(&include, "--include=%s", packages) < 0)
		include = NULL;
	if (asprintf(&tar, "%s/rootfs.tar", build->context) < 0)
		tar = NULL;
	if (!include || !tar)
		return out_of_memory(err);
	r = run(build, err, "/usr/bin/mmdebstrap", "--variant=minbase", "--format=tar", include,
		"--dpkgopt=path-exclude=/usr/share/doc/*",
		"--dpkgopt=path-exclude=/usr/share/man/*",
		"--dpkgopt=path-exclude=/usr/share/locale/*",
		"--aptopt=Acquire::Languages \"none\"",
		"--customize-hook=rm -f \"$1/etc/resolv.conf\" \"$1/etc/hostname\"", suite, tar,
		NULL);
	if (r == 0)
		r = PODMAN(build, err, "import", "--quiet", tar, ROOTFS_IMAGE);
	(void)unlink(tar);
	return r;
}

/* podman build; base is the --build-arg, or "" for the Containerfile's own. */
static int build_image(struct build *build, const char *base, struct sbx_error *err)
{
	_cleanup_free_ char *file = NULL;

	if (asprintf(&file, "--file=%s", build->containerfile) < 0) {
		file = NULL;
		return out_of_memory(err);
	}
	return PODMAN(build, err, "build", "--format=oci", base, file,
		      *base ? "--isolation=chroot" : "", *base ? "--pull=never" : "",
		      "--tag=" SBX_DEFAULT_IMAGE, build->context);
}

/* root's result: the archive that every account's first login takes it from. */
static int publish(struct build *build, struct sbx_error *err)
{
	_cleanup_free_ char *name = NULL, *path = NULL, *fresh = NULL, *output = NULL;
	int r;

	if (sbx_engine_image_file(SBX_DEFAULT_IMAGE, &name) < 0 ||
	    asprintf(&path, SBX_IMAGE_DIR "/%s", name) < 0 ||
	    asprintf(&fresh, "%s.new", path) < 0 || asprintf(&output, "--output=%s", fresh) < 0)
		return out_of_memory(err);
	(void)mkdir("/var/lib/sandbox-shell", 0755);
	(void)mkdir(SBX_IMAGE_DIR, 0755);
	(void)unlink(fresh);
	r = PODMAN(build, err, "save", "--quiet", "--format=oci-archive", output,
		   SBX_DEFAULT_IMAGE);
	if (r == 0 && (chmod(fresh, 0644) < 0 || rename(fresh, path) < 0))
		r = sbx_error_set(err, -errno, "%s: %s", path, strerror(errno));
	if (r == 0)
		(void)printf("%s\n", path);
	return r;
}

static int open_build(const struct ctl *ctl, struct build *build, struct sbx_error *err)
{
	static char context[] = "/var/tmp/sandbox-base.XXXXXX";
	const struct passwd *self = getpwuid(getuid());

	build->root = getuid() == 0;
	if (asprintf(&build->containerfile, "%s", SBX_SHARE_DIR "/Containerfile") < 0 ||
	    (ctl->dir && asprintf(&build->containerfile, "%s/../Containerfile", ctl->dir) < 0))
		return out_of_memory(err);
	if (!self)
		return sbx_error_set(err, -ENOENT, "build-base: uid %u has no account", getuid());
	(void)sbx_strv_add(&build->env,
			   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	(void)sbx_strv_addf(&build->env, "HOME=%s", self->pw_dir);
	(void)sbx_strv_add(&build->env, "LANG=C.UTF-8");
	if (!build->root)
		(void)sbx_strv_addf(&build->env, "XDG_RUNTIME_DIR=/run/user/%u", getuid());
	build->context = mkdtemp(context);
	if (!build->context)
		return sbx_error_set(err, -errno, "%s: %s", context, strerror(errno));
	return build->env.failed ? out_of_memory(err) : 0;
}

int ctl_build_base(const struct ctl *ctl, char **args, struct sbx_error *err)
{
	_cleanup_free_ char *base = NULL;
	struct build build = { 0 };
	bool pulled = false;
	int r;

	if (args[0])
		return sbx_error_set(err, -EINVAL, "usage: sandboxctl build-base");
	r = open_build(ctl, &build, err);
	if (r == 0)
		r = read_default(build.containerfile, "BASE", &base, err);
	if (r == 0) {
		pulled = PODMAN(&build, NULL, "pull", base) == 0;
		if (!pulled)
			r = make_rootfs(&build, err);
	}
	if (r == 0)
		r = build_image(&build, pulled ? "" : "--build-arg=BASE=" ROOTFS_IMAGE, err);
	if (r == 0 && build.root)
		r = publish(&build, err);
	if (build.context)
		(void)rmdir(build.context);
	free(build.containerfile);
	sbx_strv_done(&build.env);
	return r;
}
