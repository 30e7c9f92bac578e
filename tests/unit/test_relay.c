/*
 * Which descriptors may go into the sandbox themselves, and that pipes take the place of all
 * others.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "count_fds.h"
#include "relay.h"
#include "util.h"

/* A listening socket, one that is connected to nobody, one of the internet. */
static int make_socket(int domain, int type, bool listening)
{
	int fd = socket(domain, type | SOCK_CLOEXEC, 0);
	struct sockaddr_un any = { .sun_family = AF_UNIX };

	if (listening && domain == AF_UNIX)
		assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any.sun_family)), 0);
	if (listening)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Connected within this host: the address is what would make it dangerous, not the peer. */
static void make_internet_pair(int *ends)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	_cleanup_close_ int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(address);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(ends[0], (struct sockaddr *)&address, sizeof(address)), 0);
	ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
}

static void check_hand_over(int fd, bool may, const char *what)
{
	assert_true(fd >= 0);
	if (sbx_relay_may_hand_over(fd) != may)
		fail_msg("%s: %s", what, may ? "refused" : "handed over");
	(void)close(fd);
}

/* Two ends of which each is looked at. */
static void check_pair(const int *ends, bool may, const char *what)
{
	check_hand_over(ends[0], may, what);
	check_hand_over(ends[1], may, what);
}

static void test_hand_over(void **state)
{
	int ends[2], before = count_fds();

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	check_pair(ends, true, "pipe");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	check_pair(ends, true, "stream pair");
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	check_pair(ends, false, "datagram pair");
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	check_pair(ends, false, "seqpacket pair");
	make_internet_pair(ends);
	check_pair(ends, false, "internet connection");
	check_hand_over(open("/dev/null", O_RDONLY | O_CLOEXEC), true, "/dev/null");
	check_hand_over(open("/dev/null", O_RDWR | O_CLOEXEC), true, "/dev/null");
	check_hand_over(open("/dev/zero", O_RDONLY | O_CLOEXEC), false, "/dev/zero");
	check_hand_over(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), false, "folder");
	check_hand_over(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), false, "folder by path");
	check_hand_over(open("/etc/passwd", O_RDONLY | O_CLOEXEC), false, "file");
	check_hand_over(memfd_create("x", MFD_CLOEXEC), false, "memory");
	check_hand_over(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), false, "terminal's master");
	check_hand_over(make_socket(AF_UNIX, SOCK_STREAM, false), false, "unconnected socket");
	check_hand_over(make_socket(AF_UNIX, SOCK_STREAM, true), false, "listening socket");
	check_hand_over(make_socket(AF_INET, SOCK_STREAM, false), false, "internet socket");
	check_hand_over(make_socket(AF_INET, SOCK_STREAM, true), false,
			"listening internet socket");
	check_hand_over(make_socket(AF_NETLINK, SOCK_RAW, false), false, "netlink socket");
	assert_false(sbx_relay_may_hand_over(-1));
	assert_false(sbx_relay_may_hand_over(1000000));
	assert_int_equal(count_fds(), before);
}

static bool is_fifo(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

/*
 * In a process whose 0-2 are a folder, a file and that file again. Returns the line where it's
 * wrong.
 */
static int open_relay_of_files(void)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int out = memfd_create("out", MFD_CLOEXEC), before;
	struct sbx_relay relay;

	if (dup2(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(out, 2) < 0)
		return __LINE__;
	before = count_fds();
	if (sbx_relay_open(&relay, &err) < 0)
		return __LINE__;
	for (int fd = 0; fd < 3; fd++)
		if (!is_fifo(relay.give[fd]) || relay.give[fd] <= 2)
			return __LINE__;
	/* One file for both keeps its order. */
	if (relay.give[1] != relay.give[2] || relay.pumps[2].to >= 0)
		return __LINE__;
	if (relay.pumps[0].from != 0 || relay.pumps[1].to != 1)
		return __LINE__;
	sbx_relay_handed_over(&relay);
	sbx_relay_done(&relay);
	return count_fds() == before ? 0 : __LINE__;
}

/* The same with what may go in as it is. */
static int open_relay_of_pipes(void)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_relay relay;
	int ends[2], before;

	if (pipe2(ends, O_CLOEXEC) < 0 || dup2(ends[0], 0) < 0 || dup2(ends[1], 1) < 0 ||
	    dup2(ends[1], 2) < 0)
		return __LINE__;
	before = count_fds();
	if (sbx_relay_open(&relay, &err) < 0)
		return __LINE__;
	for (int fd = 0; fd < 3; fd++)
		if (relay.give[fd] != fd || relay.pumps[fd].from >= 0 || relay.pumps[fd].to >= 0)
			return __LINE__;
	sbx_relay_handed_over(&relay);
	sbx_relay_done(&relay);
	return is_fifo(0) && is_fifo(1) && is_fifo(2) && count_fds() == before ? 0 : __LINE__;
}

static void check_in_child(int (*check)(void))
{
	int status = -1;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(check() ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_relay_open(void **state)
{
	(void)state;
	check_in_child(open_relay_of_files);
	check_in_child(open_relay_of_pipes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hand_over),
		cmocka_unit_test(test_relay_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
