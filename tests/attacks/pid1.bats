#!/usr/bin/env bats
# From inside against the sandbox's PID 1 and the supervisors of its sessions, which have our uid and every login's
# secrets. Each test is named for what the attempt would have won.


load ../system/common

setup_file() {
	use_test_image
	ssh_to agent true
	put attack_reach attack_signal attack_race attack_stdio
}

# put HELPER...: into agent's home.
put() {
	local helper
	for helper; do
		ssh_to agent "cat >$helper && chmod +x $helper" <"$CHECKOUT/build/helpers/$helper"
	done
}

# PID 1 of agent's sandbox, as the host numbers it.
init() {
	pgrep -o -u agent -x podman-init
}

setup() {
	ssh_to agent true
	before=$(init)
}

# serves: a login works, at once, and is not a new PID 1's.
serves() {
	run -7 timeout 120 bash -c '. "$HOST_LIB"; ssh_to agent "exit 7"'
	[ "$(init)" = "$before" ]
}

# recovers: the next login works, whoever is PID 1 by then, and is as good as ever.
recovers() {
	run --separate-stderr -0 timeout 120 bash -c '. "$HOST_LIB"; ssh_to agent "ulimit -Sa; ulimit -Ha"'
	[ "$output" = "$1" ]
}

limits() {
	ssh_to agent 'ulimit -Sa; ulimit -Ha'
}

# refused METHOD: against PID 1, our own supervisor, and the same from a user namespace with all capabilities.
refused() {
	run ssh_to agent "
		for pid in 1 \$PPID; do
			./attack_reach $1 \$pid
			unshare --user --map-root-user ./attack_reach $1 \$pid
		done"
	[ "$(grep -c '^refused' <<<"$output")" = 4 ]
	serves
}

@test "ptrace attach: would run any code as PID 1, with every login's descriptors" {
	refused attach
}

@test "ptrace seize: likewise, without its noticing" {
	refused seize
}

@test "process_vm_readv: would read what logins send" {
	refused readv
}

@test "process_vm_writev: would change PID 1's mind" {
	refused writev
}

@test "pidfd_getfd: would take the listening socket and the logins' connections" {
	refused getfd
}

@test "/proc/PID/mem: would read and write its memory" {
	refused mem
}

@test "/proc/PID/fd: would open its descriptors" {
	refused fd
}

@test "/proc/PID/map_files: would open what it has mapped" {
	refused map_files
}

@test "/proc/PID/root and cwd: would lead to folders it sees" {
	refused root
	refused cwd
}

@test "/proc/PID/exe: would open the host's sandbox-init" {
	refused exe
}

@test "/proc/PID/environ and auxv: would tell secrets and addresses" {
	refused environ
	refused auxv
}

@test "/proc/PID/maps: would tell where its code is" {
	refused maps
}

@test "/proc/PID/ns: would be a way into its namespaces" {
	refused namespace
}

@test "/proc/PID/oom_score_adj: would make PID 1 the OOM killer's first choice" {
	refused oom
}

@test "a supervisor before its execve: would give away PID 1's memory to a tracer" {
	ssh_to agent './attack_race 3' >"$BATS_TEST_TMPDIR/race" 3>&- &
	for _ in {1..30}; do
		ssh_to agent /bin/true
	done
	wait $! || true
	cat "$BATS_TEST_TMPDIR/race"
	grep '^nothing' "$BATS_TEST_TMPDIR/race"
	serves
}

@test "the socket by a path: would start sessions that nobody outside asked for" {
	run -0 ssh_to agent 'find / -path /proc -prune -o -type s -print 2>/dev/null; ls -A /run/sandbox-init; echo end'
	[ "$output" = end ]
	run -0 ssh_to agent 'tail -n +2 /proc/net/unix; ls -d /run/user/*/*; echo end' 2>/dev/null
	[[ $output != *init* && $output != *start* ]]
}

@test "an inherited descriptor: would be PID 1's, or a login's connection" {
	run -0 ssh_to agent 'exec ./attack_stdio'
	[ "$output" = "done" ]
	run -0 ssh_to agent -tt 'exec ./attack_stdio'
	[[ $output != *inherited* && $output == *done* ]]
}

