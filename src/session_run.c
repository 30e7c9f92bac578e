/*
 * The whole of a session over a fresh connection; see session.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>

#include "confine.h"
#include "relay.h"
#include "session.h"

static int run_terminal(const struct sbx_relay_ends *ends, const struct sbx_request *request,
			struct sbx_error *err)
{
	_cleanup_close_ int master = -1;
	int r = sbx_session_start(ends->conn, request, NULL, &master, err);

	if (r == 0)
		r = sbx_confine(err);
	return r < 0 ? r : sbx_relay_terminal(ends, master, err);
}

static int run_stdio(const struct sbx_relay_ends *ends, const struct sbx_request *request,
		     struct sbx_error *err)
{
	struct sbx_relay relay;
	int r = sbx_relay_open(&relay, err);

	if (r < 0)
		return r;
	r = sbx_session_start(ends->conn, request, relay.give, NULL, err);
	sbx_relay_handed_over(&relay);
	if (r == 0)
		r = sbx_confine(err);
	if (r == 0)
		r = sbx_relay_stdio(ends, &relay, err);
	sbx_relay_done(&relay);
	return r;
}

/*
 * A clock that is readable when so many seconds have passed, also those that the host slept through
 * (timerfd_create(2)). Returns -1 in *ret_clock where there's no limit.
 */
static int start_clock(uint64_t seconds, int *ret_clock)
{
	struct itimerspec when = { .it_value.tv_sec = (time_t)seconds };

	*ret_clock = -1;
	if (seconds == 0)
		return 0;
	*ret_clock = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	return *ret_clock < 0 || timerfd_settime(*ret_clock, 0, &when, NULL) < 0 ? -errno : 0;
}

int sbx_session_run(int conn, const struct sbx_request *request, struct sbx_error *err)
{
	_cleanup_close_ int owned = conn;
	_cleanup_close_ int signals = sbx_relay_signals();
	_cleanup_close_ int clock = -1;
	struct sbx_relay_ends ends = { .conn = owned,
				       .signals = signals,
				       .client = request->client > 0 ? request->client : -1 };
	int r = start_clock(request->seconds, &clock);

	if (signals < 0)
		return sbx_error_set(err, signals, "session: signals: %s", strerror(-signals));
	if (r < 0)
		return sbx_error_set(err, r, "session: clock: %s", strerror(-r));
	ends.clock = clock;
	return request->terminal ? run_terminal(&ends, request, err)
				 : run_stdio(&ends, request, err);
}
