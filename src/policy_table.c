/*
 * The table of the policy's keys; see policy_table.h.
 */
#include "policy_table.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "paths.h"
#include "util.h"

#define KIB(n) (UINT64_C(n) << 10)
#define MIB(n) (UINT64_C(n) << 20)
#define TIB(n) (UINT64_C(n) << 40)
#define MINUTE UINT64_C(60)
#define DAY UINT64_C(86400)

#define FIELD(member)                                  \
	.offset = offsetof(struct sbx_policy, member), \
	.width = sizeof(((struct sbx_policy *)NULL)->member)
#define SET(member) .set_offset = offsetof(struct sbx_policy, member)
#define RANGE(low, high) .min = (low), .max = (high)
#define CHOICES(...)                     \
	.choices = (const char *const[]) \
	{                                \
		__VA_ARGS__, NULL        \
	}
#define PENDING .pending = "*"

static const char *const default_pass[] = { "LANG",     "LC_*", "TERM", "COLORTERM",
					    "NO_COLOR", "TZ",   NULL };

static const struct {
	const char *name;
	const char *description;
} sections[] = {
	{ "limits", "What the sandbox may use. A limit that is not given is not set." },
	{ "network", "What the sandbox reaches." },
	{ "desktop", "Sockets of the account's own desktop session, when it has one." },
	{ "seccomp", "System calls the sandbox may make." },
	{ "env", "Environment variables inside." },
	{ "session", "How a login session behaves." },
	{ "access", "Who may log in, and until when." },
};

