/*
 * The reason in what podman printed, which may quote names that others chose: one line, cut to
 * size.
 */
#include "fuzz.h"

#include <errno.h>

#include "spawn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sbx_process process;
	struct sbx_error err = SBX_ERROR_INIT;
	char reason[512];

	if (size >= sizeof(process.err_text))
		return 0;
	if (size > 0)
		memcpy(process.err_text, data, size);
	process.err_text[size] = '\0';
	process.err_length = size;
	memset(reason, 'x', sizeof(reason));
	sbx_process_reason(&process, reason, sizeof(reason));
	need(memchr(reason, '\0', sizeof(reason)));
	need(!strchr(reason, '\n'));
	need(sbx_error_set(&err, -EIO, "podman: %s", reason) == -EIO);
	need_line(err.message);
	return 0;
}
