#!/usr/bin/env bats
# Files in and out with the usual tools: they all end up inside, never in the account's home on the host.
#
# host: --account forced:/bin/bash --sshd 'Match User forced' --sshd 'ForceCommand /usr/local/bin/sandbox-shell'

load common

# another_sshd PORT SUBSYSTEM: a second server, with another Subsystem line.
another_sshd() {
	local config=$BATS_FILE_TMPDIR/sshd.$1
	{
		echo "Port $1"
		echo "PidFile $config.pid"
		echo "Subsystem $2"
		sed -E '/^(Port|PidFile|Subsystem) /d' /etc/ssh/sshd_config
	} >"$config"
	/usr/sbin/sshd -f "$config" -E "$config.log" 3>&-
	wait_for 60 test -s "$config.pid"
}

setup_file() {
	use_test_image
	_sandbox_account forced
	export FILES=$BATS_FILE_TMPDIR/files CONFIG=$BATS_FILE_TMPDIR/config
	cat >"$CONFIG" <<-CONFIG
		Host internal
			User forced
			Port 2201
		Host agent-internal
			User agent
			Port 2201
		Host elsewhere
			User agent
			Port 2202
		Host elsewhere-forced
			User forced
			Port 2202
		Host agent
			User agent
		Host forced
			User forced
		Host *
			HostName 127.0.0.1
			IdentityFile $HOST_KEY
			IdentitiesOnly yes
			BatchMode yes
			LogLevel ERROR
			StrictHostKeyChecking no
			UserKnownHostsFile /dev/null
	CONFIG
	export GIT_SSH_COMMAND="ssh -F $CONFIG"
	another_sshd 2201 'sftp internal-sftp'
	another_sshd 2202 'sftp /usr/libexec/openssh/sftp-server -l INFO'
	make_files
	local account
	for account in agent forced; do
		ssh -F "$CONFIG" "$account" 'touch INSIDE'
		touch "/home/$account/HOST"
	done
}

# A small tree of everything: modes, times, links, odd names, an empty folder, a big file.
make_files() {
	mkdir -p "$FILES/folder/empty"
	head -c 5M /dev/urandom >"$FILES/big"
	echo script >"$FILES/folder/script"
	chmod 750 "$FILES/folder/script"
	echo odd >"$FILES/folder/ödd name's "'"$x"'
	touch -d '2001-02-03 04:05:06' "$FILES/folder/script" "$FILES/folder/empty"
	ln -s ../big "$FILES/folder/link"
}

# same FOLDER: is it FILES in every respect?
same() {
	[ -d "$1/folder/empty" ]
	run -0 rsync -anic --no-owner --no-group --delete "$FILES/" "$1/"
	[ "$output" = "" ]
}

@test "scp (over sftp): files go in and come back unchanged, and lie inside" {
	scp -qF "$CONFIG" "$FILES/big" agent:copy
	ssh -F "$CONFIG" agent sha256sum <"$FILES/big"
	cmp "$FILES/big" /home/agent/sandboxes/agent/home/copy
	[ ! -e /home/agent/copy ]
	scp -qF "$CONFIG" agent:copy "$BATS_TEST_TMPDIR/back"
	cmp "$FILES/big" "$BATS_TEST_TMPDIR/back"
}

@test "scp -O (the old protocol): files go in and come back unchanged, and lie inside" {
	scp -qOpF "$CONFIG" "$FILES/big" agent:copy-old
	cmp "$FILES/big" /home/agent/sandboxes/agent/home/copy-old
	[ ! -e /home/agent/copy-old ]
	scp -qOpF "$CONFIG" agent:copy-old "$BATS_TEST_TMPDIR/back"
	cmp "$FILES/big" "$BATS_TEST_TMPDIR/back"
}

@test "scp -r: a folder both ways, by both protocols" {
	local option
	for option in -s -O; do
		scp -qrp "$option" -F "$CONFIG" "$FILES/folder/empty" "$FILES/folder/script" agent:work/
		scp -qrp "$option" -F "$CONFIG" agent:work "$BATS_TEST_TMPDIR/$option"
		[ -d "$BATS_TEST_TMPDIR/$option/empty" ]
		[ "$(stat -c %a:%Y "$BATS_TEST_TMPDIR/$option/script")" = "$(stat -c %a:%Y "$FILES/folder/script")" ]
		ssh -F "$CONFIG" agent 'rm -r work/empty work/script'
	done
}

