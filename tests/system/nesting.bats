#!/usr/bin/env bats
# Sandboxes that an agent makes inside of its own, which a policy has to allow; and what it costs.

load common

setup_file() {
	use_test_image
	ssh_to agent true
}

BWRAP="bwrap --ro-bind / / --dev /dev --proc /proc --unshare-user --unshare-pid --unshare-net --unshare-ipc --die-with-parent"

nested() {
	policy agent '{ "version": 1, "nesting": true }'
}

@test "without nesting bubblewrap gets no /proc of its own" {
	run ! ssh_to agent "$BWRAP true"
	[[ $output == *"proc"* ]]
}

@test "with nesting bubblewrap makes a sandbox inside, with a /proc of its own" {
	nested
	run -0 --separate-stderr ssh_to agent "$BWRAP sh -c 'ls -d /proc/[0-9]* | wc -l; ip -o link 2>/dev/null | wc -l; cd; touch x 2>/dev/null || echo refused'"
	[[ ${lines[0]} -le 4 ]] # of that sandbox alone
	[ "${lines[-1]}" = refused ]
	run -7 ssh_to agent "$BWRAP sh -c 'exit 7'"
}

@test "nesting: what the client left goes with it, also from a sandbox inside" {
	nested
	(
		ssh() { exec /usr/bin/ssh "$@"; }
		ssh_to agent -tt "$BWRAP sh -c 'echo in; setsid sleep 1021 & wait'"
	) </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	wait_for 60 grep -q in "$BATS_TEST_TMPDIR/out"
	pgrep -u agent -f 'sleep 1021'
	kill "$!"
	wait_for 30 eval '! pgrep -u agent -f "sleep 1021"'
}

# What an attack on the host's settings would need: files that can be opened for writing.
@test "nesting: nothing of /proc and /sys can be written that couldn't before, by the user or a namespace's root" {
	nested
	local how
	for how in 'bash -c' 'unshare --user --map-root-user --mount --pid --fork --net --ipc --uts --mount-proc bash -c'; do
		run --separate-stderr ssh_to agent "$how $(printf %q '
			for f in $(find /proc/sys /proc/sysrq-trigger /proc/irq /proc/bus /proc/fs /proc/scsi /proc/acpi /proc/kcore \
				/sys/kernel /sys/power /sys/module/kernel /sys/firmware -path /proc/sys/net -prune -o -path /proc/sys/user -prune \
				-o -type f -print 2>/dev/null); do
				{ : >>"$f"; } 2>/dev/null && echo "$f"
			done; true')"
		echo "$how: $output"
		# Those of an IPC or PID namespace of its own are its own; the last can be opened by all, and be written by none but
		# a namespace's root, in that.
		[ "$(grep -vE '^/proc/sys/(kernel/(msg|sem|shm|auto_msgmni|pid_max$)|fs/mqueue/|kernel/ns_last_pid$)' <<<"$output")" = "" ]
	done
	run ! ssh_to agent 'echo 1 >/proc/sys/kernel/ns_last_pid'
}

@test "nesting: what a namespace's root writes holds in that namespace, not on the host" {
	nested
	local before
	before=$(cat /proc/sys/kernel/{pid_max,shmmni,msgmax})
	run ssh_to agent 'unshare --user --map-root-user --mount --pid --fork --ipc --mount-proc bash -c "
		cd /proc/sys/kernel; echo 4000 >pid_max; echo 100 >shmmni; echo 100 >msgmax; cat shmmni"'
	[ "${lines[-1]}" = 100 ]
	[ "$(cat /proc/sys/kernel/{pid_max,shmmni,msgmax})" = "$before" ]
}

@test "nesting: kernel memory, keys of others and the log stay closed" {
	nested
	run ! ssh_to agent 'head -c 1 /proc/kcore'
	run ! ssh_to agent 'head -c 1 /dev/kmsg'
	run -0 ssh_to agent 'cat /proc/kallsyms | grep -v "^0000000000000000" | wc -l'
	[ "$output" = 0 ]
}

@test "nesting and the strict profile are refused together; status says what nesting gives away" {
	policy agent '{ "version": 1, "nesting": true, "seccomp": { "profile": "strict" } }'
	says '*agent.json:1:*: nesting: needs new user namespaces, which seccomp.profile "strict" refuses*' ssh_to agent true
	nested
	run -0 sandboxctl status agent
	[[ $output == *"nesting"*"all of /proc and /sys can be read"* ]]
}
