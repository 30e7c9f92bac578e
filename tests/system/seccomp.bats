#!/usr/bin/env bats
# Which system calls a sandbox may make: each that is refused is tried inside, and answered as the profile says.

load common

setup_file() {
	use_test_image
	sandboxctl policy show --seccomp agent >"$BATS_FILE_TMPDIR/default"
	sed -n 's/^\t"\(.*\)\\0"$/\1/p' "$CHECKOUT/build/gen/syscall_names.c" >"$BATS_FILE_TMPDIR/names"
	(($(wc -l <"$BATS_FILE_TMPDIR/names") > 300))
	seccomp '"profile": "default"'
	ssh_to agent true
	cp "$CHECKOUT/build/helpers/calls" /home/agent/sandboxes/agent/home/calls
	chmod 755 /home/agent/sandboxes/agent/home/calls
}

seccomp() {
	policy agent "{\"version\": 1, \"seccomp\": { $1 }}"
}

# refused: of the account's profile, the calls that it answers the same way whatever their arguments are, as
# "NAME: ERRNO". A sandbox has no capability; what isn't named is answered by default.
refused() {
	sandboxctl policy show --seccomp agent | jq -r --rawfile names "$BATS_FILE_TMPDIR/names" '
		{ "1": "EPERM", "22": "EINVAL", "38": "ENOSYS" } as $errors |
		(.defaultErrnoRet | tostring) as $default |
		[.syscalls[] | select(((.includes.caps // []) | length) == 0 and
			((.includes.arches // ["amd64"]) | any(. == "amd64")))] as $rules |
		$names | split("\n")[] | select(. != "") | . as $name |
		[$rules[] | select(any(.names[]; . == $name))] as $mine |
		if ($mine | length) == 0 then "\($name): \($errors[$default])"
		elif ($mine | all(.action == "SCMP_ACT_ERRNO" and ((.args // []) | length) == 0))
		then "\($name): \($errors[$mine[0].errnoRet | tostring])"
		else empty end' | sort
}

# answered CALL...: what the sandbox says.
answered() {
	ssh_to agent "./calls $(printf '%q ' "$@")"
}

# as_promised: all of them, and there are as many as that at least.
as_promised() {
	local names
	refused >"$BATS_TEST_TMPDIR/promised"
	mapfile -t names < <(sed 's/:.*//' "$BATS_TEST_TMPDIR/promised")
	((${#names[@]} >= $1))
	answered "${names[@]}" | sort | diff "$BATS_TEST_TMPDIR/promised" -
}

@test "the default profile: what it refuses is refused, with the error it says" {
	as_promised 40
}

@test "the default profile: no new cgroup namespace; user namespaces and the rest as the system's own has it" {
	run -0 answered 'unshare 0x2000000' 'unshare 0x12000000' clone3 'unshare 0x10000000' 'keyctl 0 -1' 'socket 38 5 0'
	[ "$output" = $'unshare 0x2000000: ENOSYS\nunshare 0x12000000: ENOSYS\nclone3: ENOSYS\nunshare 0x10000000: ok\n'"${lines[4]}"$'\n'"${lines[5]}" ]
	[[ ${lines[4]} != *ENOSYS && ${lines[5]} != *EPERM && ${lines[5]} != *ENOSYS ]]
}

@test "strict: what it refuses is refused, with the error it says" {
	seccomp '"profile": "strict"'
	as_promised 75
}

@test "strict: arguments that are refused, also with bits above those that the kernel reads" {
	seccomp '"profile": "strict"'
	run -0 answered 'socket 1 1 0' 'socket 2 1 0' 'socket 10 2 0' 'socket 16 3 0' 'socket 0x100000001 1 0' \
		'socket 16 3 12' 'socket 38 5 0' 'socket 0x100000026 5 0' 'socket 17 3 0' 'socket 40 1 0' 'socket 4711 1 0' \
		'unshare 0x10000000' 'unshare 0' 'personality 0xffffffff' 'personality 0' 'personality 0x40000' 'personality 8' \
		'ioctl 0 0x5412' 'ioctl 0 0x541c' 'ioctl 0 0x100005412' 'ioctl 99 0x5413' 'ioctl 99 0x5401'
	diff - <(echo "$output") <<-'SAID'
		socket 1 1 0: ok
		socket 2 1 0: ok
		socket 10 2 0: ok
		socket 16 3 0: ok
		socket 0x100000001 1 0: ok
		socket 16 3 12: EPROTONOSUPPORT
		socket 38 5 0: EAFNOSUPPORT
		socket 0x100000026 5 0: EAFNOSUPPORT
		socket 17 3 0: EAFNOSUPPORT
		socket 40 1 0: EAFNOSUPPORT
		socket 4711 1 0: ENOSYS
		unshare 0x10000000: ENOSYS
		unshare 0: ok
		personality 0xffffffff: ok
		personality 0: ok
		personality 0x40000: ENOSYS
		personality 8: ENOSYS
		ioctl 0 0x5412: EPERM
		ioctl 0 0x541c: EPERM
		ioctl 0 0x100005412: EPERM
		ioctl 99 0x5413: EBADF
		ioctl 99 0x5401: EBADF
	SAID
}

@test "strict: programs of 32 bits and x32 are killed" {
	[ "$(uname -m)" = x86_64 ] || skip "no such entries on this architecture"
	seccomp '"profile": "strict"'
	run -0 answered i386 x32
	# A kernel without the entry for 32 bits makes that a fault.
	[[ ${lines[0]} =~ ^'i386: killed by '(11|31)$ ]]
	[ "${lines[1]}" = 'x32: killed by 31' ]
}

@test "strict: what agents do still works" {
	seccomp '"profile": "strict"'
	run -0 ssh_to agent 'git init -q r && cd r && echo a >a && git add a && git -c user.name=a -c user.email=a@b commit -qm a &&
		git log --oneline | wc -l; python3 -c "import threading; t = threading.Thread(target=print, args=[\"thread\"]); t.start(); t.join()";
		strace -o /dev/null true && echo traced'
	[ "$output" = $'1\nthread\ntraced' ]
	run -0 ssh_to agent -tt 'tmux -f /dev/null new-session -d "sleep 1000" && tmux ls | wc -l && tmux kill-server'
	[[ $output == 1* ]]
}

@test "strict and root inside: sudo works" {
	policy agent '{"version": 1, "privileges": "root", "seccomp": { "profile": "strict" }}'
	run -0 ssh_to agent 'sudo -n id -u'
	[ "$output" = 0 ]
	run -0 ssh_to agent 'sudo -n ./calls bpf mount "unshare 0x10000000"'
	[ "$output" = $'bpf: EPERM\nmount: EPERM\nunshare 0x10000000: ENOSYS' ]
}

@test "deny and allow: names on top of the profile, which a policy without them has not" {
	seccomp '"profile": "strict", "deny": ["ptrace", "getcpu"], "allow": ["keyctl", "personality"]'
	run -0 answered 'ptrace 0' getcpu 'personality 0x40000' bpf
	[ "$output" = $'ptrace 0: EPERM\ngetcpu: EPERM\npersonality 0x40000: ok\nbpf: EPERM' ]
	run -0 answered 'keyctl 0 -3'
	[[ $output != *ENOSYS && $output != *EPERM ]]
	seccomp '"profile": "default"'
	run -0 answered 'ptrace 0' getcpu
	[ "$output" = $'ptrace 0: ok\ngetcpu: ok' ]
}

@test "denying what every program needs: the login is refused with a reason, and the next policy works" {
	seccomp '"deny": ["read", "write", "execve"]'
	says 'sandbox-shell: start: *: seccomp.deny may have what it needs: shorten that' ssh_to agent true
	seccomp '"profile": "default"'
	run -0 ssh_to agent 'echo inside'
	[ "$output" = inside ]
}

@test "policy show --seccomp: each line of strict has its reason, and the default has none of them" {
	seccomp '"profile": "strict"'
	run -0 sandboxctl policy show --seccomp agent
	jq -e '[.syscalls[] | select(.names == ["userfaultfd"])] == [{ names: ["userfaultfd"], action: "SCMP_ACT_ERRNO",
		comment: "holds the kernel where a race is to be won", errnoRet: 1 }]' <<<"$output"
	jq -e '[.syscalls[] | select(.names | any(. == "userfaultfd"))] | length == 1' "$BATS_FILE_TMPDIR/default"
	jq -e 'all(.archMap[]; has("subArchitectures") | not)' <<<"$output"
	jq -e 'any(.archMap[]; has("subArchitectures"))' "$BATS_FILE_TMPDIR/default"
}
