# tests/vm/common.bash - what the bats files of the virtual machine share: load common in each of them.
#
# Runs as root in the machine, in which tests/vm/prepare has installed the package. All files are run in one
# boot, one after the other: each leaves the host as it found it, but for the account worker.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
load "$HOST_LIB"

# eventually COMMAND...: for as long as anything is waited for: the processor is emulated, and the machine's
# own may have much else to do.
eventually() {
	wait_for 300 "$@"
}

# make_account NAME POLICY: as an operator does.
make_account() {
	printf '%s\n' "$2" >/var/lib/throwaway/policy
	sandboxctl enroll "$1" --key "$HOST_KEY.pub" --policy /var/lib/throwaway/policy
}

# worker_with POLICY: the account worker has a sandbox that runs, and that policy. Files share it, since an image is
# imported once for each account, which takes long here.
worker_with() {
	if [[ ! -e /etc/sandbox-shell/policy.d/worker.json ]]; then make_account worker "$1"; fi
	policy worker "$1"
	ssh_to worker true
}

# policy ACCOUNT JSON: the account's own policy; what it leaves out is as the package has it.
policy() {
	printf '%s\n' "$2" >"/etc/sandbox-shell/policy.d/$1.json"
	chmod 644 "/etc/sandbox-shell/policy.d/$1.json"
}

# The clients of this test that run in the background.
HELD=()

# hold ACCOUNT FILE COMMAND: a session in the background, with the client's pid in HELD. Its output is FILE's.
# Without a terminal sshd would leave the command running when its client goes.
hold() {
	(
		ssh() { exec /usr/bin/ssh "$@"; }
		ssh_to "$1" -tt "$3"
	) </dev/null >"$2" 2>&1 3>&- &
	HELD+=($!)
}

# release: ends the sessions that hold began.
release() {
	((${#HELD[@]} == 0)) || kill "${HELD[@]}" 2>/dev/null || true
	HELD=()
}

# quiet ACCOUNT: is there no client's session of it left?
quiet() {
	! pgrep -u "$1" -x sandbox-session >/dev/null
}

# says TEXT FILE: is it in that file of the test's?
says() {
	grep -q "$1" "$BATS_TEST_TMPDIR/$2"
}

# record_of ACCOUNT KEY: what the runtime record says.
record_of() {
	sed -n "s/^$2 //p" "/run/user/$(id -u "$1")/sandbox-shell/$1/state"
}

# init_of ACCOUNT: the pid of PID 1, and when it was started, which together are never another's.
init_of() {
	local pid
	pid=$(record_of "$1" pid)
	echo "$pid $(sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 20)"
}

# group_of ACCOUNT: the cgroup that has the sandbox's limits: PID 1's own, or the one around it, as the
# engine's version has it.
group_of() {
	local group
	group=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(record_of "$1" pid)/cgroup")
	[[ $(<"$group/memory.max") != max ]] || group=${group%/*}
	echo "$group"
}
