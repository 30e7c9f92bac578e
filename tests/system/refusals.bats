#!/usr/bin/env bats
# What refuses a login: each with one clear line on stderr and 125, nothing on stdout, and no shell of
# the host's.

load common

setup_file() {
	use_test_image
	ssh_to agent true
}

setup() {
	policy_file=/etc/sandbox-shell/policy.d/agent.json
	policy agent '{"version":1}'
	libexec=/usr/local/libexec/sandbox-shell
	moved=()
}

# Whatever a test broke is put right, so that each starts with a host on which logins work.
teardown() {
	local file
	for file in "${moved[@]}"; do back "$file"; done
	chmod 755 /etc/sandbox-shell "$libexec"/*
	rm -rf "$policy_file" /usr/local/bin/copy
}

# away FILE: for this test it isn't there.
away() {
	mv -T "$1" "$1.away"
	moved+=("$1")
}

back() {
	[ ! -e "$1.away" ] || { rm -f "$1" && mv -T "$1.away" "$1"; }
}

# The next login finds the image in the store, but no sandbox, nor podman's process that holds the namespace.
forget() {
	as agent podman --storage-driver overlay rm --force --time 0 agent >/dev/null
	rm -rf /home/agent/sandboxes "/run/user/$(id -u agent)/sandbox-shell"
	pgrep -u agent | xargs -r kill -KILL || true # some have gone by then
}

# refused PATTERN [ACCOUNT]: a login is, with a line like that. The command would leave a trace on the host.
refused() {
	rm -f /var/tmp/trace
	run --separate-stderr -125 timeout 120 bash -c '. "$HOST_LIB" && ssh_to "$@"' login "${2-agent}" \
		'cat /etc/hostname; echo >/var/tmp/trace' </dev/null
	one_line "$1"
}

# shellcheck disable=SC2154 # stderr_lines is of run's making
one_line() {
	echo "stdout: $output"
	echo "stderr: $stderr"
	[ ! -e /var/tmp/trace ]
	[ "$output" = "" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	# shellcheck disable=SC2053 # a pattern
	[[ $stderr == sandbox-shell:\ $1 ]]
}

@test "control: a shell of the host's would leave the trace, and print the host's name" {
	run -0 ssh_to plain 'cat /etc/hostname; echo >/var/tmp/trace'
	[ "$output" = throwaway ]
	[ -e /var/tmp/trace ]
	run -0 ssh_to agent 'cat /etc/hostname'
	[ "$output" = agent ]
}

@test "no policy file" {
	rm "$policy_file"
	refused "no policy for account agent ($policy_file): *"
}

@test "a policy file that the account can't read" {
	chmod 600 "$policy_file"
	refused "$policy_file: *Permission denied"
}

@test "a policy file that others, or a group, can write" {
	chmod 646 "$policy_file"
	refused "$policy_file: *writable by others*"
	chmod 664 "$policy_file"
	refused "$policy_file: *writable by others*"
}

@test "a policy file of the account's own" {
	chown agent "$policy_file"
	refused "$policy_file: *belongs to uid $(id -u agent)*"
}

@test "a symbolic link as policy file, also to a good one of root's, or to nothing" {
	mv "$policy_file" /etc/sandbox-shell/real.json
	ln -s ../real.json "$policy_file"
	refused "$policy_file: *symbolic link*"
	rm /etc/sandbox-shell/real.json
	refused "$policy_file: *symbolic link*"
}

@test "a symbolic link as the policies' folder" {
	away /etc/sandbox-shell/policy.d
	ln -s policy.d.away /etc/sandbox-shell/policy.d
	refused "$policy_file: *symbolic link*"
}

@test "a folder above the policy that others can write" {
	chmod 757 /etc/sandbox-shell
	refused "/etc/sandbox-shell/policy.json: *writable by others*"
}

@test "a fifo, a folder or a device as policy file, without waiting for it" {
	rm "$policy_file" && mkfifo "$policy_file"
	refused "$policy_file: not a regular file"
	rm "$policy_file" && mkdir "$policy_file"
	refused "$policy_file: not a regular file"
	rmdir "$policy_file" && mknod -m 644 "$policy_file" c 1 5
	refused "$policy_file: not a regular file"
}

@test "a policy file of 64 KiB, however good, and none of 64 KiB less one byte" {
	printf '{"version":1}%65522s\n' '' >"$policy_file"
	[ "$(stat -c %s "$policy_file")" -eq 65536 ]
	refused "$policy_file: too large*"
	printf '{"version":1}%65521s\n' '' >"$policy_file"
	ssh_to agent true
}

# What stands before " => " is the file, with printf's escapes; behind it what is said of it.
broken_policies() {
	cat <<-'TABLE'
		=> :1:1: the file is empty
		{ => :1:2: the file ends too early*
		{"version":1 => :1:13: the file ends too early*
		{"version":1,} => :1:14: comma before }*
		{"version":1} x => :1:15: found x*
		{"version":1}\n{} => :2:1: found {*
		[] => :1:1: found a list*
		{} => :1:1: version: missing*
		{version:1} => :1:2: found v*
		{'version':1} => :1:2: single quotes*
		{"version":1 /* one */} => :1:14: a comment is not JSON*
		\xef\xbb\xbf{"version":1} => :1:1: byte order mark*
		{"version":2} => :1:12: version: 2 is not a version known here*
		{"version":"1"} => :1:12: version: found a string*
		{"version":01} => :1:12: version: leading zero*
		{"version":1,"version":1} => :1:14: version: duplicate key*
		{"version":1,"Version":1} => :1:14: Version: unknown key*
		{"version":1,"imagee":"x"} => :1:14: imagee: unknown key: did you mean image?
		{"version":1,"image":"x\\u0000y"} => :1:24: image: \\u0000 in a string*
		{"version":1,"image":"x\xff\xfe"} => :1:24: image: *UTF-8*
		{"version":1,"image":"a\tb"} => :1:24: image: control character*
		{"version":1,"image":"--privileged"} => :1:22: image: "--privileged" is not an image*
		{"version":1,"image":"\\u001b[2Jx"} => :1:22: image: "?[[]2Jx" has a control character*
		{"version":1,"shell":"bash"} => :1:22: shell: "bash" is not an absolute path*
		{"version":1,"sandbox":"../other"} => :1:24: sandbox: "../other" is not a name*
		{"version":1,\n "limits":\n  {"memory":"lots"}} => :3:13: limits.memory: "lots" is not a size*
		{"version":1,"limits":{"memory":-1}} => :1:33: limits.memory: -1 is below 16M
		{"version":1,"limits":{"memory":1e999}} => :1:33: limits.memory: too large*
		{"version":1,"limits":{"memory":NaN}} => :1:33: limits.memory: found N*
		{"version":1,"limits":{"memory":true}} => :1:33: limits.memory: found true*
		{"version":1,"limits":{"pids":10.5}} => :1:31: limits.pids: 10.5 is not a whole number
		{"version":1,"limits":{"pids":100,"pids":9}} => :1:35: limits.pids: duplicate key*
		{"version":1,"limits":{"swap":"1G"}} => :1:31: limits.swap: needs limits.memory*
		{"version":1,"network":{"mode":"bridge"}} => :1:32: network.mode: "bridge" is not one of*
		{"version":1,"privileges":true} => :1:27: privileges: found true*
		{"version":1,"mounts":[{"source":"/","target":"/mnt"}]} => :1:34: mounts[[]0].source: "/"*
		{"version":1,"mounts":[{"source":"/srv","target":"/a/../x"}]} => :1:50: mounts[[]0].target: *
		{"version":1,"devices":["/etc/passwd"]} => :1:25: devices[[]0]: "/etc/passwd" is not a device*
		{"version":1,"env":{"set":{"HOME":"/"}}} => :1:28: env.set.HOME: *set by the login itself*
		{"version":1,"env":{"pass":["[*]"]}} => :1:29: env.pass[[]0]: *
		{"version":1,"access":{"expires":"tomorrow"}} => :1:34: access.expires: "tomorrow" is not a time*
		{"version":1,"access":{"enabled":1}} => :1:34: access.enabled: found a number*
	TABLE
}