@test "a child's environment: would tell of PID 1's or the host's" {
	run -0 ssh_to agent 'env | cut -d= -f1 | sort | tr "\n" " "'
	[[ $output =~ ^(HOME|HOSTNAME|LANG|LOGNAME|OLDPWD|PATH|PWD|SHELL|SHLVL|USER|XDG_RUNTIME_DIR|_|container|' ')+$ ]]
}

@test "every signal, sent in every way: would end or stop PID 1" {
	ssh_to agent './attack_signal all 1'
	serves
}

@test "signals whose sender is lost: would be taken for the host's" {
	run -0 ssh_to agent './attack_signal exhaust 1'
	[[ $output == *"queued: Resource temporarily unavailable" ]]
	serves
}

@test "signals from a user namespace's root: would be taken for root's" {
	ssh_to agent 'unshare --user --map-root-user ./attack_signal all 1'
	serves
}

@test "a flood of signals: would keep PID 1 from answering" {
	ssh_to agent './attack_signal flood 1 3' 3>&- &
	serves
	serves
	wait $!
	serves
}

@test "signals that nobody reads: would use up the account's queue of them for good" {
	ssh_to agent './attack_signal exhaust 1' >/dev/null
	run -0 ssh_to agent 'sed -n "s/^SigQ:\t\([0-9]*\).*/\1/p" /proc/1/status'
	((output < 200))
}

@test "no open files for PID 1: would refuse every later login" {
	expected=$(limits)
	ssh_to agent 'prlimit --pid 1 --nofile=0:0'
	recovers "$expected"
}

@test "no processes for PID 1: would refuse every later login" {
	expected=$(limits)
	ssh_to agent 'prlimit --pid 1 --nproc=0:0'
	recovers "$expected"
}

@test "a low limit of any kind for PID 1: would be every later session's" {
	expected=$(limits)
	for limit in as core cpu data fsize locks memlock msgqueue nice rss rtprio rttime sigpending stack; do
		ssh_to agent "prlimit --pid 1 --$limit=0:0"
		recovers "$expected"
	done
}

@test "a low soft limit for PID 1: would be every later session's" {
	expected=$(limits)
	ssh_to agent 'prlimit --pid 1 --nofile=20: --stack=65536:'
	recovers "$expected"
}

# scheduling: policy, priority, CPUs and I/O class of a later session.
scheduling() {
	ssh_to agent 'chrt -p 0; taskset -p 0; ionice -p 0; nice' | sed 's/pid [0-9]*//'
}

@test "PID 1 as an idle task: would starve every later login behind a busy loop" {
	expected=$(scheduling)
	ssh_to agent './attack_reach scheduler 1'
	[ "$(scheduling)" = "$expected" ]
}

@test "PID 1 at the lowest priority: would be every later login's" {
	expected=$(scheduling)
	ssh_to agent './attack_reach priority 1'
	[ "$(scheduling)" = "$expected" ]
}

@test "PID 1 on a single CPU: would hold every later login there" {
	expected=$(scheduling)
	ssh_to agent './attack_reach affinity 1'
	[ "$(scheduling)" = "$expected" ]
}

@test "PID 1 in the idle I/O class: would be every later login's" {
	expected=$(scheduling)
	ssh_to agent 'ionice -c 3 -p 1'
	[ "$(scheduling)" = "$expected" ]
}

@test "the sessions' supervisors all killed: would end the sandbox or confuse PID 1" {
	ssh_to agent 'sleep 1000' 3>&- &
	client=$!
	wait_for 60 pgrep -u agent -x sleep
	run ssh_to agent 'kill -KILL $(pgrep -P 1)'
	[ "$status" -ne 0 ]
	wait "$client" || true
	serves
}

@test "the sessions' supervisors all stopped: would leave logins hanging" {
	run timeout 120 bash -c '. "$HOST_LIB"; ssh_to agent "kill -STOP \$(pgrep -P 1); sleep 1000"'
	[ "$status" = 125 ]
	serves
}
