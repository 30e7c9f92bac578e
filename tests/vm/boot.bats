#!/usr/bin/env bats
# What a reboot of the host leaves: the account's home, its sandbox, and what the package has set up.
#
# reboots: yes

load common

setup() {
	SANDBOX=/home/worker/sandboxes/worker
}

# fingerprint: when setup.sh was run, and what the home inside has.
fingerprint() {
	stat -c '%n %i %Y %s' "$SANDBOX/setup.log" "$SANDBOX/home"/*
}

@test "before: a login makes a sandbox, and writes into its home" {
	worker_with '{ "version": 1, "image": "localhost/sandbox-test:latest",
		"limits": { "memory": "128M", "cpus": 0.5, "pids": 100, "enforce": "required" } }'
	run -0 ssh_to worker 'echo kept >kept; mkdir -p bin; hostname'
	[ "$output" = worker ]
	hold worker "$BATS_TEST_TMPDIR/out" 'echo in; exec sleep 1000'
	eventually says in out
	fingerprint >/var/lib/throwaway/fingerprint
	cp /proc/sys/kernel/random/boot_id /var/lib/throwaway/
}

@test "after: it is another boot, and nobody has logged in yet" {
	run ! cmp /proc/sys/kernel/random/boot_id /var/lib/throwaway/boot_id
	[ ! -e "/run/user/$(id -u worker)/sandbox-shell/worker/state" ]
}

@test "after: the next login works, and the home is as it was" {
	run -0 --separate-stderr ssh_to worker 'cat kept; hostname'
	[ "$output" = $'kept\nworker' ]
	[ "$stderr" = "" ]
	fingerprint | diff /var/lib/throwaway/fingerprint -
}

@test "after: its limits hold again" {
	[ "$(<"$(group_of worker)/memory.max")" = 134217728 ]
	[ "$(<"$(group_of worker)/cpu.max")" = "50000 100000" ]
	[ "$(<"$(group_of worker)/pids.max")" = 132 ]
}
