#!/usr/bin/env bats
# From inside against terminals: the person's at the client, sshd's, other sessions', and the sandbox's supply of them.
# Each test is named for what the attempt would have won.


load ../system/common

setup_file() {
	use_test_image
	ssh_to agent true
	put attack_tty attack_stdio
}

put() {
	local helper
	for helper; do
		ssh_to agent "cat >$helper && chmod +x $helper" <"$CHECKOUT/build/helpers/$helper"
	done
}

serves() {
	run -7 timeout 120 bash -c '. "$HOST_LIB"; ssh_to agent "exit 7"'
	run -7 timeout 120 bash -c '. "$HOST_LIB"; ssh_to agent -tt "stty -a >/dev/null; exit 7"'
}

# on_terminal SCRIPT: SCRIPT of bash on a terminal of the host's, as a person has one.
on_terminal() {
	timeout 120 script -q -e -c "bash -c $(printf %q ". $HOST_LIB; $1")" /dev/null </dev/null
}

@test "input for the person's terminal (TIOCSTI): would be typed into the shell on the host" {
	run on_terminal 'ssh_to agent -tt "./attack_tty type \"touch /tmp/typed; \"" ; read -r -t 1 line; echo "read [$line]"'
	[[ $output == *"read []"* ]]
	[ ! -e /tmp/typed ]
	serves
}

@test "input for the person's terminal, through sandboxctl on the same terminal" {
	run on_terminal 'as agent script -q -c "sandboxctl box agent -- ./attack_tty type abc; read -r -t 1 line; echo \"read [\$line]\"" /dev/null'
	[[ $output == *"typed"* ]]
	[[ $output != *"read [abc"* ]]
}

@test "input for another session's terminal: stays inside the sandbox" {
	ssh_to agent -tt 'cat >/tmp/heard; exit 0' </dev/zero >/dev/null 2>&1 &
	client=$!
	ssh_to agent -tt './attack_tty type x' >/dev/null
	kill "$client"
	serves
}

@test "the client's own descriptors: would be the host's terminal" {
	run -0 on_terminal 'ssh_to agent -tt "./attack_stdio; tty; ls /dev/pts"'
	[[ $output == */dev/pts/* ]]
	[[ $output != *"reached: a f"* && $output != *"inherited"* ]]
	# Whatever is inside is on the sandbox's own devpts.
	[ "$(ssh_to agent 'stat -c %d /dev/pts')" != "$(stat -c %d /dev/pts)" ]
}

@test "escape sequences: come through as they are, and nothing of ours with them" {
	run -0 bash -c '. "$HOST_LIB"; ssh_to agent -tt "stty raw; printf \"\\033]0;title\\007\\033[6n\\033[c\\0\\377\\033P\\033\\\\\"" | od -An -tx1 | tr -d " \n"'
	[ "$output" = 1b5d303b7469746c65071b5b366e1b5b6300ff1b501b5c ]
}

@test "a terminal in every bad state: would spoil the person's, or the next login's" {
	run -0 on_terminal 'before=$(stty -g); ssh_to agent -tt ./attack_tty spoil; [[ $(stty -g) == "$before" ]] && echo same'
	[[ $output == *same* ]]
	run -0 ssh_to agent -tt 'stty -a'
	[[ $output == *"echo "* && $output == *"icanon "* ]]
	serves
}

@test "sizes without number, from both sides: would stop the relay" {
	ssh_to agent -tt './attack_tty sizes 200000; stty rows 0 cols 0; stty rows 65535 cols 65535; sleep 2; exit 9' >/dev/null 2>&1 &
	client=$!
	wait_for 60 pgrep -u agent -x attack_tty
	for _ in {1..300}; do
		pkill -WINCH -u agent -f '^sandbox-shell' || true
	done
	status=0
	wait "$client" || status=$? # not by run: its subshell has no children, and says 255 of one that lives
	[ "$status" -eq 9 ]
	serves
}

@test "output that nobody reads: would fill up what others need" {
	mkfifo "$BATS_TEST_TMPDIR/stuck"
	ssh_to agent -tt 'cat /dev/zero' 1<>"$BATS_TEST_TMPDIR/stuck" 2>/dev/null </dev/null &
	client=$!
	ssh_to agent 'cat /dev/zero' 1<>"$BATS_TEST_TMPDIR/stuck" 2>/dev/null </dev/null &
	other=$!
	serves
	kill "$client" "$other"
}

@test "every open terminal of the sandbox written to and hung on: would block a login's" {
	ssh_to agent -tt 'for t in /dev/pts/[0-9]*; do exec {fd}<>$t; done; stty -F /dev/pts/0 -onlcr; sleep 30' >/dev/null 2>&1 </dev/null &
	client=$!
	serves
	kill "$client"
}

@test "all the sandbox's terminals: would leave none to a login" {
	ssh_to agent 'cat >hog; chmod +x hog' <"$CHECKOUT/build/helpers/attack_quota"
	# No more than a fair part of the kernel's: see starve.bats for that end.
	ssh_to agent './hog ptys 1000 >held 2>&1 </dev/null &'
	wait_for 60 test -s /home/agent/sandboxes/agent/home/held
	run -7 timeout 120 bash -c '. "$HOST_LIB"; ssh_to agent "exit 7"'
	ssh_to agent 'pkill -KILL -x hog' || true
	serves
}

@test "/dev/ptmx and /dev/pts replaced: would hand a login another's terminal" {
	run ssh_to agent 'rm -f /dev/ptmx; ln -s /dev/null /dev/ptmx; chmod 000 /dev/pts/ptmx /dev/ptmx; mv /dev/pts /dev/old
		unshare --user --map-root-user --mount sh -c "mount -t tmpfs x /dev/pts; mount -t devpts d /dev/pts"' 2>&1
	serves
}
