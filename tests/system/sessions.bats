#!/usr/bin/env bats
# What comes out of a session: status, bytes, and nothing left behind. Where it matters the account plain, whose
# shell is the host's bash, says what an ssh login does without us.

load common

setup_file() {
	use_test_image
	ssh_to agent true
}

# client ARGUMENT...: ssh_to in the background, as one process: $client, which a test may kill. Its output is in
# $BATS_TEST_TMPDIR/{out,err}.
client() {
	# What an earlier one said must not be taken for this one's words.
	rm -f "$BATS_TEST_TMPDIR"/{out,err}
	(
		ssh() { exec /usr/bin/ssh "$@"; }
		ssh_to "$@"
	) </dev/null >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	client=$!
}

# ends STATUS PID: waits for it, but not for ever, and is true when it ended so.
ends() {
	local status=0
	wait_for 60 eval "! kill -0 $2 2>/dev/null"
	wait "$2" || status=$?
	((status == $1))
}

running() {
	pgrep -u agent -x "$1" >/dev/null
}

gone() {
	! pgrep -u agent -f "$1" >/dev/null
}

# supervisors COUNT: are there so many processes of sandbox-init, PID 1 counted?
supervisors() {
	(($(pgrep -u agent -c '^podman-init$') == $1))
}

# Copies of sleep, under names that no other test's processes have.
named_sleep() {
	ssh_to agent "cp -f /bin/sleep /tmp/$1"
}

# Everything that a process may do to get away from its session; each is a copy of the program $1.
stragglers() {
	cat <<-SCRIPT
		/tmp/$1 1001 &
		nohup /tmp/$1 1002 >/dev/null 2>&1 &
		(setsid /tmp/$1 1003 &)
		(setsid setsid sh -c 'trap "" HUP INT TERM; /tmp/$1 1004; /tmp/$1 1005' </dev/null >/dev/null 2>&1 &)
		( (trap '' HUP; exec /tmp/$1 1006) & )
		python3 -c '
		import os
		if os.fork(): os._exit(0)
		os.setsid()
		if os.fork(): os._exit(0)
		os.chdir("/")
		os.closerange(0, 100)
		os.execv("/tmp/$1", ["$1", "1007"])'
		until [ "\$(pgrep -xc $1)" = 6 ]; do :; done
	SCRIPT
}

@test "the exit status is the command's own" {
	local status
	for status in 0 1 7 125 126 127 128 254 255; do
		run -"$status" ssh_to agent "exit $status"
		[ "$output" = "" ]
	done
}

@test "a command killed by a signal gives 128 and its number: kill -9 is 137, TERM is 143" {
	run -137 ssh_to agent 'kill -9 $$'
	[ "$output" = "" ]
	run -143 ssh_to agent 'kill -TERM $$'
	[ "$output" = "" ]
}

@test "a command that isn't there gives 127, and its shell says so" {
	run -127 --separate-stderr ssh_to agent nosuchcommand
	[ "$output" = "" ]
	[[ $stderr == *"nosuchcommand: command not found" ]]
}

@test "a command that can't be run gives 126" {
	run -126 --separate-stderr ssh_to agent /etc/passwd
	[[ $stderr == *"/etc/passwd: Permission denied" ]]
	run -126 ssh_to agent /etc
}

@test "100 MB of random bytes go in unchanged" {
	local file=$BATS_TEST_TMPDIR/bytes
	head -c 100M /dev/urandom >"$file"
	run -0 --separate-stderr ssh_to agent sha256sum <"$file"
	[ "${output%% *}" = "$(sha256sum <"$file" | cut -d ' ' -f 1)" ]
	[ "$stderr" = "" ]
}

@test "100 MB of random bytes come out unchanged" {
	local sum
	sum=$(ssh_to agent 'head -c 100M /dev/urandom >bytes; sha256sum <bytes')
	[ "$(ssh_to agent 'cat bytes; rm bytes' | sha256sum)" = "$sum" ]
}

@test "100 MB through the command and back, both ways at once, are unchanged" {
	local file=$BATS_TEST_TMPDIR/bytes
	head -c 100M /dev/urandom >"$file"
	ssh_to agent cat <"$file" | cmp - "$file"
}

@test "stdout and stderr stay apart, to the last byte" {
	run -0 --separate-stderr ssh_to agent \
		'for i in {1..2000}; do echo "out $i"; echo "err $i" >&2; done; printf OUT; printf ERR >&2'
	[ "$output" = "$(seq -f 'out %g' 2000)"$'\n'OUT ]
	[ "$stderr" = "$(seq -f 'err %g' 2000)"$'\n'ERR ]
}

@test "the end of stdin arrives: cat ends" {
	run -0 ssh_to agent 'cat; echo end' <<<'some input'
	[ "$output" = $'some input\nend' ]
	run -0 ssh_to agent 'cat; echo end' </dev/null
	[ "$output" = end ]
}

