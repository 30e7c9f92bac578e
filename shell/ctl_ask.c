#include "ctl_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "box.h"
#include "box_start.h"
#include "ctl.h"
#include "host.h"
#include "record.h"
#include "util.h"

#define ANSWER_MS 5000

const char *ctl_state_name(enum ctl_state state)
{
	static const char *const names[] = {
		[CTL_UNKNOWN] = "unknown",
		[CTL_NONE] = "none",
		[CTL_STOPPED] = "stopped",
		[CTL_RUNNING] = "running",
	};

	return names[state];
}

static bool has_home(const struct ctl_asked *asked)
{
	struct sbx_folder folder = SBX_FOLDER_INIT;
	_cleanup_free_ char *base = NULL;
	struct stat st;
	bool found;

	if (asprintf(&base, "%s%s", asked->base ? asked->base : asked->account->home,
		     asked->base ? "" : "/sandboxes") < 0) {
		base = NULL;
		return false;
	}
	found = sbx_folder_data(asked->account, base, asked->sandbox, false, &folder, NULL) == 0 &&
		fstatat(folder.fd, "home", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
	sbx_folder_done(&folder);
	return found;
}

/* Makes no folder, unlike sbx_box_open. */
static void ask_init(struct ctl_asked *asked)
{
	struct ctl_answer *answer = &asked->answer;
	struct sbx_box box = { .account = asked->account, .runtime = SBX_FOLDER_INIT };
	struct sbx_record record = { 0 };
	int sessions = -1;

	if (sbx_folder_runtime(asked->account, asked->instance ? asked->instance : asked->sandbox,
			       false, &box.runtime, NULL) < 0)
		return;
	if (sbx_record_read(box.runtime.fd, SBX_BOX_RECORD, &record) == 0)
		sessions = sbx_box_count_sessions(&box);
	if (sessions >= 0) {
		answer->init = record.pid;
		answer->sessions = sessions;
	}
	sbx_folder_done(&box.runtime);
}

static void ask_host(struct ctl_asked *asked)
{
	struct ctl_answer *answer = &asked->answer;
	struct sbx_facts facts = { 0 };

	if (!asked->policy || sbx_host_facts(asked->policy, asked->account, &facts, NULL) < 0)
		return;
	answer->memory = facts.memory;
	answer->cpu = facts.cpu;
	answer->pids = facts.pids;
	sbx_host_facts_done(&facts);
}

static void ask(struct ctl_asked *asked)
{
	asked->answer = (struct ctl_answer){ .exists = has_home(asked) };
	ask_init(asked);
	ask_host(asked);
}

/* What the answer comes to. That it runs is believed when the kernel shows such a process. */
static void judge(struct ctl_asked *asked)
{
	const struct ctl_answer *answer = &asked->answer;

	if (answer->init <= 0)
		asked->state = answer->exists == 1 ? CTL_STOPPED : CTL_NONE;
	else if (sbx_usage_open(answer->init, asked->account->uid, &asked->usage, NULL) == 0)
		asked->state = CTL_RUNNING;
	else
		asked->state = CTL_UNKNOWN;
}

void ctl_ask_self(struct ctl_asked *asked)
{
	asked->usage = (struct sbx_usage)SBX_USAGE_INIT;
	asked->pipe = asked->pidfd = -1;
	ask(asked);
	judge(asked);
}

/*
 * The child. Should be the account, with nothing of root's but the pipe, before it looks at
 * anything; must not print, and not outlive its parent.
 */
static _Noreturn void answer_as_account(struct ctl_asked *asked, int pipe, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* Above 2 nothing stays open. */
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 ||
	    dup2(pipe, STDOUT_FILENO) < 0 || ctl_drop_root(asked->account, NULL) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		_exit(1);
	ask(asked);
	(void)sbx_write_all(STDOUT_FILENO, &asked->answer, sizeof(asked->answer));
	_exit(0);
}

static void begin(struct ctl_asked *asked)
{
	int ends[2];
	pid_t child, parent = getpid();

	asked->usage = (struct sbx_usage)SBX_USAGE_INIT;
	asked->pipe = asked->pidfd = -1;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	child = fork();
	if (child == 0)
		answer_as_account(asked, ends[1], parent);
	(void)close(ends[1]);
	asked->pipe = ends[0];
	if (child > 0)
		asked->pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	if (child > 0 && asked->pidfd < 0)
		(void)kill(child, SIGKILL);
}

/*
 * It's read in one piece, as it was written (pipe(7)); anything else is no answer. The child may be
 * stopped, or hang in a file system of the account's: nobody waits for it. It's our child, and so
 * its number is its own until we end.
 */
static void end(struct ctl_asked *asked)
{
	struct ctl_answer answer;

	if (asked->pipe >= 0 && asked->pidfd >= 0 &&
	    read(asked->pipe, &answer, sizeof(answer)) == (ssize_t)sizeof(answer)) {
		asked->answer = answer;
		judge(asked);
	}
	if (asked->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, asked->pidfd, SIGKILL, NULL, 0);
	sbx_cleanup_close(&asked->pipe);
	sbx_cleanup_close(&asked->pidfd);
	asked->pipe = asked->pidfd = -1;
}

void ctl_ask_all(struct ctl_asked *asked, size_t count)
{
	long long deadline = sbx_now_ms() + ANSWER_MS, left;

	for (size_t i = 0; i < count; i++)
		begin(&asked[i]);
	for (size_t i = 0; i < count; i++) {
		struct pollfd polled = { .fd = asked[i].pipe, .events = POLLIN };

		while (asked[i].pipe >= 0 && (left = deadline - sbx_now_ms()) > 0 &&
		       poll(&polled, 1, (int)left) < 0 && errno == EINTR)
			;
		end(&asked[i]);
	}
}

void ctl_ask_done(struct ctl_asked *asked)
{
	if (asked->account)
		sbx_usage_done(&asked->usage);
	*asked = (struct ctl_asked){ 0 };
}
