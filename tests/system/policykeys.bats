#!/usr/bin/env bats
# What the keys of a policy do to a login, and what a change of policy does to a sandbox that is there.

load common

setup_file() {
	use_test_image
	ssh_to agent true
}

teardown() {
	policed ''
}

# policed JSON: the agent's policy, beside what all have in common.
policed() {
	policy agent "{\"version\":1${1:+,}$1}"
}

inside() {
	ssh_to agent "$@"
}

# session COMMAND: one that stays until end_session; $session is its client.
session() {
	(
		ssh() { exec /usr/bin/ssh "$@"; }
		ssh_to agent "echo ready; $1"
	) </dev/null >"$BATS_TEST_TMPDIR/session" 2>&1 3>&- &
	session=$!
	wait_for 60 grep -q ready "$BATS_TEST_TMPDIR/session"
}

end_session() {
	kill "$session"
	wait_for 60 eval '(($(pgrep -u agent -c "^podman-init$") == 1))'
}

container() {
	as agent podman --cgroup-manager=cgroupfs --storage-driver=overlay ps -aq --no-trunc "$@"
}

# refused WORDS...: the login is, with these words in the one line of its reason; and no host shell instead.
refused() {
	local word
	run -125 --separate-stderr inside 'cat /etc/hostname'
	[ "$output" = "" ]
	[ "$(wc -l <<<"$stderr")" = 1 ]
	for word in 'sandbox-shell: ' "$@"; do
		[[ $stderr == *"$word"* ]] || {
			echo "$stderr"
			return 1
		}
	done
	run -125 ssh_to agent <<<'cat /etc/hostname'
	[[ $output != *throwaway* ]]
}

@test "image: one that isn't there refuses the login and names build-base; the sandbox there was stays" {
	local before
	before=$(container)
	policed '"image":"localhost/not-there:latest"'
	refused localhost/not-there:latest build-base
	policed ''
	inside true
	[ "$(container)" = "$before" ]
}

@test "image: another name or tag is another image" {
	as agent podman --cgroup-manager=cgroupfs --storage-driver=overlay tag localhost/sandbox-test:latest \
		registry.example/some/thing:v2
	policed '"image":"registry.example/some/thing:v2"'
	run -0 inside hostname
	[ "$(container --format '{{.Image}}')" = registry.example/some/thing:v2 ]
}

@test "shell: the policy's shell runs logins and commands" {
	policed '"shell":"/bin/sh"'
	run -0 inside 'echo "$0 $SHELL"; getent passwd agent | cut -d : -f 7'
	[ "$output" = $'sh /bin/sh\n/bin/sh' ]
	run -0 inside <<<'echo "$0 $SHELL"'
	[ "$output" = '-sh /bin/sh' ]
}

@test "shell: one that isn't there gives 127 and its name, not another shell" {
	policed '"shell":"/bin/not-there"'
	run -127 --separate-stderr inside 'cat /etc/hostname'
	[[ $output == "" && $stderr == *"/bin/not-there: No such file or directory"* ]]
	run -127 inside <<<'cat /etc/hostname'
	[[ $output != *agent$'\n'* && $output != *throwaway* ]]
}

@test "setup: the policy's script runs in a new container, inside, as the user, once" {
	cat >/srv/setup.sh <<-'SCRIPT'
		#!/bin/bash
		echo "run by $(id -un) in $PWD on $(hostname), new $SANDBOX_NEW, $(grep -c '^NoNewPrivs:.1' /proc/self/status)" >>setup-ran
		echo "what it says"
		touch /var/tmp/set-up
	SCRIPT
	chmod 755 /srv/setup.sh
	policed '"setup":"/srv/setup.sh"'
	run -0 --separate-stderr inside 'cat setup-ran; ls /var/tmp'
	[ "$output" = $'run by agent in /home/agent on agent, new 0, 1\nset-up' ]
	[ "$stderr" = "" ]
	inside true
	run -0 inside 'cat setup-ran; rm setup-ran'
	[ "$output" = 'run by agent in /home/agent on agent, new 0, 1' ]
	[ "$(cat /home/agent/sandboxes/agent/setup.log)" = 'what it says' ]
}

@test "setup: a script that fails refuses the login with its last words, and runs again at the next" {
	printf '#!/bin/sh\necho first\necho "no such mirror" >&2\nexit 3\n' >/srv/failing.sh
	chmod 755 /srv/failing.sh
	policed '"setup":"/srv/failing.sh"'
	refused /srv/failing.sh 'status 3' 'no such mirror' /home/agent/sandboxes/agent/setup.log
	printf '#!/bin/sh\necho repaired >repaired\n' >/srv/failing.sh
	run -0 inside 'cat repaired; rm repaired'
	[ "$output" = repaired ]
}

