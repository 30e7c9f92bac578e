#!/usr/bin/env bats
# From inside against the hang-up: when its client goes, nothing of a session may be left, whatever it did to stay.
# Each test is named for the way of staying.

load ../system/common

readonly INSIDE=/home/agent/sandboxes/agent/home

setup_file() {
	use_test_image
	ssh_to agent true
	put attack_tree attack_tty
	echo 'use() { cp -f /bin/sleep "/tmp/$1"; PATH=/tmp:$PATH; }' | ssh_to agent 'cat >lib'
}

put() {
	local helper
	for helper; do
		ssh_to agent "cat >$helper && chmod +x $helper" <"$CHECKOUT/build/helpers/$helper"
	done
}

# client [OPTION...] SCRIPT: a client of its own that runs it inside. $client is ssh, which a test may kill.
client() {
	(
		ssh() { exec /usr/bin/ssh "$@"; }
		ssh_to agent "$@"
	) </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	client=$!
}

has() {
	pgrep -x "$1" >/dev/null
}

gone() {
	! pgrep -x "$1" >/dev/null
}

# quiet: no session is left, on the host or inside; whether the sandbox runs isn't said.
quiet() {
	! pgrep -u agent -f '^-?sandbox-shell' >/dev/null && (($(pgrep -c -u agent -x podman-init) <= 1))
}

# dies NAME: once NAME runs inside, kills the client; nothing is left, and the next login works.
dies() {
	wait_for 60 has "$1" || {
		cat "$BATS_TEST_TMPDIR/out"
		return 1
	}
	# One more turn, so that what the script did before is done.
	ssh_to plain true
	kill -KILL "$client"
	wait_for 60 gone "$1" || {
		pgrep -x -a "$1"
		return 1
	}
	wait_for 60 quiet
	run -7 timeout 120 bash -c '. "$HOST_LIB"; ssh_to agent "exit 7"'
}

# started NAME: or ended already.
started() {
	has "$1" || ! readlink "/proc/$client/exe" >/dev/null
}

# ended NAME: as dies, where the session may have ended already, for what it did to its supervisor.
ended() {
	wait_for 60 started "$1"
	kill -KILL "$client" 2>/dev/null || true
	wait_for 60 gone "$1"
	wait_for 60 quiet
	run -7 timeout 120 bash -c '. "$HOST_LIB"; ssh_to agent "exit 7"'
}

@test "hoping" {
	client '. ./lib; use hoping; hoping 1000'
	dies hoping
}

@test "ignoring every signal in a session of its own, behind two forks" {
	client '. ./lib; use daemon; (setsid sh -c "trap \"\" HUP INT TERM QUIT; daemon 1000 & daemon 1000" </dev/null >/dev/null 2>&1 &)
		daemon 1000'
	dies daemon
}

@test "holding the other end of its own stdout" {
	client '. ./lib; use holdout; exec 8</proc/self/fd/1; holdout 1000'
	dies holdout
}

@test "holding the other ends of all its pipes" {
	client '. ./lib; use holdall; exec 7>/proc/self/fd/0 8</proc/self/fd/1 9</proc/self/fd/2; holdall 1000'
	dies holdall
}

@test "stopping its supervisor" {
	client '. ./lib; use stopper; (trap "" HUP TERM; setsid stopper 1000 &); stopper 1000 & kill -STOP $PPID; stopper 1000'
	ended stopper
}

@test "stopping its supervisor for moments" {
	client '. ./lib; use pauser; (trap "" HUP TERM; while kill -STOP $PPID && kill -CONT $PPID; do :; done) & pauser 1000'
	ended pauser
}

@test "killing its supervisor" {
	client '. ./lib; use killer; (trap "" HUP TERM; setsid killer 1000 & setsid killer 1000 &)
		killer 1000 & kill -KILL $PPID; killer 1000'
	ended killer
}

@test "killing its supervisor once the client has gone" {
	client '. ./lib; use avenger; trap "kill -KILL $PPID" HUP; avenger 1000 & (trap "" HUP; exec avenger 1000) & wait; wait'
	dies avenger
}

@test "killing another session's supervisor, to be left over" {
	client '. ./lib; use other; (trap "" HUP; other 1000 &); other 1000'
	wait_for 60 has other
	first=$client
	client 'kill -KILL $(pgrep -P 1 | grep -vx $PPID); exec sleep 1000'
	wait "$first" || true
	wait_for 60 gone other
	kill "$client"
	wait_for 60 quiet
}

# all_up: each of $clients has what it wanted running, or has ended already.
all_up() {
	local number
	for number in "${!clients[@]}"; do
		[[ -e $INSIDE/up.$number ]] || ! readlink "/proc/${clients[number]}/exe" >/dev/null || return 1
	done
}

