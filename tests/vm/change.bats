#!/usr/bin/env bats
# Other limits for a sandbox that runs, where the kernel keeps them: its sessions go on.

load common

setup_file() {
	worker_with '{ "version": 1, "image": "localhost/sandbox-test:latest",
		"limits": { "memory": "256M", "pids": 100, "cpus": 0.5 } }'
}

teardown() {
	release
}

limits() {
	policy worker "{ \"version\": 1, \"image\": \"localhost/sandbox-test:latest\", \"limits\": { $1 } }"
}

# in_force MEMORY SWAP PIDS CPU
in_force() {
	local group
	group=$(group_of worker)
	run -0 cat "$group/memory.max" "$group/memory.swap.max" "$group/pids.max" "$group/cpu.max"
	[ "$output" = "$1"$'\n'"$2"$'\n'"$3"$'\n'"$4" ]
	[ "$(<"$group/memory.high")" = max ]
}

@test "up, down and to the host's defaults: each is in force at the next login, in the same sandbox, beside a session" {
	local init
	init=$(init_of worker)
	hold worker "$BATS_TEST_TMPDIR/out" 'echo in; while [ ! -e go ]; do sleep 0.2; done; echo alive; rm go'
	eventually says in out
	limits '"memory": "384M", "swap": "64M", "pids": 200, "cpus": 1.5'
	run -0 ssh_to worker 'ulimit -u'
	[ "$output" = 200 ]
	in_force 402653184 67108864 232 '150000 100000'
	limits '"memory": "192M", "swap": 0, "pids": 50, "cpus": 0.25'
	run -0 ssh_to worker 'ulimit -u'
	[ "$output" = 50 ]
	in_force 201326592 0 82 '25000 100000'
	limits '"memory": "192M"'
	ssh_to worker true
	in_force 201326592 0 544 '200000 100000' # the others as the host's policy.json has them
	ssh_to worker 'touch go'
	eventually says alive out
	[ "$(init_of worker)" = "$init" ]
}

@test "less memory than is in use: refused with the numbers, nobody is killed, the old limit stays" {
	local kills init
	limits '"memory": "256M", "swap": 0'
	ssh_to worker true
	init=$(init_of worker) kills=$(grep -w oom_kill "$(group_of worker)/memory.events")
	hold worker "$BATS_TEST_TMPDIR/out" 'exec python3 -c "x = b\"x\" * (128 << 20); print(\"in\", flush=True); import time; time.sleep(1004)"'
	eventually says in out
	limits '"memory": "64M", "swap": 0'
	run -125 --separate-stderr ssh_to worker true
	[ "$output" = "" ]
	[[ $stderr == "sandbox-shell: limits.memory: the sandbox uses "*" bytes, and its new limit is 67108864: "* ]]
	[ "$(<"$(group_of worker)/memory.max")" = 268435456 ]
	[ "$(<"$(group_of worker)/memory.high")" = max ]
	pgrep -u worker -f 'time.sleep.1004' >/dev/null
	[ "$(grep -w oom_kill "$(group_of worker)/memory.events")" = "$kills" ]
	release
	eventually eval '! pgrep -u worker -f "time.sleep.1004" >/dev/null'
	ssh_to worker true
	[ "$(<"$(group_of worker)/memory.max")" = 67108864 ]
	[ "$(init_of worker)" = "$init" ]
}

@test "a sandbox that was stopped has the new limits when it is started again" {
	limits '"memory": "256M", "swap": 0, "cpus": 0.5, "pids": 100'
	sandboxctl stop worker
	run -0 ssh_to worker hostname
	[ "$output" = worker ]
	in_force 268435456 0 132 '50000 100000'
}
