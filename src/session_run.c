/*
 * The whole of a session over a fresh connection; see session.h.
 */
#include <errno.h>
#include <string.h>

#include "relay.h"
#include "session.h"

static int run_terminal(const struct sbx_relay_ends *ends, const struct sbx_request *request,
			struct sbx_error *err)
{
	_cleanup_close_ int master = -1;
	int r = sbx_session_start(ends->conn, request, NULL, &master, err);

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
		r = sbx_relay_stdio(ends, &relay, err);
	sbx_relay_done(&relay);
	return r;
}

int sbx_session_run(int conn, const struct sbx_request *request, struct sbx_error *err)
{
	_cleanup_close_ int owned = conn;
	_cleanup_close_ int signals = sbx_relay_signals();
	struct sbx_relay_ends ends = { owned, signals, request->client > 0 ? request->client : -1 };

	if (signals < 0)
		return sbx_error_set(err, signals, "session: signals: %s", strerror(-signals));
	return request->terminal ? run_terminal(&ends, request, err)
				 : run_stdio(&ends, request, err);
}
