/*
 * cold_stdin KIND COMMAND...: runs COMMAND with a descriptor as its stdin that no shell can make.
 * What COMMAND may read of it is "bytes of a KIND\n"; most kinds have nothing to be read.
 *
 * A sandbox that is handed one of these has got hold of something of the host's: an inet socket can
 * be connected anew in the host's network, a listening one accepts, a path opens all below it.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int inet(int type)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(here);
	int listener = socket(AF_INET, type, 0), client = socket(AF_INET, type, 0);

	if (bind(listener, (struct sockaddr *)&here, size) < 0 ||
	    (type == SOCK_STREAM && listen(listener, 1) < 0) ||
	    getsockname(listener, (struct sockaddr *)&here, &size) < 0 ||
	    connect(client, (struct sockaddr *)&here, size) < 0)
		return -1;
	if (type == SOCK_DGRAM)
		return client;
	if (dprintf(client, "bytes of a inet\n") < 0 || shutdown(client, SHUT_WR) < 0)
		return -1;
	return accept(listener, NULL, NULL);
}

static int pair(int type)
{
	int ends[2];

	return socketpair(AF_UNIX, type, 0, ends) < 0 ? -1 : ends[0];
}

static int listening(void)
{
	struct sockaddr_un nameless = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	/* Only the family: the kernel picks an abstract name. */
	if (bind(fd, (struct sockaddr *)&nameless, sizeof(sa_family_t)) < 0 || listen(fd, 1) < 0)
		return -1;
	return fd;
}

static int memory(void)
{
	int fd = memfd_create("memory", 0);

	if (dprintf(fd, "bytes of a memory\n") < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return fd;
}

static int open_kind(const char *kind)
{
	if (strcmp(kind, "inet") == 0)
		return inet(SOCK_STREAM);
	if (strcmp(kind, "inet-datagram") == 0)
		return inet(SOCK_DGRAM);
	if (strcmp(kind, "unix-datagram") == 0)
		return pair(SOCK_DGRAM);
	if (strcmp(kind, "unix-packets") == 0)
		return pair(SOCK_SEQPACKET);
	if (strcmp(kind, "unix-listening") == 0)
		return listening();
	if (strcmp(kind, "memory") == 0)
		return memory();
	if (strcmp(kind, "epoll") == 0)
		return epoll_create1(0);
	if (strcmp(kind, "event") == 0)
		return eventfd(1, 0);
	if (strcmp(kind, "process") == 0)
		return (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (strcmp(kind, "path") == 0)
		return open("/", O_PATH);
	return -1;
}

int main(int argc, char **argv)
{
	int fd = argc > 2 ? open_kind(argv[1]) : -1;

	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0) {
		(void)fprintf(stderr, "cold_stdin: no %s\n", argc > 1 ? argv[1] : "kind given");
		return 99;
	}
	(void)close(fd);
	(void)execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 99;
}
