#!/usr/bin/env bats
# Whatever was killed or spoilt, and whenever: the next login works, on the same container where podman
# still has one, and nothing is left running that belongs to no sandbox.

load common

setup_file() {
	use_test_image
	printf '#!/bin/sh\necho run >>"$HOME/ran"\n' >/etc/sandbox-shell/setup.sh
	ssh_to agent true
}

setup() {
	uid=$(id -u agent)
	folder=/run/user/$uid/sandbox-shell/agent
	data=/home/agent/sandboxes/agent
}

# A test that failed leaves nothing that would keep bats waiting.
teardown() {
	kill_pids < <(jobs -p; pids python3)
}

pod() {
	as agent podman --storage-driver overlay "$@"
}

containers() {
	pod ps --all --external --no-trunc --format '{{.Names}} {{.ID}}'
}

# The account's store keeps the image: what follows is a first login.
forget() {
	pod rm --force --time 0 agent >/dev/null
	rm -rf /home/agent/sandboxes "$folder"
}

# pids NAME...: of agent's processes with these very names.
pids() {
	local name
	for name; do pgrep -u agent -x "$name" || true; done
}

# kill_pids: those on stdin, found a moment ago; some may be gone by now.
kill_pids() {
	local list
	mapfile -t list
	kill -KILL "${list[@]}" 2>/dev/null || true
}

# login [COMMAND]: has to end, and well. 120 s is for a machine that has much else to do.
login() {
	timeout 120 bash -c '. "$HOST_LIB" && ssh_to agent "$@"' login "${@:-true}" </dev/null
}

# The process that holds podman's user namespace: catatonit where it is installed, else podman itself.
PAUSE='catatonit|podman pause'

# What one running sandbox consists of, and nothing else of the account's.
settled() {
	[ "$(ps -u agent -o comm= | sed -E "s/^($PAUSE)\$/pause/" | sort | tr '\n' ' ')" = "conmon pause podman-init slirp4netns " ]
}

# Nothing leaked: neither processes nor containers. A sandbox whose slirp4netns was killed works on without
# a network until it is stopped.
check_settled() {
	[ "$(pids slirp4netns)" ] || { stop && login; }
	wait_for 60 settled || {
		ps -u agent -o pid,ppid,lstart,args | cut -c 1-150
		return 1
	}
	[ "$(containers | wc -l)" -eq 1 ]
}

# moment MILLISECONDS: passes a random time of at most so long.
moment() {
	local ms=$((RANDOM % $1))
	read -r -t "$((ms / 1000)).$(printf %03d $((ms % 1000)))" <>"$BATS_FILE_TMPDIR/never" || true
}

