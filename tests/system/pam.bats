#!/usr/bin/env bats
# pam_sandbox in the stack of a real sshd, and through pamtester: who gets in, what is there for them, and
# that it goes with the last session. Accounts whose shell is the host's bash show what a session is given.
#
# host: --pam 'account required pam_sandbox.so' --pam 'session required pam_sandbox.so'
# sanitizers: no (sshd can't load a sanitized module; tests/unit/test_pam_*.c have it in that pass)

load common
load pam

setup_file() {
	use_test_image
	write_service
}

setup() {
	SESSIONS=()
}

teardown() {
	((${#SESSIONS[@]} == 0)) || kill "${SESSIONS[@]}" 2>/dev/null || true
}

# login ACCOUNT [ARGUMENT...]: as ssh_to, but what sshd tells the client is shown.
login() {
	local who=$1
	shift
	ssh -F /dev/null -i "$HOST_KEY" -o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=INFO \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=120 \
		-o KexAlgorithms=curve25519-sha256 -l "$who" "$@" 2> >(grep -v '^Warning: Permanently' >&2)
}

# hold ACCOUNT FILE [COMMAND]: a session in the background that says "in" in FILE when it's there, and
# stays. It has a terminal, for without one sshd leaves the command running when the client goes.
hold() {
	(
		ssh() { exec /usr/bin/ssh "$@"; }
		ssh_to "$1" -tt "echo in; ${3-exec sleep 1000}"
	) </dev/null >"$2" 2>&1 3>&- &
	SESSIONS+=($!)
}

# cleared: is nothing left of what a session of the account was given?
cleared() {
	none_counted && [[ ! -e /run/user/$uid && ! -e /sys/fs/cgroup/sandbox-shell/$account ]]
}

# denied ACCOUNT REASON: nothing runs, and the reason is what the client is told.
denied() {
	run -255 login "$1" 127.0.0.1 'echo inside; touch /tmp/inside'
	[[ $output == *"sandbox-shell: $2"* ]]
	[[ $output != *inside* && ! -e /tmp/inside ]]
}

@test "an account that nobody has prepared lands in its sandbox" {
	bare_account
	run -0 --separate-stderr ssh_to "$account" 'id -un; hostname; pwd'
	[ "$output" = "$account"$'\n'"$account"$'\n'"/home/$account" ]
	[ "$stderr" = "" ]
	# The sandbox lives on, in what the session was given; the next login finds it.
	wait_for 60 none_counted
	init=$(pgrep -o -u "$account" '^podman-init$')
	[ -S "/run/user/$uid/sandbox-shell/$account/init" ]
	grep -q "^0::/sandbox-shell/$account/" "/proc/$init/cgroup"
	run -0 ssh_to "$account" 'exit 0'
	[ "$(pgrep -o -u "$account" '^podman-init$')" = "$init" ]
	# Without the sandbox nothing needs it any more once a session ends; nor what podman has left running.
	kill -KILL "$init"
	wait_for 60 eval '! pgrep -u "$account" -x "conmon|podman|podman-init"'
	pgrep -u "$account" -x 'catatonit|podman pause'
	run -0 pamtester sandbox-test "$account" open_session close_session
	cleared
	run -1 pgrep -u "$account"
	# As after a reboot.
	run -0 --separate-stderr ssh_to "$account" 'hostname'
	[ "$output" = "$account" ]
	[ "$stderr" = "" ]
}

@test "a session has a runtime folder and a cgroup of the account's own, and a variable that names the folder" {
	bare_account /bin/bash
	run -0 --separate-stderr ssh_to "$account" 'grep ^0:: /proc/self/cgroup; echo "$XDG_RUNTIME_DIR"
		stat -c "%a %U" "$XDG_RUNTIME_DIR"; stat -f -c %T "$XDG_RUNTIME_DIR"
		grep -w "$XDG_RUNTIME_DIR" /proc/self/mounts | grep -o "rw,nosuid,nodev"'
	[ "$output" = "0::/sandbox-shell/$account/login
/run/user/$uid
700 $account
tmpfs
rw,nosuid,nodev" ]
	[ "$stderr" = "" ]
	wait_for 60 cleared
}

@test "the account may make groups beside its logins, but can't lift what is set on its own" {
	bare_account /bin/bash
	hold "$account" "$BATS_TEST_TMPDIR/out"
	wait_for 60 grep -q in "$BATS_TEST_TMPDIR/out"
	run -0 ssh_to "$account" "cd /sys/fs/cgroup/sandbox-shell/$account && mkdir beside && rmdir beside &&
		mkdir beside && echo \$\$ >beside/cgroup.procs && cat /proc/self/cgroup | grep ^0::"
	[ "$output" = "0::/sandbox-shell/$account/beside" ]
	for file in cgroup.max.depth cgroup.freeze cgroup.kill; do
		run ssh_to "$account" "echo 1 >/sys/fs/cgroup/sandbox-shell/$account/$file"
		((status != 0))
	done
	[ "$(cat "/sys/fs/cgroup/sandbox-shell/$account/cgroup.max.descendants")" = 1024 ]
	kill "${SESSIONS[@]}"
	wait_for 60 cleared
}

@test "who isn't in the group isn't looked at: no policy, and no trouble" {
	run -0 --separate-stderr ssh_to plain 'echo ok; grep ^0:: /proc/self/cgroup'
	[ "$output" = $'ok\n0::/user/plain/login' ]
	[ ! -e "/run/sandbox-shell-pam/$(id -u plain)" ]
}

@test "an account without a policy, or with one that is broken or unsafe, is denied and told so" {
	bare_account /bin/bash
	rm "/etc/sandbox-shell/policy.d/$account.json"
	denied "$account" "no policy for account $account"
	policy "$account" '{"version":1'
	denied "$account" "/etc/sandbox-shell/policy.d/$account.json:2:1: "
	policy "$account" '{"version":1,"limits":{"memory":"lots"}}'
	denied "$account" "/etc/sandbox-shell/policy.d/$account.json:1:33: limits.memory: "
	policy "$account" '{"version":1}'
	chmod 666 "/etc/sandbox-shell/policy.d/$account.json"
	denied "$account" "/etc/sandbox-shell/policy.d/$account.json: "
	[ ! -e "/run/sandbox-shell-pam/$uid" ]
	[ ! -e "/run/user/$uid" ]
}

@test "access.enabled and access.expires deny, each with its reason" {
	bare_account /bin/bash
	policy "$account" '{"version":1,"access":{"enabled":false}}'
	denied "$account" "access.enabled: this account is disabled"
	policy "$account" '{"version":1,"access":{"expires":"2020-02-29T00:00:00Z"}}'
	denied "$account" "access.expires: access ended at 2020-02-29T00:00:00Z"
	policy "$account" '{"version":1,"access":{"expires":"2099-01-01T00:00:00Z"}}'
	run -0 login "$account" 127.0.0.1 true
}

@test "access.from lets in who comes from there and nobody else" {
	bare_account /bin/bash
	policy "$account" '{"version":1,"access":{"from":["2001:db8::/32","127.0.0.4/30"]}}'
	denied "$account" 'access.from: no login is allowed from "127.0.0.1"'
	run -0 login "$account" -b 127.0.0.5 127.0.0.1 echo ok
	[ "$output" = ok ]
	run -255 login "$account" -b 127.0.0.8 127.0.0.1 echo ok
	[[ $output == *'sandbox-shell: access.from: no login is allowed from "127.0.0.8"'* ]]
	# Nobody comes from an address by su, login or cron.
	run -1 pamtester sandbox-test "$account" acct_mgmt
	[[ $output == *"access.from: this login comes from no network address"* ]]
	run -0 pamtester -I rhost=::ffff:127.0.0.6 sandbox-test "$account" acct_mgmt open_session
	run -0 pamtester -I rhost=2001:db8:1::1 sandbox-test "$account" acct_mgmt
	for rhost in localhost 127.0.0.5.example.com 127.0.0.5/32 ::127.0.0.5 $'127.0.0.5\n' '%s%s%n' \
		"$(printf 'a%.0s' {1..3000})"; do
		run -1 pamtester -I rhost="$rhost" sandbox-test "$account" acct_mgmt
		[[ $output == *"sandbox-shell: access.from: "* ]]
	done
}

@test "a login that came past pam_sandbox is refused where the policy counts on it" {
	local part
	account=$(fresh_account)
	policy "$account" '{"version":1,"limits":{"enforce":"best-effort"}}'
	run -0 as "$account" /usr/local/bin/sandbox-shell -c 'echo ok'
	for part in '"limits":{"sessions":5}' '"access":{"from":["127.0.0.0/8"]}'; do
		policy "$account" "{\"version\":1,$part}"
		run -125 as "$account" /usr/local/bin/sandbox-shell -c 'echo inside'
		[[ $output == "sandbox-shell: access.from, limits.sessions: this login came past pam_sandbox"* ]]
		run -0 ssh_to "$account" 'echo ok'
		[ "$output" = ok ]
	done
}

@test "limits.sessions: no more than that, and one that was killed doesn't count" {
	bare_account /bin/bash
	policy "$account" '{"version":1,"limits":{"enforce":"best-effort","sessions":2}}'
	hold "$account" "$BATS_TEST_TMPDIR/1"
	hold "$account" "$BATS_TEST_TMPDIR/2"
	wait_for 60 grep -q in "$BATS_TEST_TMPDIR/1"
	wait_for 60 grep -q in "$BATS_TEST_TMPDIR/2"
	denied "$account" "limits.sessions: this account is at its limit of 2 sessions"
	# sshd's process of one session, killed as if it had crashed: it closes nothing.
	name=$(find "/run/sandbox-shell-pam/$uid" -name '*-*-*' -printf '%f\n' | head -n 1)
	kill -KILL "${name%%-*}"
	wait_for 60 ssh_to "$account" true
	kill "${SESSIONS[@]}"
	wait_for 60 none_counted
	pkill -KILL -u "$account" || true
	run -0 ssh_to "$account" true
	wait_for 60 cleared
}

@test "16 logins at once where 4 are allowed: 4 get in" {
	local i
	got_in() { cat "$BATS_TEST_TMPDIR"/*.out | grep -c '^in'; }
	settled() { (($(jobs -pr | wc -l) <= 4 && $(got_in) == 4)); }
	bare_account /bin/bash
	policy "$account" '{"version":1,"limits":{"enforce":"best-effort","sessions":4}}'
	for i in {1..16}; do hold "$account" "$BATS_TEST_TMPDIR/$i.out"; done
	wait_for 60 settled
	[ "$(counted)" = 4 ]
	kill "${SESSIONS[@]}" || true
	wait_for 60 cleared
}

@test "24 first logins at once all find what they need, and nothing is left after the last" {
	local i
	all_in() { (($(cat "$BATS_TEST_TMPDIR"/*.out | grep -c '^in') == 24)); }
	bare_account /bin/bash
	for i in {1..24}; do hold "$account" "$BATS_TEST_TMPDIR/$i.out"; done
	wait_for 60 all_in
	[ "$(counted)" = 24 ]
	[ "$(grep -c " /run/user/$uid " /proc/self/mounts)" = 1 ]
	[ "$(wc -l <"/sys/fs/cgroup/sandbox-shell/$account/login/cgroup.procs")" -ge 48 ]
	kill "${SESSIONS[@]}"
	wait_for 60 cleared
}

@test "a session that can't be prepared is denied, and nothing of it runs" {
	bare_account /bin/bash
	mkdir -m 755 "/run/user/$uid"
	run login "$account" 127.0.0.1 'echo inside; touch /tmp/inside'
	((status != 0))
	[[ $output == *"sandbox-shell: runtime folder: /run/user/$uid: belongs to uid 0 with mode 0755"* ]]
	[[ $output != *inside* && ! -e /tmp/inside ]]
	wait_for 60 none_counted
	[ ! -e "/sys/fs/cgroup/sandbox-shell/$account" ]
}

@test "a limit that this host can't enforce for the account is denied where it is required" {
	! grep -qw memory /sys/fs/cgroup/cgroup.controllers || skip "this host has the memory controller"
	bare_account /bin/bash
	policy "$account" '{"version":1,"limits":{"enforce":"required","memory":"512M","cpus":1}}'
	run login "$account" 127.0.0.1 'echo inside'
	((status != 0))
	[[ $output == *"sandbox-shell: limits.memory, limits.cpus: can't be enforced for the account"* ]]
	[[ $output != *inside* ]]
	wait_for 60 cleared
}

@test "an account that somebody else has prepared is left as it is" {
	account=$(fresh_account /bin/bash)
	uid=$(id -u "$account")
	_sandbox_account "$account"
	run -0 ssh_to "$account" "grep ^0:: /proc/self/cgroup; touch /run/user/$uid/file"
	[ "$output" = "0::/user/$account/login" ]
	wait_for 60 none_counted
	[ -e "/run/user/$uid/file" ]
	[ ! -e "/sys/fs/cgroup/sandbox-shell/$account" ]
}

@test "an option that isn't known denies everybody but root" {
	bare_account /bin/bash
	sed 's/$/ acounts=sandboxed/' /etc/pam.d/sandbox-test >/etc/pam.d/sandbox-mistyped
	for who in "$account" plain; do
		run -1 pamtester sandbox-mistyped "$who" acct_mgmt
		[[ $output == *'sandbox-shell: option "acounts=sandboxed": unknown'* ]]
	done
	# Ignored; and libpam takes that for a failure where it's all there is.
	run pamtester sandbox-mistyped root acct_mgmt
	[[ $output != *sandbox-shell* ]]
}

@test "hostile names of accounts come to nothing" {
	for name in '' ../agent agent/ 'agent;id' '$(id)' $'agent\n' '%s%n' -- "$(printf 'a%.0s' {1..5000})"; do
		run pamtester sandbox-test "$name" acct_mgmt open_session
		((status != 0 && status < 128))
	done
	run -0 pamtester sandbox-test agent acct_mgmt
}

@test "neither the environment of the caller nor the account's own has a say" {
	bare_account /bin/bash
	echo 'XDG_RUNTIME_DIR=/tmp/elsewhere' >"/home/$account/.login-environment"
	run -0 ssh_to "$account" 'echo "$XDG_RUNTIME_DIR"'
	[ "$output" = "/run/user/$uid" ]
	wait_for 60 cleared
	run -0 env XDG_RUNTIME_DIR=/tmp/elsewhere LD_BIND_NOW=1 TMPDIR=/nowhere HOME=/nowhere TZ=/etc/shadow \
		LC_ALL=nowhere pamtester sandbox-test "$account" acct_mgmt open_session close_session
	wait_for 60 cleared
}

@test "the account can't write where its sessions are counted, nor hold the lock" {
	bare_account /bin/bash
	hold "$account" "$BATS_TEST_TMPDIR/out"
	wait_for 60 grep -q in "$BATS_TEST_TMPDIR/out"
	for step in "rm -f $uid/*-*-*" "touch $uid/1-1-1" "touch 1-1-1" 'rmdir *' "mv $uid x" \
		"flock -n $uid/lock true"; do
		run ssh_to "$account" "cd /run/sandbox-shell-pam && $step"
		((status != 0))
	done
	[ "$(counted)" -ge 1 ]
	# A lock on the folder itself is anybody's to take, and nobody waits for it.
	hold "$account" "$BATS_TEST_TMPDIR/flock" \
		"exec flock /run/sandbox-shell-pam/$uid sh -c 'echo held; sleep 1000'"
	wait_for 60 grep -q held "$BATS_TEST_TMPDIR/flock"
	run -0 timeout 120 bash -c '. "$HOST_LIB"; ssh_to "$0" true' "$account"
	kill "${SESSIONS[@]}"
	wait_for 60 none_counted
}