@test "half-close: after stdin has ended the output goes on" {
	run -0 bash -c 'head -c 1000000 /dev/zero | "$@"' - \
		bash -c '. "$HOST_LIB"; ssh_to agent "wc -c; seq 200000 | sha256sum"'
	[ "$output" = 1000000$'\n'"$(seq 200000 | sha256sum)" ]
}

@test "half-close: a command that has closed its stdout still gets all of its input" {
	seq 200000 | ssh_to agent 'exec >&-; cat - 2>/dev/null >/tmp/input'
	[ "$(ssh_to agent 'sha256sum </tmp/input; rm /tmp/input')" = "$(seq 200000 | sha256sum)" ]
}

@test "a reader that goes early ends the command, as a pipe would" {
	run -0 timeout 120 bash -c '. "$HOST_LIB"; ssh_to agent "yes; echo never >/tmp/after" | head -n 2'
	[ "$output" = $'y\ny' ]
	wait_for 60 gone '^yes$'
}

@test "a cold first login puts nothing of ours on stdout, nor on a stderr that is no terminal" {
	local account
	account=$(fresh_account)
	ssh_to "$account" 'printf "\0\1\2"' >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	printf '\0\1\2' | cmp - "$BATS_TEST_TMPDIR/out"
	[ ! -s "$BATS_TEST_TMPDIR/err" ]
}

@test "a background process that holds the pipes is waited for, and its output comes, as with plain ssh" {
	local account
	for account in plain agent; do
		run -3 --separate-stderr ssh_to "$account" \
			'(sleep 1; echo late; echo late >&2) & echo early; exit 3'
		[ "$output" = $'early\nlate' ]
		[ "$stderr" = late ]
	done
}

@test "a background process that has let go of the pipes isn't waited for, as with plain ssh" {
	local account
	for account in plain agent; do
		run -3 timeout 120 bash -c '. "$HOST_LIB"; ssh_to "$0" \
			"sleep 1000 </dev/null >/dev/null 2>&1 & exit 3"' "$account"
		wait_for 60 pkill -u "$account" -x sleep
	done
}

@test "a command that ends by itself leaves its setsid process running" {
	named_sleep left-running
	run -0 ssh_to agent 'setsid /tmp/left-running 1000 </dev/null >/dev/null 2>&1 & echo started'
	[ "$output" = started ]
	wait_for 60 running left-running
	# Nothing else is to end it: not the next login either.
	ssh_to agent 'pgrep -x left-running'
	ssh_to agent 'pkill -x left-running'
	wait_for 60 supervisors 1
}

@test "client killed without a terminal: nothing of the session is left, however it hid" {
	named_sleep hidden-notty
	client agent "$(stragglers hidden-notty); echo ready; exec /tmp/hidden-notty 1008"
	wait_for 60 grep -q ready "$BATS_TEST_TMPDIR/out"
	kill -9 "$client"
	wait_for 60 gone hidden-notty
	wait_for 60 supervisors 1
}

@test "client killed with a terminal: nothing of the session is left, however it hid" {
	named_sleep hidden-tty
	client agent -tt "$(stragglers hidden-tty); echo ready; exec /tmp/hidden-tty 1008"
	wait_for 60 grep -q ready "$BATS_TEST_TMPDIR/out"
	kill -9 "$client"
	wait_for 60 gone hidden-tty
	wait_for 60 supervisors 1
}

@test "client killed with a terminal: the order in which its ends close makes no difference" {
	local i victim
	for i in {1..3}; do
		for victim in client sandbox-session; do
			client agent -tt '(trap "" HUP; setsid sleep 1011 &) ; until pgrep -x sleep; do :; done; read x'
			wait_for 60 running sleep
			if [[ $victim == client ]]; then
				kill -9 "$client"
			else
				pkill -9 -u agent -x "$victim"
			fi
			wait_for 60 gone 'sleep 1011'
			wait_for 60 supervisors 1
		done
	done
}

@test "client killed: a session beside it goes on" {
	local other
	client agent 'mkfifo /tmp/go; cat /tmp/go'
	other=$client
	wait_for 60 ssh_to agent '[ -p /tmp/go ]'
	client agent 'exec sleep 1009'
	wait_for 60 running sleep
	kill -9 "$client"
	wait_for 60 gone 'sleep 1009'
	ssh_to agent 'echo done >/tmp/go; rm /tmp/go'
	ends 0 "$other"
}

@test "a process that kills or stops its session's supervisor ends the whole session with it" {
	local option signal
	named_sleep orphaned
	for option in -T -tt; do
		for signal in KILL STOP; do
			client agent "$option" "[ \"\$(cat /proc/\$PPID/comm)\" = podman-init ] && \
				$(stragglers orphaned); kill -$signal \$PPID; exec /tmp/orphaned 1008"
			ends 125 "$client"
			grep -q '^sandbox-shell: session: the sandbox ended it' "$BATS_TEST_TMPDIR"/{out,err}
			wait_for 60 gone orphaned
			wait_for 60 supervisors 1
		done
	done
}

