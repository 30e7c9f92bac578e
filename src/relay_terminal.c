/*
 * Sessions with a terminal: raw bytes between the person's terminal and the pty inside, and the
 * size of the one set on the other. The master came from inside: it's written, read and sized,
 * never trusted. See relay.h.
 */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "session.h"
#include "util.h"

static char input[SBX_PUMP_BYTES], output[SBX_PUMP_BYTES];

static void copy_size(int master)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(master, TIOCSWINSZ, &size);
}

/* Handle what came for this process. Returns the signal that ends it, or 0. */
static int take_signals(int signals, int master)
{
	struct signalfd_siginfo info;
	int last = 0;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH)
			copy_size(master);
		else if (info.ssi_signo == SIGHUP || info.ssi_signo == SIGTERM)
			last = (int)info.ssi_signo;
	}
	return last;
}

static int relay(const struct sbx_relay_ends *ends, int master, struct sbx_error *err)
{
	struct sbx_pump in = { .from = STDIN_FILENO, .to = master, .buffer = input };
	struct sbx_pump out = { .from = master, .to = STDOUT_FILENO, .buffer = output };
	struct pollfd polled[] = {
		[4] = { .fd = ends->conn, .events = POLLIN },
		[5] = { .fd = ends->signals, .events = POLLIN },
		[6] = { .fd = ends->client, .events = POLLIN },
		[7] = { .fd = ends->clock, .events = POLLIN },
	};
	int ended;

	for (;;) {
		sbx_pump_want(&in, &polled[0]);
		sbx_pump_want(&out, &polled[2]);
		if (poll(polled, ARRAY_SIZE(polled), -1) < 0 && errno != EINTR)
			return sbx_error_set(err, -errno, "session: poll: %s", strerror(errno));
		sbx_pump_move(&in, &polled[0]);
		sbx_pump_move(&out, &polled[2]);
		ended = polled[5].revents ? take_signals(ends->signals, master) : 0;
		if (ended)
			return 128 + ended;
		if (polled[4].revents) {
			int r = sbx_session_result(ends->conn, err);

			sbx_pump_drain(&out);
			return r;
		}
		/*
		 * The person's terminal has gone. A pty that takes and gives no more only means
		 * that the command has.
		 */
		if (in.ended || out.broken || polled[6].revents)
			return 128 + SIGHUP;
		if (polled[7].revents)
			return sbx_relay_time_up(err);
	}
}

int sbx_relay_terminal(const struct sbx_relay_ends *ends, int master, struct sbx_error *err)
{
	struct termios before, raw;
	bool known = tcgetattr(STDIN_FILENO, &before) == 0;
	int r;

	if (known) {
		raw = before;
		cfmakeraw(&raw);
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	(void)fcntl(master, F_SETFL, O_NONBLOCK);
	copy_size(master);
	r = relay(ends, master, err);
	if (known)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
	return r;
}