@test "setup: a script that isn't there refuses the login" {
	policed '"setup":"/srv/no-setup.sh"'
	refused /srv/no-setup.sh
}

@test "env.set: the variables are there, in commands and logins, with every character" {
	policed '"env":{"set":{"PLAIN":"value","ODD":"a b\"c'"'"'$d \\ ü %s","EMPTY":"","PATH":"/policy:/usr/bin:/bin"}}'
	run -0 inside 'printf "%s|" "$PLAIN" "$ODD" "${EMPTY-unset}" "$PATH"'
	[ "$output" = $'value|a b"c\'$d \\ ü %s||/policy:/usr/bin:/bin|' ]
	run -0 inside <<<'echo "$PLAIN"'
	[ "$output" = value ]
}

@test "limits.tmp and limits.shm are the sizes of /tmp and /dev/shm, and hold" {
	policed '"limits":{"tmp":"5M","shm":"3M"}'
	run -0 inside 'df --output=size -B 1M /tmp /dev/shm | tail -n 2 | tr -d " "'
	[ "$output" = $'5\n3' ]
	run -1 inside 'head -c 6M /dev/zero >/tmp/x'
	run -1 inside 'head -c 4M /dev/zero >/dev/shm/x'
	run -0 inside 'rm /tmp/x /dev/shm/x; head -c 4M /dev/zero >/tmp/x'
}

@test "limits.nofile is the limit of open files, in commands and logins, and can't be raised" {
	policed '"limits":{"nofile":200}'
	run -0 inside 'ulimit -Sn; ulimit -Hn'
	echo "$output"
	[ "$output" = $'200\n200' ]
	run -0 inside <<<'ulimit -Hn'
	[ "$output" = 200 ]
	run -1 inside 'ulimit -n 201'
}

