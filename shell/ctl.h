/*
 * sandboxctl's commands and what they share. It runs as the person or operator who types it, holds
 * no privilege of its own, and acts on the caller's sandboxes; for root on those of the account it
 * names, having become that account first.
 */
#ifndef SBX_CTL_H
#define SBX_CTL_H

#include <stdbool.h>

#include "account.h"
#include "box.h"
#include "error.h"
#include "policy.h"

struct ctl {
	const char *
		dir; /* --dir: the checkout's folder of sandboxes, absolute; NULL for ~/sandboxes */
	bool json;   /* --json */
	bool yes;    /* --yes */
	bool fix;    /* --fix */
	const char *key, *policy; /* --key, --policy of enroll */
	bool existing;            /* --existing */
	bool keep_data;           /* --keep-data */
	bool seccomp;             /* --seccomp of policy show */
	bool by_root;             /* called by root, who has become the account: ctl_become */
	const char *init_path;    /* sandbox-init: beside this program, else the installed one */
};

/*
 * Each returns the exit status, or -errno with err set. args are what follows the command,
 * NULL-terminated.
 */
int ctl_box(const struct ctl *ctl, char **args, struct sbx_error *err);
int ctl_ls(const struct ctl *ctl, char **args, struct sbx_error *err);
int ctl_status(const struct ctl *ctl, char **args, struct sbx_error *err);
int ctl_run(const struct ctl *ctl, char **args, struct sbx_error *err);
int ctl_stop(const struct ctl *ctl, char **args, struct sbx_error *err);
int ctl_kill(const struct ctl *ctl, char **args, struct sbx_error *err);
int ctl_reset(const struct ctl *ctl, char **args, struct sbx_error *err);
int ctl_rm(const struct ctl *ctl, char **args, struct sbx_error *err);
int ctl_doctor(const struct ctl *ctl, char **args, struct sbx_error *err);
int ctl_build_base(const struct ctl *ctl, char **args, struct sbx_error *err);
int ctl_policy(const struct ctl *ctl, char **args, struct sbx_error *err);
int ctl_enroll(const struct ctl *ctl, char **args, struct sbx_error *err);
int ctl_unenroll(const struct ctl *ctl, char **args, struct sbx_error *err);

/*
 * As root: become the account NAME for good, and say what its sandbox is called, which the caller
 * frees. Should be called before anything of the account's is looked at; must not leave a way back.
 */
int ctl_become(const char *name, char **ret_sandbox, struct sbx_error *err);

/*
 * The part of it that drops root. Should leave no way back, no group and no descriptor of root's
 * above 2; must not look at anything below the account's home before.
 */
int ctl_drop_root(const struct sbx_account *account, struct sbx_error *err);

/*
 * A sandbox of the caller's, with all that it hangs on. Zero-initialise; ctl_close takes
 * half-opened ones.
 */
struct ctl_target {
	struct sbx_account account;
	struct sbx_policy *policy;
	char *base;
	struct sbx_box box;
};

/*
 * Find the sandbox NAME: with --dir, or for a caller without a policy of root's, below a folder of
 * the caller's with its own NAME/policy.json if there's one; else the one that root's policy gives
 * the account, whose name it must be. Where the policy isn't needed (to stop or remove), a broken
 * one doesn't matter.
 */
int ctl_open(const struct ctl *ctl, const char *name, bool policy_needed, struct ctl_target *target,
	     struct sbx_error *err);

void ctl_close(struct ctl_target *target);

/*
 * A person is asked whether command should do what it would do with NAME; anything else must say
 * --yes. Returns 0 to go on, -EPERM or -ECANCELED.
 */
int ctl_confirm(const struct ctl *ctl, const char *command, const char *name, const char *what,
		struct sbx_error *err);

/* Where the caller's sandboxes lie: --dir, else ~/sandboxes. The caller frees it. */
int ctl_base(const struct ctl *ctl, const struct sbx_account *account, char **ret_base,
	     struct sbx_error *err);

#endif
