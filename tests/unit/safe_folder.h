/*
 * For tests that read policy files by their whole path: a new folder that nobody else can write,
 * all the way from "/". Where the checkout is doesn't matter; /tmp would be refused.
 */
#ifndef TESTS_SAFE_FOLDER_H
#define TESTS_SAFE_FOLDER_H

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is every folder of the path root's or ours, and writable by nobody else? */
static inline bool folder_is_safe(const char *path)
{
	char part[256];

	for (size_t i = 1; i <= strlen(path); i++) {
		struct stat st;

		if (path[i] != '/' && path[i] != '\0')
			continue;
		(void)snprintf(part, sizeof(part), "%.*s", (int)i, path);
		if (lstat(part, &st) < 0 || !S_ISDIR(st.st_mode) || (st.st_mode & 022) ||
		    (st.st_uid != 0 && st.st_uid != getuid()))
			return false;
	}
	return access(path, W_OK) == 0;
}

/* Make it, absolute, in folder[0..size). False when there is no place for one. */
static inline bool make_safe_folder(char *folder, size_t size)
{
	char here[200] = "";
	char runtime[64];
	const char *places[] = { "/run", runtime, getcwd(here, sizeof(here)), getenv("HOME") };

	(void)snprintf(runtime, sizeof(runtime), "/run/user/%u", (unsigned int)getuid());
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!places[i] || places[i][0] != '/' || !folder_is_safe(places[i]))
			continue;
		(void)snprintf(folder, size, "%s/.sbx-test-XXXXXX", places[i]);
		if (mkdtemp(folder))
			return true;
	}
	return false;
}

/* Write a file of the folder, with this mode whatever the umask. False on failure. */
static inline bool write_file(const char *folder, const char *name, const char *text, mode_t mode)
{
	char path[300];
	int fd;
	bool fine;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	fine = write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fchmod(fd, mode) == 0;
	return close(fd) == 0 && fine;
}

static inline int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st;
	(void)kind;
	(void)walk;
	return remove(path);
}

/* Remove a folder and all that is in it; links are not followed. */
static inline void remove_folder(const char *folder)
{
	if (nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS) != 0)
		(void)fprintf(stderr, "left behind: %s\n", folder);
}

#endif
