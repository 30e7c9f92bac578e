#!/usr/bin/env bats
# Root's view of the accounts where limits are in force: ls, status, and a doctor that has nothing to say.

load common

setup_file() {
	worker_with '{ "version": 1, "image": "localhost/sandbox-test:latest",
		"limits": { "memory": "256M", "pids": 100, "cpus": 0.5, "enforce": "required" } }'
}

teardown() {
	release
}

spins() {
	sandboxctl ls --json | jq -e '.[] | select(.account == "worker") | .sessions == 1 and .cpus > 350 and .cpus < 650'
}

@test "ls: memory, processor and processes in use, against the limits that the kernel has" {
	run -0 sandboxctl ls --json
	echo "$output"
	jq -e '.[] | select(.account == "worker") | .state == "running" and .sessions == 0 and .memory > 100000 and
		.memory < .memory_limit and .memory_limit == 268435456 and .cpus_limit == 500 and .pids > 0 and
		.pids_limit == 100' <<<"$output"
	# What spins gets what it may have, and ls says so.
	hold worker "$BATS_TEST_TMPDIR/out" 'echo in; while :; do :; done'
	wait_for 120 grep -q in "$BATS_TEST_TMPDIR/out"
	eventually spins
}

@test "status: each limit is held by the sandbox's cgroup, and the account's slice holds all of it" {
	run -0 sandboxctl status worker
	echo "$output"
	grep -E "^memory +256M +[0-9.]+[KM] +the sandbox's cgroup \(256M\); the account's slice \([0-9.]+M\)$" <<<"$output"
	grep -E "^cpus +0.5 +[0-9.]+ +the sandbox's cgroup \(0.50\); the account's slice \(1.50\)$" <<<"$output"
	grep -E "^pids +100 +[0-9]+ +the sandbox's cgroup \(132\); rlimit of each command \(100\); the account's slice \([0-9]+\)$" \
		<<<"$output"
	[[ $output != *"NOT ENFORCED"* && $output == *"GIVES AWAY nothing" ]]
	run -0 --separate-stderr runuser -u worker -- sandboxctl status worker
	grep -F "the sandbox's cgroup (256M)" <<<"$output"
}

@test "doctor: nothing on this host, and what is broken for systemd is found" {
	run -0 sandboxctl doctor
	echo "$output"
	[[ $output == "doctor: all is well: "* ]]
	loginctl disable-linger worker
	run -1 sandboxctl doctor
	echo "$output"
	[[ $output == "doctor: account worker: doesn't linger, "* ]]
	run -0 sandboxctl doctor --fix
	[[ $output == "doctor: fixed: account worker: lingers"$'\n'"doctor: all is well: "* ]]
	mkdir -p /etc/systemd/system/user@.service.d
	printf '[Service]\nDelegate=\nDelegate=pids memory\n' >/etc/systemd/system/user@.service.d/z.conf
	systemctl daemon-reload
	run -1 sandboxctl doctor
	echo "$output"
	rm /etc/systemd/system/user@.service.d/z.conf
	systemctl daemon-reload
	grep -F "doctor: account worker: systemd doesn't delegate cpu to user@$(id -u worker).service, " <<<"$output"
	sandboxctl doctor
}
