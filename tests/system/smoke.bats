#!/usr/bin/env bats
# The shortest way through everything: a real ssh client lands in a sandbox.

load common

setup_file() {
	use_test_image
}

@test "a first login makes the sandbox and exits as its command did" {
	run -7 ssh_to agent 'exit 7'
	[ "$output" = "" ]
}

@test "the command runs inside: as the account, in its home, on the sandbox's own host name" {
	run --separate-stderr -0 ssh_to agent 'id -un; hostname; pwd'
	[ "$output" = $'agent\nagent\n/home/agent' ]
	[ "$stderr" = "" ]
}

@test "bytes go through both ways unchanged" {
	head -c 1000000 /dev/urandom >"$BATS_TEST_TMPDIR/bytes"
	ssh_to agent cat <"$BATS_TEST_TMPDIR/bytes" | cmp - "$BATS_TEST_TMPDIR/bytes"
}

@test "another account gets another sandbox" {
	account=$(fresh_account)
	run -0 ssh_to "$account" 'hostname; ls -A /home'
	[ "$output" = "$account"$'\n'"$account" ]
}
