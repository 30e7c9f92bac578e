#!/usr/bin/env bats
# Logins on a host with systemd, to an account that was enrolled: cgroups of its user manager,
# limits that bite, sessions of logind, and what outlives them.

load common

setup_file() {
	worker_with '{ "version": 1, "image": "localhost/sandbox-test:latest",
		"limits": { "memory": "128M", "pids": 48, "cpus": 0.5, "enforce": "required" } }'
}

teardown() {
	release
	eventually quiet worker
}

# event FILE KEY: the number of them in the sandbox's cgroup.
event() {
	awk -v key="$2" '$1 == key { print $2 }' "$(group_of worker)/$1"
}

event_after() {
	(($(event "$1" "$2") > $3))
}

processes_at_least() {
	(($(<"$(group_of worker)/pids.current") >= $1))
}

processes_below() {
	(($(<"$(group_of worker)/pids.current") < $1))
}

# sessions_of_worker: but for its user manager's own, which newer versions of logind list too.
sessions_of_worker() {
	local session
	for session in $(loginctl list-sessions --no-legend | awk '$3 == "worker" { print $1 }'); do
		# It may have ended by now.
		if [[ $(loginctl show-session -p Class --value "$session" 2>&1) == user ]]; then echo "$session"; fi
	done
}

no_sessions_of_agent() {
	[[ ! $(sessions_of_worker) ]]
}

# First, since it makes the sandbox.
@test "an enrolled account lands in its sandbox: host name, id, directory and exit status" {
	run -7 --separate-stderr ssh_to worker 'hostname; id -un; id -u; pwd; exit 7'
	[ "$output" = $'worker\nworker\n'"$(id -u worker)"$'\n/home/worker' ]
	[ "$stderr" = "" ]
	run -7 --separate-stderr ssh_to worker 'cat; exit 7' <<<"through stdin"
	[ "$output" = "through stdin" ]
	[ "$stderr" = "" ]
}

@test "with a terminal: it is one made inside, and the exit status comes through" {
	run -3 ssh_to worker -tt 'test -t 0 && test -t 1 && tty; exit 3'
	[[ $output == /dev/pts/[0-9]*$'\r' ]]
}

@test "scp brings files into the home inside and back" {
	head -c 300000 /dev/urandom >"$BATS_TEST_TMPDIR/there"
	local options=(-F /dev/null -i "$HOST_KEY" -o BatchMode=yes -o LogLevel=ERROR
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null)
	scp "${options[@]}" "$BATS_TEST_TMPDIR/there" worker@127.0.0.1:there
	cmp "$BATS_TEST_TMPDIR/there" /home/worker/sandboxes/worker/home/there
	[ ! -e /home/worker/there ]
	scp "${options[@]}" worker@127.0.0.1:there "$BATS_TEST_TMPDIR/back"
	cmp "$BATS_TEST_TMPDIR/there" "$BATS_TEST_TMPDIR/back"
}

