#!/usr/bin/env bats
# The way to a running sandbox: made by the first login, started by a later one, by many at once only once.

load common

setup_file() {
	use_test_image
	write_setup 'echo "$SANDBOX_NEW" >>"$HOME/ran"'
	ssh_to agent true
}

# Every test begins with a sandbox that is made and set up, and does not run.
setup() {
	uid=$(id -u agent)
	runtime=/run/user/$uid
	write_setup 'echo "$SANDBOX_NEW" >>"$HOME/ran"'
	policy agent '{"version":1}'
	pod agent stop --ignore --time 0 agent
}

# A test that failed leaves nothing that would keep bats waiting.
teardown() {
	jobs -p | xargs -r kill -KILL || true
}

write_setup() {
	printf '#!/bin/sh\n%s\n' "$1" >/etc/sandbox-shell/setup.sh
	chmod 755 /etc/sandbox-shell/setup.sh
}

# pod ACCOUNT ARGUMENT...: podman as the operator of the account would use it.
pod() {
	as "$1" podman --storage-driver overlay "${@:2}"
}

containers() {
	pod "$1" ps --all --external --no-trunc --format '{{.Names}} {{.ID}}'
}

# forget ACCOUNT: as if nobody had ever logged in, but with the image in the account's store.
forget() {
	pod "$1" rm --force --time 0 "$1"
	rm -rf "/home/$1/sandboxes" "/run/user/$(id -u "$1")/sandbox-shell"
}

# Everything of agent's dies at once, as when the power goes.
kill_all() {
	wait_for 60 none_left
}

# none_left: what was just being forked is killed at the next look.
none_left() {
	pgrep -u agent | xargs -r kill -KILL || true
	! pgrep -u agent >/dev/null
}

# all_of JOB...: sets $statuses to the statuses of background jobs, each once with how often it came.
all_of() {
	local job status list=()
	for job; do
		status=0
		wait "$job" || status=$?
		list+=("$status")
	done
	statuses=$(printf '%s\n' "${list[@]}" | sort | uniq -c | tr -s ' ')
}

# on_terminal COMMAND: as agent on a terminal, which is our stdout.
on_terminal() {
	as agent script -q -e -c "$1" /dev/null </dev/null
}

