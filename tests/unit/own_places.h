/*
 * Empty places of this process's own where the kernel and the system have theirs, for made up files
 * of theirs. Needs root; a test is skipped without.
 */
#ifndef TESTS_OWN_PLACES_H
#define TESTS_OWN_PLACES_H

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

static const char *const own_places[] = { "/run", "/tmp", "/sys/fs/cgroup", "/proc" };
static bool in_own_places;

static inline int leave_own_places(void **state)
{
	(void)state;
	for (size_t i = ARRAY_SIZE(own_places); in_own_places && i-- > 0;)
		(void)umount2(own_places[i], MNT_DETACH);
	return 0;
}

/* Empty places, seen by this process alone, until leave_own_places. */
static inline void enter_own_places(void)
{
	static bool unshared;

	in_own_places = unshared || (unshare(CLONE_NEWNS) == 0 &&
				     mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	unshared = in_own_places;
	if (!in_own_places) {
		print_message("skipped: a mount namespace needs root\n");
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(own_places); i++)
		assert_int_equal(mount("test", own_places[i], "tmpfs", 0, "mode=0755"), 0);
}

static inline void make_parents(const char *path)
{
	char part[200];

	for (size_t i = 1; path[i]; i++) {
		if (path[i] != '/')
			continue;
		(void)snprintf(part, sizeof(part), "%.*s", (int)i, path);
		(void)mkdir(part, 0755);
	}
}

static inline void put_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = -1;

	make_parents(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(sbx_write_all(fd, text, strlen(text)), 0);
}

#endif