@test "a policy that is broken, with the file, line and column of what is wrong" {
	count=0
	while IFS= read -r line; do
		text=${line% => *} expected=${line##*=> }
		[[ $line == "=> "* ]] && text=
		echo "policy: $text"
		printf '%b' "$text" >"$policy_file"
		refused "$policy_file$expected"
		count=$((count + 1))
	done < <(broken_policies)
	[ "$count" -ge 40 ]
}

@test "a policy whose host-wide defaults are broken, which are named" {
	cp /etc/sandbox-shell/policy.json "$BATS_TEST_TMPDIR/policy.json"
	echo '{"version":1,"imag":""}' >/etc/sandbox-shell/policy.json
	run --separate-stderr ssh_to agent true
	cp "$BATS_TEST_TMPDIR/policy.json" /etc/sandbox-shell/policy.json
	[ "$status" -eq 125 ]
	one_line '/etc/sandbox-shell/policy.json:1:14: imag: unknown key: did you mean image?'
}

@test "a key whose effect comes with a later version: refused, not ignored" {
	for part in '"limits":{"disk":"10G"}' '"limits":{"idle_stop":"30m"}' '"network":{"mode":"filtered"}' '"network":{"allow":["example.com:443"]}' \
		'"session":{"record":"tty"}' '"session":{"on_disconnect":"keep"}'; do
		policy agent "{\"version\":1,$part}"
		refused "$policy_file:1:*: *not supported yet*"
	done
}

@test "an account that is disabled, and one whose time is over" {
	policy agent '{"version":1,"access":{"enabled":false}}'
	refused "access.enabled: *disabled*"
	policy agent '{"version":1,"access":{"expires":"2020-01-01T00:00:00Z"}}'
	refused "access.expires: *2020-01-01T00:00:00Z*"
	policy agent '{"version":1,"access":{"expires":"2999-01-01T00:00:00Z"}}'
	ssh_to agent true
}

@test "every kind of login is refused alike: a shell, a terminal, a file transfer" {
	rm "$policy_file"
	trap_host='cat /etc/hostname; echo >/var/tmp/trace'
	run --separate-stderr -125 ssh_to agent <<<"$trap_host"
	one_line "no policy for account agent*"
	run -125 ssh_to agent -tt <<<"$trap_host"
	[[ $output != *throwaway* && ! -e /var/tmp/trace ]]
	[[ $output == *"sandbox-shell: no policy for account agent"* ]]
	run -125 ssh_to agent -s sftp # sshd keeps a subsystem's stderr to itself
	[ "$output" = "" ]
	for arguments in '-c' '-l -c' '-lc' '-ic'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr -125 as agent sandbox-shell $arguments "$trap_host"
		one_line "no policy for account agent*"
	done
	run --separate-stderr -125 as agent sandbox-shell /tmp/script
	one_line "arguments: *"
	run --separate-stderr -125 as agent sandbox-shell --norc -c "$trap_host"
	one_line "arguments: *"
}

@test "an image that is nowhere: the line names it, its file and build-base" {
	policy agent '{"version":1,"image":"localhost/absent:1"}'
	refused 'image localhost/absent:1: *localhost_absent_1.tar*sandboxctl build-base*'
}

@test "an image file that is damaged, or holds another image: the line says which" {
	images=/var/lib/sandbox-shell/images
	policy agent '{"version":1,"image":"localhost/damaged:1"}'
	echo garbage >"$images/localhost_damaged_1.tar"
	refused 'image localhost/damaged:1: *build-base*'
	cp "$images/localhost_sandbox-test_latest.tar" "$images/localhost_damaged_1.tar"
	refused 'image localhost/damaged:1: *localhost_damaged_1.tar*build-base*'
	rm "$images/localhost_damaged_1.tar"
}

@test "a warm login needs no podman; a cold one says that it is missing" {
	ssh_to agent true
	away /usr/bin/podman
	run --separate-stderr -0 ssh_to agent 'cat /etc/hostname'
	[ "$output" = agent ]
	back /usr/bin/podman
	forget
	away /usr/bin/podman
	refused "podman: can't be run: install it (looked for /usr/bin/podman)"
}

@test "crun, conmon, slirp4netns or newuidmap missing: the line names it" {
	for file in /usr/bin/crun /usr/bin/conmon /usr/bin/slirp4netns /usr/bin/newuidmap; do
		forget
		away "$file"
		refused "*podman: *${file##*/}*"
		back "$file"
	done
}

@test "a part of the product missing: no other shell is fallen back to" {
	away "$libexec/sandbox-session"
	refused "$libexec/sandbox-session: *"
	back "$libexec/sandbox-session"
	chmod 644 "$libexec/sandbox-session"
	refused "$libexec/sandbox-session: *"
	chmod 755 "$libexec/sandbox-session"
	forget
	away "$libexec/sandbox-init"
	refused "*sandbox-init*"
}

@test "root has no sandbox" {
	run --separate-stderr -125 sandbox-shell -c 'cat /etc/hostname; echo >/var/tmp/trace'
	one_line "identity: root has no sandbox*"
}

@test "a setuid or setgid copy of sandbox-shell is of no use to anybody" {
	other=$(fresh_account)
	for owner_mode in "root:root 4755" "$other:$other 4755" "root:root 2755" "$other:$other 2755" "$other:$other 6755"; do
		cp /usr/local/bin/sandbox-shell /usr/local/bin/copy
		chown "${owner_mode% *}" /usr/local/bin/copy
		chmod "${owner_mode#* }" /usr/local/bin/copy
		run --separate-stderr as agent copy -c 'cat /etc/hostname; id'
		# A sanitizer's leak check can't look into a set-id process, and has its own say about that.
		[ "${SAN-}" != 1 ] || stderr=${stderr_lines[0]} stderr_lines=("${stderr_lines[0]}") status=125
		[ "$status" -eq 125 ]
		one_line "identity: runs setuid or setgid*"
	done
}

@test "a uid without an account has no sandbox" {
	run --separate-stderr -125 setpriv --reuid 54321 --regid 54321 --clear-groups sandbox-shell -c 'cat /etc/hostname'
	one_line "identity: uid 54321: no such account"
}

@test "a limit that this host can't enforce: the line names it and the remedy" {
	account=$(fresh_account)
	for controller in memory cpu pids; do
		echo "-$controller" >"$(cgroup_of "$account")/cgroup.subtree_control" || true
	done 2>/dev/null
	for limit in memory:'"64M"' cpus:1 pids:100; do
		policy "$account" "{\"version\":1,\"limits\":{\"enforce\":\"required\",\"${limit%:*}\":${limit#*:}}}"
		refused "limits.${limit%:*}: *best-effort*" "$account"
	done
	[ ! -e "/home/$account/.local/share/containers" ]
}

@test "no subordinate uids" {
	account=$(fresh_account)
	sed -i "/^$account:/d" /etc/subuid /etc/subgid
	refused "*subordinate uids*" "$account"
}

@test "storage of another driver than overlay, which copies the image for each sandbox" {
	account=$(fresh_account)
	as "$account" podman info >/dev/null
	refused "podman: *another driver than overlay*podman system reset*" "$account"
}

@test "storage full, at the image's import and at the container's creation; with space it works" {
	account=$(fresh_account)
	uid=$(id -u "$account")
	local=/home/$account/.local
	mkdir "$local"
	mount -t tmpfs -o "size=60m,mode=700,uid=$uid,gid=$uid" tmpfs "$local"
	refused "*no space left*" "$account"
	mount -o remount,size=150m "$local"
	refused "*no space left*" "$account"
	mount -o remount,size=1g "$local"
	ssh_to "$account" true
	as "$account" podman --storage-driver overlay stop --time 0 "$account"
	umount -l "$local"
}

@test "no space for the sandbox's own folder" {
	account=$(fresh_account)
	uid=$(id -u "$account")
	mkdir "/home/$account/sandboxes"
	mount -t tmpfs -o "size=4k,mode=700,uid=$uid,gid=$uid" tmpfs "/home/$account/sandboxes"
	refused "*[Nn]o space left*" "$account"
	umount "/home/$account/sandboxes"
}

@test "a runtime folder that is missing, another's, open to others, or a link" {
	account=$(fresh_account)
	run=/run/user/$(id -u "$account")
	umount "$run" && rmdir "$run"
	refused "folder $run: missing: *" "$account"
	mkdir -m 700 "$run"
	refused "folder $run: *" "$account"
	chmod 755 "$run"
	refused "folder $run: belongs to uid 0*" "$account"
	chown "$account" "$run" && chmod 750 "$run"
	refused "folder $run: is open to others (mode 0750)*" "$account"
	rmdir "$run" && ln -s "/home/$account" "$run"
	refused "folder $run: is no folder*" "$account"
}

@test "~/sandboxes, or the sandbox in it, that is a link, another's or open to others" {
	account=$(fresh_account)
	base=/home/$account/sandboxes
	ln -s /tmp "$base"
	refused "folder $base: is no folder*" "$account"
	rm "$base" && mkdir "$base"
	refused "folder $base: belongs to uid 0*" "$account"
	chown "$account" "$base" && chmod 777 "$base"
	refused "folder $base: is open to others (mode 0777)*" "$account"
	chmod 700 "$base" && ln -s /tmp "$base/$account"
	refused "folder $base/$account: is no folder*" "$account"
	rm "$base/$account" && touch "$base/$account"
	refused "folder $base/$account: is no folder*" "$account"
	rm "$base/$account" && mkdir "$base/$account" && ln -s /etc "$base/$account/home"
	chown -h "$account" "$base/$account" "$base/$account/home"
	refused "*$base/$account/home*" "$account"
}

@test "with all that put right a login works" {
	run --separate-stderr -0 ssh_to agent 'cat /etc/hostname'
	[ "$output" = agent ]
	[ "$stderr" = "" ]
}
