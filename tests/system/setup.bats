#!/usr/bin/env bats
# setup.sh: once for each container, inside, before anybody else gets in; again when it failed.

load common

setup_file() {
	use_test_image
	ssh_to agent true
}

setup() {
	data=/home/agent/sandboxes/agent
	policy agent '{"version":1}'
	forget
}

# As if nobody had logged in before, but with the image in the store.
forget() {
	remove_container
	rm -rf "/home/agent/sandboxes" "/run/user/$(id -u agent)/sandbox-shell"
}

remove_container() {
	as agent podman --storage-driver overlay rm --force --time 0 agent >/dev/null
}

# write_setup: the script on stdin becomes setup.sh.
write_setup() {
	rm -f /etc/sandbox-shell/setup.sh
	cat >/etc/sandbox-shell/setup.sh
	chmod 755 /etc/sandbox-shell/setup.sh
}

log() {
	cat "$data/setup.log"
}

ready() {
	grep -qx 'ready 1' "$data/state"
}

# failed PATTERN: the login is refused with one line like that, which names the log, and nothing on stdout.
failed() {
	run --separate-stderr -125 ssh_to agent 'echo got in' </dev/null
	echo "$stderr"
	[ "$output" = "" ]
	# shellcheck disable=SC2154 # of run's making
	[ "${#stderr_lines[@]}" -eq 1 ]
	# shellcheck disable=SC2053 # a pattern
	[[ $stderr == sandbox-shell:\ setup\ /etc/sandbox-shell/setup.sh:\ failed\ with\ status\ $1 ]]
	[[ $stderr == *": see $data/setup.log; the next login tries again" ]]
	run ! ready
}

@test "it runs inside as the account's own user, in the new home, with SANDBOX_NEW=1 and the sandbox's name" {
	write_setup <<-'SETUP'
		#!/bin/sh
		echo "$SANDBOX_NEW $SANDBOX_NAME $(id -un) $(hostname) $HOME $(pwd)"
		grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status
		id -u >"$HOME/by"
	SETUP
	ssh_to agent true
	[ "$(log | head -n 1)" = "1 agent agent agent /home/agent /home/agent" ]
	[ "$(log | grep -c -E '0000000000000000|NoNewPrivs:.1')" -eq 3 ]
	[ "$(stat -c %U "$data/home/by")" = agent ]
	[ "$(cat "$data/home/by")" = "$(id -u agent)" ]
	[ "$(stat -c '%U %a' "$data/setup.log")" = "agent 600" ]
	ready
}

@test "it runs once: not at the next login, nor after a stop" {
	write_setup <<<$'#!/bin/sh\necho run >>"$HOME/ran"'
	ssh_to agent true
	ssh_to agent true
	as agent podman --storage-driver overlay stop --time 0 agent
	run -0 ssh_to agent 'cat ran'
	[ "$output" = run ]
}

@test "a new container with the old home gets SANDBOX_NEW=0" {
	write_setup <<<$'#!/bin/sh\necho "$SANDBOX_NEW" >>"$HOME/ran"'
	ssh_to agent 'echo mine >file'
	remove_container
	run -0 ssh_to agent 'cat ran file'
	[ "$output" = $'1\n0\nmine' ]
	policy agent '{"version":1,"network":{"mode":"none"}}'
	run -0 ssh_to agent 'cat ran file'
	[ "$output" = $'1\n0\n0\nmine' ]
}