# sftp_session HOST: works through one, in a folder of its own; leaves what it listed in $listing.
sftp_session() {
	listing=$(
		cd "$BATS_TEST_TMPDIR"
		sftp -qb - -F "$CONFIG" "$1" <<-BATCH
			ls -1a
			mkdir sftp
			cd sftp
			put $FILES/big
			rename big moved
			chmod 600 moved
			symlink moved pointer
			get pointer got
			rm pointer
			rm moved
			cd ..
			rmdir sftp
			-ls -1 /home/*/HOST
			pwd
		BATCH
	)
	cmp "$FILES/big" "$BATS_TEST_TMPDIR/got"
	rm "$BATS_TEST_TMPDIR/got"
}

# saw_inside: the sandbox's home, not the account's.
saw_inside() {
	grep -qx 'INSIDE' <<<"$listing"
	! grep -v '^sftp>' <<<"$listing" | grep HOST
}

@test "sftp, login shell, Subsystem with the server's path: everything happens inside" {
	sftp_session agent
	saw_inside
}

@test "sftp, login shell, Subsystem with a path and options that the sandbox doesn't have: inside" {
	sftp_session elsewhere
	saw_inside
}

@test "sftp, ForceCommand, Subsystem with the server's path: everything happens inside" {
	sftp_session forced
	saw_inside
}

@test "sftp, ForceCommand, Subsystem internal-sftp: inside, not in sshd" {
	sftp_session internal
	saw_inside
}

@test "sftp, ForceCommand, Subsystem with a path and options that the sandbox doesn't have: inside" {
	sftp_session elsewhere-forced
	saw_inside
}

@test "the hole that internal-sftp is without ForceCommand is still there to be warned of" {
	sftp_session agent-internal
	grep -qx HOST <<<"$listing"
}

@test "sftp -s names the server itself: inside as well" {
	run -0 sftp -qb - -F "$CONFIG" -s /usr/lib/openssh/sftp-server agent <<<'ls -1'
	[[ $output == *INSIDE* && $output != *HOST* ]]
}

@test "a link inside that points to a path of the host's leads to the sandbox's own" {
	ssh -F "$CONFIG" agent 'ln -sfn /etc/hostname name; ln -sfn / root'
	scp -qF "$CONFIG" agent:name agent:root/etc/hostname "$BATS_TEST_TMPDIR"
	[ "$(cat "$BATS_TEST_TMPDIR/name")" = agent ]
	[ "$(cat "$BATS_TEST_TMPDIR/hostname")" = agent ]
	ssh -F "$CONFIG" agent 'rm name root'
}

@test "rsync -a: a tree both ways, in every respect the same" {
	local account
	for account in agent forced; do
		rsync -a -e "ssh -F $CONFIG" "$FILES/" "$account:tree"
		[ ! -e "/home/$account/tree" ]
		rsync -a -e "ssh -F $CONFIG" "$account:tree/" "$BATS_TEST_TMPDIR/$account"
		same "$BATS_TEST_TMPDIR/$account"
		# A second time there's nothing to do.
		run -0 rsync -ai -e "ssh -F $CONFIG" "$FILES/" "$account:tree"
		[ "$output" = "" ]
	done
}

@test "git: push into the sandbox and clone from it" {
	local git=(git -c user.name=x -c user.email=x@localhost) work=$BATS_TEST_TMPDIR/work
	cp -a "$FILES" "$work"
	git -C "$work" init -q -b main
	git -C "$work" add .
	"${git[@]}" -C "$work" commit -qm first
	ssh -F "$CONFIG" agent 'git init -q --bare -b main project.git'
	git -C "$work" push -q agent:project.git main
	"${git[@]}" -C "$work" commit -qm second --allow-empty
	git -C "$work" push -q agent:project.git main
	git clone -q agent:project.git "$BATS_TEST_TMPDIR/clone"
	git -C "$BATS_TEST_TMPDIR/clone" fsck
	[ "$(git -C "$BATS_TEST_TMPDIR/clone" rev-parse HEAD)" = "$(git -C "$work" rev-parse HEAD)" ]
	cmp "$FILES/big" "$BATS_TEST_TMPDIR/clone/big"
}

@test "tar through pipes, both ways" {
	tar -C "$FILES" -cf - . | ssh -F "$CONFIG" agent 'mkdir tar && tar -C tar -xpf -'
	mkdir "$BATS_TEST_TMPDIR/back"
	ssh -F "$CONFIG" agent 'tar -C tar -cf - .' | tar -C "$BATS_TEST_TMPDIR/back" -xpf -
	same "$BATS_TEST_TMPDIR/back"
}

@test "a transfer that the client breaks off leaves no server behind" {
	mkfifo "$BATS_TEST_TMPDIR/endless"
	exec 4<>"$BATS_TEST_TMPDIR/endless"
	head -c 1M /dev/zero >&4 &
	ssh -F "$CONFIG" agent 'exec rsync --server -vlogDtpre.iLsfxCIvu . tree-broken' <&4 >/dev/null 2>&1 3>&- &
	wait_for 60 eval 'pgrep -u agent -x rsync >/dev/null'
	kill -9 $!
	exec 4>&-
	wait_for 60 eval '! pgrep -u agent -x rsync >/dev/null'
}
