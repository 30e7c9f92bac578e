/*
 * For tests that have pam_sandbox.so loaded by libpam. That takes root, and changes accounts,
 * mounts and cgroups: so each of these programs runs itself again on a throwaway host
 * (tests/host/run) when it isn't on one.
 */
#ifndef TESTS_PAM_HOST_H
#define TESTS_PAM_HOST_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cmocka.h>

#include "util.h"

#define ACCOUNT "agent"
#define SERVICE "sandbox-test"
#define COUNT_DIR "/run/sandbox-shell-pam"
#define GROUP "/sys/fs/cgroup/sandbox-shell/" ACCOUNT

static struct passwd account;
static char runtime[64];
static char confdir[] = "/run/pam-test-XXXXXX";
static char said[1024]; /* the module's last message */

static int log_socket = -1;

/* How many lines were logged since the last time; the last of them is left in line. */
static inline int logged(char *line, size_t size)
{
	ssize_t length;
	int count = 0;

	while ((length = recv(log_socket, line, size - 1, MSG_DONTWAIT)) >= 0) {
		line[length] = '\0';
		count++;
	}
	return count;
}

static inline int converse(int count, const struct pam_message **messages,
			   struct pam_response **responses, void *data)
{
	(void)data;
	*responses = calloc((size_t)count, sizeof(**responses));
	if (!*responses)
		return PAM_BUF_ERR;
	for (int i = 0; i < count; i++)
		(void)snprintf(said, sizeof(said), "%s", messages[i]->msg);
	return PAM_SUCCESS;
}

static inline pam_handle_t *start(const char *user, const char *remote)
{
	static const struct pam_conv conv = { .conv = converse };
	pam_handle_t *pamh = NULL;
	char line[2048];

	said[0] = '\0';
	(void)logged(line, sizeof(line));
	assert_int_equal(pam_start_confdir(SERVICE, user, &conv, confdir, &pamh), PAM_SUCCESS);
	if (remote)
		assert_int_equal(pam_set_item(pamh, PAM_RHOST, remote), PAM_SUCCESS);
	return pamh;
}

static inline void end(pam_handle_t *pamh, int status)
{
	assert_int_equal(pam_end(pamh, status), PAM_SUCCESS);
}

static inline void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

static inline void policy(const char *text)
{
	write_text("/etc/sandbox-shell/policy.d/" ACCOUNT ".json", text);
}

static inline void options(const char *text)
{
	char path[PATH_MAX + 64], self[PATH_MAX] = "", lines[3 * PATH_MAX];

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	*strrchr(self, '/') = '\0';
	*strrchr(self, '/') = '\0';
	(void)snprintf(lines, sizeof(lines),
		       "account required %.2000s/pam_sandbox.so %.200s\n"
		       "session required %.2000s/pam_sandbox.so %.200s\n",
		       self, text, self, text);
	(void)snprintf(path, sizeof(path), "%s/%s", confdir, SERVICE);
	write_text(path, lines);
}

static inline bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static inline size_t live_sessions(void)
{
	char path[96];
	const struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	(void)snprintf(path, sizeof(path), COUNT_DIR "/%u", account.pw_uid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		count += strchr(entry->d_name, '-') != NULL;
	if (dir)
		(void)closedir(dir);
	return count;
}

static inline void assert_group(const char *wanted)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	char line[128];

	assert_int_equal(sbx_read_all(fd, 16384, &text, NULL), 0);
	(void)snprintf(line, sizeof(line), "0::%s\n", wanted);
	assert_non_null(strstr(text, line));
}

static inline void assert_opened(void)
{
	struct statfs fs;
	struct stat st;

	assert_int_equal(statfs(runtime, &fs), 0);
	assert_int_equal(fs.f_type, 0x01021994); /* TMPFS_MAGIC */
	assert_int_equal(stat(runtime, &st), 0);
	assert_int_equal(st.st_uid, account.pw_uid);
	assert_int_equal(st.st_gid, account.pw_gid);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_group("/sandbox-shell/" ACCOUNT "/login");
	assert_int_equal(stat(GROUP, &st), 0);
	assert_int_equal(st.st_uid, account.pw_uid);
	assert_int_equal(stat(GROUP "/cgroup.procs", &st), 0);
	assert_int_equal(st.st_uid, account.pw_uid);
	assert_int_equal(stat(GROUP "/cgroup.max.depth", &st), 0);
	assert_int_equal(st.st_uid, 0);
}