@test "the first login of an account makes its sandbox, sets it up and lands inside" {
	account=$(fresh_account)
	[ "$(containers "$account")" = "" ]
	run --separate-stderr -0 ssh_to "$account" 'hostname; pwd; cat ran; cat /proc/1/comm'
	[ "$output" = "$account"$'\n'"/home/$account"$'\n'1$'\n'podman-init ]
	[ "$stderr" = "" ]
	[ "$(containers "$account" | wc -l)" -eq 1 ]
	[[ $(containers "$account") == "$account "* ]]

	base=/home/$account/sandboxes/$account
	[ "$(stat -c '%U %a %F' "$base" "$base/home")" = "$account 700 directory
$account 700 directory" ]
	[ "$(stat -c '%U %a %F' "$base/setup.log")" = "$account 600 regular empty file" ]
	[ "$(tail -n 1 "$base/state")" = "ready 1" ]
	[ ! -e "$base/new" ]
	[ "$(cat "$base/home/ran")" = 1 ]
}

@test "the image comes from root's folder when the account's store lacks it" {
	account=$(fresh_account)
	run -1 pod "$account" image exists localhost/sandbox-test:latest
	ssh_to "$account" true
	pod "$account" image exists localhost/sandbox-test:latest
	[ "$(pod "$account" info --format '{{.Store.GraphDriverName}}')" = overlay ]
}

@test "50 first logins at once on a new account make one container and run setup.sh once" {
	account=$(fresh_account)
	write_setup 'echo run >>"$HOME/ran"; i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; echo done >>"$HOME/ran"'
	jobs=()
	for i in {1..50}; do
		ssh_to "$account" 'cat ran; readlink /proc/self/ns/pid; exit 0' </dev/null \
			>"$BATS_TEST_TMPDIR/$i.out" 2>"$BATS_TEST_TMPDIR/$i.err" 3>&- &
		jobs+=($!)
	done
	all_of "${jobs[@]}"
	[ "$statuses" = " 50 0" ]
	# Each of them waited until setup.sh was through, and all are in the same sandbox.
	cat "$BATS_TEST_TMPDIR"/*.err
	[ "$(cat "$BATS_TEST_TMPDIR"/*.err)" = "" ]
	[ "$(cat "$BATS_TEST_TMPDIR"/*.out | grep -c '^run$')" -eq 50 ]
	[ "$(cat "$BATS_TEST_TMPDIR"/*.out | grep -c '^done$')" -eq 50 ]
	[ "$(cat "$BATS_TEST_TMPDIR"/*.out | grep '^pid:' | sort -u | wc -l)" -eq 1 ]
	[ "$(containers "$account" | wc -l)" -eq 1 ]
	[ "$(pgrep -u "$account" -c conmon)" -eq 1 ]
}

@test "50 logins at once start a stopped sandbox once" {
	before=$(containers agent)
	jobs=()
	for i in {1..50}; do
		ssh_to agent 'readlink /proc/self/ns/pid' </dev/null >"$BATS_TEST_TMPDIR/$i.out" 3>&- &
		jobs+=($!)
	done
	all_of "${jobs[@]}"
	[ "$statuses" = " 50 0" ]
	[ "$(sort -u "$BATS_TEST_TMPDIR"/*.out | wc -l)" -eq 1 ]
	[ "$(containers agent)" = "$before" ]
	[ "$(pgrep -u agent -c conmon)" -eq 1 ]
}

@test "after podman stop a login starts the same container, with what was changed in it" {
	ssh_to agent 'echo kept >/var/tmp/kept; mkdir -p ~/work && echo home >~/work/file'
	before=$(containers agent)
	ran=$(ssh_to agent 'cat ran')
	pod agent stop --time 5 agent
	run --separate-stderr -0 ssh_to agent 'cat /var/tmp/kept work/file ran'
	[ "$output" = $'kept\nhome\n'"$ran" ]
	[ "$stderr" = "" ]
	[ "$(containers agent)" = "$before" ]
}

@test "podman stop ends a sandbox by SIGTERM, well before its time is up" {
	ssh_to agent 'sleep 1000 >/dev/null 2>&1 &'
	timeout 120 bash -c '. "$HOST_LIB"; as agent podman --storage-driver overlay stop --time 1000 agent'
	[ "$(pod agent inspect --format '{{.State.ExitCode}}' agent)" -eq 0 ]
}

@test "after a reboot a login starts the same container, with what was changed in it" {
	ssh_to agent 'echo kept >/var/tmp/kept'
	before=$(containers agent)
	kill_all
	find "$runtime" -mindepth 1 -delete
	rm -f "/dev/shm/libpod_rootless_lock_$uid"
	run --separate-stderr -0 ssh_to agent 'cat /var/tmp/kept'
	[ "$output" = kept ]
	[ "$stderr" = "" ]
	[ "$(containers agent)" = "$before" ]
}

@test "after a logout that emptied the runtime folder, without a reboot, a login starts the same container" {
	ssh_to agent 'echo kept >/var/tmp/kept'
	before=$(containers agent)
	kill_all
	find "$runtime" -mindepth 1 -delete
	run --separate-stderr -0 ssh_to agent 'cat /var/tmp/kept'
	[ "$output" = kept ]
	[ "$stderr" = "" ]
	[ "$(containers agent)" = "$before" ]
}

@test "a sandbox that outlived its runtime folder is ended, and not run twice on one root file system" {
	ssh_to agent 'echo kept >/var/tmp/kept; cp /bin/sleep /tmp/outlived; /tmp/outlived 1000 >/dev/null 2>&1 &'
	wait_for 60 pgrep -u agent -x outlived
	find "$runtime" -mindepth 1 -delete
	run -0 ssh_to agent 'cat /var/tmp/kept'
	[ "$output" = kept ]
	run -1 pgrep -u agent -x outlived
	[ "$(pgrep -u agent -c conmon)" -eq 1 ]
	[ "$(ssh_to agent 'cat /proc/1/comm' | wc -l)" -eq 1 ]
}

@test "with privileges root, what sudo put into the root file system survives a stop and a reboot" {
	policy agent '{"version":1,"privileges":"root"}'
	ssh_to agent 'sudo sh -c "printf \"#!/bin/sh\necho tool\n\" >/usr/local/bin/tool; chmod 755 /usr/local/bin/tool"'
	run -0 ssh_to agent 'tool; stat -c %U /usr/local/bin/tool'
	[ "$output" = $'tool\nroot' ]
	pod agent stop --time 5 agent
	run -0 ssh_to agent 'tool; sudo id -u'
	[ "$output" = $'tool\n0' ]
	kill_all
	find "$runtime" -mindepth 1 -delete
	rm -f "/dev/shm/libpod_rootless_lock_$uid"
	run -0 ssh_to agent tool
	[ "$output" = tool ]
}

@test "a policy that asks for another container replaces it; the home stays" {
	ssh_to agent 'echo home >~/kept; echo rootfs >/var/tmp/kept'
	before=$(containers agent)
	policy agent '{"version":1,"network":{"mode":"none"}}'
	run --separate-stderr -0 ssh_to agent 'cat kept; cat /var/tmp/kept || tail -n 1 ran'
	[ "$output" = $'home\n0' ]
	[ "$(containers agent)" != "$before" ]
	[ "$(containers agent | wc -l)" -eq 1 ]
}

@test "a policy change that needs no other container keeps it" {
	ssh_to agent 'echo rootfs >/var/tmp/kept'
	before=$(containers agent)
	policy agent '{"version":1,"env":{"set":{"ADDED":"1"}}}'
	run -0 ssh_to agent 'cat /var/tmp/kept; echo $ADDED'
	[ "$output" = $'rootfs\n1' ]
	[ "$(containers agent)" = "$before" ]
}

@test "a sandbox with sessions is not replaced under their feet by a new policy" {
	mkfifo "$BATS_TEST_TMPDIR/in"
	ssh_to agent 'echo in; cat; exit 3' <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 3>&- &
	session=$!
	exec 7>"$BATS_TEST_TMPDIR/in"
	wait_for 60 grep -q in "$BATS_TEST_TMPDIR/out"
	policy agent '{"version":1,"network":{"mode":"none"}}'
	run --separate-stderr -125 ssh_to agent true
	[ "$output" = "" ]
	[[ $stderr == "sandbox-shell: "*"policy has changed"*"1 session"* ]]
	echo alive >&7
	exec 7>&-
	status=0
	wait "$session" || status=$?
	[ "$status" -eq 3 ]
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = $'in\nalive' ]
	ssh_to agent true
}

@test "a background process of an ended session does not keep an old policy in force" {
	ssh_to agent 'nohup sleep 1000 >/dev/null 2>&1 &'
	policy agent '{"version":1,"network":{"mode":"none"}}'
	ssh_to agent true
}

@test "without a terminal a first login writes nothing of its own, to stdout or to stderr" {
	forget agent
	write_setup 'echo from setup; echo more >&2'
	run --separate-stderr -0 ssh_to agent 'printf out; printf err >&2'
	[ "$output" = out ]
	[ "$stderr" = err ]
}

@test "on a terminal a first login shows what it does, before the command's own output" {
	forget agent
	write_setup 'echo from setup; echo more >&2'
	run -0 ssh_to agent -tt 'echo from the command' </dev/null
	output=${output//$'\r'/}
	[[ $output == "sandbox-shell: creating sandbox agent"$'\n'*"running /etc/sandbox-shell/setup.sh"$'\n'* ]]
	[[ $output == *$'from setup\nmore\nfrom the command' ]]
	run -0 ssh_to agent -tt 'echo from the command' </dev/null
	[ "${output//$'\r'/}" = "from the command" ]
}

@test "progress goes to stderr alone: a stdout that is a file gets the command's bytes only" {
	forget agent
	run -0 on_terminal "sandbox-shell -c 'printf out' >/tmp/agent.out"
	[ "$(cat /tmp/agent.out)" = out ]
	[[ $output == "sandbox-shell: creating sandbox agent"* ]]
}

@test "progress is for terminals: a stderr that is a file gets none, though stdout is one" {
	forget agent
	run -0 on_terminal "sandbox-shell -c 'echo out; echo err >&2' 2>/tmp/agent.err"
	[ "$(cat /tmp/agent.err)" = err ]
	[ "${output//$'\r'/}" = out ]
}

@test "a login that loads an image says so on a terminal" {
	account=$(fresh_account)
	run -0 ssh_to "$account" -tt 'echo inside' </dev/null
	[[ $output == *"sandbox-shell: loading image localhost/sandbox-test:latest into the account's store"* ]]
	[[ ${lines[-1]} == inside* ]]
}

@test "a login that waits for another says so on a terminal, and goes on when that is done" {
	mkfifo "$BATS_TEST_TMPDIR/held"
	flock "$runtime/sandbox-shell/agent/lock" cat "$BATS_TEST_TMPDIR/held" >/dev/null 2>&1 3>&- &
	exec 7>"$BATS_TEST_TMPDIR/held" # opens once the lock is held
	on_terminal "sandbox-shell -c 'echo inside'" >"$BATS_TEST_TMPDIR/shown" 3>&- 7>&- &
	login=$!
	wait_for 60 grep -q 'sandbox-shell: waiting for another login' "$BATS_TEST_TMPDIR/shown"
	run ! grep -q inside "$BATS_TEST_TMPDIR/shown"
	exec 7>&-
	wait "$login"
	grep -q inside "$BATS_TEST_TMPDIR/shown"
}

@test "a login that waits for another says nothing without a terminal" {
	mkfifo "$BATS_TEST_TMPDIR/held"
	flock "$runtime/sandbox-shell/agent/lock" cat "$BATS_TEST_TMPDIR/held" >/dev/null 2>&1 3>&- &
	exec 7>"$BATS_TEST_TMPDIR/held"
	as agent sandbox-shell -c 'echo inside' </dev/null >"$BATS_TEST_TMPDIR/both" 2>&1 3>&- 7>&- &
	login=$!
	wait_for 60 waits_for_lock
	exec 7>&-
	wait "$login"
	[ "$(cat "$BATS_TEST_TMPDIR/both")" = inside ]
}

# /proc/locks marks a process that is blocked with "->".
waits_for_lock() {
	grep -q -e '-> FLOCK' /proc/locks
}