/* clang-format off */
const struct sbx_policy_key sbx_policy_keys[] = {
	{ "", "version", SBX_KIND_VERSION,
	  .description = "Version of this format: 1. Every file must say it." },
	{ "", "sandbox", SBX_KIND_STRING, FIELD(sandbox), .form = &sbx_form_name,
	  .description = "Name of the sandbox: its container, hostname and folder. "
			 "Default: the account's name." },
	{ "", "image", SBX_KIND_STRING, FIELD(image), .form = &sbx_form_image,
	  .default_text = SBX_DEFAULT_IMAGE, .description = "Image the sandbox is created from." },
	{ "", "shell", SBX_KIND_STRING, FIELD(shell), .form = &sbx_form_path,
	  .default_text = SBX_DEFAULT_SHELL, .description = "Login shell, a path inside." },
	{ "", "setup", SBX_KIND_STRING, FIELD(setup), SET(setup_set), .form = &sbx_form_path,
	  .description = "Script on the host that runs once inside a new sandbox. "
			 "Default: setup.sh beside policy.json." },

	{ "limits", "memory", SBX_KIND_SIZE, FIELD(limits.memory), RANGE(MIB(16), TIB(16)),
	  .description = "Memory of the whole sandbox, in bytes." },
	{ "limits", "swap", SBX_KIND_SIZE, FIELD(limits.swap), SET(limits.swap_set),
	  RANGE(0, TIB(16)),
	  .description = "Swap on top of memory, in bytes; 0 is none. Needs limits.memory." },
	{ "limits", "cpus", SBX_KIND_CPUS, FIELD(limits.cpus_milli), RANGE(10, 1024000),
	  .description = "Processor time, in CPUs; 1.5 is one and a half." },
	{ "limits", "pids", SBX_KIND_INTEGER, FIELD(limits.pids), RANGE(8, 4194304),
	  .description = "Processes and threads at a time." },
	{ "limits", "nofile", SBX_KIND_INTEGER, FIELD(limits.nofile), RANGE(64, 1048576),
	  .description = "Open files per process." },
	{ "limits", "tmp", SBX_KIND_SIZE, FIELD(limits.tmp), RANGE(MIB(1), TIB(16)),
	  .description = "Size of /tmp, which is in memory, in bytes." },
	{ "limits", "shm", SBX_KIND_SIZE, FIELD(limits.shm), RANGE(KIB(64), TIB(16)),
	  .description = "Size of /dev/shm, in bytes." },
	{ "limits", "disk", SBX_KIND_SIZE, FIELD(limits.disk), RANGE(MIB(64), TIB(1024)), PENDING,
	  .description = "Disk space of the sandbox's folder and layers, in bytes." },
	{ "limits", "sessions", SBX_KIND_INTEGER, FIELD(limits.sessions), RANGE(1, 65536),
	  .description = "Login sessions at a time." },
	{ "limits", "session_time", SBX_KIND_DURATION, FIELD(limits.session_time),
	  RANGE(1, 365 * DAY), .description = "Longest time one session may last." },
	{ "limits", "idle_stop", SBX_KIND_DURATION, FIELD(limits.idle_stop),
	  RANGE(MINUTE, 365 * DAY), PENDING,
	  .description = "Stop the sandbox when it had no session for this long." },
	{ "limits", "enforce", SBX_KIND_CHOICE, FIELD(limits.best_effort),
	  CHOICES("required", "best-effort"),
	  .description = "When this host can't enforce a limit: refuse the login, or warn." },

	{ "network", "mode", SBX_KIND_CHOICE, FIELD(network), .pending = "filtered",
	  CHOICES("isolated", "none", "filtered", "host"),
	  .description = "The outside but not the host's loopback; nothing; "
			 "only what allow lists; or the host's own network." },
	{ "network", "allow", SBX_KIND_LIST, FIELD(network_allow), .form = &sbx_form_endpoint,
	  .max_items = 256, PENDING,
	  .description = "What mode filtered lets through: host:port, CIDR:port/udp." },

	{ "", "ipc", SBX_KIND_CHOICE, FIELD(ipc_host), CHOICES("private", "host"),
	  .description = "System V and POSIX IPC of its own, or the host's." },
	{ "", "privileges", SBX_KIND_CHOICE, FIELD(privileges_root), CHOICES("none", "root"),
	  .description = "No capability at all, or root inside the user namespace." },
	{ "", "nesting", SBX_KIND_BOOL, FIELD(nesting),
	  .description = "Sandboxes can be made inside (bubblewrap): /proc isn't masked." },
	{ "", "devices", SBX_KIND_LIST, FIELD(devices), .form = &sbx_form_device, .max_items = 64,
	  .description = "Devices given to the sandbox: /dev/..., or CDI vendor/class=name." },

	{ "desktop", "wayland", SBX_KIND_BOOL, FIELD(wayland),
	  .description = "The account's Wayland socket." },
	{ "desktop", "pipewire", SBX_KIND_BOOL, FIELD(pipewire),
	  .description = "The account's PipeWire socket: sound, microphone, camera." },
	{ "desktop", "x11", SBX_KIND_BOOL, FIELD(x11),
	  .description = "The account's X11 socket: every window and every key." },

	{ "", "mounts", SBX_KIND_MOUNTS, FIELD(mounts), .max_items = 64,
	  .description = "Files and folders of the host that are seen inside." },

	{ "seccomp", "profile", SBX_KIND_CHOICE, FIELD(seccomp_strict),
	  CHOICES("default", "strict"),
	  .description = "The engine's own profile, or a narrower one." },
	{ "seccomp", "deny", SBX_KIND_LIST, FIELD(seccomp_deny), .form = &sbx_form_syscall,
	  .max_items = 512,
	  .description = "System calls refused on top of the profile, with EPERM." },
	{ "seccomp", "allow", SBX_KIND_LIST, FIELD(seccomp_allow), .form = &sbx_form_syscall,
	  .max_items = 512, .description = "System calls allowed beyond the profile." },

	{ "env", "set", SBX_KIND_ENV, FIELD(env_set), .max_items = 128,
	  .description = "Variables with their values." },
	{ "env", "pass", SBX_KIND_LIST, FIELD(env_pass), .form = &sbx_form_env_pass,
	  .max_items = 128, .default_list = default_pass,
	  .description = "Variables taken from the client: names, or a prefix and *." },

	{ "session", "record", SBX_KIND_CHOICE, FIELD(record_tty), .pending = "tty",
	  CHOICES("none", "tty"), .description = "Record terminal sessions." },
	{ "session", "on_disconnect", SBX_KIND_CHOICE, FIELD(keep_on_disconnect), .pending = "keep",
	  CHOICES("hangup", "keep"),
	  .description = "When the client goes: end all that its session started, or keep it." },

	{ "access", "enabled", SBX_KIND_BOOL, FIELD(access_enabled), .default_bool = true,
	  .description = "May the account log in at all?" },
	{ "access", "expires", SBX_KIND_TIME, FIELD(access_expires), SET(access_expires_set),
	  .form = &sbx_form_time, .description = "No login from this time on (RFC 3339)." },
	{ "access", "from", SBX_KIND_LIST, FIELD(access_from), .form = &sbx_form_cidr,
	  .max_items = 64,
	  .description = "Addresses a login may come from; an empty list is all of them." },
};
/* clang-format on */