static inline void assert_closed(void)
{
	assert_false(exists(runtime));
	assert_false(exists(GROUP));
	assert_int_equal(live_sessions(), 0);
	assert_group("/system");
}

static const char limited[] =
	"{\"version\":1,\"limits\":{\"enforce\":\"best-effort\",\"memory\":\"512M\",\"pids\":100,"
	"\"sessions\":3,\"nofile\":5000},\"access\":{\"from\":[\"2001:db8::/32\",\"192.0.2.0/24\"]}}";

static inline void assert_session(int result)
{
	if (result != PAM_SUCCESS)
		fail_msg("%d: %s", result, said);
}

/* One login, from pam_start to pam_end. */
static inline void log_in_and_out(bool look)
{
	pam_handle_t *pamh = start(ACCOUNT, "192.0.2.7");
	const char *variable;

	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	assert_session(pam_open_session(pamh, 0));
	if (look) {
		assert_opened();
		assert_int_equal(live_sessions(), 1);
		variable = pam_getenv(pamh, "XDG_RUNTIME_DIR");
		assert_non_null(variable);
		assert_string_equal(variable, runtime);
	}
	assert_session(pam_close_session(pamh, 0));
	if (look)
		assert_closed();
	end(pamh, PAM_SUCCESS);
	assert_string_equal(said, "");
}

static inline void refuse(const char *user, const char *remote, int status, const char *why)
{
	pam_handle_t *pamh = start(user, remote);
	int r = pam_acct_mgmt(pamh, 0);
	char line[2048];

	if (r != status)
		fail_msg("%s from %s: %d instead of %d", user, remote ? remote : "nowhere", r,
			 status);
	assert_int_not_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	if (!strstr(said, why))
		fail_msg("%s from %s: said \"%s\"", user, remote ? remote : "nowhere", said);
	for (const char *p = said; *p; p++)
		assert_true(*p >= 0x20 && *p < 0x7f);
	/* One line for each call that denied, with all that the person was told. */
	r = logged(line, sizeof(line));
	if (r != (!said[0] ? 0 : status == PAM_SUCCESS ? 1 : 2))
		fail_msg("%s from %s: %d lines in the log", user, remote ? remote : "nowhere", r);
	if (r > 0 && (!strstr(line, "pam_sandbox(" SERVICE ":session): account ") ||
		      !strstr(line, said + strlen("sandbox-shell: "))))
		fail_msg("%s from %s: logged \"%s\"", user, remote ? remote : "nowhere", line);
	end(pamh, status);
}

/* In the place of the system's log. */
static inline int open_log(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };

	log_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return bind(log_socket, (const struct sockaddr *)&address, sizeof(address));
}

/* As the throwaway host makes accounts they have a runtime folder and a cgroup. */
static inline int set_up(void **state)
{
	const struct passwd *entry = getpwnam(ACCOUNT);
	char other[64];

	(void)state;
	if (!entry || !mkdtemp(confdir) || open_log() < 0)
		return -1;
	account = *entry;
	(void)snprintf(runtime, sizeof(runtime), "/run/user/%u", account.pw_uid);
	options("");
	/* libpam logs that it misses this one. */
	(void)snprintf(other, sizeof(other), "%s/other", confdir);
	write_text(other, "");
	return umount2(runtime, 0) < 0 || rmdir(runtime) < 0 ||
			       rmdir("/sys/fs/cgroup/user/" ACCOUNT "/login") < 0 ||
			       rmdir("/sys/fs/cgroup/user/" ACCOUNT) < 0
		       ? -1
		       : 0;
}

/* Run this program again on a throwaway host. Returns only on failure. */
static inline int run_on_host(void)
{
	char self[PATH_MAX] = "", checkout[PATH_MAX], runner[PATH_MAX + 32], inside[PATH_MAX + 32];
	char *slash;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	(void)snprintf(checkout, sizeof(checkout), "%s", self);
	do {
		slash = strrchr(checkout, '/');
		if (!slash)
			return 1;
		*slash = '\0';
		(void)snprintf(runner, sizeof(runner), "%s/tests/host/run", checkout);
	} while (!exists(runner));
	(void)snprintf(inside, sizeof(inside), "/srv/checkout%s", self + strlen(checkout));
	(void)execl(runner, runner, "--no-sshd", "--no-product", "--account", ACCOUNT, "--", inside,
		    NULL);
	perror(runner);
	return 1;
}

/* main of each of these programs. */
#define RUN_ON_HOST(tests) \
	(getenv("HOST_LIB") ? cmocka_run_group_tests(tests, set_up, NULL) : run_on_host())

#endif
