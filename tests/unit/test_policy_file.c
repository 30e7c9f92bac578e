/*
 * The safe open: who may own a policy file and its folders, and what else it must be.
 *
 * Each case builds a small tree below a folder of its own and reads it from there on with
 * sbx_policy_file_read_at, so that the checkout and /tmp may belong to anybody. The walk from "/"
 * is the same code and has tests of its own. Cases that need a foreign owner need root.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy.h"
#include "policy_file.h"
#include "safe_folder.h"
#include "util.h"

#define STRANGER 4242

struct tree {
	char path[64];
	int fd;
};

static int setup(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return -1;
	(void)snprintf(tree->path, sizeof(tree->path), "/tmp/sbx-policy-file-XXXXXX");
	if (!mkdtemp(tree->path))
		return -1;
	tree->fd = open(tree->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	*state = tree;
	if (tree->fd < 0 || mkdirat(tree->fd, "d", 0755) < 0 || mkdirat(tree->fd, "d/e", 0755) < 0)
		return -1;
	return write_file(tree->path, "d/e/a.json", "{}", 0644) ? 0 : -1;
}

static int teardown(void **state)
{
	struct tree *tree = *state;

	(void)close(tree->fd);
	remove_folder(tree->path);
	free(tree);
	return 0;
}

/* Read and compare: message NULL means success with the text "{}". */
static void expect(const struct tree *tree, const char *path, uid_t also_owner, int code,
		   const char *message)
{
	_cleanup_free_ char *text = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	size_t length = 0;
	int r = sbx_policy_file_read_at(tree->fd, path, also_owner, &text, &length, &err);

	assert_string_equal(err.message, message ? message : "");
	assert_int_equal(r, code);
	if (message) {
		assert_null(text);
		return;
	}
	assert_string_equal(text, "{}");
	assert_int_equal(length, 2);
}

static void own(const struct tree *tree, const char *path, uid_t uid)
{
	assert_int_equal(fchownat(tree->fd, path, uid, 0, AT_SYMLINK_NOFOLLOW), 0);
}

static void test_plain(void **state)
{
	const struct tree *tree = *state;

	expect(tree, "d/e/a.json", getuid(), 0, NULL);
	expect(tree, "./d//e/./a.json", getuid(), 0, NULL);
}

static void test_absent(void **state)
{
	const struct tree *tree = *state;

	expect(tree, "d/e/b.json", getuid(), -ENOENT,
	       "d/e/b.json: cannot open b.json: No such file or directory");
	expect(tree, "d/x/a.json", getuid(), -ENOENT,
	       "d/x/a.json: cannot open x: No such file or directory");
	expect(tree, "d/e/a.json/x", getuid(), -ENOTDIR,
	       "d/e/a.json/x: cannot open a.json: Not a directory");
	expect(tree, "", getuid(), -EINVAL, ": not the path of a file");
}

static void test_dots(void **state)
{
	const struct tree *tree = *state;

	expect(tree, "d/../d/e/a.json", getuid(), -EINVAL,
	       "d/../d/e/a.json: has .. in it: write the path without");
	expect(tree, "d/e/..", getuid(), -EINVAL, "d/e/..: has .. in it: write the path without");
}

/* A link could be pointed elsewhere, and its target may be anyone's. */
static void test_links(void **state)
{
	const struct tree *tree = *state;

	assert_int_equal(symlinkat("a.json", tree->fd, "d/e/link.json"), 0);
	assert_int_equal(symlinkat("e", tree->fd, "d/link"), 0);
	assert_int_equal(symlinkat("/nowhere", tree->fd, "d/e/dangling.json"), 0);
	expect(tree, "d/e/link.json", getuid(), -EPERM,
	       "d/e/link.json: link.json is a symbolic link: put the real one there");
	expect(tree, "d/e/dangling.json", getuid(), -EPERM,
	       "d/e/dangling.json: dangling.json is a symbolic link: put the real one there");
	expect(tree, "d/link/a.json", getuid(), -EPERM,
	       "d/link/a.json: link is a symbolic link: put the real one there");
}

static void test_writable(void **state)
{
	static const struct {
		const char *path;
		mode_t mode;
		const char *message;
	} cases[] = {
		{ "d/e/a.json", 0664, "file itself is writable by others (mode 0664)" },
		{ "d/e/a.json", 0646, "file itself is writable by others (mode 0646)" },
		{ "d/e", 0775, "folder e is writable by others (mode 0775)" },
		{ "d/e", 0757, "folder e is writable by others (mode 0757)" },
		{ "d/e", 01777, "folder e is writable by others (mode 1777)" },
		{ "d", 0775, "folder d is writable by others (mode 0775)" },
		{ ".", 01777, "folder / is writable by others (mode 1777)" },
	};
	const struct tree *tree = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char message[200];
		struct stat st;

		assert_int_equal(fstatat(tree->fd, cases[i].path, &st, 0), 0);
		assert_int_equal(fchmodat(tree->fd, cases[i].path, cases[i].mode, 0), 0);
		(void)snprintf(message, sizeof(message), "d/e/a.json: the %s: chmod go-w it",
			       cases[i].message);
		expect(tree, "d/e/a.json", getuid(), -EPERM, message);
		assert_int_equal(fchmodat(tree->fd, cases[i].path, st.st_mode & 07777, 0), 0);
	}
	expect(tree, "d/e/a.json", getuid(), 0, NULL);
}

