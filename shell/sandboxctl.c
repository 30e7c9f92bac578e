/*
 * sandboxctl: what people type. A table of commands; each is a file beside this one.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "paths.h"
#include "session.h"
#include "util.h"
#include "version.h"

static const struct command {
	const char *name;
	int (*run)(const struct ctl *ctl, char **args, struct sbx_error *err);
	const char *usage;
	const char *help;
	bool of_account; /* NAME is an account where root says it */
} commands[] = {
	{ "box", ctl_box, "box NAME [-- COMMAND...]",
	  "a shell or a command in a sandbox, made on first use", false },
	{ "run", ctl_run, "run ACCOUNT [-- COMMAND...]",
	  "root: the same in an account's, whatever its access says", true },
	{ "ls", ctl_ls, "ls [--json]", "your sandboxes; root: those of all accounts", false },
	{ "status", ctl_status, "status [--json] NAME",
	  "what holds a sandbox, by what, and what it gives away", false },
	{ "stop", ctl_stop, "stop NAME",
	  "end all that runs in a sandbox; the next login starts it again", true },
	{ "kill", ctl_kill, "kill NAME", "the same at once", true },
	{ "reset", ctl_reset, "reset [--yes] NAME",
	  "remove a sandbox but for its home; the next login makes it anew", true },
	{ "rm", ctl_rm, "rm [--yes] NAME", "remove a sandbox with all its files", true },
	{ "doctor", ctl_doctor, "doctor [--json] [--fix]",
	  "root: check the host and all accounts, say what to do", false },
	{ "build-base", ctl_build_base, "build-base", "make the stock base image", false },
	{ "policy", ctl_policy, "policy check|show FILE|ACCOUNT",
	  "check a policy, show what is in force; policy schema", false },
	{ "enroll", ctl_enroll, "enroll ACCOUNT [OPTION...]",
	  "root: make an account that logs in to a sandbox, or mend one", false },
	{ "unenroll", ctl_unenroll, "unenroll ACCOUNT [OPTION...]",
	  "root: remove one with all that it has", false },
};

static void print_usage(FILE *out)
{
	(void)fputs("usage: sandboxctl [--dir FOLDER] COMMAND\n\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		(void)fprintf(out, "  %-32s %s\n", commands[i].usage, commands[i].help);
	(void)fputs(
		"\nNAME is one of your sandboxes; for root an account.\n"
		"\n  --dir FOLDER   sandboxes of this folder, with its policies, not ~/sandboxes\n"
		"  --json, --yes, --fix, --help, --version\n"
		"  --key FILE, --policy FILE, --existing   of enroll\n"
		"  --seccomp      of policy show: the profile of system calls\n"
		"  --keep-data    of unenroll\nSee sandboxctl(8).\n",
		out);
}

/* sandbox-init beside this program (a checkout's build), else where it's installed. */
static const char *find_init(char *room, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", room, size);
	char *slash;

	if (length > 0 && (size_t)length < size) {
		room[length] = '\0';
		slash = strrchr(room, '/');
		(void)snprintf(slash, size - (size_t)(slash - room), "/sandbox-init");
		if (access(room, X_OK) == 0)
			return room;
	}
	return SBX_INIT_PATH;
}

/* Those of one command each; true when it was one. */
static bool take_own_option(int option, struct ctl *ctl)
{
	switch (option) {
	case 'K':
		ctl->key = optarg;
		return true;
	case 'P':
		ctl->policy = optarg;
		return true;
	case 'E':
		ctl->existing = true;
		return true;
	case 'D':
		ctl->keep_data = true;
		return true;
	case 'S':
		ctl->seccomp = true;
		return true;
	case 'f':
		ctl->fix = true;
		return true;
	default:
		return false;
	}
}

/* everywhere: also behind the arguments, which is right where none of them begins a command. */
static int take_options(int argc, char **argv, bool everywhere, struct ctl *ctl,
			struct sbx_error *err)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' },    { "json", no_argument, NULL, 'j' },
		{ "yes", no_argument, NULL, 'y' },          { "fix", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },         { "version", no_argument, NULL, 'v' },
		{ "key", required_argument, NULL, 'K' },    { "existing", no_argument, NULL, 'E' },
		{ "policy", required_argument, NULL, 'P' }, { "keep-data", no_argument, NULL, 'D' },
		{ "seccomp", no_argument, NULL, 'S' },      { 0 },
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, everywhere ? ":yh" : "+:yh", options, NULL)) !=
	       -1) {
		switch (option) {
		case 'd':
			ctl->dir = realpath(optarg, NULL);
			if (!ctl->dir)
				return sbx_error_set(err, -errno, "--dir %s: %s", optarg,
						     strerror(errno));
			break;
		case 'j':
			ctl->json = true;
			break;
		case 'y':
			ctl->yes = true;
			break;
		case 'h':
			print_usage(stdout);
			exit(0);
		case 'v':
			(void)puts("sandboxctl " SBX_VERSION);
			exit(0);
		default:
			if (take_own_option(option, ctl))
				break;
			return sbx_error_set(
				err, -EINVAL,
				"option %s: unknown or without its value: see sandboxctl --help",
				argv[optind - 1]);
		}
	}
	return 0;
}

/* For root the first argument is an account: become that, and go on with its sandbox's name. */
static int run_as_account(const struct command *command, struct ctl *ctl, char **args,
			  struct sbx_error *err)
{
	_cleanup_free_ char *sandbox = NULL;
	int r = ctl_become(args[0], &sandbox, err);

	if (r < 0)
		return r;
	args[0] = sandbox;
	ctl->by_root = true;
	return command->run(ctl, args, err);
}

static int run(int argc, char **argv, struct ctl *ctl, struct sbx_error *err)
{
	int r = take_options(argc, argv, false, ctl, err), first = optind;

	if (r < 0)
		return r;
	if (first >= argc) {
		print_usage(stderr);
		return SBX_EXIT_FAILURE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[first], commands[i].name) != 0)
			continue;
		/* Options may stand behind the command too, but not behind a command to run. */
		argv[first] = argv[0];
		argv += first;
		argc -= first;
		optind = 0; /* begin anew, with another order */
		r = take_options(argc, argv, !strstr(commands[i].usage, "COMMAND"), ctl, err);
		if (r < 0)
			return r;
		if (commands[i].of_account && geteuid() == 0 && !ctl->dir && argv[optind])
			return run_as_account(&commands[i], ctl, argv + optind, err);
		return commands[i].run(ctl, argv + optind, err);
	}
	return sbx_error_set(err, -EINVAL, "%s: no such command: see sandboxctl --help",
			     argv[first]);
}

int main(int argc, char **argv)
{
	struct sbx_error err = SBX_ERROR_INIT;
	char init_path[4096];
	struct ctl ctl = { .init_path = find_init(init_path, sizeof(init_path)) };
	int r = run(argc, argv, &ctl, &err);

	free((void *)(uintptr_t)ctl.dir);
	if (fflush(stdout) != 0 && r == 0)
		r = sbx_error_set(&err, -errno, "stdout: %s", strerror(errno));
	if (r >= 0)
		return r;
	(void)fprintf(stderr, "sandboxctl: %s\n", err.message);
	return SBX_EXIT_FAILURE;
}
