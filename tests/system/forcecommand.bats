#!/usr/bin/env bats
# Every way in that sshd offers: login shell, ForceCommand, both at once; and those that must be shut. The account plain
# has the same key and sshd, but not the documented Match block: what is refused to the others works for it.
#
# host: --account forced:/bin/bash --account both
# host: --sshd 'X11Forwarding yes' --sshd 'Match User forced,both' --sshd 'ForceCommand /usr/local/bin/sandbox-shell'


load common

setup_file() {
	use_test_image
	_sandbox_account forced
	local account
	for account in agent forced both; do
		ssh_to "$account" true
	done
}

@test "ForceCommand: the command the client wants runs inside, with its status" {
	local account
	for account in forced both; do
		run -0 --separate-stderr ssh_to "$account" 'cat /etc/hostname; echo; pwd; echo problem >&2'
		[ "$output" = "$account"$'\n'"/home/$account" ]
		[ "$stderr" = problem ]
		run -7 ssh_to "$account" 'exit 7'
		run -127 ssh_to "$account" nosuchcommand
		run -137 ssh_to "$account" 'kill -9 $$'
		run -143 ssh_to "$account" 'kill -TERM $$'
	done
}

@test "ForceCommand: bytes go through both ways, stdin ends" {
	local account file=$BATS_TEST_TMPDIR/bytes
	head -c 5M /dev/urandom >"$file"
	for account in forced both; do
		ssh_to "$account" cat <"$file" | cmp - "$file"
	done
}

