/*
 * doctor's checks of PAM: is pam_sandbox in sshd's stacks, where it's reached and in the right
 * order? The files are read as pam.conf(5) says, with all that they include.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl_doctor.h"
#include "host.h"
#include "util.h"

#define SERVICE "sshd"
#define MODULE "pam_sandbox.so"
#define DEPTH_MAX 8
#define LINES_MAX 256

struct line {
	char module[64]; /* without its folder */
	char control[16];
	bool nested; /* in a substack, whose end ends nothing else */
};

/* One type's stack, in the order in which it's run. */
struct stack {
	const char *type;
	struct line lines[LINES_MAX];
	size_t count;
	bool unread; /* a file is missing, or there's too much of it */
};

static char *read_service(const char *name)
{
	static const char *const folders[] = { "/etc/pam.d", "/usr/lib/pam.d" };
	char path[160], *text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(folders) && !text && !strchr(name, '/'); i++) {
		(void)snprintf(path, sizeof(path), "%s/%.100s", folders[i], name);
		text = sbx_host_read_file(path);
	}
	return text;
}

static void read_stack(struct stack *stack, const char *service, bool nested, int depth);

/* "[success=1 default=ignore]" is one word. */
static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t"), *end;

	end = word + (*word == '[' ? strcspn(word, "]") : strcspn(word, " \t"));
	if (*word == '[' && *end)
		end++;
	*rest = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static void add_line(struct stack *stack, const char *control, const char *module, bool nested)
{
	const char *slash = strrchr(module, '/');
	struct line *line = &stack->lines[stack->count];

	if (stack->count == LINES_MAX) {
		stack->unread = true;
		return;
	}
	(void)snprintf(line->module, sizeof(line->module), "%s", slash ? slash + 1 : module);
	(void)snprintf(line->control, sizeof(line->control), "%s", control);
	line->nested = nested;
	stack->count++;
}

/* "@include FILE", "TYPE include FILE", "TYPE CONTROL MODULE ...". */
static void read_line(struct stack *stack, char *text, bool nested, int depth)
{
	const char *type, *control, *module;

	text[strcspn(text, "#")] = '\0';
	type = next_word(&text);
	control = next_word(&text);
	if (strcmp(type, "@include") == 0) {
		read_stack(stack, control, nested, depth + 1);
		return;
	}
	type += *type == '-';
	if (strcasecmp(type, stack->type) != 0)
		return;
	module = next_word(&text);
	if (strcmp(control, "include") == 0 || strcmp(control, "substack") == 0)
		read_stack(stack, module, nested || strcmp(control, "substack") == 0, depth + 1);
	else
		add_line(stack, control, module, nested);
}

static void read_stack(struct stack *stack, const char *service, bool nested, int depth)
{
	_cleanup_free_ char *text = depth < DEPTH_MAX ? read_service(service) : NULL;
	char *rest = text, *line, *joint;

	if (!text) {
		stack->unread = true;
		return;
	}
	/* A line may go on behind a backslash. */
	while ((joint = strstr(text, "\\\n")) != NULL)
		joint[0] = joint[1] = ' ';
	while ((line = strsep(&rest, "\n")) != NULL)
		read_line(stack, line, nested, depth);
}

/* The place of a module, the last one or the first; -1 for none. */
static int find_module(const struct stack *stack, const char *module, bool last)
{
	int found = -1;

	for (size_t i = 0; i < stack->count && (last || found < 0); i++)
		if (strcmp(stack->lines[i].module, module) == 0)
			found = (int)i;
	return found;
}

/* argument is the type. */
static int load(const struct ctl_check *check, struct stack *stack, struct sbx_error *found)
{
	*stack = (struct stack){ .type = check->argument };
	if (access("/etc/pam.d", F_OK) < 0)
		return CTL_NOT_HERE;
	read_stack(stack, SERVICE, false, 0);
	if (stack->unread)
		return sbx_error_set(found, -ENOENT,
				     "/etc/pam.d/" SERVICE
				     ": it, or a file that it includes, can't be read");
	return CTL_WELL;
}

CTL_LOOK(look_line)
{
	struct stack stack;
	int r = load(check, &stack, found), at;

	if (r != CTL_WELL)
		return r;
	at = find_module(&stack, MODULE, false);
	if (at < 0)
		return CTL_FIND(found,
				"/etc/pam.d/" SERVICE ": has no %s line of " MODULE
				", which %s: add \"%s required " MODULE "\" at its end",
				check->argument, check->value, check->argument);
	if (strcmp(stack.lines[at].control, "required") != 0 &&
	    strcmp(stack.lines[at].control, "requisite") != 0)
		return CTL_FIND(found,
				"/etc/pam.d/" SERVICE ": its %s line of " MODULE
				" is %s, and so refuses nobody: make it required",
				check->argument, stack.lines[at].control);
	return CTL_WELL;
}

/* After a line that suffices nothing is asked any more. */
CTL_LOOK(look_reached)
{
	struct stack stack;
	int r = load(check, &stack, found), at;

	if (r != CTL_WELL)
		return r;
	at = find_module(&stack, MODULE, false);
	for (int i = 0; i < at; i++)
		if (strcmp(stack.lines[i].control, "sufficient") == 0 && !stack.lines[i].nested)
			return CTL_FIND(found,
					"/etc/pam.d/" SERVICE ": %s of %s is sufficient and comes "
					"before " MODULE ", which is so never asked: put that "
					"before it",
					check->argument, stack.lines[i].module);
	return CTL_WELL;
}

CTL_LOOK(look_order)
{
	struct stack stack;
	int r = load(check, &stack, found), at;

	if (r != CTL_WELL)
		return r;
	at = find_module(&stack, MODULE, false);
	if (at < 0 || find_module(&stack, "pam_systemd.so", true) < at)
		return CTL_WELL;
	return CTL_FIND(found, "/etc/pam.d/" SERVICE ": pam_systemd comes after " MODULE
			       ", and moves the session away from what that has made: put " MODULE
			       " at the end");
}

CTL_LOOK(look_module)
{
	static const char *const places[] = {
		"/lib/security/" MODULE,
		"/lib64/security/" MODULE,
		"/usr/lib/security/" MODULE,
		"/usr/lib64/security/" MODULE,
		"/usr/lib/*-linux-*/security/" MODULE,
		"/lib/*-linux-*/security/" MODULE,
	};
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(places) && count == 0; i++) {
		glob_t matches = { 0 };

		if (glob(places[i], 0, NULL, &matches) == 0)
			count = matches.gl_pathc;
		globfree(&matches);
	}
	if (count > 0)
		return CTL_WELL;
	return CTL_FIND(found, MODULE ": is in no folder of PAM's: make install PAMDIR=..., or "
				      "reinstall the package");
}

/* clang-format off */
static const struct ctl_check checks[] = {
	{ "pam-module", look_module, NULL, NULL, NULL, false },
	{ "pam-account", look_line, NULL, "account", "keeps out who may not log in", false },
	{ "pam-account-reached", look_reached, NULL, "account", NULL, false },
	{ "pam-session", look_line, NULL, "session", "limits and prepares each session", false },
	{ "pam-session-reached", look_reached, NULL, "session", NULL, false },
	{ "pam-session-order", look_order, NULL, "session", NULL, false },
};
/* clang-format on */

const struct ctl_checks ctl_checks_pam = { checks, ARRAY_SIZE(checks), false };