@test "what runs inside lies below the account's user manager, in the sandbox's cgroup" {
	local manager group pid
	manager=/user.slice/user-$(id -u worker).slice/user@$(id -u worker).service/
	group=$(group_of worker)
	[[ $group == /sys/fs/cgroup$manager*/libpod-*.scope* ]]
	hold worker "$BATS_TEST_TMPDIR/out" 'echo in; exec sleep 1003'
	eventually says in out
	pid=$(pgrep -u worker -f '^sleep 1003$')
	[[ /sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup") == "$group"* ]]
}

@test "the cgroup has the limits that the policy says" {
	local group
	group=$(group_of worker)
	[ "$(<"$group/memory.max")" = 134217728 ]
	[ "$(<"$group/memory.swap.max")" = 0 ]
	[ "$(<"$group/pids.max")" = 80 ] # 32 are kept for the next login: RLIMIT_NPROC
	[ "$(<"$group/cpu.max")" = "50000 100000" ]
}

@test "limits that are not delegated refuse the login, before anything is made" {
	local uid
	make_account undelegated '{ "version": 1, "limits": { "memory": "256M", "cpus": 0.5, "pids": 100 } }'
	uid=$(id -u undelegated)
	mkdir -p "/etc/systemd/system/user@$uid.service.d"
	printf '[Service]\nDelegate=\nDelegate=pids memory\n' >"/etc/systemd/system/user@$uid.service.d/z.conf"
	systemctl daemon-reload
	systemctl restart "user@$uid.service"
	run -125 --separate-stderr ssh_to undelegated 'echo inside'
	[ "$output" = "" ]
	[[ $stderr == "sandbox-shell: "*limits.cpus* ]]
	[ ! -e /home/undelegated/sandboxes/undelegated/state ]
	sandboxctl unenroll undelegated --yes
	rm -r "/etc/systemd/system/user@$uid.service.d"
	systemctl daemon-reload
}

@test "logind has a session for each login, which ends with it" {
	local session
	eventually no_sessions_of_agent
	hold worker "$BATS_TEST_TMPDIR/out" 'echo in; exec sleep 1000'
	eventually says in out
	session=$(sessions_of_worker)
	[ "$(wc -w <<<"$session")" = 1 ]
	[ "$(loginctl show-session -p Service --value "$session")" = sshd ]
	[ "$(loginctl show-session -p Remote --value "$session")" = yes ]
	# Ours outside is in the session's scope, and nothing but it and sshd's own.
	[[ $(sed -n 's/^0:://p' "/proc/$(pgrep -u worker -x sandbox-session)/cgroup") == */session-"$session".scope ]]
	release
	eventually no_sessions_of_agent
}

@test "after the last logout the sandbox lives on, with what was left in it" {
	local init
	init=$(init_of worker)
	ssh_to worker 'sleep 1001 >/dev/null 2>&1 </dev/null &'
	eventually no_sessions_of_agent
	[ "$(loginctl show-user -p State --value worker)" = lingering ]
	[ "$(init_of worker)" = "$init" ]
	run -0 ssh_to worker 'pgrep -xf "sleep 1001"'
	[ "$output" != "" ]
	ssh_to worker 'pkill -xf "sleep 1001"'
	[ "$(init_of worker)" = "$init" ]
}

# killed_for_memory: which processes the kernel chose, since clear_kernel_log.
killed_for_memory() {
	dmesg | sed -n 's/.*out of memory: Killed process [0-9]* (\([^)]*\)).*/\1/p' | sort -u
}

clear_kernel_log() {
	dmesg --clear
}

@test "a memory hog is killed; PID 1 and another session are not" {
	local init kills victims
	init=$(init_of worker)
	kills=$(event memory.events oom_kill)
	clear_kernel_log
	hold worker "$BATS_TEST_TMPDIR/other" 'echo in; while [ ! -e go ]; do sleep 0.2; done; echo alive; rm go'
	eventually says in other
	run -137 ssh_to worker 'exec python3 -c "x = b\"x\" * (1 << 30)"'
	event_after memory.events oom_kill "$kills"
	victims=$(killed_for_memory)
	echo "killed: $victims"
	[ "$victims" = python3 ]
	[ "$(init_of worker)" = "$init" ]
	run -0 ssh_to worker 'touch go'
	eventually says alive other
	[ "$(event memory.events oom_group_kill)" = 0 ]
}

@test "a tree of hogs, larger than the memory together, doesn't take PID 1 either" {
	local init kills victims
	init=$(init_of worker)
	kills=$(event memory.events oom_kill)
	clear_kernel_log
	# Each holds what it has, until one of them is killed.
	run ssh_to worker 'for i in 1 2 3 4 5; do python3 -c "x = b\"x\" * (60 << 20); import time; time.sleep(1011)" & done
		wait -n; kill $(jobs -p)'
	event_after memory.events oom_kill "$kills"
	victims=$(killed_for_memory)
	echo "killed: $victims"
	[ "$victims" = python3 ]
	[ "$(init_of worker)" = "$init" ]
	run -0 ssh_to worker 'echo alive'
	[ "$output" = alive ]
}

@test "a fork bomb ends at the limit; the next login gets in, and the bomb goes with its client" {
	local init
	init=$(init_of worker)
	hold worker "$BATS_TEST_TMPDIR/bomb" 'bomb() { bomb | bomb & }; bomb; exec sleep 1002'
	eventually processes_at_least 40
	run -0 ssh_to worker 'echo alive'
	[ "$output" = alive ]
	(($(<"$(group_of worker)/pids.current") <= 80))
	release
	eventually processes_below 10
	[ "$(init_of worker)" = "$init" ]
}

# used_in_ten_seconds: by the sandbox, in thousandths of a core.
used_in_ten_seconds() {
	local started=${EPOCHREALTIME/[.,]/} used
	used=$(event cpu.stat usage_usec)
	sleep 10 # this is what is measured, not a wait for something
	echo "$((($(event cpu.stat usage_usec) - used) * 1000 / (${EPOCHREALTIME/[.,]/} - started)))"
}

# A machine that gets little of a processor itself misses periods, and with them part of what it may hand out: so it's
# never more than half a core, and in one of the measurements no less.
@test "half a core is half a core, over ten seconds and with two processors to choose from" {
	local throttled used=0 try
	throttled=$(event cpu.stat nr_throttled)
	hold worker "$BATS_TEST_TMPDIR/out" '(while :; do :; done) & while :; do :; done'
	eventually event_after cpu.stat nr_throttled "$((throttled + 5))"
	for ((try = 0; try < 12 && used < 400; try++)); do
		used=$(used_in_ten_seconds)
		echo "$used thousandths of a core"
		((used <= 600))
	done
	((used >= 400))
}

gone() {
	[[ ! -e /run/user/$1 && ! -e /proc/$2 ]]
}

# Last, since it stops the sandbox.
@test "without lingering the sandbox ends with the user manager, and the next login starts it again" {
	local uid pid
	uid=$(id -u worker) pid=$(record_of worker pid)
	ssh_to worker 'echo kept >kept'
	loginctl disable-linger worker
	eventually gone "$uid" "$pid"
	run -0 --separate-stderr ssh_to worker 'cat kept; hostname'
	[ "$output" = $'kept\nworker' ]
	[ "$stderr" = "" ]
	[ "$(record_of worker pid)" != "$pid" ]
	loginctl enable-linger worker
}
