#!/usr/bin/env bats
# What a login may be given as stdin, stdout and stderr without handing a part of the host over: of files,
# folders and sockets the bytes go through, the descriptors never. Run as the account: sshd only gives pipes.

load common

setup_file() {
	use_test_image
	ssh_to agent true
}

# What the sandbox sees as its stdin.
shows_pipe='readlink /proc/self/fd/0; ls -d /proc/self/fd/0/ 2>/dev/null; ls -d /proc/self/fd/0/etc 2>/dev/null; true'

# only_pipe: that was a pipe, and no way to anywhere.
only_pipe() {
	echo "$output"
	[[ $output =~ ^pipe:\[[0-9]+\]$ ]]
}

# shell COMMAND: in the sandbox, with what this function is given as 0-2.
shell() {
	as agent timeout 120 sandbox-shell -c "$1"
}

# stdin_kind KIND COMMAND: likewise, with a stdin that no bash can make.
stdin_kind() {
	as agent timeout 120 "$CHECKOUT/build/helpers/cold_stdin" "$1" sandbox-shell -c "$2"
}

@test "a folder as stdin: the login works, and nothing of the folder is inside" {
	for folder in / /home /proc/self/root /dev; do
		run -0 shell "$shows_pipe" <"$folder"
		only_pipe
		run -0 shell 'cd /proc/self/fd/0/ 2>/dev/null && ls; cat; true' <"$folder"
		[ "$output" = "" ]
	done
}

@test "a file as stdin: its bytes arrive whole, the file itself doesn't" {
	head -c 5000000 /dev/urandom >"$BATS_TEST_TMPDIR/bytes"
	chmod 755 "$BATS_TEST_TMPDIR"
	run -0 shell "$shows_pipe" <"$BATS_TEST_TMPDIR/bytes"
	only_pipe
	run -0 shell 'sha256sum' <"$BATS_TEST_TMPDIR/bytes"
	[ "${output%% *}" = "$(sha256sum <"$BATS_TEST_TMPDIR/bytes" | cut -d ' ' -f 1)" ]
	# Opened anew it would have another offset, and could be written: neither is possible.
	run -0 shell 'head -c 10 >/dev/null; cat /proc/self/fd/0 | wc -c; echo spoilt 2>/dev/null >/proc/self/fd/0; true' \
		<>"$BATS_TEST_TMPDIR/bytes"
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/bytes")" -eq 5000000 ]
	[ "$(head -c 6 "$BATS_TEST_TMPDIR/bytes" | tr -d '\0')" != spoilt ]
}

@test "an inet socket as stdin: its bytes arrive, the socket of the host's network doesn't" {
	run -0 stdin_kind inet "$shows_pipe"
	only_pipe
	run -0 stdin_kind inet 'cat'
	[ "$output" = "bytes of a inet" ]
	run -0 stdin_kind inet-datagram "$shows_pipe"
	only_pipe
}

@test "other sockets, and what else a descriptor can be, aren't handed over" {
	for kind in unix-datagram unix-packets unix-listening memory epoll event process path; do
		echo "$kind"
		run -0 stdin_kind "$kind" "$shows_pipe"
		only_pipe
	done
	run -0 stdin_kind memory cat
	[ "$output" = "bytes of a memory" ]
}

@test "an endless device as stdin: a command that has read enough ends the login" {
	run -0 shell 'head -c 5 | wc -c' </dev/zero
	[ "$output" = 5 ]
	run -0 shell "$shows_pipe" </dev/zero
	only_pipe
}

@test "a pipe is handed over itself, and so is /dev/null" {
	run -0 bash -c '. "$HOST_LIB"
		{ readlink /proc/self/fd/0; as agent sandbox-shell -c "readlink /proc/self/fd/0"; } < <(:)'
	[[ ${lines[0]} == pipe:* && ${lines[0]} == "${lines[1]}" ]]
	run -0 shell 'readlink /proc/self/fd/0' </dev/null
	[ "$output" = /dev/null ]
}

@test "a file as stdout is written whole; stderr into the same file comes in order" {
	shell 'head -c 5000000 /dev/zero | tr "\0" x; printf end' </dev/null >"$BATS_TEST_TMPDIR/out"
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/out")" -eq 5000003 ]
	[ "$(tail -c 4 "$BATS_TEST_TMPDIR/out")" = xend ]
	shell 'for i in $(seq 500); do echo out $i; echo err $i >&2; done; exit 0' </dev/null >"$BATS_TEST_TMPDIR/both" 2>&1
	for i in $(seq 500); do printf 'out %s\nerr %s\n' "$i" "$i"; done | cmp - "$BATS_TEST_TMPDIR/both"
	run -0 shell 'readlink /proc/self/fd/1 >&2' </dev/null 2>&1 >"$BATS_TEST_TMPDIR/out"
	only_pipe
}

@test "a file as stdout is appended to where it was opened so, and not cut" {
	echo before >"$BATS_TEST_TMPDIR/out"
	shell 'echo during' </dev/null >>"$BATS_TEST_TMPDIR/out"
	echo after >>"$BATS_TEST_TMPDIR/out"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = $'before\nduring\nafter' ]
}

@test "a stdout that is full isn't passed off as success" {
	status=0
	shell 'echo bytes' </dev/null >/dev/full 2>"$BATS_TEST_TMPDIR/err" || status=$?
	[ "$status" -ne 0 ]
	grep -q 'No space left on device' "$BATS_TEST_TMPDIR/err"
}

@test "what a background process has open ends no login late: it ends with its command" {
	shell 'sleep 1000 & echo started' </dev/null >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = started ]
}

# closed EXPECTED REDIRECTION...: a login with these redirections, which exits with 7, has put EXPECTED into the
# files out and err that are still open.
closed() {
	local status=0 expected=$1
	: >"$BATS_TEST_TMPDIR/out"
	: >"$BATS_TEST_TMPDIR/err"
	shift
	eval "shell 'cat; echo out; echo err >&2; ls /proc/self/fd | wc -l >/tmp/fds; exit 7' \
		</dev/null >'$BATS_TEST_TMPDIR/out' 2>'$BATS_TEST_TMPDIR/err' $*" || status=$?
	[ "$status" -eq 7 ]
	[ "$(cat "$BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/err" | tr '\n' ' ')" = "$expected" ]
	# 0, 1, 2, and the folder that ls itself reads: nothing else is open in there.
	[ "$(shell 'cat /tmp/fds' </dev/null)" -eq 4 ]
}

@test "stdin, stdout and stderr may be closed, any of them: nothing else comes into their places" {
	closed "out err " ''
	closed "out err " '<&-'
	closed "err " '>&-'
	closed "out " '2>&-'
	closed "err " '<&-' '>&-'
	closed "out " '<&-' '2>&-'
	closed "" '>&-' '2>&-'
	closed "" '<&-' '>&-' '2>&-'
}

@test "descriptors beyond stderr don't get in" {
	run -0 bash -c '. "$HOST_LIB"
		exec 5</etc/passwd 6</ 7>/dev/null 3>&-
		as agent sandbox-shell -c "ls /proc/self/fd | wc -l" </dev/null'
	[ "$output" = 4 ]
}
