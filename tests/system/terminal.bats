#!/usr/bin/env bats
# Sessions with a terminal. The person is a tmux on the host (its pane is the terminal, its capture what the person
# sees) or, where bytes count, ssh -tt with pipes.

load common

setup_file() {
	use_test_image
	ssh_to agent true
	ssh_to agent 'echo "PS1=\"sandbox> \"" >.bash_profile'
	cat >"$BATS_FILE_TMPDIR/login" <<-'SCRIPT'
		#!/bin/bash
		. "$HOST_LIB"
		ssh_to "$@"
		echo "status $?"
		exec cat
	SCRIPT
	chmod 755 "$BATS_FILE_TMPDIR/login"
	export LOGIN=$BATS_FILE_TMPDIR/login
	PERSON=$(fresh_account /bin/bash)
	export PERSON
	as "$PERSON" bash -c 'mkdir -p -m 700 sandboxes sandboxes/mine
		echo "{\"version\":1,\"image\":\"localhost/sandbox-test:latest\"}" >sandboxes/mine/policy.json
		sandboxctl box mine -- true'
}

teardown() {
	outer kill-server 2>/dev/null || true
}

# Each window has a server of its own: one that is told to end answers on its socket for a while.
WINDOW=0

outer() {
	tmux -L "person-$BATS_TEST_NUMBER-$WINDOW" -f /dev/null "$@"
}

# window COLUMNS ROWS COMMAND...: a terminal of that size, running COMMAND.
window() {
	local columns=$1 rows=$2
	shift 2
	WINDOW=$((WINDOW + 1))
	outer start-server \; set -g status off \; set -g exit-empty off \; \
		new-session -d -x "$columns" -y "$rows" "$(printf '%q ' "$@")" 3>&-
}

keys() {
	outer send-keys "$@"
}

screen() {
	outer capture-pane -p
}

# shows PATTERN: a line of the screen is it, or comes to be it in time.
shows() {
	wait_for "${2-60}" eval "screen | grep -qxE -- '$1'" || {
		screen
		return 1
	}
}

# running COMMAND: does exactly that run in the agent's sandbox?
running() {
	pgrep -u agent -fx "$1" >/dev/null
}

# foreground COMMAND: likewise, and does its terminal's ^C go to it?
foreground() {
	ps -o stat= -p "$(pgrep -u agent -fx "$1")" | grep -qF +
}

inside() {
	ssh_to agent "$@"
}

# log_in: a login shell inside, at its prompt.
log_in() {
	window 100 30 "$LOGIN" agent -tt
	shows 'sandbox>'
}

@test "a session with a terminal has a pty inside on all three descriptors, and it is the controlling one" {
	run -0 ssh_to agent -tt 'tty; test -t 0 && test -t 1 && test -t 2 && echo open >/dev/tty'
	[[ $output =~ ^/dev/pts/[0-9]+$'\r\n'open$'\r'$ ]]
	run -0 ssh_to agent -tt 'ps -o tty= -p $$; stat -c %U "$(tty)"'
	[[ $output =~ ^pts/[0-9]+' '*$'\r\n'agent$'\r'$ ]]
}

@test "a session without a terminal has none" {
	run -0 ssh_to agent 'tty; ps -o tty= -p $$; (: </dev/tty) 2>/dev/null || echo none'
	[ "$output" = $'not a tty\n?\nnone' ]
}

@test "the terminal has the client's size" {
	window 111 33 "$LOGIN" agent -t 'stty size; tput cols'
	shows '33 111'
	shows 111
}

@test "a resize arrives: the new size, and the signal that tells of it" {
	log_in
	keys "trap 'echo now \$(stty size)' WINCH; echo re\"\"ady; while :; do read -t 0.1 <>/tmp/nothing; done" Enter
	shows ready
	outer resize-window -x 77 -y 22
	shows 'now 22 77'
	outer resize-window -x 133 -y 44
	shows 'now 44 133'
}

@test "the client's terminal type and modes arrive" {
	window 80 24 bash -c 'stty intr ^O -ixon; TERM=screen exec "$0" agent -t "stty -a; echo \$TERM"' "$LOGIN"
	shows '.*intr = \^O;.*'
	shows '(.* )?-ixon( .*)?'
	shows screen
}

