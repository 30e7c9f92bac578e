/*
 * What root's commands on accounts share: the system's own tools, files and folders that nobody
 * but root can write, and the lock under which accounts are made and unmade. Paths are root's: a
 * folder on the way that others could write is refused.
 */
#ifndef SBX_CTL_ROOT_H
#define SBX_CTL_ROOT_H

#include <stdbool.h>
#include <sys/types.h>

#include "error.h"
#include "paths.h"

#define CTL_GROUP "sandboxed"
#define CTL_KEYS_DIR SBX_CONF_DIR "/authorized_keys.d"
#define CTL_NOLOGIN "/usr/sbin/nologin"
#define CTL_SHELLS "/etc/shells"
#define CTL_FIRST_UID 1000
#define CTL_FIRST_NO_UID 65534

/* Run a program, by its absolute path, with these arguments up to a NULL. Its output is kept. */
int ctl_tool(struct sbx_error *err, const char *program, ...) __attribute__((sentinel));

/* One line on stdout about what was done. */
void ctl_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Open a folder; each one on its way, links resolved, and itself must be root's and writable by
 * nobody else. -ENOENT when there is none.
 */
int ctl_root_folder(const char *path, int *ret_fd, struct sbx_error *err);

/* The whole of a file, or NULL in *ret_text when there is none. The caller frees it. */
int ctl_root_read(const char *path, char **ret_text, struct sbx_error *err);

/*
 * Put text there with this mode, whole or not at all, whatever happens meanwhile. A text of NULL
 * removes the file.
 */
int ctl_root_write(const char *path, const char *text, mode_t mode, struct sbx_error *err);

/* Put back what was there before: nothing is written where nothing has changed. */
int ctl_root_restore(const char *path, const char *text, struct sbx_error *err);

/* Is our login shell among the lines of that /etc/shells (NULL: there's none)? */
bool ctl_root_lists_shell(const char *text);

/* Write /etc/shells with these lines, or none, and our login shell's. */
int ctl_root_add_shell(const char *text, struct sbx_error *err);

/* One enroll or unenroll at a time: waits for another's end. *ret_lock is closed to release it. */
int ctl_root_lock(int *ret_lock, struct sbx_error *err);

/* A name that an account of ours may have? -EINVAL if not. */
int ctl_root_check_name(const char *name, struct sbx_error *err);

/* Root, and such a name? command is for the message. */
int ctl_root_check(const char *command, const char *name, struct sbx_error *err);

/* A group, nobody's, that only a killed useradd or userdel of this name can have left. */
bool ctl_root_has_left_group(const char *name);

/* Is the account in the group, by itself or as its primary one? */
bool ctl_root_is_member(const char *name, gid_t primary, const char *group);

#endif