/* A stranger's file, and each folder from which a stranger could swap it. */
static void test_owner(void **state)
{
	static const struct {
		const char *path;
		const char *what;
	} cases[] = {
		{ "d/e/a.json", "file itself" },
		{ "d/e", "folder e" },
		{ "d", "folder d" },
		{ ".", "folder /" },
	};
	const struct tree *tree = *state;

	if (geteuid() != 0) {
		print_message("skipped: giving files away needs root\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char message[200];

		own(tree, cases[i].path, STRANGER);
		(void)snprintf(message, sizeof(message),
			       "d/e/a.json: the %s belongs to uid 4242, not to root: chown it",
			       cases[i].what);
		expect(tree, "d/e/a.json", 0, -EPERM, message);
		expect(tree, "d/e/a.json", STRANGER + 1, -EPERM, message);
		expect(tree, "d/e/a.json", STRANGER, 0, NULL);
		own(tree, cases[i].path, 0);
	}
}

/* In the checkout's mode root's files stay fine among the caller's. */
static void test_also_owner(void **state)
{
	const struct tree *tree = *state;

	if (geteuid() != 0) {
		print_message("skipped: giving files away needs root\n");
		skip();
	}
	expect(tree, "d/e/a.json", STRANGER, 0, NULL);
	own(tree, "d", STRANGER);
	own(tree, "d/e/a.json", STRANGER);
	expect(tree, "d/e/a.json", STRANGER, 0, NULL);
}

static void test_kind(void **state)
{
	const struct tree *tree = *state;

	assert_int_equal(mkfifoat(tree->fd, "d/e/fifo", 0600), 0); /* must not hang either */
	expect(tree, "d/e/fifo", getuid(), -EPERM, "d/e/fifo: not a regular file");
	expect(tree, "d/e", getuid(), -EPERM, "d/e: not a regular file");
}

static void test_size(void **state)
{
	const struct tree *tree = *state;
	_cleanup_free_ char *text = NULL;
	char big[SBX_POLICY_MAX_BYTES + 1];
	size_t length = 0;

	memset(big, ' ', sizeof(big));
	big[SBX_POLICY_MAX_BYTES] = '\0';
	assert_true(write_file(tree->path, "d/e/big.json", big, 0644));
	expect(tree, "d/e/big.json", getuid(), -EFBIG,
	       "d/e/big.json: too large: a policy has less than 64 KiB");
	big[SBX_POLICY_MAX_BYTES - 1] = '\0';
	assert_true(write_file(tree->path, "d/e/big.json", big, 0644));
	assert_int_equal(sbx_policy_file_read_at(tree->fd, "d/e/big.json", getuid(), &text, &length,
						 NULL),
			 0);
	assert_int_equal(length, SBX_POLICY_MAX_BYTES - 1);
}

/* A login reads as its own account: a file it may not read is named, not taken for absent. */
static void test_unreadable(void **state)
{
	const struct tree *tree = *state;
	bool root = geteuid() == 0;

	assert_int_equal(fchmodat(tree->fd, "d/e/a.json", 0, 0), 0);
	assert_int_equal(chmod(tree->path, 0711), 0);
	if (root)
		assert_int_equal(seteuid(STRANGER), 0);
	expect(tree, "d/e/a.json", getuid(), -EACCES,
	       "d/e/a.json: cannot open a.json: Permission denied");
	if (root)
		assert_int_equal(seteuid(0), 0);
}

/* From "/": the sticky, world-writable /tmp of this tree is a parent like any other. */
static void test_from_root(void **state)
{
	const struct tree *tree = *state;
	_cleanup_free_ char *text = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	char folder[256], path[300], message[500];
	size_t length;

	(void)snprintf(path, sizeof(path), "%s/d/e/a.json", tree->path);
	assert_int_equal(sbx_policy_file_read(path, getuid(), &text, &length, &err), -EPERM);
	(void)snprintf(message, sizeof(message),
		       "%s: the folder tmp is writable by others (mode 1777): chmod go-w it", path);
	assert_string_equal(err.message, message);
	if (!make_safe_folder(folder, sizeof(folder))) {
		print_message("skipped: no folder here that only root and we can write\n");
		skip();
	}
	assert_true(write_file(folder, "a.json", "{}", 0644));
	(void)snprintf(path, sizeof(path), "%s/a.json", folder);
	assert_int_equal(sbx_policy_file_read(path, getuid(), &text, &length, &err), 0);
	assert_string_equal(text, "{}");
	remove_folder(folder);
}

/* A relative path is walked from "/" as well, by way of the working directory. */
static void test_relative(void **state)
{
	const struct tree *tree = *state;
	_cleanup_close_ int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct sbx_error err = SBX_ERROR_INIT;
	char *text = NULL;
	size_t length;
	int r;

	assert_int_equal(chdir(tree->path), 0);
	r = sbx_policy_file_read("d/e/a.json", getuid(), &text, &length, &err);
	assert_int_equal(fchdir(here), 0);
	assert_int_equal(r, -EPERM);
	assert_string_equal(err.message, "d/e/a.json: the folder tmp is writable by others "
					 "(mode 1777): chmod go-w it");
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_plain),      CASE(test_absent),    CASE(test_dots),
		CASE(test_links),      CASE(test_writable),  CASE(test_owner),
		CASE(test_also_owner), CASE(test_kind),      CASE(test_size),
		CASE(test_unreadable), CASE(test_from_root), CASE(test_relative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