@test "limits: one that this host can't enforce refuses the login, or is warned of; it never runs unlimited in silence" {
	local limit key has
	for limit in '"memory":"64M"' '"cpus":0.5' '"pids":100'; do
		key=${limit%%:*} key=${key//\"/}
		policed "\"limits\":{$limit,\"enforce\":\"required\"}"
		has=$(grep -cw "${key%s}s\?" "$(cgroup_of agent)/cgroup.controllers" || true)
		if ((has)); then
			run -0 --separate-stderr inside true
		else
			refused "limits.$key"
			policed "\"limits\":{$limit,\"enforce\":\"best-effort\"}"
			run -0 --separate-stderr inside 'echo in'
			[ "$output" = in ]
			[[ $stderr == "sandbox-shell: warning: "*"limits.$key"* ]]
		fi
	done
}

@test "sandbox: another name than the account's is the name of host, container and folder; the user stays" {
	policed '"sandbox":"work.bench-1"'
	run -0 inside 'hostname; id -un; echo "$HOME"; pwd; echo here >where'
	[ "$output" = $'work.bench-1\nagent\n/home/agent\n/home/agent' ]
	[ "$(cat /home/agent/sandboxes/work.bench-1/home/where)" = here ]
	run -0 container --filter name='^work.bench-1$'
	[ -n "$output" ]
	# The one under the old name has another home, and is still there.
	policed ''
	as agent podman --cgroup-manager=cgroupfs --storage-driver=overlay rm -f -t 0 work.bench-1
	run -0 inside 'hostname; cat where 2>/dev/null || echo elsewhere'
	[ "$output" = $'agent\nelsewhere' ]
}

@test "a change of policy without a session makes a new container and keeps the home" {
	local before
	inside 'echo kept >in-home; echo gone >/var/tmp/in-container'
	before=$(container)
	policed '"limits":{"shm":"2M"}'
	run -0 --separate-stderr inside 'cat in-home; cat /var/tmp/in-container 2>/dev/null; df --output=size -B 1M /dev/shm | tail -n 1 | tr -d " "'
	[ "$output" = $'kept\n2' ]
	[ "$stderr" = "" ]
	[ "$(container | wc -l)" = "$(wc -l <<<"$before")" ]
	[ "$(container)" != "$before" ]
}

@test "a change of policy while a session runs refuses the login with the reason, and leaves the session alone" {
	inside true
	session 'read -t 30 <>/tmp/never; exec sleep 4001'
	policed '"limits":{"shm":"4M"}'
	refused 'policy has changed' session
	kill -0 "$session"
	end_session
	run -0 inside 'df --output=size -B 1M /dev/shm | tail -n 1 | tr -d " "'
	[ "$output" = 4 ]
}

@test "a change of policy while only background processes are left replaces the sandbox" {
	inside 'setsid sleep 4002 </dev/null >/dev/null 2>&1 &'
	wait_for 60 eval 'pgrep -u agent -fx "sleep 4002" >/dev/null'
	policed '"limits":{"shm":"6M"}'
	run -0 inside 'df --output=size -B 1M /dev/shm | tail -n 1 | tr -d " "'
	[ "$output" = 6 ]
	run -1 pgrep -u agent -fx 'sleep 4002'
}

@test "a change that the container doesn't depend on holds for the next login, beside running sessions" {
	local before
	inside true
	before=$(container)
	session 'exec sleep 4003'
	policed '"env":{"set":{"FRESH":"yes"}},"access":{"expires":"2199-01-01T00:00:00Z"}'
	run -0 inside 'echo $FRESH'
	[ "$output" = yes ]
	[ "$(container)" = "$before" ]
	end_session
}

@test "limits.session_time: a session ends when its time is up, with all it started, and says so" {
	inside true
	policed '"limits":{"session_time":"1s"}'
	run -125 --separate-stderr inside 'echo in; setsid sleep 4006 & sleep 64.06'
	[ "$output" = in ]
	[ "$stderr" = "sandbox-shell: session: its time is up (limits.session_time): log in again" ]
	wait_for 60 eval '! pgrep -u agent -fx "sleep 4006" >/dev/null'
	run -125 inside -tt 'trap "" HUP; echo in; sleep 400.07'
	[[ $output == *"sandbox-shell: session: its time is up"* ]]
	wait_for 60 eval '! pgrep -u agent -fx "sleep 400.07" >/dev/null'
}

@test "limits.session_time: holds for each session by itself, from its beginning" {
	session 'exec sleep 4008'
	policed '"limits":{"session_time":"1s"}'
	run -125 inside 'exec sleep 64.09'
	kill -0 "$session"
	end_session
	policed '"limits":{"session_time":"5m"}'
	run -3 inside 'exit 3'
}

@test "a change of limits holds for the next login, in the same container, beside running sessions" {
	local before
	policed '"limits":{"pids":90,"nofile":300}'
	run -0 --separate-stderr inside 'ulimit -Hu; ulimit -Hn'
	[ "$output" = $'90\n300' ]
	before=$(container)
	session 'exec sleep 4011'
	policed '"limits":{"pids":120,"nofile":400,"memory":"1G","cpus":1.5}'
	run -0 --separate-stderr inside 'ulimit -Hu; ulimit -Hn'
	[ "$output" = $'120\n400' ]
	policed '"limits":{"pids":60}'
	run -0 --separate-stderr inside 'ulimit -Hu'
	[ "$output" = 60 ]
	kill -0 "$session"
	[ "$(container)" = "$before" ]
	end_session
	# Also by way of a stop.
	as agent podman --cgroup-manager=cgroupfs --storage-driver=overlay stop -t 1 agent
	policed '"limits":{"pids":70}'
	run -0 --separate-stderr inside 'ulimit -Hu'
	[ "$output" = 70 ]
	[ "$(container)" = "$before" ]
}

@test "a policy that becomes invalid refuses logins, and leaves running sessions alone" {
	session 'exec sleep 4004'
	policed '"limits":{"memroy":1}'
	refused /etc/sandbox-shell/policy.d/agent.json:1: limits.memroy
	kill -0 "$session"
	end_session
}

@test "access.enabled false refuses the login, cold and warm" {
	inside true
	policed '"access":{"enabled":false}'
	refused access.enabled
	kill -9 "$(pgrep -o -u agent '^podman-init$')"
	refused access.enabled
	run -1 pgrep -u agent '^podman-init$'
}

@test "access.expires: from that moment on the login is refused, before it isn't" {
	policed '"access":{"expires":"2020-01-01T00:00:00Z"}'
	refused access.expires 2020
	policed "\"access\":{\"expires\":\"$(date -u -d '+1 hour' +%FT%TZ)\"}"
	inside true
	policed "\"access\":{\"expires\":\"$(TZ=UTC-05 date -d '-1 minute' +%FT%T)+05:00\"}"
	refused access.expires
	policed "\"access\":{\"expires\":\"$(TZ=UTC-05 date -d '+30 minutes' +%FT%T)+05:00\"}"
	inside true
}

@test "access: a session that runs when it's withdrawn stays" {
	session 'exec sleep 4005'
	policed '"access":{"enabled":false}'
	refused access.enabled
	kill -0 "$session"
	policed ''
	end_session
}

@test "a key whose effect is still to come is refused, not ignored" {
	local key
	for key in '"limits":{"disk":"1G"}' '"network":{"mode":"filtered"}' \
		'"session":{"record":"tty"}' '"session":{"on_disconnect":"keep"}'; do
		policed "$key"
		refused 'not supported yet'
	done
}
