/*
 * What the shell makes of a sandbox's answers: all that it would send in one session, put into
 * the socket beforehand. A result is an exit status, or an errno with one line of reason. No
 * descriptor is left.
 */
#include "fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

#include "../unit/count_fds.h"
#include "session.h"

/* More fits into no socket's buffer, nor is there a longer answer. */
#define ANSWERS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *const argv[] = { (char[]){ "bash" }, NULL };
	struct sbx_request request = { .program = "/bin/bash",
				       .argv = argv,
				       .cwd = (char[]){ "/" } };
	struct sbx_error err = SBX_ERROR_INIT;
	int before = count_fds(), ends[2], null[3] = { 0, 1, 2 }, master = -1, r;

	if (size < 1 || size > ANSWERS_MAX)
		return 0;
	request.terminal = data[0] & 1;
	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	need(size == 1 || write(ends[1], data + 1, size - 1) == (ssize_t)size - 1);
	need(shutdown(ends[1], SHUT_WR) == 0);
	r = sbx_session_start(ends[0], &request, request.terminal ? NULL : null, &master, &err);
	if (r == 0)
		r = sbx_session_result(ends[0], &err);
	need(r <= 255);
	if (r < 0)
		need(err.message[0]);
	need_line(err.message);
	need(master < 0); /* no descriptor came along */
	(void)close(ends[0]);
	(void)close(ends[1]);
	need(count_fds() == before);
	return 0;
}