# paint: a full screen of characters in all colours, by cursor addressing, erasing, scrolling and line drawing.
paint() {
	cat <<-'SCRIPT'
		RANDOM=7 rows=$(tput lines) columns=$(tput cols)
		clear
		for i in {1..3000}; do
			printf -v character '\\x%x' $((RANDOM % 94 + 33))
			printf '\e[%d;%dH\e[%d;%dm%b\e[m' $((RANDOM % rows + 1)) $((RANDOM % (columns - 4) + 1)) \
				$((RANDOM % 2 * 7)) $((RANDOM % 8 + 30)) "$character"
			((i % 100)) || printf '\e[%d;%dH\e[K\e(0lqqk\e(B' $((RANDOM % rows + 1)) $((RANDOM % 60 + 1))
			((i % 500)) || printf '\e[4;%dr\e[%d;1H\n\n\e[r' $((rows - 3)) $((rows - 3))
		done
		printf '\e[m\e[1;1Hpainted'
	SCRIPT
}

# both_alike: is what the person sees what the tmux inside drew, colours included? Where a line ends tmux itself is of
# two minds about when to go back to no colour, also without us.
both_alike() {
	local colours='s/^(\x1b\[[0-9;]*m)+|(\x1b\[[0-9;]*m)+$//g'
	outer capture-pane -p -e | sed -E "$colours" >"$BATS_TEST_TMPDIR/seen"
	inside 'tmux capture-pane -p -e' | sed -E "$colours" >"$BATS_TEST_TMPDIR/drawn"
	grep -q painted "$BATS_TEST_TMPDIR/drawn" && cmp -s "$BATS_TEST_TMPDIR"/{seen,drawn}
}

@test "a full-screen program (tmux) inside is seen as it drew, also after a resize" {
	paint | inside 'cat >paint'
	window 120 40 "$LOGIN" agent -t 'tmux -f /dev/null new-session "exec bash --norc" \; set status off'
	wait_for 60 eval "inside 'tmux list-clients' 2>/dev/null | grep -q 120x40"
	keys '. ./paint; read' Enter
	wait_for 60 both_alike
	keys Enter
	outer resize-window -x 90 -y 30
	wait_for 60 eval "inside 'tmux list-clients' | grep -q 90x30"
	keys 'clear; . ./paint; read' Enter
	wait_for 60 both_alike
	inside 'tmux kill-session'
	shows 'status 0'
}

@test "^C interrupts the foreground process, not the session" {
	log_in
	keys 'sleep 2001' Enter
	wait_for 60 running 'sleep 2001'
	keys C-c
	keys 'echo "was $?"' Enter
	shows 'was 130'
}

@test "^Z stops a job, bg and fg go on with it, ^\\ ends it" {
	log_in
	keys 'sleep 2002' Enter
	wait_for 60 running 'sleep 2002'
	keys C-z
	shows '\[1\].*Stopped .*sleep 2002'
	keys 'bg; jobs' Enter
	shows '\[1\].*Running .*sleep 2002 &'
	keys 'fg' Enter
	shows 'sleep 2002'
	# bash says so before it hands over the terminal.
	wait_for 60 foreground 'sleep 2002'
	keys 'C-\'
	keys 'echo "was $?"' Enter
	shows 'was 131'
	[[ $(screen) != *'no job control'* ]]
}

@test "^D ends the input of a program, then the login, and the status comes out" {
	log_in
	keys 'cat; echo "cat ended"' Enter
	wait_for 60 running cat
	keys text Enter C-d
	shows 'cat ended'
	# Typed before the prompt is there, ^D would be the shell's as a character of some kind, not as the end.
	keys 'PS1=next: ; (exit 9)' Enter
	shows 'next:'
	keys C-d
	shows 'status 9'
}

@test "Ctrl-P and Ctrl-Q, the engine's detach keys, reach the program" {
	log_in
	keys 'echo fir""st' Enter
	shows first
	keys 'clear' Enter
	wait_for 60 eval '! screen | grep -q first'
	keys C-p C-p Enter
	shows first
	keys 'stty raw -echo; echo raw; head -c 3 | od -An -tx1; stty sane' Enter
	shows 'raw'
	keys C-p C-q C-p
	shows ' *10 11 10'
}

@test "without -t nothing is turned into \\r\\n, though the client's own stdin is a terminal" {
	script -qec "bash -c '. \$HOST_LIB; ssh_to agent \"printf \\\"a\\\\nb\\\\n\\\"; tty\" \
		>$BATS_TEST_TMPDIR/out'" /dev/null || true
	printf 'a\nb\nnot a tty\n' | cmp - "$BATS_TEST_TMPDIR/out"
}