# kill_at_random ROUNDS PREPARE NAME...: ROUNDS times, a login is begun after PREPARE, and at a random moment of
# the time that an undisturbed one takes, one or all of agent's processes with these names are killed; the login
# after that must work. Rounds that found nothing to kill don't count.
kill_at_random() {
	local rounds=$1 prepare=$2 longest round hits=0 victims job seed=$RANDOM$RANDOM
	shift 2
	[ -p "$BATS_FILE_TMPDIR/never" ] || mkfifo "$BATS_FILE_TMPDIR/never"
	$prepare
	longest=${EPOCHREALTIME/./}
	as agent sandbox-shell -c true </dev/null
	longest=$(((${EPOCHREALTIME/./} - longest) / 1000 + 1))
	echo "seed $seed, a login takes $longest ms"
	RANDOM=$seed
	for ((round = 0; hits < rounds; round++)); do
		((round < 10 * rounds + 20))
		$prepare
		as agent sandbox-shell -c true </dev/null >/dev/null 2>&1 3>&- &
		job=$!
		moment "$longest"
		mapfile -t victims < <(pids "$@" | shuf)
		if ((${#victims[@]})); then
			((RANDOM % 2)) || victims=("${victims[0]}")
			printf '%s\n' "${victims[@]}" | kill_pids
			hits=$((hits + 1))
		fi
		wait "$job" || true
		run login 'echo works'
		[ "$status:$output" = 0:works ] || {
			echo "after ${victims[*]:-nobody}: status $status, output '$output'"
			return 1
		}
	done
}

@test "kill -9 of sandbox-shell at 50 random moments of a first login: the next login works" {
	kill_at_random "$(rounds 50)" forget sandbox-shell sandbox-session
	check_settled
}

@test "kill -9 of podman at 50 random moments of a first login: the next login works" {
	kill_at_random "$(rounds 50)" forget podman
	check_settled
}

@test "kill -9 of anything at 20 random moments of a first login: the next login works" {
	kill_at_random "$(rounds 20)" forget sandbox-session podman conmon crun podman-init slirp4netns
	check_settled
}

stop() {
	pod stop --ignore --time 0 agent >/dev/null
}

@test "kill -9 of anything at 20 random moments of a start: the next login works, on the same container" {
	begin
	kill_at_random "$(rounds 20)" stop sandbox-session podman conmon crun podman-init slirp4netns
	[ "$(login 'cat /var/tmp/kept')" = kept ]
	[ "$(containers)" = "$before" ]
	check_settled
}

# begin: a running sandbox with something in its root file system, $before.
begin() {
	login 'echo kept >/var/tmp/kept'
	before=$(containers)
}

# keeps: the next login works, on that same container.
keeps() {
	run --separate-stderr login 'cat /var/tmp/kept'
	echo "status $status, output '$output', on stderr '$stderr'"
	[ "$status" -eq 0 ]
	[ "$output" = kept ]
	[ "$stderr" = "" ]
	[ "$(containers)" = "$before" ]
}

@test "conmon killed: logins work on, and so they do when PID 1 is killed after it" {
	begin
	kill_pids < <(pids conmon)
	keeps
	kill_pids < <(pids podman-init)
	keeps
	check_settled
}

# A crun that is killed behind its own record of the container and before podman's: at each start from then on,
# its container "already exists".
@test "crun has a container that podman doesn't know to be there: the next login starts the same one" {
	begin
	local kept=/run/user/$uid/crun/${before#* }
	cp -a "$kept" "$BATS_TEST_TMPDIR/kept"
	stop
	[ ! -e "$kept" ]
	cp -a "$BATS_TEST_TMPDIR/kept" "$kept"
	keeps
	check_settled
}

# Between crun's create and its start, when its process isn't yet our PID 1.
@test "created and not started, with conmon and crun's process killed: the next login starts the same container" {
	local monitor
	begin
	stop
	pod init agent
	monitor=$(pids conmon)
	kill_pids < <(echo "$monitor"; pgrep -P "$monitor")
	keeps
	check_settled
}

@test "PID 1 killed: the next login starts the same container" {
	begin
	kill_pids < <(pids podman-init)
	keeps
	check_settled
}

@test "conmon and PID 1 killed at once, which podman takes for a running container: the next login starts it" {
	begin
	kill_pids < <(pids conmon podman-init)
	keeps
	check_settled
}

@test "everything of the account killed: the next login starts the same container" {
	begin
	kill_pids < <(pgrep -u agent)
	keeps
	check_settled
}

@test "PID 1 killed under a session: it ends with 125 and a reason, and the next login works" {
	mkfifo "$BATS_TEST_TMPDIR/in"
	ssh_to agent 'echo in; cat' <>"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" \
		2>"$BATS_TEST_TMPDIR/err" 3>&- &
	session=$!
	wait_for 60 grep -q in "$BATS_TEST_TMPDIR/out"
	kill_pids < <(pids podman-init)
	status=0
	wait "$session" || status=$?
	[ "$status" -eq 125 ]
	[[ $(cat "$BATS_TEST_TMPDIR/err") == "sandbox-shell: session: the sandbox ended it"* ]]
	login
}

@test "a runtime record that is spoilt, or names another process: the next login works on the same container" {
	begin
	cp "$folder/state" "$BATS_TEST_TMPDIR/good"
	spoilt=(
		""
		"garbage"
		"$(head -c 5000 /dev/zero | tr '\0' x)"
		"$(sed 's/^pid .*/pid 1/' "$BATS_TEST_TMPDIR/good")"
		"$(sed "s/^pid .*/pid $(pids "$PAUSE")/" "$BATS_TEST_TMPDIR/good")"
		"$(sed 's/^pid .*/pid 4194303/' "$BATS_TEST_TMPDIR/good")"
		"$(sed 's/^pid .*/pid -1/' "$BATS_TEST_TMPDIR/good")"
		"$(sed 's/^pid .*/pid 99999999999999999999/' "$BATS_TEST_TMPDIR/good")"
	)
	for text in "${spoilt[@]}"; do
		echo "record: ${text:0:60}"
		printf '%s\n' "$text" >"$folder/state"
		keeps
	done
	check_settled
}

@test "no runtime record, though the sandbox runs: the next login works on the same container" {
	begin
	rm "$folder/state"
	keeps
	rm -r "$folder"
	keeps
	check_settled
}

@test "what stands in the place of the runtime record or the socket is replaced" {
	begin
	for name in state init; do
		for what in 'ln -s /etc/passwd' 'ln -s /nonexistent' mkfifo; do
			echo "$what $name"
			rm "$folder/$name"
			$what "$folder/$name"
			chown -h agent "$folder/$name"
			keeps
		done
	done
	[ "$(head -n 1 /etc/passwd)" = "root:x:0:0:root:/root:/bin/bash" ]
	check_settled
}

@test "killed logins leave no cgroup behind" {
	login
	kill_pids < <(pids conmon podman-init)
	login
	kill_at_random "$(rounds 10)" forget sandbox-session podman
	# What was still dying at one start is cleared away by the next.
	stop
	login
	check_settled
	[ "$(find "$(cgroup_of agent)" -mindepth 1 -maxdepth 1 -name 'libpod-*' | wc -l)" -eq 1 ]
}

@test "a lasting record that is spoilt: the next login works, warm and cold, and the home is kept" {
	login 'echo kept >kept'
	for text in "" garbage "$(sed 's/digest ./digest g/' "$data/state")"; do
		printf '%s' "$text" >"$data/state"
		run -0 login 'cat kept'
		[ "$output" = kept ]
		stop
		printf '%s' "$text" >"$data/state"
		run -0 login 'cat kept'
		[ "$output" = kept ]
	done
	check_settled
}

@test "half-written records of a killed login are no hindrance" {
	stop
	echo half >"$folder/.state.new"
	echo half >"$data/.state.new"
	chmod 000 "$data/.state.new"
	login
	[ ! -e "$folder/.state.new" ]
}

@test "a stale socket, of a sandbox that is no more, is replaced" {
	stop
	[ -S "$folder/init" ]
	login
	stop
	rm -f "$folder/init"
	login
}

@test "a process that listens in the sandbox's place gets nothing, and the login works" {
	login true
	listen='
		import os, socket, sys
		path, got = sys.argv[1:]
		os.path.exists(path) and os.unlink(path)
		s = socket.socket(socket.AF_UNIX)
		s.bind(path)
		s.listen()
		open(got, "w").close()
		while True:
			c = s.accept()[0]
			with open(got, "ab") as f: f.write(c.recv(65536))
			c.close()'
	as agent python3 -c "${listen//$'\n\t\t'/$'\n'}" "$folder/init" /tmp/impostor.got >/dev/null 2>&1 3>&- &
	wait_for 60 test -e /tmp/impostor.got
	run -0 login 'echo works'
	[ "$output" = works ]
	run -0 login 'echo works'
	[ "$output" = works ]
	[ ! -s /tmp/impostor.got ]
	kill_pids < <(pids python3)
	check_settled
}

@test "a lock whose holder was killed holds up nobody" {
	stop
	flock "$folder/lock" tail -f /dev/null >/dev/null 2>&1 3>&- &
	holder=$!
	wait_for 60 grep -q FLOCK /proc/locks
	login 3>&- &
	waiting=$!
	wait_for 60 grep -q -e '-> FLOCK' /proc/locks
	kill_pids < <(echo "$holder"; pgrep -P "$holder")
	wait "$waiting"
}

@test "a login killed while it waits for the lock leaves the others to their turn" {
	stop
	mkfifo "$BATS_TEST_TMPDIR/held"
	flock "$folder/lock" cat "$BATS_TEST_TMPDIR/held" >/dev/null 2>&1 3>&- &
	exec 7>"$BATS_TEST_TMPDIR/held"
	as agent sandbox-shell -c true 3>&- 7>&- &
	first=$!
	wait_for 60 waiting 1
	login 3>&- 7>&- &
	second=$!
	wait_for 60 waiting 2
	kill_pids < <(pids sandbox-session | head -n 1)
	exec 7>&-
	wait "$first" || wait "$second"
	login
}

waiting() {
	[ "$(grep -c -e '-> FLOCK' /proc/locks)" -ge "$1" ]
}
