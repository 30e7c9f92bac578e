#!/usr/bin/env bats
# sandboxctl unenroll: an account with a sandbox, with or without what it has; carried on after a kill; and an
# account that fights it with processes, links and swapped folders, by which nothing else may be touched.
#
# host: --sshd 'Include /etc/ssh/sshd_config.d/50-sandbox-shell.conf'

load common

setup_file() {
	use_test_image
	mkdir -p /srv/precious/folder
	echo mine >/srv/precious/folder/file
	echo mine >/srv/precious/file
	cp -a /srv/precious /srv/before
}

teardown() {
	diff -r /srv/before /srv/precious
}

# enrolled NAME: a new account that can log in. Sets uid.
enrolled() {
	sandboxctl enroll "$1" --key "$HOST_KEY.pub"
	uid=$(id -u "$1")
	prepare_account "$1" "$uid"
}

# gone NAME: is nothing left that enroll has made?
gone() {
	local file
	for file in passwd shadow group gshadow subuid subgid; do
		run -1 grep -w "$1" "/etc/$file"
	done
	[ ! -e "/home/$1" ]
	[ ! -e "/etc/sandbox-shell/policy.d/$1.json" ]
	[ ! -e "/etc/sandbox-shell/authorized_keys.d/$1" ]
	run -1 pgrep -U "$uid"
	# The others' is as it was.
	run -0 sandboxctl policy check agent
	id -nG agent | grep -qw sandboxed
}

# hold NAME FILE COMMAND: a session in the background.
hold() {
	(
		ssh() { exec /usr/bin/ssh "$@"; }
		ssh_to "$1" "$3"
	) </dev/null >"$2" 2>&1 3>&- &
}

