/*
 * What sandbox-shell and sandbox-init say to each other, over Unix sockets.
 *
 * Both ends treat the other as hostile: a header of fixed size, every length bounded before
 * it's used, descriptors only where a message may carry them and always close-on-exec.
 * Nothing here allocates or prints: this file is also linked into PID 1.
 *
 * The start channel (one per start of the container; PID 1 connects, SOCK_SEQPACKET):
 *   shell -> init   LISTEN + the bound, not yet listening socket of the sandbox
 *   init  -> shell  READY
 *   shell -> init   COMMIT   only now may PID 1 serve; without it, it ends
 *
 * A session (the shell connects, SOCK_STREAM):
 *   shell -> init   EXEC + up to three descriptors, or QUERY
 *   init  -> shell  STARTED (+ the pty's master), then EXIT; or FAILED; or COUNT
 *   shell -> init   SIGNAL, any time after EXEC; SEEN after EXIT; the end of the stream before that
 * hangs up
 */
#ifndef SBX_WIRE_H
#define SBX_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SBX_WIRE_MAGIC 0x53425832u /* "SBX2": change it with any change below */
#define SBX_WIRE_FDS 3
#define SBX_WIRE_EXEC_MAX (1024u * 1024u) /* bytes of an EXEC, strings included */
#define SBX_WIRE_STRINGS_MAX 16384u       /* arguments and variables together */
#define SBX_WIRE_TEXT_MAX 256u
#define SBX_WIRE_CC 32 /* NCCS of termios(3) is as many or fewer */

/*
 * How many more descriptors and processes PID 1 may have than a command: see set_limits in
 * init_child.c.
 */
#define SBX_WIRE_NOFILE_RESERVE 1024
#define SBX_WIRE_NPROC_RESERVE 32

enum sbx_wire_type {
	SBX_WIRE_LISTEN = 1,
	SBX_WIRE_READY,
	SBX_WIRE_COMMIT,
	SBX_WIRE_EXEC,
	SBX_WIRE_QUERY,
	SBX_WIRE_STARTED,
	SBX_WIRE_EXIT,
	SBX_WIRE_FAILED,
	SBX_WIRE_COUNT,
	SBX_WIRE_SIGNAL,
	SBX_WIRE_SEEN,
};

struct sbx_wire_header {
	uint32_t magic;
	uint32_t type;
	uint32_t length; /* bytes that follow */
};

#define SBX_EXEC_TTY 1u /* make a pty; no descriptors come along */

/*
 * EXEC: this, then NUL-terminated strings: the program, argc arguments, envc NAME=VALUE, the
 * working directory. The program is looked up in PATH when it has no slash.
 */
struct sbx_wire_exec {
	uint32_t flags;
	uint32_t argc;
	uint32_t envc;
	uint16_t rows, columns, xpixel, ypixel;
	uint32_t iflag, oflag, cflag, lflag; /* the client's terminal modes, as in termios */
	uint8_t cc[SBX_WIRE_CC];
	uint32_t nofile, nproc; /* the command's resource limits; 0: only what PID 1 has */
};

struct sbx_wire_exit {
	uint32_t signaled; /* 0 exited with value, 1 killed by signal value */
	uint32_t value;
};

/* FAILED: errno and what could not be done. text is always NUL-terminated by the reader. */
struct sbx_wire_failed {
	uint32_t error;
	char text[SBX_WIRE_TEXT_MAX];
};

struct sbx_wire_count {
	uint32_t attached;   /* sessions whose client waits for their command */
	uint32_t background; /* sessions of which only what they left in the background lives */
};

struct sbx_wire_signal {
	uint32_t signal;
};

/*
 * Send one message: header, body, and fd_count descriptors with the first byte. Never raises
 * SIGPIPE. Returns 0 or -errno.
 */
int sbx_wire_send(int sock, enum sbx_wire_type type, const void *body, size_t length,
		  const int *fds, size_t fd_count);

/*
 * Receive one header, and the descriptors that came with it: at most max_fds (<= SBX_WIRE_FDS) into
 * fds; *ret_fd_count says how many. Descriptors beyond that are closed and make it -EPROTO. Returns
 * 0; -ECONNRESET at the end of the stream; -EPROTO for a wrong magic; -EAGAIN when the socket's
 * receive timeout ran out; or another -errno. On failure no descriptor is left open.
 */
int sbx_wire_recv_header(int sock, struct sbx_wire_header *header, int *fds, size_t max_fds,
			 size_t *ret_fd_count);

/* Receive exactly length bytes. Returns 0 or -errno, as above. */
int sbx_wire_recv_body(int sock, void *body, size_t length);

/*
 * Split the strings of an EXEC body in place. body is length bytes with the struct in front;
 * strings must have room for SBX_WIRE_STRINGS_MAX + 4 pointers. *ret_argv and *ret_env are set to
 * NULL-terminated arrays within it. Returns 0 or -EPROTO when counts and bytes don't fit.
 */
int sbx_wire_split_exec(char *body, size_t length, char **strings, char **ret_program,
			char ***ret_argv, char ***ret_env, char **ret_cwd);

/*
 * Who is at the other end, by SO_PEERCRED (unix(7)): for a connected client, who called listen; for
 * an accepted socket, who connected. A pid is as seen from here: 0 for a process outside of our pid
 * namespace.
 */
int sbx_wire_peer(int sock, pid_t *ret_pid, uid_t *ret_uid);

#endif
