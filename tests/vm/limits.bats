#!/usr/bin/env bats
# Each limit of a policy on a host with systemd, with what is said when it is reached; and those of the whole
# account, which hold what runs beside the sandbox. Memory, pids and cpus of the sandbox itself: login.bats.

load common

setup_file() {
	worker_with "$(policy_with '"sessions": 3')"
}

teardown() {
	release
	eventually quiet worker
}

# policy_with MORE: a policy, with that among its limits. The user manager comes from no address.
policy_with() {
	echo "{ \"version\": 1, \"image\": \"localhost/sandbox-test:latest\", \"access\": { \"from\": [\"127.0.0.0/8\"] },
		\"limits\": { \"memory\": \"128M\", \"swap\": 0, \"cpus\": 0.5, \"pids\": 48, \"nofile\": 128,
		\"tmp\": \"4M\", \"shm\": \"2M\", $1 } }"
}

slice() {
	echo "/sys/fs/cgroup/user.slice/user-$(id -u worker).slice"
}

processes_at_least() {
	(($(<"$1/pids.current") >= $2))
}

# fill PLACE: what a program is told that writes 8M there, and how much of it was taken.
fill() {
	ssh_to worker "head -c 8388608 /dev/zero >$1/fill; stat -c %s $1/fill; rm $1/fill; echo small >$1/small && cat $1/small" 2>&1
}

@test "tmp and shm are full at their size, and no fuller" {
	run -0 fill /tmp
	[[ $output == *"No space left on device"*$'\n4194304\nsmall' ]]
	run -0 fill /dev/shm
	[[ $output == *"No space left on device"*$'\n2097152\nsmall' ]]
}

@test "nofile: a program is told that it has too many open files" {
	run -0 ssh_to worker 'ulimit -n; ulimit -Hn'
	[ "$output" = $'128\n128' ]
	run -1 ssh_to worker 'exec python3 -c "f = [open(\"/dev/null\") for i in range(200)]"'
	[[ $output == *"Too many open files"* ]]
}

@test "sessions: the one too many is told so, and there is room again when one has ended" {
	local i
	for i in 1 2 3; do
		hold worker "$BATS_TEST_TMPDIR/$i" 'echo in; exec sleep 1005'
		eventually says in "$i"
	done
	# What sshd tells the client, which ssh_to's has been told not to say.
	run -255 ssh -F /dev/null -i "$HOST_KEY" -o BatchMode=yes -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null worker@127.0.0.1 'echo inside'
	[[ $output == *"sandbox-shell: limits.sessions: this account is at its limit of 3 sessions"* ]]
	[[ $output != *inside* ]]
	release
	eventually quiet worker
	eventually ssh_to worker true
}

@test "session_time: the session ends with its reason" {
	policy worker "$(policy_with '"session_time": "10s"')"
	run -125 --separate-stderr ssh_to worker 'echo in; exec sleep 1006'
	[ "$output" = in ]
	[[ $stderr == "sandbox-shell: session: its time is up (limits.session_time): log in again"* ]]
	policy worker "$(policy_with '"sessions": 3')"
	run ! pgrep -u worker -f 'sleep 1006'
}

@test "the account's slice has the policy's limits and the documented allowance" {
	ssh_to worker true
	[ "$(<"$(slice)/memory.max")" = $(((128 + 256 + 3 * 4) << 20)) ]
	[ "$(<"$(slice)/memory.swap.max")" = 0 ]
	[ "$(<"$(slice)/pids.max")" = $((48 + 128 + 3 * 4)) ]
	[ "$(<"$(slice)/cpu.max")" = "150000 100000" ]
}

@test "all that podman has started for the account is below that slice" {
	local pid count=0
	for pid in $(pgrep -u worker); do
		[[ ! -e /proc/$pid || /sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup") == "$(slice)"/* ]]
		count=$((count + 1))
	done
	((count >= 4)) # systemd, conmon, the network, PID 1
	pgrep -u worker -x conmon
}

# bomb_beside FILE: one that counts, in the account's slice and in no sandbox. The slice's own events don't
# tell: this kernel counts where the process is.
bomb_beside() {
	systemd-run --quiet --collect --unit=beside --uid=worker --slice="user-$(id -u worker).slice" \
		-p TasksMax=infinity -p StandardOutput="file:$1" python3 -c '
import os, time
for count in range(300):
    try:
        if os.fork() == 0:
            break
    except BlockingIOError:
        print("refused after", count, flush=True)
        break
time.sleep(1007)'
}

@test "a bomb beside the sandbox ends at the account's limit; the sandbox is not harmed" {
	local init most=$((48 + 128 + 3 * 4))
	init=$(init_of worker)
	bomb_beside "$BATS_TEST_TMPDIR/bomb"
	eventually says 'refused after' bomb
	cat "$BATS_TEST_TMPDIR/bomb" "$(slice)/pids.current"
	(($(<"$(slice)/pids.current") <= most && $(<"$(slice)/pids.current") > most - 20))
	systemctl kill --signal=KILL beside
	eventually eval '! pgrep -u worker -f "sleep.1007" >/dev/null'
	run -0 ssh_to worker 'echo alive'
	[ "$output" = alive ]
	[ "$(init_of worker)" = "$init" ]
}

@test "sandboxctl kill clears a fork bomb that nobody is logged in for any longer" {
	local group
	group=$(group_of worker)
	ssh_to worker 'setsid sh -c "bomb() { bomb | bomb & }; bomb; exec sleep 1008" >/dev/null 2>&1 </dev/null &'
	eventually processes_at_least "$group" 40
	run -0 sandboxctl kill worker
	[ ! -e "$group" ] || [ "$(grep populated "$group/cgroup.events")" = "populated 0" ]
	run -0 ssh_to worker 'echo alive'
	[ "$output" = alive ]
}

# left: the account's processes, by name, but those that a sandbox and a user manager consist of.
left() {
	local pid name
	for pid in $(pgrep -u worker); do
		name=$(cat "/proc/$pid/comm") || continue # it has ended
		case $name in
		systemd | '(sd-pam)' | dbus-daemon | conmon | slirp4netns | pasta* | passt* | podman-init | catatonit | 'podman pause') ;;
		*) echo "$name" ;;
		esac
	done
}

nothing_left() {
	[[ ! $(left) ]]
}

@test "after the last logout the account has no process but what its sandbox needs" {
	ssh_to worker -tt 'echo done' </dev/null
	eventually nothing_left
	pgrep -u worker -x podman-init
}
