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

readonly INSIDE=/home/agent/sandboxes/agent/home

# client ARGUMENT...: ssh_to agent in the background, as one process, with our stdin: $client. What it runs says that
# it's at its work by a file begun, and has $INSIDE as its home.
client() {
	rm -f "$INSIDE"/{begun,enough}
	(
		ssh() { exec /usr/bin/ssh "$@"; }
		ssh_to agent "$@"
	) <&0 3>&- &
	client=$!
}

begun() {
	wait_for 60 test -e "$INSIDE/begun"
}

# end JOB...: of client's.
end() {
	local job
	for job; do
		kill "$job"
		wait "$job" || true
	done
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
	client -tt 'echo >begun; cat >/tmp/heard; sleep 1000' </dev/zero >/dev/null 2>&1
	begun
	ssh_to agent -tt './attack_tty type x' >/dev/null
	end "$client"
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
	client -tt 'echo >begun; until [ -e enough ]; do ./attack_tty sizes 200000; done
		stty rows 0 cols 0; stty rows 65535 cols 65535; exit 9' </dev/null >"$BATS_TEST_TMPDIR/said" 2>&1
	begun
	for _ in {1..300}; do
		pkill -WINCH -u agent -f '^sandbox-shell'
	done
	touch "$INSIDE/enough"
	status=0
	wait "$client" || status=$? # not by run: its subshell has no children, and says 255 of one that lives
	cat "$BATS_TEST_TMPDIR/said"
	[ "$status" -eq 9 ]
	serves
}

@test "output that nobody reads: would fill up what others need" {
	mkfifo "$BATS_TEST_TMPDIR/stuck"
	client -tt 'echo >begun; cat /dev/zero' 1<>"$BATS_TEST_TMPDIR/stuck" 2>/dev/null </dev/null
	begun
	other=$client
	client 'echo >begun; cat /dev/zero' 1<>"$BATS_TEST_TMPDIR/stuck" 2>/dev/null </dev/null
	begun
	serves
	end "$client" "$other"
}

@test "every open terminal of the sandbox written to and hung on: would block a login's" {
	client -tt 'for t in /dev/pts/[0-9]*; do exec {fd}<>$t; done; stty -F /dev/pts/0 -onlcr; echo >begun
		sleep 1000' >/dev/null 2>&1 </dev/null
	begun
	serves
	end "$client"
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
