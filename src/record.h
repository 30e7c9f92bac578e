/*
 * The record of a sandbox: a small text file, replaced by rename, so that it's always whole.
 *
 * There are two: in the runtime folder, what runs now; beside the home, what was
 * created. Both lie where only the account's own uid outside the sandbox can write, and are read as
 * strictly as if they didn't.
 */
#ifndef SBX_RECORD_H
#define SBX_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "error.h"

#define SBX_CONTAINER_ID_LENGTH 64

struct sbx_record {
	pid_t pid;       /* of PID 1, as the host counts; 0 in the lasting record */
	uint64_t digest; /* of the policy it was created with */
	uint64_t limits; /* of the limits in force; 0 in the lasting record */
	bool ready;      /* setup.sh has run to its end */
};

/*
 * Read NAME below the folder. Returns 0, -ENOENT when there's none, or -EBADMSG when it isn't
 * exactly what sbx_record_write writes.
 */
int sbx_record_read(int folder, const char *name, struct sbx_record *ret_record);

/* Write it as a new file, then rename it over NAME. Returns 0 or -errno with err set. */
int sbx_record_write(int folder, const char *name, const struct sbx_record *record,
		     struct sbx_error *err);

/* The parser alone: length bytes of text. Returns 0 or -EBADMSG. */
int sbx_record_parse(const char *text, size_t length, struct sbx_record *ret_record);

#endif
