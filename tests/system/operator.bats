#!/usr/bin/env bats
# What root does with an account's sandbox: having become that account, and trusting nothing of the account's.
# host: --account other

load common

setup_file() {
	use_test_image
	printf '#!/bin/sh\necho run >>"$HOME/ran"\n' >/etc/sandbox-shell/setup.sh
	ssh_to agent true
	ssh_to other true
}

setup() {
	policy agent '{"version":1}'
	data=/home/agent/sandboxes/agent
}

inits() {
	pgrep -u "$1" '^podman-init$'
}

none_inside() {
	run -1 inits "$1"
}

@test "run: into an account's sandbox without ssh, as that account, with the command's own status" {
	run -0 sandboxctl run agent -- sh -c 'id -u; hostname; pwd; exec cat' <<<'through stdin'
	[ "$output" = "$(id -u agent)"$'\nagent\n/home/agent\nthrough stdin' ]
	run -7 sandboxctl run agent -- sh -c 'exit 7'
	run -127 --separate-stderr sandboxctl run agent -- no-such-command
	# Without a command it is the shell.
	run -0 sandboxctl run other <<<'hostname'
	[ "$output" = other ]
}

@test "run: nothing of root is left in the process that looks at the account's files" {
	mkfifo "$BATS_TEST_TMPDIR/in"
	sandboxctl run agent -- sh -c 'echo in; cat' <>"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 3>&- &
	local job=$! uid
	wait_for 60 grep -q in "$BATS_TEST_TMPDIR/out"
	uid=$(id -u agent)
	run -0 awk '/^([UG]id|CapEff|CapPrm|CapInh|Groups):/ { $1 = $1; print }' "/proc/$job/status"
	echo "$output"
	[ "$output" = "Uid: $uid $uid $uid $uid
Gid: $uid $uid $uid $uid
Groups: $(id -G agent | tr ' ' '\n' | sort -n | tr '\n' ' ' | sed 's/ $//')
CapInh: 0000000000000000
CapPrm: 0000000000000000
CapEff: 0000000000000000" ]
	# Not dumpable: what is the account's can't take hold of it.
	[ "$(stat -c %U "/proc/$job/fd")" = root ]
	run -1 as agent cat "/proc/$job/environ"
	kill "$job"
	wait "$job" || true
}

# in_group ACCOUNT COMMAND...: as root, from the account's cgroup, which here is of the test host's making; see
# sandboxctl(8) on hosts without systemd.
in_group() (
	echo "$BASHPID" >"$(cgroup_of "$1")/login/cgroup.procs"
	shift
	exec "$@"
)

@test "run: whatever access and session_time say, and into a sandbox that was stopped" {
	policy agent '{"version":1,"access":{"enabled":false},"limits":{"session_time":"1s"}}'
	run -125 ssh_to agent true
	run -0 sandboxctl run agent -- echo in
	[ "$output" = in ]
	sandboxctl stop agent
	none_inside agent
	run -0 in_group agent sandboxctl run agent -- sh -c 'sleep 1.5; echo again'
	[ "$output" = again ]
}

@test "run is root's, and root has no box" {
	says 'sandboxctl: run: for root: *sandboxctl box*' as plain sandboxctl run plain -- true
	says 'sandboxctl: run: for root: *sandboxctl box*' as agent sandboxctl run other -- true
	says 'sandboxctl: identity: root has no sandbox*' sandboxctl box agent
	says 'sandboxctl: usage: *' sandboxctl run
	says 'sandboxctl: usage: *' sandboxctl run agent true
}

@test "stop and kill: that account's only, and the next login works" {
	local command others
	others=$(inits other)
	for command in stop kill; do
		ssh_to agent true
		sandboxctl "$command" agent
		none_inside agent
		[ "$(inits other)" = "$others" ]
		run -0 ssh_to agent 'cat ran'
		[ "$output" = run ]
	done
}

@test "kill ends a first login that hangs in setup.sh with the lock in its hand, and a fork bomb" {
	local name job status=0
	name=$(fresh_account)
	policy "$name" '{"version":1,"setup":"/etc/sandbox-shell/hangs"}'
	printf '#!/bin/sh\nexec sleep 1020\n' >/etc/sandbox-shell/hangs
	ssh_to "$name" true </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	job=$!
	wait_for 60 pgrep -u "$name" -fx 'sleep 1020'
	policy "$name" '{"version":1}'
	timeout 120 sandboxctl kill "$name"
	wait "$job" || status=$?
	[ "$status" -eq 125 ]
	ssh_to "$name" 'cat >bomb; chmod +x bomb' <"$CHECKOUT/build/helpers/attack_tree"
	ssh_to "$name" './bomb bomb 200 bomber' </dev/null >/dev/null 2>&1 3>&- &
	job=$!
	wait_for 60 pgrep -u "$name" -x bomber
	timeout 120 sandboxctl kill "$name"
	wait_for 60 eval "! pgrep -u $name -x bomber"
	wait "$job" || true
	run -0 ssh_to "$name" 'echo works'
	[ "$output" = works ]
}

@test "reset: a new container, set up again, with the same home" {
	ssh_to agent 'echo kept >kept; echo gone >/var/tmp/gone'
	says "sandboxctl: reset agent: would remove its container and what is in it outside of $data/home: say --yes" \
		sandboxctl reset agent </dev/null
	sandboxctl reset --yes agent
	none_inside agent
	run -0 ssh_to agent 'cat kept ran; ls /var/tmp'
	[ "$output" = $'kept\nrun\nrun' ]
}

@test "rm: the container and all files, of that account" {
	ssh_to agent true
	says "sandboxctl: rm agent: would remove its container and all files in $data: say --yes" \
		sandboxctl rm agent </dev/null
	[ -e "$data/home/ran" ]
	sandboxctl rm --yes agent
	[ ! -e "$data" ]
	[ -e /home/other/sandboxes/other/home/ran ]
	says "sandboxctl: agent: no such sandbox in *" sandboxctl rm --yes agent
	run -0 ssh_to agent 'cat ran'
	[ "$output" = run ]
}

@test "with a broken policy, or none, a sandbox can be stopped and removed" {
	ssh_to agent true
	policy agent '{'
	sandboxctl stop agent
	none_inside agent
	rm /etc/sandbox-shell/policy.d/agent.json
	sandboxctl rm --yes agent
	[ ! -e "$data" ]
}

@test "names that are no account's" {
	local command name
	for command in run stop kill 'reset --yes' 'rm --yes'; do
		for name in '' . .. ../agent agent/ /etc 'agent x' -- AGENT $'a\nb' "$(printf 'a%.0s' {1..33})"; do
			# shellcheck disable=SC2086 # command and option
			run -125 --separate-stderr sandboxctl $command "$name"
			[[ $output == "" && $stderr == "sandboxctl: "* && $stderr != *$'\n'* ]]
		done
		# shellcheck disable=SC2086
		says 'sandboxctl: nobody-here: no such account' sandboxctl $command nobody-here
		# shellcheck disable=SC2086
		says 'sandboxctl: root: root has no sandbox' sandboxctl $command root
	done
}

@test "links and swapped folders in the account's home while root resets and removes: nothing outside is touched" {
	local round
	mkdir -p /srv/precious/agent/home
	echo mine >/srv/precious/agent/home/file
	cp -a /srv/precious /srv/before
	for round in {1..8}; do
		echo "round $round"
		ssh_to agent 'echo x >file' || true
		as agent setsid bash -c 'cd ~; echo "$$" >swapper; while :; do
			mv sandboxes kept; ln -s /srv/precious sandboxes
			rm sandboxes; mv kept sandboxes
			mv sandboxes/agent sandboxes/real; ln -s /srv/precious/agent sandboxes/agent
			rm sandboxes/agent; mv sandboxes/real sandboxes/agent
			rm -rf sandboxes/other; ln -s /home/other/sandboxes/other sandboxes/other
		done' </dev/null >/dev/null 2>&1 3>&- &
		wait_for 60 test -s /home/agent/swapper
		timeout 120 sandboxctl reset --yes agent 3>&- || true
		timeout 120 sandboxctl rm --yes agent 3>&- || true
		# With what it was just running.
		kill -KILL -- "-$(cat /home/agent/swapper)"
		wait || true
		wait_for 60 eval '! pgrep -g "$(cat /home/agent/swapper)"'
		rm /home/agent/swapper
		as agent bash -c 'cd ~; rm -f sandboxes/other; [ ! -L sandboxes ] || rm sandboxes
			[ -e sandboxes ] || [ ! -e kept ] || mv kept sandboxes
			[ ! -L sandboxes/agent ] || rm sandboxes/agent
			[ -e sandboxes/agent ] || [ ! -e sandboxes/real ] || mv sandboxes/real sandboxes/agent'
	done
	diff -r /srv/before /srv/precious
	[ -e /home/other/sandboxes/other/home/ran ]
	run -0 ssh_to other 'hostname'
	[ "$output" = other ]
	# Once the account has put its own house in order it has a sandbox again.
	as agent rm -rf /home/agent/kept
	sandboxctl kill agent
	run -0 ssh_to agent hostname
	[ "$output" = agent ]
}