# all_die NAME OPTION...: as dies, for sessions that each give their supervisor one of these options of prlimit.
# NAME is made by none of them: while one replaced it, another would fail to start it, and so end by itself, which lets
# its background live.
all_die() {
	local name=$1 option clients=()
	shift
	rm -f "$INSIDE"/up.*
	ssh_to agent ". ./lib; use $name"
	for option; do
		client "PATH=/tmp:\$PATH; prlimit --pid \$PPID $option; (trap '' HUP; setsid $name 1000 &)
			: >up.${#clients[@]}; $name 1000"
		clients+=("$client")
	done
	wait_for 60 all_up
	kill -KILL "${clients[@]}" || true
	ended "$name"
}

@test "leaving its supervisor no descriptors to look with" {
	all_die blind --nofile={0..8}:
	all_die blind --nofile={0..8}:8
}

@test "taking any other means from its supervisor" {
	all_die poor --{as,data,stack,nproc,fsize,sigpending,memlock,cpu,rttime}=1:1
}

@test "leaving PID 1 no descriptors to look with, and killing its supervisor" {
	for files in 5 6 7; do
		client ". ./lib; use blinder; prlimit --pid 1 --nofile=$files:$files
			(trap '' HUP; setsid blinder 1000 &) ; kill -KILL \$PPID; blinder 1000"
		ended blinder
	done
}

@test "making its supervisor an idle task behind busy loops" {
	client '. ./lib; use busy; chrt --idle --pid 0 $PPID; renice -n 19 -p $PPID
		for _ in {1..40}; do (trap "" HUP; while :; do :; done) & done; (trap "" HUP; busy 1000)'
	dies busy
}

@test "a fork bomb" {
	client './attack_tree bomb 400 bomb; exec sleep 1000'
	dies bomb
}

@test "processes that live only until they have forked the next" {
	client './attack_tree chain 4 chain; exec sleep 1000'
	wait_for 60 has chain
	ssh_to plain true
	kill -KILL "$client"
	wait_for 60 quiet
	# Each looks for a moment as if it had gone.
	for _ in {1..20}; do
		gone chain
	done
	run -7 ssh_to agent 'exit 7'
}

@test "orphans in such numbers that the supervisor does nothing but reap" {
	client './attack_tree orphans 4 orphans; exec sleep 1000'
	dies orphans
}

@test "processes that are made anew when one is killed" {
	client './attack_tree quiet 30 quiet; exec sleep 1000'
	dies quiet
}

@test "children of the supervisor itself (CLONE_PARENT)" {
	client './attack_tree siblings 10 sibling; exec sleep 1000'
	dies sibling
}

@test "a pid namespace of its own, whose first process nobody inside may kill" {
	client '. ./lib; use nested; unshare --user --map-root-user --pid --fork --mount-proc nested 1000 ||
		unshare --user --map-root-user --pid --fork sh -c "trap \"\" HUP TERM; nested 1000; nested 1000"'
	dies nested
}

@test "a name that reads like another process's state" {
	client 'name="a) S 1 1 1 ("; cp -f /bin/sleep "/tmp/$name"; (trap "" HUP; setsid "/tmp/$name" 1000 &); "/tmp/$name" 1000'
	dies 'a\) S 1 1 1 \('
	client 'name="
b) S 1 1"; cp -f /bin/sleep "/tmp/$name"; (trap "" HUP; setsid "/tmp/$name" 1000 &); cp -f /bin/sleep /tmp/lines; /tmp/lines 1000'
	dies lines
	wait_for 60 eval "! pgrep -u agent -f 'S 1 1'"
}

@test "stopped by a tracer" {
	client '. ./lib; use traced; (trap "" HUP; traced 1000 & strace -qq -o /dev/null -p $! & sleep 0.2; kill -STOP $!); traced 1000'
	dies traced
}

@test "the terminal: held open, with its end ignored" {
	client -tt '. ./lib; use keeper; (trap "" HUP; setsid keeper 1000 & keeper 1000 </dev/tty &); trap "" HUP; keeper 1000; keeper 1000'
	dies keeper
}

@test "the terminal: full, because nothing is read from it" {
	(
		ssh() { exec /usr/bin/ssh "$@"; }
		ssh_to agent -tt '. ./lib; use deaf; stty raw -echo; deaf 1000'
	) </dev/zero >/dev/null 2>&1 3>&- &
	client=$!
	dies deaf
}

@test "the terminal: full, because the client doesn't read" {
	mkfifo "$BATS_TEST_TMPDIR/stuck"
	(
		ssh() { exec /usr/bin/ssh "$@"; }
		ssh_to agent -tt '. ./lib; use flood; (trap "" HUP; flood 1000 &); cat /dev/zero'
	) </dev/null 1<>"$BATS_TEST_TMPDIR/stuck" 2>/dev/null 3>&- &
	client=$!
	dies flood
}

@test "the terminal: in every bad state" {
	client -tt '. ./lib; use spoiled; ./attack_tty spoil; (trap "" HUP; spoiled 1000 &); spoiled 1000'
	dies spoiled
	run -0 ssh_to agent -tt 'stty -a'
	[[ $output == *" echo "* ]]
}

@test "the terminal: written to without an end after the command has" {
	run -3 timeout 120 bash -c '. "$HOST_LIB"; ssh_to agent -tt "
		tty=\$(tty); for i in 1 2 3; do (trap \"\" HUP; setsid sh -c \"while :; do cat /dev/zero >\$tty; done\" </dev/null >/dev/null 2>&1 &); done
		sleep 0.2; exit 3" >/dev/null'
	ssh_to agent 'kill -KILL -1' || true
}

@test "on a client that was killed with its sshd" {
	client '. ./lib; use orphan; exec 8</proc/self/fd/1; (trap "" HUP; setsid orphan 1000 &); orphan 1000'
	wait_for 60 has orphan
	pkill -KILL -f '^sshd: agent' || true
	wait_for 60 gone orphan
	wait_for 60 quiet
}