@test "a terminal as stdin alone makes no terminal session: stdout is passed byte by byte" {
	cat >"$BATS_TEST_TMPDIR/try" <<-SCRIPT
		. \$HOST_LIB
		as agent /usr/local/bin/sandbox-shell -c 'printf "a\\nb\\n"; tty' | cat >$BATS_TEST_TMPDIR/out
	SCRIPT
	script -qec "bash $BATS_TEST_TMPDIR/try" /dev/null
	printf 'a\nb\nnot a tty\n' | cmp - "$BATS_TEST_TMPDIR/out"
}

@test "the status and the last output of a terminal session arrive, every time" {
	local _
	for _ in {1..30}; do
		run -4 ssh_to agent -tt 'echo first; printf last; exit 4'
		[ "$output" = $'first\r\nlast' ]
	done
}

@test "the status of a terminal session is the command's own while input still arrives" {
	local _
	for _ in {1..10}; do
		run -3 bash -c '. "$HOST_LIB"; (echo "exit 3"; yes | head -c 500000) | ssh_to agent -tt'
	done
}

@test "10 MB come out of a terminal complete" {
	[ "$(ssh_to agent -tt 'stty -opost; seq 1500000' </dev/null | sha256sum)" = "$(seq 1500000 | sha256sum)" ]
}

@test "10 MB go into a terminal complete" {
	local bytes line sum
	bytes=$(seq 1500000 | wc -c)
	coproc {
		exec 3>&-
		ssh_to agent -tt "stty raw -echo; echo ready; head -c $bytes | sha256sum"
	}
	read -r -t 120 line <&"${COPROC[0]}"
	[ "$line" = ready ]
	seq 1500000 >&"${COPROC[1]}"
	read -r -t 120 sum <&"${COPROC[0]}"
	[ "$sum" = "$(seq 1500000 | sha256sum)" ]
}

@test "a first login with a terminal shows what it does meanwhile, then the prompt" {
	local account
	account=$(fresh_account)
	window 100 30 "$LOGIN" "$account" -tt
	shows "sandbox-shell: .*$account.*"
	shows ".*$account@$account.*\\$ ?"
}

# person COMMAND: in a terminal of an ordinary account with the host's bash; its modes are in the files before and
# after.
person() {
	cat >"$BATS_TEST_TMPDIR/person" <<-SCRIPT
		. "\$HOST_LIB"
		as $PERSON bash -c 'stty intr ^O; stty -a >before; $1; echo "status \$?"; stty -a >after
			cmp before after && echo restored; exec cat'
	SCRIPT
	window 100 30 bash "$BATS_TEST_TMPDIR/person"
}

@test "sandboxctl box: a shell in a person's own terminal, whose modes are restored at its end" {
	person 'sandboxctl box mine'
	shows ".*$PERSON@mine.*\\$ ?"
	keys 'clear; stty size; stty raw; tty; exit 5' Enter
	shows '30 100'
	shows ' *status 5'
	shows restored
}

@test "the person's terminal is restored when the sandbox is killed under the session" {
	person 'sandboxctl box mine'
	shows ".*$PERSON@mine.*\\$ ?"
	kill -9 "$(pgrep -o -u "$PERSON" '^podman-init$')"
	shows '.*status 125'
	shows restored
	shows '.*sandboxctl: session: the sandbox ended it.*'
}

@test "the person's terminal is restored when sandboxctl is told to end" {
	person 'sandboxctl box mine'
	shows ".*$PERSON@mine.*\\$ ?"
	pkill -TERM -u "$PERSON" -x sandboxctl
	shows '.*status 143'
	shows restored
}

@test "a person's terminal that goes away takes all of the session with it, every time" {
	local _
	for _ in {1..3}; do
		person 'sandboxctl box mine'
		shows ".*$PERSON@mine.*\\$ ?"
		keys '(trap "" HUP; setsid sleep 2003 &) ; clear' Enter
		wait_for 60 pgrep -u "$PERSON" -fx 'sleep 2003' >/dev/null
		outer kill-server
		wait_for 60 eval "! pgrep -u $PERSON -x sleep >/dev/null"
		wait_for 60 eval "! pgrep -u $PERSON -x sandboxctl >/dev/null"
	done
}