const size_t sbx_policy_key_count = ARRAY_SIZE(sbx_policy_keys);

const struct sbx_policy_key *sbx_policy_key_find(const char *section, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(sbx_policy_keys); i++) {
		const struct sbx_policy_key *key = &sbx_policy_keys[i];

		if (strcmp(key->name, name) == 0 && strcmp(key->section, section) == 0)
			return key;
	}
	return NULL;
}

const char *sbx_policy_section(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		if (strcmp(sections[i].name, name) == 0)
			return sections[i].description;
	return NULL;
}

void sbx_policy_key_format(const struct sbx_policy_key *key, uint64_t value,
			   char text[static SBX_VALUE_TEXT_MAX])
{
	if (key->kind == SBX_KIND_SIZE)
		sbx_value_format_size(text, value);
	else if (key->kind == SBX_KIND_DURATION)
		sbx_value_format_duration(text, value);
	else if (key->kind == SBX_KIND_CPUS)
		sbx_value_format_cpus(text, value);
	else
		(void)snprintf(text, SBX_VALUE_TEXT_MAX, "%llu", (unsigned long long)value);
}

int sbx_policy_key_choice(const struct sbx_policy_key *key, const char *text)
{
	for (int i = 0; key->choices[i]; i++)
		if (strcmp(key->choices[i], text) == 0)
			return i;
	return -1;
}

#define WORD_MAX 32

static unsigned int smallest(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int least = a < b ? a : b;

	return least < c ? least : c;
}

/* Levenshtein distance in any case; words longer than WORD_MAX are far from all others. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[WORD_MAX + 1];
	size_t width = strlen(b);

	if (strlen(a) > WORD_MAX || width > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= width; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 0; a[i]; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i + 1;
		for (size_t j = 0; j < width; j++) {
			unsigned int above = row[j + 1];
			bool same = strncasecmp(&a[i], &b[j], 1) == 0;

			row[j + 1] = smallest(above + 1, row[j] + 1, diagonal + !same);
			diagonal = above;
		}
	}
	return row[width];
}

/* Two edits, but in a short word only one: "ipx" is near "ipc", "cpu" isn't near "tmp". */
static bool is_near(const char *word, const char *candidate, unsigned int *best)
{
	unsigned int edits = distance(word, candidate);

	if (edits > (strlen(candidate) > 4 ? 2U : 1U) || edits >= *best)
		return false;
	*best = edits;
	return true;
}

const char *sbx_policy_nearest(const char *word, const char *const *candidates)
{
	unsigned int best = WORD_MAX;
	const char *nearest = NULL;

	for (; *candidates; candidates++)
		if (is_near(word, *candidates, &best))
			nearest = *candidates;
	return nearest;
}

bool sbx_policy_key_suggest(const char *section, const char *name, char *suggestion, size_t size)
{
	const struct sbx_policy_key *nearest = NULL;
	const char *near_section = NULL;
	unsigned int best = WORD_MAX;

	for (size_t i = 0; i < ARRAY_SIZE(sbx_policy_keys); i++) {
		const struct sbx_policy_key *key = &sbx_policy_keys[i];
		bool here = strcmp(key->section, section) == 0;

		/* In another section only the very same name counts, and only before any other. */
		if (here ? is_near(name, key->name, &best) : strcmp(name, key->name) == 0)
			nearest = here || !nearest ? key : nearest;
	}
	for (size_t i = 0; !section[0] && i < ARRAY_SIZE(sections); i++)
		if (is_near(name, sections[i].name, &best))
			near_section = sections[i].name;
	if (near_section)
		(void)snprintf(suggestion, size, "%s", near_section);
	else if (nearest)
		(void)snprintf(suggestion, size, "%s%s%s", nearest->section,
			       nearest->section[0] ? "." : "", nearest->name);
	return near_section || nearest;
}