@test "the account with all that it has: sessions, sandbox, files of its subordinate ids" {
	enrolled full
	policy full '{"version":1,"privileges":"root"}'
	ssh_to full 'mkdir -p d/e; echo x >d/e/f; sudo install -d -m 700 roots; sudo touch roots/file; sudo chmod 000 d'
	[ "$(stat -c %u /home/full/sandboxes/full/home/roots)" -ge 100000 ]
	hold full "$BATS_TEST_TMPDIR/out" 'echo in; sudo sleep 1001 & sleep 1002'
	wait_for 60 pgrep -fx 'sleep 1001'
	run -0 --separate-stderr sandboxctl unenroll full --yes
	[ "$stderr" = "" ]
	[ "$output" = "keys: /etc/sandbox-shell/authorized_keys.d/full removed
policy: /etc/sandbox-shell/policy.d/full.json removed
account full: locked
account full: no process of it is left
account full: removed, with /home/full" ]
	wait
	gone full
	run -1 pgrep -fx 'sleep 100[12]'
	run -255 ssh_to full true
	# Again, and with nothing there.
	run -0 sandboxctl unenroll full --yes
	[ "$output" = "full: no account of the group sandboxed: nothing else to do" ]
	# The name is free.
	enrolled full
	run -0 ssh_to full 'ls -d d roots 2>/dev/null || echo none'
	[ "$output" = none ]
}

@test "--keep-data: the account stays, locked, and can be enrolled again with its data" {
	enrolled kept
	ssh_to kept 'echo kept >file'
	echo outside >/home/kept/file
	run -0 sandboxctl unenroll --keep-data kept --yes
	[ "${lines[-1]}" = "account kept: not in the group sandboxed any more; /home/kept is kept" ]
	[ "$(getent passwd kept | cut -d : -f 7)" = /usr/sbin/nologin ]
	[[ $(getent shadow kept) == 'kept:!'* ]]
	run -1 grep -w kept <(getent group sandboxed)
	run -1 pgrep -u kept
	[ "$(cat /home/kept/file /home/kept/sandboxes/kept/home/file)" = $'outside\nkept' ]
	run -255 ssh_to kept true
	run -0 sandboxctl unenroll --keep-data kept --yes
	[ "$output" = "kept: no account of the group sandboxed: nothing else to do" ]
	says 'sandboxctl: kept: there is an account of this name: *' sandboxctl enroll kept
	sandboxctl enroll kept --existing --key "$HOST_KEY.pub"
	run -0 ssh_to kept cat file
	[ "$output" = kept ]
}

@test "it asks, and takes nothing from those that aren't its own" {
	local name
	sandboxctl enroll asked
	says 'sandboxctl: unenroll asked: would remove the account with all that is in /home/asked: say --yes' \
		sandboxctl unenroll asked </dev/null
	says 'sandboxctl: unenroll asked: would end all of the account, lock it, and keep /home/asked: say --yes' \
		sandboxctl unenroll asked --keep-data </dev/null
	run -125 script -qec 'sandboxctl unenroll asked' /dev/null <<<n
	[[ $output == *"? [y/N] "*"unenroll asked: not done"* ]]
	[ -e /etc/sandbox-shell/policy.d/asked.json ]
	run -0 script -qec 'sandboxctl unenroll asked' /dev/null <<<y
	run -2 getent passwd asked
	for name in '' . ../agent agent/ 'agent x' AGENT; do
		says 'sandboxctl: *not an account*' sandboxctl unenroll --yes -- "$name"
	done
	says "sandboxctl: root: an account of the system's (uid 0)" sandboxctl unenroll --yes root
	says "sandboxctl: daemon: an account of the system's (uid 1)" sandboxctl unenroll --yes daemon
	says 'sandboxctl: usage: *' sandboxctl unenroll
	says 'sandboxctl: unenroll: for root only' as agent sandboxctl unenroll --yes agent
	getent passwd plain >"$BATS_TEST_TMPDIR/plain"
	run -0 sandboxctl unenroll --yes plain
	[ "$output" = "plain: no account of the group sandboxed: nothing else to do" ]
	getent passwd plain | diff "$BATS_TEST_TMPDIR/plain" -
	[ -d /home/plain/.ssh ]
	run -0 sandboxctl unenroll --yes nobody-here
}

@test "a home that isn't the account's, or has something mounted in it, is left" {
	enrolled odd
	ssh_to odd true
	mkdir /home/odd/mounted
	mount --bind /srv/precious /home/odd/mounted
	run -125 --separate-stderr sandboxctl unenroll --yes odd
	[ "$stderr" = "sandboxctl: /home/odd: something is mounted in it: umount it" ]
	diff -r /srv/before /srv/precious
	umount /home/odd/mounted
	chown root /home/odd
	run -125 --separate-stderr sandboxctl unenroll --yes odd
	[ "$stderr" = "sandboxctl: /home/odd: belongs to uid 0, not to the account: left" ]
	chown odd /home/odd
	usermod --home /srv/precious odd
	run -125 --separate-stderr sandboxctl unenroll --yes odd
	[ "$stderr" = "sandboxctl: /srv/precious: belongs to uid 0, not to the account: left" ]
	usermod --home / odd
	run -125 --separate-stderr sandboxctl unenroll --yes odd
	[[ $stderr == "sandboxctl: /: "* ]]
	usermod --home /home/odd odd
	sandboxctl unenroll --yes odd
	gone odd
}

@test "folders deeper than there are descriptors, names that are odd, files nobody may read" {
	enrolled deep
	as deep perl -e 'mkdir "d" and chdir "d" or die for 1 .. 3000; mkdir ".lifted-0"; open my $f, ">", "file"'
	as deep bash -c 'mkdir .lifted-{0,1,2}; ln -s /srv/precious .lifted-3; mkfifo $'"'a\nb'"' -- "-rf *"; mkdir -m 0 closed
		touch file; chmod 0 file; ln file "$(printf "%0200d" 1)"; mkdir -m 1777 sticky; ln -s .. sticky/up'
	(
		ulimit -n 64
		timeout 120 sandboxctl unenroll --yes deep
	)
	gone deep
}

@test "a job that cron would start goes first" {
	enrolled timer
	mkdir -p /var/spool/cron/crontabs
	echo '* * * * * true' >/var/spool/cron/crontabs/timer
	chown timer /var/spool/cron/crontabs/timer
	ln -sf /srv/precious/file /var/mail/timer
	sandboxctl unenroll --yes timer
	[ ! -e /var/spool/cron/crontabs/timer ]
	gone timer
	rm -f /var/mail/timer
}

@test "links, swapped folders and processes that come again while it runs: nothing outside is touched" {
	local round
	for round in 1 2; do
		enrolled "fighter$round"
		ssh_to "fighter$round" 'echo x >file'
		for _ in 1 2; do
			as "fighter$round" bash -c 'cd ~; trap "" HUP INT TERM
				ln -s /srv/precious/folder a-link; ln -s /srv/precious/file b-link
				again() { while :; do
					mv sandboxes kept; ln -s /srv/precious sandboxes; rm sandboxes; mv kept sandboxes
					mkdir -p x/y; ln -s /srv/precious x/y/z; mv x "x.$BASHPID.$RANDOM"
					ln -s /srv/precious x; rm x; rm -rf x.*
				done 2>/dev/null; }
				again & again & touch ready; while :; do (again & sleep 0.1); done' </dev/null >/dev/null 2>&1 3>&- &
		done
		wait_for 60 test -e "/home/fighter$round/ready"
		if ((round % 2)); then
			timeout 120 sandboxctl unenroll --yes "fighter$round"
		else
			timeout 120 sandboxctl unenroll --yes --keep-data "fighter$round"
			run -1 pgrep -u "fighter$round"
			userdel "fighter$round"
			rm -rf "/home/fighter$round"
		fi
		diff -r /srv/before /srv/precious
		gone "fighter$round"
	done
	wait
	ssh_to agent true
}

@test "killed at any moment, and repeated: works" {
	local start took round reached=0
	enrolled fresh
	as_home fresh
	start=${EPOCHREALTIME/[.,]/}
	sandboxctl unenroll --yes fresh
	took=$((${EPOCHREALTIME/[.,]/} - start))
	for round in {1..12}; do
		sandboxctl enroll "killed$round" --key "$HOST_KEY.pub" >/dev/null
		uid=$(id -u "killed$round")
		as_home "killed$round"
		sandboxctl unenroll --yes "killed$round" </dev/null >/dev/null 2>&1 3>&- &
		sleep "$(awk -v us=$((took * round * round / 144)) 'BEGIN { print us / 1000000 }')"
		kill -KILL $! 2>/dev/null || true
		wait $! || reached=$((reached + 1))
		sandboxctl unenroll --yes "killed$round" >/dev/null
		gone "killed$round"
	done
	((reached >= 3))
}

@test "what a userdel that was killed has left is removed, and in nobody's way" {
	enrolled torn
	sed -i '/^torn:/d' /etc/passwd /etc/shadow
	rm -r /home/torn
	cp /etc/group /etc/subuid "$BATS_TEST_TMPDIR"
	run -0 sandboxctl unenroll --yes torn
	[[ $output == *"account torn: what was left of it removed"* ]]
	gone torn
	cat "$BATS_TEST_TMPDIR/group" >/etc/group
	cat "$BATS_TEST_TMPDIR/subuid" >/etc/subuid
	enrolled torn
	run -0 ssh_to torn hostname
	sandboxctl unenroll --yes torn
	gone torn
	# A group that only happens to have that name.
	groupadd happens
	sandboxctl unenroll --yes happens
	getent group happens
}

# as_home NAME: files of the account's and of a subordinate id's.
as_home() {
	mkdir -p "/home/$1"/{a,b,c}/{d,e}
	touch "/home/$1"/{a,b,c}/{d,e}/{1..50}
	chown -R "$1" "/home/$1"
	chown -R "$(awk -F: -v name="$1" '$1 == name { print $2; exit }' /etc/subuid)" "/home/$1/b"
}
