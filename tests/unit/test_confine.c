/*
 * A confined process: what a relay does works, and anything else is its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "confine.h"
#include "util.h"

static int pipes[2], pair[2], master, slave;

/* Run it in a confined process of its own. Returns that one's wait status. */
static int run_confined(void (*what)(void))
{
	struct sbx_error err = SBX_ERROR_INIT;
	int status = -1;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (sbx_confine(&err) < 0)
			_exit(99);
		what();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int open_all(void **state)
{
	(void)state;
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pipe2(pipes, O_CLOEXEC) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 || master < 0 ||
	    grantpt(master) < 0 || unlockpt(master) < 0)
		return -1;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	return slave < 0 ? -1 : 0;
}

/* Ends with the line that failed. */
#define NEED(condition)                           \
	do {                                      \
		if (!(condition))                 \
			_exit(1 + __LINE__ % 90); \
	} while (0)

static void move_bytes(void)
{
	struct pollfd polled = { .fd = pipes[0], .events = POLLIN };
	char byte = 'x';
	struct iovec vec = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vec, .msg_iovlen = 1 };

	NEED(write(pipes[1], &byte, 1) == 1);
	NEED(poll(&polled, 1, -1) == 1 && read(pipes[0], &byte, 1) == 1);
	NEED(sendmsg(pair[0], &message, MSG_NOSIGNAL) == 1);
	NEED(recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC) == 1);
	NEED(sendmsg(pair[0], &message, MSG_NOSIGNAL) == 1);
	NEED(recv(pair[1], &byte, 1, 0) == 1);
	NEED(close(pair[0]) == 0);
}

static void drive_terminal(void)
{
	struct winsize size = { .ws_row = 4, .ws_col = 5 };
	struct termios modes;

	NEED(fcntl(master, F_SETFL, O_NONBLOCK) == 0);
	NEED(tcgetattr(slave, &modes) == 0);
	cfmakeraw(&modes);
	NEED(tcsetattr(slave, TCSANOW, &modes) == 0);
	NEED(ioctl(master, TIOCSWINSZ, &size) == 0 && ioctl(slave, TIOCGWINSZ, &size) == 0);
	NEED(size.ws_row == 4 && size.ws_col == 5);
}

static void say_why(void)
{
	char *memory = malloc(1 << 22);

	NEED(memory);
	memset(memory, 1, 1 << 22);
	free(memory);
	(void)fprintf(stderr, "# a line of %d bytes: %s\n", 1, strerror(EIO));
}

static void test_a_relay_works(void **state)
{
	(void)state;
	assert_int_equal(run_confined(move_bytes), 0);
	assert_int_equal(run_confined(drive_terminal), 0);
	assert_int_equal(run_confined(say_why), 0);
}

static void do_fork(void)
{
	(void)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void do_exec(void)
{
	(void)execve("/bin/true", (char *[]){ (char[]){ "true" }, NULL }, (char *[]){ NULL });
}

static void do_socket(void)
{
	(void)socket(AF_UNIX, SOCK_STREAM, 0);
}

static void do_connect(void)
{
	struct sockaddr address = { .sa_family = AF_UNSPEC };

	(void)connect(pair[0], &address, sizeof(address));
}

static void do_kill(void)
{
	(void)kill(getppid(), 0);
}

static void do_ptrace(void)
{
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void do_executable_memory(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void do_protect(void)
{
	(void)mprotect((void *)(uintptr_t)4096, 4096, PROT_EXEC);
}

static void do_type(void)
{
	(void)ioctl(slave, TIOCSTI, "x");
}

static void do_type_above_32_bits(void)
{
	(void)syscall(SYS_ioctl, slave, (UINT64_C(1) << 32) | TIOCSTI, "x");
}

static void do_dumpable(void)
{
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void do_limit(void)
{
	struct rlimit limit;

	(void)getrlimit(RLIMIT_NOFILE, &limit);
}

static void do_unlink(void)
{
	(void)unlink("/nonexistent");
}

#ifndef __SANITIZE_ADDRESS__
static void do_open(void)
{
	(void)open("/dev/null", O_RDONLY);
}
#endif

/* Each kills the process (seccomp(2): SIGSYS), whatever it would have been answered. */
static void test_anything_else_is_the_end(void **state)
{
	static void (*const calls[])(void) = {
		do_fork,
		do_exec,
		do_socket,
		do_connect,
		do_kill,
		do_ptrace,
		do_protect,
		do_type,
		do_type_above_32_bits,
		do_executable_memory,
		do_limit,
		do_unlink,
		do_dumpable,
#ifndef __SANITIZE_ADDRESS__
		do_open,
#endif
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		int status = run_confined(calls[i]);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("call %zu: wait status %d", i, status);
	}
}

/* What comes in as a message can't bring many descriptors. */
static void receive_descriptors(void)
{
	char control[CMSG_SPACE(253 * sizeof(int))];
	char byte;
	struct iovec vec = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vec,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };

	NEED(recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC) == 1);
	NEED(message.msg_flags & MSG_CTRUNC);
}

static void test_few_descriptors(void **state)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(200 * sizeof(int))];
	} control = { 0 };
	char byte = 'x';
	struct iovec vec = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vec,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	int fds[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = pipes[0];
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(&control.header), fds, sizeof(fds));
	assert_int_equal(sendmsg(pair[0], &message, 0), 1);
	assert_int_equal(run_confined(receive_descriptors), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_relay_works),
		cmocka_unit_test(test_anything_else_is_the_end),
		cmocka_unit_test(test_few_descriptors),
	};

	return cmocka_run_group_tests(tests, open_all, NULL);
}
