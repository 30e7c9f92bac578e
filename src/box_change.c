/*
 * A running sandbox, and a policy that isn't the one it was started under: see box_start.h.
 */
#include <errno.h>

#include "box_start.h"
#include "host.h"
#include "host_limits.h"

int sbx_box_retire(struct sbx_box *box, struct sbx_error *err)
{
	int sessions = sbx_box_count_sessions(box);

	if (sessions > 0)
		return sbx_error_set(
			err, -EBUSY,
			"sandbox %s: its policy has changed while %d sessions run under the old "
			"one: end them, then log in again",
			box->policy->sandbox, sessions);
	if (sessions < 0)
		return 0;
	sbx_box_say(box, "the policy has changed: making sandbox %s anew, its home stays",
		    box->policy->sandbox);
	return sbx_engine_stop(&box->engine, true, err);
}

int sbx_box_adjust(struct sbx_box *box, struct sbx_record *running, struct sbx_error *err)
{
	const struct sbx_facts *facts = &box->engine.facts;
	int r;

	if (running->limits == box->limits)
		return 0;
	r = sbx_host_apply_limits(box->policy, facts, running->pid, err);
	if (r == 0)
		r = sbx_host_verify(box->policy, facts, running->pid, err);
	if (r < 0)
		return r;
	running->limits = box->limits;
	return sbx_record_write(box->runtime.fd, SBX_BOX_RECORD, running, err);
}