# kill_sandbox: PID 1, from the host: the oldest process of sandbox-init.
kill_sandbox() {
	kill -9 "$(pgrep -o -u agent '^podman-init$')"
}

podman_kill() {
	as agent podman --cgroup-manager=cgroupfs --storage-driver=overlay kill agent
}

@test "sandbox killed under a session: 125 with a reason, and the next login works" {
	local option killer
	for killer in kill_sandbox podman_kill; do
		for option in -T -tt; do
			client agent "$option" 'echo ready; sleep 1010'
			wait_for 60 grep -q ready "$BATS_TEST_TMPDIR/out"
			"$killer"
			ends 125 "$client"
			grep -q '^sandbox-shell: session: .*killed' "$BATS_TEST_TMPDIR"/{out,err}
			run -0 --separate-stderr ssh_to agent 'echo again'
			[ "$output" = again ]
		done
	done
}

@test "32 commands at once, each with its own input, output and status" {
	local i pids=()
	for i in {1..32}; do
		(
			status=0
			out=$(ssh_to agent "cat; seq $i $((i + 5000)); exit $i" <<<"input $i") || status=$?
			[ "$out" = "input $i"$'\n'"$(seq "$i" $((i + 5000)))" ] && ((status == i))
		) 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i"; done
}

@test "1000 short commands: not one has its output cut" {
	local i path=$BATS_TEST_TMPDIR/mux each
	each=$(rounds 500)
	# One connection, a session for each command: it's the sessions that count.
	ssh_to agent -M -S "$path" -N -f 3>&-
	for _ in 1 2; do
		(for ((i = 0; i < each; i++)); do ssh -S "$path" x 'seq 3000'; done) | sha256sum 3>&- &
	done >"$BATS_TEST_TMPDIR/sums"
	wait
	ssh -S "$path" -O exit x 2>/dev/null
	[ "$(uniq <"$BATS_TEST_TMPDIR/sums")" = "$(for ((i = 0; i < each; i++)); do seq 3000; done | sha256sum)" ]
}

@test "a login without a command gets a login shell inside, which reads ~/.profile" {
	ssh_to agent 'cp .profile .profile.kept; echo "export FROM_PROFILE=yes" >>.profile'
	run -0 ssh_to agent <<<'shopt login_shell; echo "$0 $FROM_PROFILE $SHELL"'
	ssh_to agent 'mv .profile.kept .profile'
	[ "$output" = $'login_shell    \ton\n-bash yes /bin/bash' ]
}

@test "a command gets no login shell and no ~/.profile" {
	ssh_to agent 'cp .profile .profile.kept; echo "export FROM_PROFILE=yes; echo noise" >>.profile'
	run ssh_to agent 'shopt login_shell; echo "${FROM_PROFILE-no}"'
	ssh_to agent 'mv .profile.kept .profile'
	[ "$output" = $'login_shell    \toff\nno' ]
}

@test "an interactive shell reads ~/.bashrc" {
	ssh_to agent 'cp .bashrc .bashrc.kept; echo "FROM_BASHRC=yes" >>.bashrc'
	run -0 ssh_to agent -tt 'bash -i -c "echo \$FROM_BASHRC"'
	ssh_to agent 'mv .bashrc.kept .bashrc'
	[ "$output" = $'yes\r' ]
}

@test "a command of 100 KB comes through unchanged" {
	local text
	text=$(head -c 75000 /dev/urandom | base64 -w 0)
	run -0 ssh_to agent "printf %s '$text' | sha256sum"
	[ "$output" = "$(printf %s "$text" | sha256sum)" ]
}

@test "newlines, quotes, dashes, wildcards and bytes that are no UTF-8 come through unchanged" {
	local text
	for text in $'two\nlines\n' $'"double" `back` $(echo x) ${HOME} \\ ; & | < >' '-n --help -- -c' '* ? [a-z] ~ #' \
		$'\xff\xfe\x80 \xc3\x28 \xf0\x9f' $'\t\v\f\r\e[31m\x7f' '!history %percent {a,b}'; do
		ssh_to agent "printf %s '$text'" >"$BATS_TEST_TMPDIR/out"
		printf %s "$text" | cmp - "$BATS_TEST_TMPDIR/out"
	done
	ssh_to agent "printf %s \"it's\"" | cmp - <(printf "it's")
}

@test "what begins with a dash is a command, and ends as it does with plain ssh" {
	local command
	for command in --version --help -c -l '-c ls' -- -; do
		run ssh_to plain -- "$command"
		local plain_status=$status plain_output=$output
		run -"$plain_status" ssh_to agent -- "$command"
		[ "$output" = "$plain_output" ]
	done
}

@test "an empty command does nothing and succeeds" {
	run -0 ssh_to agent ' '
	[ "$output" = "" ]
	run -0 as agent /usr/local/bin/sandbox-shell -c ''
	[ "$output" = "" ]
}
