#!/usr/bin/env bats
# From a host with the package to a login, by the commands of README as they are typed there; and what unenroll
# leaves of an account that systemd and logind have had to do with.

load common

setup_file() {
	mkdir -p ~/.ssh
	cp "$HOST_KEY.pub" "$BATS_FILE_TMPDIR/KEY.pub"
	printf '%s\n' "IdentityFile $HOST_KEY" 'StrictHostKeyChecking no' 'UserKnownHostsFile /dev/null' \
		'LogLevel ERROR' 'BatchMode yes' >~/.ssh/config
}

teardown_file() {
	rm -f ~/.ssh/config
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

teardown() {
	release
}

# typed COMMAND: is it README's, and what does it do here?
typed() {
	grep -E "^ {8}$1( +#.*)?\$" "$CHECKOUT/README.md"
	run --separate-stderr bash -c "$1"
	printf '%s\n' "$output" "$stderr"
	[ "$status" -eq 0 ]
	[ "$stderr" = "" ]
}

@test "README's steps behind the package lead to a login" {
	typed 'sandboxctl enroll agent --key KEY.pub'
	typed 'sandboxctl policy show agent'
	policy agent '{ "version": 1, "image": "localhost/sandbox-test:latest" }'
	typed 'ssh agent@localhost id'
	[[ $output == "uid=$(id -u agent)(agent) gid="* ]]
	typed 'sandboxctl ls'
	[[ $output == *agent*running* ]]
	typed 'sandboxctl status agent'
	[[ $output != *"NOT ENFORCED"* ]]
	typed 'sandboxctl doctor'
	[[ $output == "doctor: all is well: "* ]]
}

@test "enrolled once more, with a session and another key: nothing else changes, the session goes on" {
	local init
	init=$(init_of agent)
	hold agent "$BATS_TEST_TMPDIR/out" 'echo in; while [ ! -e go ]; do sleep 0.2; done; echo alive; rm go'
	eventually says in out
	ssh-keygen -q -t ed25519 -N '' -f other -C other
	run -0 sandboxctl enroll agent --key other.pub
	run -0 ssh -i other -o IdentitiesOnly=yes agent@localhost 'touch go'
	eventually says alive out
	[ "$(init_of agent)" = "$init" ]
	[ "$(loginctl show-user -p Linger --value agent)" = yes ]
}

# left UID: what the host still knows of a user.
left() {
	find /run/user /run/systemd/users /run/systemd/transient /run/systemd/system.control /var/lib/systemd/linger \
		/run/sandbox-shell-pam /sys/fs/cgroup/user.slice -maxdepth 1 \( -name "*[-/]$1[.]*" -o -name "$1" -o -name agent \) 2>/dev/null
}

@test "unenrolled with a session: it ends, and neither systemd nor logind has anything left of the account" {
	local uid
	uid=$(id -u agent)
	[ "$(left "$uid")" != "" ]
	hold agent "$BATS_TEST_TMPDIR/out" 'echo in; exec sleep 1009'
	eventually says in out
	run -0 --separate-stderr sandboxctl unenroll agent --yes
	[ "$stderr" = "" ]
	run -1 pgrep -U "$uid"
	run -2 getent passwd agent
	eventually eval "! loginctl show-user $uid"
	eventually eval "[ ! \"\$(left $uid)\" ]" # systemd lets go of a slice when it gets to it
	run -255 ssh agent@localhost true
	sandboxctl doctor
}
