#include "ctl_linger.h"

#include <stdio.h>
#include <unistd.h>

#include "ctl_root.h"

#define LOGINCTL "/usr/bin/loginctl"

bool ctl_linger_possible(void)
{
	return access("/run/systemd/users", F_OK) == 0 && access(LOGINCTL, X_OK) == 0;
}

bool ctl_linger_is_on(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "/var/lib/systemd/linger/%.64s", name);
	return access(path, F_OK) == 0;
}

int ctl_linger_turn_on(const char *name, struct sbx_error *err)
{
	return ctl_tool(err, LOGINCTL, "enable-linger", name, NULL);
}

int ctl_linger_turn_off(const char *name, uid_t uid, struct sbx_error *err)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	char manager[64], slice[64];
	int r = 0;

	if (!ctl_linger_possible())
		return 0;
	if (ctl_linger_is_on(name))
		r = ctl_tool(err, LOGINCTL, "disable-linger", name, NULL);
	/* There may be none of these. */
	(void)ctl_tool(&ignored, LOGINCTL, "terminate-user", name, NULL);
	(void)snprintf(manager, sizeof(manager), "user@%u.service", uid);
	(void)snprintf(slice, sizeof(slice), "user-%u.slice", uid);
	if (access("/run/systemd/system", F_OK) == 0)
		(void)ctl_tool(&ignored, "/usr/bin/systemctl", "stop", manager, slice, NULL);
	return r;
}