@test "what it prints goes to setup.log, and to a terminal, never to a login without one" {
	write_setup <<<$'#!/bin/sh\necho to stdout; echo to stderr >&2; printf "no newline"'
	run --separate-stderr -0 ssh_to agent 'echo command'
	[ "$output" = command ]
	[ "$stderr" = "" ]
	[ "$(log)" = $'to stdout\nto stderr\nno newline' ]
	forget
	run -0 ssh_to agent -tt 'echo command' </dev/null
	[[ ${output//$'\r'/} == *$'to stdout\nto stderr\nno newlinecommand' ]]
	[ "$(log)" = $'to stdout\nto stderr\nno newline' ]
}

@test "it has no terminal, also when the login has one" {
	write_setup <<<$'#!/bin/sh\n[ -t 0 ] || [ -t 1 ] || [ -t 2 ] || echo none\n(: </dev/tty) 2>/dev/null || echo no tty'
	run -0 ssh_to agent -tt true </dev/null
	[ "$(log)" = $'none\nno tty' ]
}

@test "a long log is kept whole" {
	write_setup <<<$'#!/bin/sh\nseq 200000'
	ssh_to agent true
	seq 200000 | cmp - "$data/setup.log"
}

@test "a failure: the last lines, the status and the log's path are said, and nobody gets in until it has worked" {
	write_setup <<-'SETUP'
		#!/bin/sh
		echo run >>"$HOME/ran"
		echo "$SANDBOX_NEW" >>"$HOME/new"
		echo first; echo second; echo third; echo the reason >&2
		[ -e "$HOME/mended" ] || exit 3
	SETUP
	failed "3: second|third|the reason: see *"
	[ "$(log)" = $'first\nsecond\nthird\nthe reason' ]
	failed "3: second|third|the reason: see *"
	[ "$(cat "$data/home/ran")" = $'run\nrun' ]
	as agent touch "$data/home/mended"
	run -0 ssh_to agent 'cat ran new'
	# All the while the home was a new one: no run of it had come to its end.
	[ "$output" = $'run\nrun\nrun\n1\n1\n1' ]
	ready
}

@test "a failure is shown on a terminal too, with 125" {
	write_setup <<<$'#!/bin/sh\necho the reason; exit 1'
	run -125 ssh_to agent -tt 'echo got in' </dev/null
	[[ ${output//$'\r'/} == *$'\nthe reason\nsandbox-shell: setup /etc/sandbox-shell/setup.sh: failed with status 1: the reason: see '* ]]
	[[ $output != *"got in"* ]]
}

@test "a failure of one among many logins: all of them are refused, and each has tried" {
	write_setup <<<$'#!/bin/sh\necho run >>"$HOME/ran"; exit 1'
	jobs=()
	for i in {1..5}; do
		ssh_to agent true </dev/null 2>"$BATS_TEST_TMPDIR/$i.err" 3>&- &
		jobs+=($!)
	done
	for job in "${jobs[@]}"; do
		status=0
		wait "$job" || status=$?
		[ "$status" -eq 125 ]
	done
	[ "$(cat "$BATS_TEST_TMPDIR"/*.err | grep -c 'failed with status 1')" -eq 5 ]
	[ "$(wc -l <"$data/home/ran")" -eq 5 ]
}

@test "a failure with nothing printed, by a signal, or by a missing interpreter" {
	write_setup <<<$'#!/bin/sh\nexit 9'
	failed "9: *"
	write_setup <<<$'#!/bin/sh\nkill -9 $$'
	failed "137: *"
	write_setup <<<$'#!/nonexistent/interpreter\ntrue'
	failed "12[67]: *"
}

@test "what a failed script printed can't forge or colour the line that reports it" {
	write_setup <<-'SETUP'
		#!/bin/sh
		printf 'before\033[2J\033]0;title\007\r\b\ttab\302\233\233 end\n'
		printf 'sandbox-shell: all is well\nmore'
		exit 1
	SETUP
	failed "1: *"
	run ! grep -q '[[:cntrl:]]' <<<"$stderr"
	[ "$(LC_ALL=C tr -d '\40-\176\n' <<<"$stderr" | wc -c)" -eq 0 ]
	# The log has it as it was.
	[ "$(log | head -c 9 | tail -c 3)" = $'\e[2' ]
}

@test "a failed script's output without an end of line, or in one line that never ends, is cut" {
	write_setup <<<$'#!/bin/sh\nhead -c 1000000 /dev/zero | tr "\\0" x; exit 1'
	run --separate-stderr -125 ssh_to agent true
	[ "${#stderr}" -lt 1500 ]
	[ "$(stat -c %s "$data/setup.log")" -eq 1000000 ]
}

@test "reading its stdin it finds the end, not its own text" {
	write_setup <<-'SETUP'
		#!/bin/sh
		cat
		echo "read: $(wc -c)"
		exit 0
	SETUP
	ssh_to agent true
	[ "$(log)" = "read: 0" ]
}

@test "it may be longer than a pipe holds, and be no shell script" {
	{
		printf '#!/usr/bin/python3\n'
		for i in {1..3000}; do printf '# %0100d\n' "$i"; done
		printf 'print("python")\n'
	} | write_setup
	[ "$(stat -c %s /etc/sandbox-shell/setup.sh)" -gt 300000 ]
	ssh_to agent true
	[ "$(log)" = python ]
}

@test "what it leaves in the background runs on, and holds up no login" {
	write_setup <<<$'#!/bin/sh\ncp /bin/sleep /tmp/background\n/tmp/background 1000 &\nuntil pgrep -x background; do :; done >/dev/null\nnohup sh -c "while :; do echo x; sleep 0.01; done" & echo done'
	run -0 timeout 120 bash -c '. "$HOST_LIB" && ssh_to agent pgrep -x background'
	ssh_to agent 'pgrep -x background'
	[ "$(log | grep -c 'done')" -eq 1 ]
}

@test "a login killed while it runs: the next one runs it again from the start, and gets in when it is through" {
	write_setup <<-'SETUP'
		#!/bin/sh
		echo "begin $SANDBOX_NEW" >>"$HOME/ran"
		[ -e "$HOME/go" ] || exec sleep 1000
		echo end >>"$HOME/ran"
	SETUP
	as agent sandbox-shell -c true </dev/null >/dev/null 2>&1 3>&- &
	job=$!
	wait_for 60 grep -q begin "$data/home/ran"
	pgrep -u agent -x sandbox-session | xargs -r kill -KILL || true
	wait "$job" || true
	run ! ready
	as agent touch "$data/home/go"
	run -0 ssh_to agent 'cat ran; pgrep -x sleep || echo nothing'
	# The run that was cut off is ended, not left beside the new one.
	[ "$output" = $'begin 1\nbegin 1\nend\nnothing' ]
	ready
}

@test "the sandbox killed while it runs: the login says so, and the next one runs it again" {
	write_setup <<-'SETUP'
		#!/bin/sh
		echo begin >>"$HOME/ran"
		[ -e "$HOME/go" ] || exec sleep 1000
	SETUP
	as agent sandbox-shell -c true </dev/null >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	job=$!
	wait_for 60 grep -q begin "$data/home/ran"
	pgrep -u agent -x podman-init | xargs -r kill -KILL || true
	status=0
	wait "$job" || status=$?
	[ "$status" -eq 125 ]
	[ "$(wc -l <"$BATS_TEST_TMPDIR/err")" -eq 1 ]
	[[ $(cat "$BATS_TEST_TMPDIR/err") == "sandbox-shell: "* ]]
	as agent touch "$data/home/go"
	run -0 ssh_to agent 'cat ran'
	[ "$output" = $'begin\nbegin' ]
}

@test "no default script is no failure; a script that the policy names has to be there" {
	rm -f /etc/sandbox-shell/setup.sh
	run --separate-stderr -0 ssh_to agent 'echo in'
	[ "$output" = in ]
	ready
	policy agent '{"version":1,"setup":"/etc/sandbox-shell/other.sh"}'
	run --separate-stderr -125 ssh_to agent 'echo in'
	[ "$output" = "" ]
	[[ $stderr == "sandbox-shell: setup /etc/sandbox-shell/other.sh: No such file or directory" ]]
	printf '#!/bin/sh\necho other\n' >/etc/sandbox-shell/other.sh
	run -0 ssh_to agent 'echo in'
	[ "$(log)" = other ]
}

@test "what is no script is refused: a folder, a fifo, more than a MiB" {
	rm -rf /etc/sandbox-shell/setup.sh
	mkdir /etc/sandbox-shell/setup.sh
	run --separate-stderr -125 ssh_to agent true
	[[ $stderr == "sandbox-shell: setup /etc/sandbox-shell/setup.sh: not a regular file"* ]]
	rmdir /etc/sandbox-shell/setup.sh
	mkfifo /etc/sandbox-shell/setup.sh
	run --separate-stderr -125 ssh_to agent true
	[[ $stderr == "sandbox-shell: setup /etc/sandbox-shell/setup.sh: not a regular file"* ]]
	head -c 1048577 /dev/zero | write_setup
	run --separate-stderr -125 ssh_to agent true
	[[ $stderr == "sandbox-shell: setup /etc/sandbox-shell/setup.sh: not a regular file"* ]]
	rm /etc/sandbox-shell/setup.sh
	ssh_to agent true
}

@test "a setup.log that is a link isn't followed" {
	write_setup <<<$'#!/bin/sh\necho text'
	ssh_to agent true
	as agent podman --storage-driver overlay rm --force --time 0 agent
	echo precious >/tmp/precious
	chown agent /tmp/precious
	ln -sf /tmp/precious "$data/setup.log"
	run --separate-stderr -125 ssh_to agent true
	[[ $stderr == "sandbox-shell: setup $data/setup.log: "* ]]
	[ "$(cat /tmp/precious)" = precious ]
}

@test "the script that ships fills a new home, and leaves alone what is in an old one" {
	write_setup <"$CHECKOUT/setup.sh"
	ssh_to agent true
	[ -d "$data/home/work" ]
	[ -f "$data/home/.bashrc" ]
	ssh_to agent 'echo mine >.bashrc; rmdir work'
	remove_container
	run -0 ssh_to agent 'cat .bashrc; [ ! -e work ]'
	[ "$output" = mine ]
}
