/*
 * attack_start: waits for a start of the sandbox, and then answers in the new PID 1's place.
 *
 * Run several, some as the first process of a pid namespace of their own (unshare -Urpf), in a
 * sandbox that is about to be started anew. Whichever is taken for PID 1 gets the socket that the
 * account's logins connect to, and ends each of them with status 66.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire.c" /* a helper is one file: see Makefile */

static const char path[] = "/run/sandbox-init/start";

static _Noreturn void serve(int listener)
{
	for (;;) {
		struct sbx_wire_exit result = { 0, 66 };
		int conn = accept(listener, NULL, NULL);

		if (conn < 0)
			continue;
		(void)sbx_wire_send(conn, SBX_WIRE_STARTED, NULL, 0, NULL, 0);
		(void)sbx_wire_send(conn, SBX_WIRE_EXIT, &result, sizeof(result), NULL, 0);
	}
}

int main(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, path, sizeof(path));
	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_IGN);
	for (;;) {
		int channel = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), listener = -1;
		struct sbx_wire_header header;
		size_t count = 0;

		if (connect(channel, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		    sbx_wire_recv_header(channel, &header, &listener, 1, &count) == 0 &&
		    count == 1 && listen(listener, 100) == 0 &&
		    sbx_wire_send(channel, SBX_WIRE_READY, NULL, 0, NULL, 0) == 0)
			serve(listener);
		(void)close(channel);
	}
}
