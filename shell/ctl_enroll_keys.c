/*
 * The public keys of an account: what --key gave, and the file of root's where sshd looks. A key
 * is what ssh-keygen knows as one; a private key must never get into that file, which all can read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl_enroll.h"
#include "ctl_root.h"
#include "spawn.h"

#define KEYS_BYTES_MAX (256 * 1024)
#define KEYS_MAX 256

/* How a line with options begins: authorized_keys(5). Without them it is the kind of the key. */
static const char *const options[] = {
	"agent-forwarding",
	"cert-authority",
	"command",
	"environment",
	"expiry-time",
	"from",
	"no-agent-forwarding",
	"no-port-forwarding",
	"no-pty",
	"no-touch-required",
	"no-user-rc",
	"no-X11-forwarding",
	"permitlisten",
	"permitopen",
	"port-forwarding",
	"principals",
	"pty",
	"restrict",
	"tunnel",
	"user-rc",
	"verify-required",
	"X11-forwarding",
};
static const char *const kinds[] = { "ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-sha2-" };

/* Else ssh-keygen would take the name of a host, as in known_hosts, for an option. */
static bool begins_as_key(const char *line)
{
	size_t length = strcspn(line, "=, \t");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strncmp(line, kinds[i], strlen(kinds[i])) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strlen(options[i]) == length && strncasecmp(line, options[i], length) == 0)
			return true;
	return false;
}

/* By ssh-keygen, which gets this line alone: of several it would be content with one. */
static bool is_key(const char *line, struct sbx_error *err)
{
	static char program[] = "/usr/bin/ssh-keygen", list[] = "-l", file[] = "-f", in[] = "-";
	char *const argv[] = { program, list, file, in, NULL }, *const env[] = { NULL };
	_cleanup_close_ int fd = memfd_create("key", MFD_CLOEXEC);
	struct sbx_spawn spawn = { .argv = argv, .env = env, .in = fd, .out = -1, .progress = -1 };

	return fd >= 0 && sbx_write_all(fd, line, strlen(line)) == 0 &&
	       sbx_write_all(fd, "\n", 1) == 0 && lseek(fd, 0, SEEK_SET) == 0 &&
	       sbx_spawn_run(&spawn, NULL, err) == 0;
}

static int take_line(struct ctl_enroll *enroll, const char *path, int number, char *line,
		     struct sbx_error *err)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	size_t length;

	line += strspn(line, " \t");
	length = strlen(line);
	while (length > 0 && strchr(" \t\r", line[length - 1]))
		line[--length] = '\0';
	if (!*line || *line == '#')
		return 0;
	for (const char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' && *p != '\t')
			return sbx_error_set(err, -EINVAL,
					     "--key %s: line %d: has a control character in it",
					     path, number);
	if (!begins_as_key(line) || !is_key(line, &ignored))
		return sbx_error_set(err, -EINVAL, "--key %s: line %d: not a public key", path,
				     number);
	if (enroll->keys.count >= KEYS_MAX)
		return sbx_error_set(err, -EFBIG, "--key %s: more than %d keys", path, KEYS_MAX);
	return sbx_strv_add(&enroll->keys, line) < 0 ? sbx_error_set(err, -ENOMEM, "out of memory")
						     : 0;
}

/* A pipe or a device is no file that one could look at twice: those come by stdin. */
static int read_text(const char *path, char **ret_text, struct sbx_error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	_cleanup_close_ int fd = is_stdin
					 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					 : open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	size_t length = 0;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return sbx_error_set(err, -errno, "--key %s: %s", path, strerror(errno));
	if (!is_stdin && !S_ISREG(st.st_mode))
		return sbx_error_set(err, -EINVAL, "--key %s: not a regular file", path);
	r = sbx_read_all(fd, KEYS_BYTES_MAX, ret_text, &length);
	if (r < 0)
		return sbx_error_set(err, r, "--key %s: %s", path, strerror(-r));
	if (strlen(*ret_text) != length)
		return sbx_error_set(err, -EINVAL, "--key %s: not a file of public keys", path);
	return 0;
}

int ctl_enroll_read_keys(struct ctl_enroll *enroll, const char *path, struct sbx_error *err)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	int r = read_text(path, &text, err);

	if (r < 0)
		return r;
	if (strstr(text, "PRIVATE KEY"))
		return sbx_error_set(err, -EINVAL,
				     "--key %s: a private key: give the public one, which "
				     "usually ends in .pub",
				     path);
	rest = text;
	for (int number = 1; r == 0 && (line = strsep(&rest, "\n")) != NULL; number++)
		r = take_line(enroll, path, number, line, err);
	if (r == 0 && enroll->keys.count == 0)
		r = sbx_error_set(err, -EINVAL, "--key %s: has no key in it", path);
	return r;
}

static int keys_path(const struct ctl_enroll *enroll, char *path, size_t room)
{
	return snprintf(path, room, "%s/%s", CTL_KEYS_DIR, enroll->name);
}

/* Is this very line in the text? */
static bool has_line(const char *text, const char *line)
{
	size_t length = strlen(line);

	for (const char *p = text; p && (p = strstr(p, line)) != NULL; p += length)
		if ((p == text || p[-1] == '\n') && (p[length] == '\n' || !p[length]))
			return true;
	return false;
}

/* Those that aren't there yet are added; what is there stays. */
int ctl_enroll_make_keys(struct ctl_enroll *enroll, struct sbx_error *err)
{
	struct sbx_strv missing = { 0 };
	_cleanup_free_ char *text = NULL;
	char path[512];
	size_t length;
	int r;

	(void)keys_path(enroll, path, sizeof(path));
	r = ctl_root_read(path, &enroll->old_keys, err);
	length = enroll->old_keys ? strlen(enroll->old_keys) : 0;
	for (size_t i = 0; r == 0 && i < enroll->keys.count; i++)
		if (!has_line(enroll->old_keys, enroll->keys.items[i]))
			r = sbx_strv_add(&missing, enroll->keys.items[i]);
	if (r == 0 && missing.count > 0) {
		FILE *out = open_memstream(&text, &(size_t){ 0 });

		if (out && length > 0)
			(void)fprintf(out, "%s%s", enroll->old_keys,
				      enroll->old_keys[length - 1] == '\n' ? "" : "\n");
		for (size_t i = 0; out && i < missing.count; i++)
			(void)fprintf(out, "%s\n", missing.items[i]);
		r = !out || fclose(out) != 0 ? sbx_error_set(err, -ENOMEM, "out of memory") : 0;
		enroll->began = r == 0;
		if (r == 0)
			r = ctl_root_write(path, text, 0644, err);
		if (r == 0)
			ctl_say("keys: %zu added to %s", missing.count, path);
	}
	sbx_strv_done(&missing);
	return r;
}

int ctl_enroll_undo_keys(struct ctl_enroll *enroll, struct sbx_error *err)
{
	char path[512];

	(void)keys_path(enroll, path, sizeof(path));
	return ctl_root_restore(path, enroll->old_keys, err);
}
