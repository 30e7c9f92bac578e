/*
 * Reading a policy file that nobody else could have written.
 *
 * The path is walked from "/" one folder at a time (openat, O_NOFOLLOW), so nothing is resolved
 * twice and no symbolic link is followed. Every folder on the way and the file itself, as opened,
 * must belong to root (or also_owner) and be writable by nobody else; the file must be regular
 * and hold less than SBX_POLICY_MAX_BYTES.
 */
#ifndef SBX_POLICY_FILE_H
#define SBX_POLICY_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "error.h"

/*
 * Read path into a new NUL-terminated text, which the caller frees. also_owner 0 means root alone.
 * A relative path starts at the working directory, whose own path is walked like any other.
 * Returns 0; -ENOENT when the file or a folder of its path isn't there; -EPERM when someone else
 * could have written it, with what to do about it; or another -errno.
 */
int sbx_policy_file_read(const char *path, uid_t also_owner, char **ret_text, size_t *ret_length,
			 struct sbx_error *err);

/*
 * The same below a folder that the caller has open and trusts the way to; the folder itself is
 * checked as well. path is relative to it. For tests, and for callers that hold the folder.
 */
int sbx_policy_file_read_at(int folder_fd, const char *path, uid_t also_owner, char **ret_text,
			    size_t *ret_length, struct sbx_error *err);

#endif
