#!/usr/bin/env bats
# A relay that does what it's told from inside: the process outside that copies a session's bytes, with the account's
# rights on the host. Nobody has got hold of one; here a tracer makes it call what an attacker would have it call.

load ../system/common

setup_file() {
	use_test_image
	ssh_to agent true
}

teardown() {
	[[ ! ${CLIENT-} ]] || kill "$CLIENT" 2>/dev/null || true
	[[ ! ${TRACER-} ]] || kill "$TRACER" 2>/dev/null || true
}

says_in() {
	grep -q "$1" "$BATS_TEST_TMPDIR/out"
}

# begin [OPTION...]: a session that waits, its client in CLIENT, its relay in RELAY.
begin() {
	(
		ssh() { exec /usr/bin/ssh "$@"; }
		ssh_to agent "$@" 'echo in; exec sleep 1020'
	) </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	CLIENT=$!
	wait_for 60 says_in in
	RELAY=$(pgrep -n -u agent -x sandbox-session)
	wait_for 60 confined
}

# It is once the command runs, which may have spoken before.
confined() {
	grep -q '^Seccomp:.2$' "/proc/$RELAY/status"
}

gone() {
	[[ ! -e /proc/$1 ]]
}

nothing_inside() {
	! pgrep -u agent -f 'sleep 1020' >/dev/null
}

# made_to CALL: the relay's next poll is that call instead. A signal that it passes on makes it poll.
made_to() {
	strace -o "$BATS_TEST_TMPDIR/trace" -p "$RELAY" -e inject="poll:error=EINTR:syscall=$1" 2>"$BATS_TEST_TMPDIR/strace" 3>&- &
	TRACER=$!
	wait_for 60 eval 'grep -q attached "$BATS_TEST_TMPDIR/strace"'
	kill -WINCH "$RELAY"
}

# logged: how often the kernel's log says that one of the agent's relays was killed for a call (SIGSYS).
logged() {
	dmesg | grep -cE " uid=$(id -u agent) .* comm=\"sandbox-session\" .* sig=31 " || true
}

logged_after() {
	(($(logged) > $1))
}

# killed_for CALL OPTION: it ends the relay and with it the session, and the kernel says so.
killed_for() {
	local before
	before=$(logged)
	begin "$2"
	made_to "$1"
	wait_for 30 gone "$RELAY"
	wait_for 30 nothing_inside
	wait_for 30 logged_after "$before"
}

@test "status and limits of a relay, with a terminal and without: no privilege to gain, no process, no file" {
	local option
	for option in -T -tt; do
		begin "$option"
		grep -qx $'NoNewPrivs:\t1' "/proc/$RELAY/status"
		grep -qx $'Seccomp:\t2' "/proc/$RELAY/status"
		grep -qx $'CapEff:\t0000000000000000' "/proc/$RELAY/status"
		[ "$(stat -c %U "/proc/$RELAY/mem")" = root ] # not dumpable
		grep -E '^Max processes +0 +0' "/proc/$RELAY/limits"
		grep -E '^Max open files +64 +64' "/proc/$RELAY/limits"
		grep -E '^Max core file size +0 +0' "/proc/$RELAY/limits"
		kill "$CLIENT"
		wait_for 30 gone "$RELAY"
	done
}

@test "a call that a relay doesn't need, without a terminal: it's killed, its session ends, the kernel's log says so" {
	killed_for getppid -T
}

@test "a call that a relay doesn't need, with a terminal: likewise" {
	killed_for getppid -tt
}

@test "the next login is none the worse" {
	run -0 ssh_to agent 'echo inside'
	[ "$output" = inside ]
}