@test "ForceCommand: without a command it is a login shell inside" {
	local account
	for account in forced both; do
		run -0 ssh_to "$account" <<<'shopt login_shell; echo "$0"; cat /etc/hostname; exit'
		[ "$output" = $'login_shell    \ton\n-bash\n'"$account" ]
		run -5 ssh_to "$account" -tt <<<$'tty; cat /etc/hostname; echo\nexit 5'
		[[ $output == */dev/pts/*"$account"* && $output != *throwaway* ]]
	done
}

@test "ForceCommand: a terminal is given to a command when the client asks for one" {
	local account
	for account in forced both; do
		run -0 ssh_to "$account" -tt 'test -t 0 && tty'
		[[ $output == /dev/pts/* ]]
		run -1 ssh_to "$account" tty
		[ "$output" = "not a tty" ]
	done
}

@test "ForceCommand: a long, odd command comes through unchanged" {
	local account text
	text=$(head -c 60000 /dev/urandom | base64 -w 0)$'\n"quoted" `back` $(x) \\ \xff\xfe ; & |'
	for account in forced both; do
		run -0 ssh_to "$account" "printf %s '$text' | sha256sum"
		[ "$output" = "$(printf %s "$text" | sha256sum)" ]
	done
}

@test "ForceCommand: the client's death ends everything it started" {
	(
		ssh() { exec /usr/bin/ssh "$@"; }
		ssh_to forced '(trap "" HUP; setsid sleep 3001 &) ; exec sleep 3002'
	) </dev/null >/dev/null 2>&1 3>&- &
	wait_for 60 eval 'pgrep -u forced -fx "sleep 3002" >/dev/null && pgrep -u forced -fx "sleep 3001" >/dev/null'
	kill -9 $!
	wait_for 60 eval '! pgrep -u forced -x sleep >/dev/null'
	wait_for 60 eval '! pgrep -u forced -f sandbox-session >/dev/null'
}

@test "a compound command stays inside as a whole" {
	local account command
	for account in agent forced both; do
		for command in "true && sh -c 'cat /etc/hostname'" 'true; cat /etc/hostname' \
			'false || cat /etc/hostname' 'true | cat /etc/hostname' $'true\ncat /etc/hostname' \
			'sh -c "sh -c \"cat /etc/hostname\""' '$(echo cat) /etc/hostname' '`echo cat` /etc/hostname' \
			'true & wait; cat /etc/hostname' 'exec bash -c "exec cat /etc/hostname"' \
			'scp -f /nothing 2>&1 </dev/null | tail -c 0; cat /etc/hostname'; do
			run -0 --separate-stderr ssh_to "$account" "$command"
			[ "$output" = "$account" ]
		done
	done
}

# What only a session on the host sees is its name, throwaway.
@test "the name of our own program as a command gives no way around" {
	local account command
	for account in agent forced both; do
		for command in sandbox-shell /usr/local/bin/sandbox-shell '/usr/local/bin/sandbox-shell -c id' \
			'/bin/bash -c "cat /etc/hostname"' '-c' '-l'; do
			output=$(ssh_to "$account" -- "$command" <<<'cat /etc/hostname' 2>&1) || true
			[[ -n $output && $output != *throwaway* ]]
		done
	done
}

@test "~/.ssh/rc isn't run, neither the host's nor the one inside" {
	local account
	for account in plain agent forced both; do
		printf 'id >>/var/tmp/rc.%s\n' "$account" >"/home/$account/.ssh/rc"
		chmod 755 "/home/$account/.ssh/rc"
	done
	for account in agent forced both; do
		ssh_to "$account" 'mkdir -p .ssh && echo "touch rc-was-run" >.ssh/rc'
		run -0 ssh_to "$account" 'ls -A; ls /var/tmp'
		[[ $output != *rc-was-run* && $output != *rc.* ]]
		[ ! -e "/var/tmp/rc.$account" ]
	done
	ssh_to plain true
	[ -s /var/tmp/rc.plain ]
}

@test "-L: no connection into the host's network" {
	local account
	for account in agent forced both; do
		run -255 ssh_to "$account" -v -W 127.0.0.1:22 </dev/null
		[[ $output == *"administratively prohibited"* ]]
	done
	run ssh_to plain -W 127.0.0.1:22 </dev/null
	[[ $output == SSH-2.0-* ]]
}

@test "-R: no listener on the host" {
	local account
	for account in agent forced both; do
		run -255 ssh_to "$account" -o ExitOnForwardFailure=yes -R 127.0.0.1:3999:127.0.0.1:22 true
		[[ $output == *"remote port forwarding failed"* ]]
	done
	ssh_to plain -o ExitOnForwardFailure=yes -R 127.0.0.1:3999:127.0.0.1:22 true
}

@test "-R: no stream-local listener on the host" {
	local account
	for account in agent forced both; do
		run -255 ssh_to "$account" -o ExitOnForwardFailure=yes -R "/var/tmp/$account.sock:127.0.0.1:22" true
		[ ! -e "/var/tmp/$account.sock" ]
	done
	ssh_to plain -o ExitOnForwardFailure=yes -R /var/tmp/plain.sock:127.0.0.1:22 true
}

# through_socket ACCOUNT: what a socket of the account's on the host says to a -L of the client.
through_socket() {
	local here=$BATS_TEST_TMPDIR/$1.here there
	there=/run/user/$(id -u "$1")/there
	as "$1" perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 1) or die $!;
		alarm 300;
		my $c = $s->accept; print $c "the socket\n"; close $c' "$there" >/dev/null 2>&1 3>&- &
	wait_for 60 test -S "$there"
	(
		ssh() { exec /usr/bin/ssh "$@"; }
		ssh_to "$1" -N -L "$here:$there"
	) >/dev/null 2>&1 3>&- &
	wait_for 60 test -S "$here"
	perl -MIO::Socket::UNIX -e 'alarm 60; my $c = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die $!; print <$c>' "$here"
	kill $!
	# Nobody came to it where forwarding is refused; bats would wait for its end.
	pkill -KILL -u "$1" -x perl || true
}

@test "-L: no connection to the host's Unix sockets, such as podman's" {
	local account
	for account in agent forced both; do
		run -0 through_socket "$account"
		[[ $output != *"the socket"* ]]
	done
	run -0 through_socket plain
	[[ $output == *"the socket"* ]]
}

@test "-A: no agent's socket on the host or inside" {
	local account
	eval "$(ssh-agent -s)" 3>&-
	policy agent '{"version":1,"env":{"pass":["SSH_*"]}}'
	for account in agent forced both; do
		run -0 ssh_to "$account" -A 'env | grep SSH_AUTH_SOCK; ls -d /tmp/ssh-* 2>/dev/null; echo none'
		[ "$output" = none ]
	done
	run -0 ssh_to plain -A 'ls "$SSH_AUTH_SOCK"'
	ssh-agent -k
}

@test "-X: no way to the client's display" {
	local account
	export DISPLAY=:99
	for account in agent forced both; do
		run -0 ssh_to "$account" -v -X true
		[[ $output == *"X11 forwarding request failed"* ]]
	done
	run -0 ssh_to plain -v -X 'echo $DISPLAY'
	[[ $output == *localhost:10* ]]
}

@test "another subsystem's name is no way to a command" {
	local account
	for account in agent forced both; do
		run -255 ssh_to "$account" -s nosuchsubsystem </dev/null
	done
}

@test "a shell of the host's for the account isn't reached when the policy goes away" {
	mv /etc/sandbox-shell/policy.d/forced.json "$BATS_TEST_TMPDIR/"
	run -125 --separate-stderr ssh_to forced 'cat /etc/hostname'
	mv "$BATS_TEST_TMPDIR/forced.json" /etc/sandbox-shell/policy.d/
	[ "$output" = "" ]
	[[ $stderr == "sandbox-shell: "*forced.json* ]]
}
