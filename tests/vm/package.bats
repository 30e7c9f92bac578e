#!/usr/bin/env bats
# The package's upgrade and removal where accounts are logged in. The last file in the machine, since it
# takes the product away.

load common

setup_file() {
	worker_with '{ "version": 1, "image": "localhost/sandbox-test:latest" }'
	useradd --create-home --shell /bin/bash keeper
	install -D -m 600 -o keeper "$HOST_KEY.pub" /home/keeper/.ssh/authorized_keys
	ssh_to worker 'echo kept >kept'
}

teardown() {
	release
}

install_package() {
	DEBIAN_FRONTEND=noninteractive dpkg --install /srv/sandbox-shell_*.deb </dev/null
}

@test "an upgrade over itself: sessions and the sandbox go on, the next login is in it" {
	local init
	init=$(init_of worker)
	hold worker "$BATS_TEST_TMPDIR/out" 'echo in; while [ ! -e go ]; do sleep 0.2; done; echo alive; rm go'
	eventually says in out
	install_package
	run -0 --separate-stderr ssh_to worker 'touch go; hostname'
	[ "$output" = worker ]
	[ "$stderr" = "" ]
	eventually says alive out
	[ "$(init_of worker)" = "$init" ]
	sandboxctl doctor
}

@test "purged with a session: it ends, the account's logins are refused, others work on" {
	local pid
	pid=$(record_of worker pid)
	hold worker "$BATS_TEST_TMPDIR/out" 'echo in; exec sleep 1010'
	eventually says in out
	run -0 dpkg --purge sandbox-shell
	[[ $output == *"these accounts can't log in without it, and are stopped: "*worker* ]]
	run ! pgrep -U worker -f 'sleep 1010'
	[ ! -e "/proc/$pid" ]
	run -255 ssh_to worker 'echo inside'
	[[ $output != *inside* ]]
	run -0 ssh_to keeper 'echo outside'
	[ "$output" = outside ]
	[ ! -e /etc/sandbox-shell ]
	run -1 grep -rl sandbox-shell /etc/pam.d /etc/ssh /etc/shells
}

@test "installed again: the account is enrolled with what it had" {
	install_package
	ln -sf /srv/images/*.tar /var/lib/sandbox-shell/images/
	printf '{ "version": 1, "image": "localhost/sandbox-test:latest" }\n' >/var/lib/throwaway/policy
	run -0 sandboxctl enroll worker --existing --key "$HOST_KEY.pub" --policy /var/lib/throwaway/policy
	run -0 --separate-stderr ssh_to worker 'cat kept'
	[ "$output" = kept ]
	[ "$stderr" = "" ]
	# The other files' accounts have lost their policies.
	run sandboxctl doctor
	[[ $status -le 1 && $output == "doctor: "* && $output != *worker* ]]
}
