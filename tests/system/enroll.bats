#!/usr/bin/env bats
# sandboxctl enroll: from nothing to a login under the sshd configuration that ships; what is refused; that a
# failed one leaves nothing, and a killed one nothing that the next can't mend.
#
# host: --sshd 'Include /etc/ssh/sshd_config.d/50-sandbox-shell.conf'

load common

setup_file() {
	use_test_image
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	ssh-keygen -q -t ed25519 -N '' -C second -f second
}

teardown() {
	while umount "${BLOCKED:-/none}" 2>/dev/null; do :; done
	rm -rf /run/systemd/users
}

# fails PATTERN COMMAND...: as says, but for stdout, which has the steps until then.
fails() {
	local pattern=$1
	shift
	run -125 --separate-stderr "$@"
	echo "$output" "$stderr"
	# shellcheck disable=SC2053 # a pattern is meant
	[[ $stderr == $pattern && $stderr != *$'\n'* ]]
}

# state: all of the host that enroll changes. Tools may put lines in another order.
state() {
	_state | sort
}

_state() {
	local file
	for file in passwd group shadow gshadow subuid subgid shells; do sed "s|^|$file:|" "/etc/$file"; done
	find /etc/sandbox-shell /home -mindepth 1 -maxdepth 2 ! -name .accounts.lock -printf '%p %U:%G %m %l\n'
	find /etc/sandbox-shell -type f ! -name .accounts.lock -exec md5sum {} +
}

# unchanged: since `state >before`.
unchanged() {
	state | diff before -
}

# whole NAME: is all there that enroll makes?
whole() {
	local uid file
	uid=$(id -u "$1")
	[ "$(getent passwd "$1" | cut -d : -f 7)" = /usr/local/bin/sandbox-shell ]
	[[ $(getent shadow "$1") == "$1:!"* ]]
	id -nG "$1" | grep -qw sandboxed
	getent group "$(id -g "$1")"
	for file in /etc/subuid /etc/subgid; do
		awk -F: -v name="$1" '$1 == name { n += $3 } END { exit n < 65536 }' "$file"
	done
	[ "$(stat -c '%U %a %F' "/home/$1")" = "$1 700 directory" ]
	[ "$(stat -c '%U %a' "/etc/sandbox-shell/policy.d/$1.json")" = "root 644" ]
	sandboxctl policy check "$1"
	[ "$(stat -c '%U %a' "/etc/sandbox-shell/authorized_keys.d/$1")" = "root 644" ]
	cmp "$HOST_KEY.pub" "/etc/sandbox-shell/authorized_keys.d/$1"
	[ "$(grep -c /usr/local/bin/sandbox-shell /etc/shells)" = 1 ]
	no_shared_ids
}

no_shared_ids() {
	local file
	for file in /etc/subuid /etc/subgid; do
		sort -t : -k 2n "$file" | awk -F: '$2 < end { print "shared: " $0; exit 1 } { end = $2 + $3 }'
	done
}

@test "one command, and a real login lands in the account's sandbox" {
	# Neither is there on a new host.
	sed -i '/sandbox-shell/d' /etc/shells
	sed -i '/^sandboxed:/d' /etc/group
	sed -i '/^sandboxed:/d' /etc/gshadow
	run -0 --separate-stderr sandboxctl enroll new --key "$HOST_KEY.pub"
	[ "$stderr" = "" ]
	[ "$output" = "group sandboxed: made
shell: /usr/local/bin/sandbox-shell added to /etc/shells
account new: made, uid $(id -u new)
policy: /etc/sandbox-shell/policy.d/new.json written
keys: 1 added to /etc/sandbox-shell/authorized_keys.d/new
log in with: ssh new@throwaway" ]
	whole new
	prepare_account new "$(id -u new)"
	run -7 --separate-stderr ssh_to new 'hostname; id -un; pwd; exit 7'
	[ "$output" = $'new\nnew\n/home/new' ]
	[ "$stderr" = "" ]
	echo data >data
	scp -q -F /dev/null -i "$HOST_KEY" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null data new@127.0.0.1:
	run -0 ssh_to new cat data
	[ "$output" = data ]
}

@test "the sshd configuration that ships: keys of root's only, and no way past the shell" {
	install -d -o new -g new /home/new/.ssh
	install -o new -g new second.pub /home/new/.ssh/authorized_keys
	HOST_KEY=$PWD/second run -255 ssh_to new true
	[[ $output == *"Permission denied (publickey)"* ]]
	printf 'id >>/var/tmp/rc.new\n' >/home/new/.ssh/rc
	chown new /home/new/.ssh/rc
	# Whatever login shell it has.
	usermod --shell /bin/bash new
	run -0 ssh_to new hostname
	[ "$output" = new ]
	usermod --shell /usr/local/bin/sandbox-shell new
	[ ! -e /var/tmp/rc.new ]
	run -255 ssh_to new -v -W 127.0.0.1:22 </dev/null
	[[ $output == *"administratively prohibited"* ]]
	run -255 ssh_to new -o ExitOnForwardFailure=yes -R 127.0.0.1:3999:127.0.0.1:22 true
	# It is for the group alone, and ends with its file.
	run -0 ssh_to plain hostname
	[ "$output" = throwaway ]
}

@test "a second enroll mends what is missing, and changes nothing else" {
	state >before
	run -0 --separate-stderr sandboxctl enroll --key "$HOST_KEY.pub" new
	[ "$output" = "log in with: ssh new@throwaway" ]
	sandboxctl enroll new
	unchanged
	# Everything that can be missing, one by one and then all at once.
	local missing=('rm /etc/sandbox-shell/policy.d/new.json' 'rm /etc/sandbox-shell/authorized_keys.d/new'
		'usermod --shell /bin/sh new' 'gpasswd -d new sandboxed' 'sed -i /^new:/d /etc/subuid' 'sed -i /^new:/d /etc/subgid'
		'sed -i /sandbox-shell/d /etc/shells' 'rm -r /home/new' 'chown root /home/new' 'sed -i /^new:/d /etc/shadow'
		'sed -i /^new:/d /etc/group')
	local one
	for one in "${missing[@]}"; do
		echo "$one"
		$one
		sandboxctl enroll new --key "$HOST_KEY.pub"
		whole new
	done
	usermod --shell /bin/sh new
	for one in "${missing[@]}"; do [[ $one == usermod* || $one == gpasswd* || $one == chown* ]] || $one; done
	sandboxctl enroll new --key "$HOST_KEY.pub"
	whole new
}

@test "keys: added to those that are there; with options, from stdin, with comments" {
	local file=/etc/sandbox-shell/authorized_keys.d/keys
	sandboxctl enroll keys
	[ ! -e "$file" ]
	run -0 sandboxctl enroll keys
	[ "${lines[0]}" = "missing: a key: sandboxctl enroll --key FILE keys" ]
	{
		printf '# mine\n\n  '
		tr '\n' '\r' <second.pub
		printf '\nfrom="192.0.2.0/24",no-pty %s' "$(<"$HOST_KEY.pub")"
	} >several
	run -0 sandboxctl enroll keys --key - <several
	[ "${lines[0]}" = "keys: 2 added to $file" ]
	run -0 cat "$file"
	[ "$output" = "$(<second.pub)"$'\n'"from=\"192.0.2.0/24\",no-pty $(<"$HOST_KEY.pub")" ]
	sandboxctl enroll --key several keys
	sandboxctl enroll --key "$HOST_KEY.pub" keys
	run -0 cat "$file"
	[ "$output" = "$(cat second.pub)"$'\n'"from=\"192.0.2.0/24\",no-pty $(<"$HOST_KEY.pub")"$'\n'"$(<"$HOST_KEY.pub")" ]
}

@test "keys that are no keys: refused before anything is made" {
	state >before
	says '*--key second: a private key: *' sandboxctl enroll other --key second
	says '*--key -: a private key: *' sandboxctl enroll other --key - <second
	: >empty
	says '*--key empty: has no key in it' sandboxctl enroll other --key empty
	printf '# nothing\n' >empty
	says '*--key empty: has no key in it' sandboxctl enroll other --key empty
	says '*--key /none: No such file or directory' sandboxctl enroll other --key /none
	says '*--key .: not a regular file' sandboxctl enroll other --key .
	mkfifo fifo
	says '*--key fifo: not a regular file' sandboxctl enroll other --key fifo
	local bad
	for bad in garbage 'ssh-ed25519 AAAAgarbage' 'ssh-ed25519' "host.name $(<second.pub)" "com\"mand=x $(<second.pub)" \
		"$(cut -c 1-40 second.pub)" $'ssh-ed25519 \e[31m' "$(head -c 3000 /dev/zero | tr '\0' a)"; do
		{
			cat second.pub
			printf '%s\n' "$bad"
		} >bad
		says '*--key bad: line 2: *' sandboxctl enroll other --key bad
	done
	{
		cat second.pub
		printf 'x\0y\n'
	} >bad
	says '*--key bad: not a file of public keys' sandboxctl enroll other --key bad
	head -c 300000 /dev/zero | tr '\0' '\n' >bad
	says '*--key bad: File too large' sandboxctl enroll other --key bad
	unchanged
}

@test "a policy: checked as a login would, then put in force; one that is there stays" {
	local file=/etc/sandbox-shell/policy.d/rules.json
	cd /root
	echo '{ "version": 1, "limits": { "sessions": 3 } }' >rules.json
	sandboxctl enroll rules --policy rules.json
	cmp rules.json "$file"
	sandboxctl enroll rules
	cmp rules.json "$file"
	echo '{ "version": 1 }' >other.json
	run -0 sandboxctl enroll rules --policy other.json
	[ "${lines[0]}" = "policy: $file written" ]
	cmp other.json "$file"
	cd "$BATS_TEST_TMPDIR"
	state >before
	says '*No such file or directory' sandboxctl enroll other --policy /root/none.json
	says '*writable by others*' sandboxctl enroll other --policy "$PWD/before"
	local bad
	for bad in '' '{' '{}' '{"version":2}' '{"version":1,"limits":{"memory":"much"}}' '{"version":1,"unknown":1}' \
		'{"version":1,"version":1}' '{"version":1,"sandbox":"../x"}' '{"version":1,"limits":{"swap":"1G"}}'; do
		printf '%s' "$bad" >/root/bad.json
		says 'sandboxctl: */root/bad.json:*' sandboxctl enroll other --policy /root/bad.json
	done
	unchanged
	# Laid over the host's own, as in a login.
	mv /etc/sandbox-shell/policy.json /root/kept.json
	echo '{"version":1,"nonsense":1}' >/etc/sandbox-shell/policy.json
	says 'sandboxctl: /etc/sandbox-shell/policy.json:*' sandboxctl enroll other
	mv /root/kept.json /etc/sandbox-shell/policy.json
	echo '{' >"$file"
	says "sandboxctl: $file:*" sandboxctl enroll rules
}

@test "accounts that can't be ours: refused, and nothing is made" {
	local name
	state >before
	for name in '' . .. ../agent agent/ /etc 'agent x' AGENT 0 -x $'a\nb' "$(printf 'a%.0s' {1..33})"; do
		says 'sandboxctl: *' sandboxctl enroll -- "$name"
	done
	says 'sandboxctl: root: root has no sandbox' sandboxctl enroll root --existing
	says "sandboxctl: daemon: an account of the system's (uid 1)" sandboxctl enroll daemon --existing
	says "sandboxctl: nobody: an account of the system's*" sandboxctl enroll nobody --existing
	says 'sandboxctl: plain: there is an account of this name: --existing takes it over' sandboxctl enroll plain
	says 'sandboxctl: nobody-here: no such account: leave out --existing' sandboxctl enroll nobody-here --existing
	says 'sandboxctl: usage: *' sandboxctl enroll
	says 'sandboxctl: usage: *' sandboxctl enroll one two
	says 'sandboxctl: enroll: for root only' as agent sandboxctl enroll x
	unchanged
	name=$(fresh_account /bin/bash)
	usermod --append --groups sudo "$name"
	says "sandboxctl: $name: is in the group sudo, *" sandboxctl enroll "$name" --existing
	mkdir /home/left
	says 'sandboxctl: left: *its home is there: move /home/left away' sandboxctl enroll left
	rmdir /home/left
}

@test "--existing: an ordinary account is taken over with its home" {
	local name
	name=$(fresh_account /bin/bash)
	echo mine >"/home/$name/mine"
	run -0 sandboxctl enroll "$name" --existing --key "$HOST_KEY.pub"
	[ "${lines[0]}" = "account $name: its shell /bin/bash is now /usr/local/bin/sandbox-shell" ]
	run -0 ssh_to "$name" 'hostname'
	[ "$output" = "$name" ]
	[ "$(cat "/home/$name/mine")" = mine ]
	# Its home must be its own.
	name=$(fresh_account /bin/bash)
	chown root "/home/$name"
	refused_after "sandboxctl: home /home/$name: belongs to uid 0, *" "$name"
}

# refused_after PATTERN NAME: found out on the way, and all is as it was.
refused_after() {
	state >before
	fails "$1" sandboxctl enroll "$2" --existing
	unchanged
}

@test "subordinate ids: others' are refused, too few are made enough" {
	local name uid file
	name=$(fresh_account /bin/bash)
	uid=$(id -u "$name")
	for file in subuid subgid; do
		cp "/etc/$file" "$file"
		sed -i "s/^$name:.*/$name:$(($(id -u agent) * 65536 + 65535)):65536/" "/etc/$file"
		refused_after "sandboxctl: /etc/$file: $name:*:65536 has ids in common with agent *" "$name"
		# By number, and others' by number.
		sed -i "s/^$name:/$uid:/; s/^agent:/$(id -u agent):/" "/etc/$file"
		refused_after "sandboxctl: /etc/$file: $uid:*:65536 has ids in common with $(id -u agent) *" "$name"
		cat "$file" >"/etc/$file"
		# A real account's own.
		sed -i "s/^$name:.*/$name:$(($(id -u plain) - 5)):65536/" "/etc/$file"
		refused_after "sandboxctl: /etc/$file: * has ids in common with *" "$name"
		cat "$file" >"/etc/$file"
	done
	sed -i "s/^$name:.*/$name:900000000:100/" /etc/subuid
	sed -i "/^$name:/d" /etc/subgid
	sandboxctl enroll "$name" --existing --key "$HOST_KEY.pub"
	rm -r "/home/$name/.ssh" # whole wants useradd's
	usermod --lock "$name"
	no_shared_ids
	grep -q "^$name:900000000:100$" /etc/subuid
	[ "$(grep -c "^$name:" /etc/subuid)" = 2 ]
	[ "$(grep -c "^$name:.*:65536$" /etc/subgid)" = 1 ]
}

# undone PATTERN FOLDER-OR-FILE [OPTION...]: enroll fails at what is in the way there, and all is undone.
undone() {
	local pattern=$1
	shift
	fails "$pattern" sandboxctl enroll victim "$@" --key "$HOST_KEY.pub"
	umount "$BLOCKED"
	BLOCKED=
	unchanged
}

@test "a step that fails: what came before it is undone, whole" {
	local file
	# All steps have something to do.
	sed -i '/sandbox-shell/d' /etc/shells
	sed -i '/^sandboxed:/d' /etc/group /etc/gshadow
	state >before
	# A file that can be read, but not be replaced.
	for file in passwd shadow group gshadow subuid subgid shells; do
		echo "$file"
		BLOCKED=/etc/$file
		mount --bind "$BLOCKED" "$BLOCKED"
		undone 'sandboxctl: *'
	done
	BLOCKED=/home
	mount -t tmpfs -o ro,mode=755 tmpfs /home
	undone 'sandboxctl: *'
	for file in policy.d authorized_keys.d; do
		BLOCKED=/etc/sandbox-shell/$file
		mount -t tmpfs -o ro,mode=755 tmpfs "$BLOCKED"
		undone "sandboxctl: $BLOCKED/victim*: can't be written: Read-only file system"
		# A disk that gets full.
		BLOCKED=/etc/sandbox-shell/$file
		mount -t tmpfs -o size=4k,mode=755 tmpfs "$BLOCKED"
		head -c 4096 /dev/zero >"$BLOCKED/filler"
		undone "sandboxctl: $BLOCKED/victim*: can't be written: No space left on device"
	done
	# A logind that doesn't answer.
	mkdir -p /run/systemd/users
	fails 'sandboxctl: loginctl: *' sandboxctl enroll victim
	rmdir /run/systemd/users
	unchanged
	# And with nothing in the way any more, from the same beginning:
	sandboxctl enroll victim --key "$HOST_KEY.pub"
	whole victim
	sandboxctl unenroll --yes victim
}

@test "a step that fails for an account that was there: it is as it was" {
	local name
	name=$(fresh_account /bin/bash)
	sed -i "/^$name:/d" /etc/subuid
	state >before
	BLOCKED=/etc/sandbox-shell/authorized_keys.d
	mount -t tmpfs -o ro,mode=755 tmpfs "$BLOCKED"
	fails "sandboxctl: *Read-only file system" sandboxctl enroll "$name" --existing --key "$HOST_KEY.pub"
	umount "$BLOCKED"
	unchanged
	# Neither is what an earlier enroll has made taken away by the next.
	sandboxctl enroll kept --key "$HOST_KEY.pub"
	rm /etc/sandbox-shell/policy.d/kept.json
	state >before
	mount -t tmpfs -o ro,mode=755 tmpfs "$BLOCKED"
	fails "sandboxctl: *Read-only file system" sandboxctl enroll kept --key "$HOST_KEY.pub"
	umount "$BLOCKED"
	unchanged
}

@test "killed at any moment, and repeated: works" {
	local start took round name reached=0
	start=${EPOCHREALTIME/[.,]/}
	sandboxctl enroll whole-time --key "$HOST_KEY.pub"
	took=$((${EPOCHREALTIME/[.,]/} - start))
	for round in {1..20}; do
		name=killed$round
		sandboxctl enroll "$name" --key "$HOST_KEY.pub" </dev/null >/dev/null 2>&1 3>&- &
		sleep "$(awk -v us=$((took * round * round / 400)) 'BEGIN { print us / 1000000 }')"
		kill -KILL $! 2>/dev/null || true
		wait $! || reached=$((reached + 1))
		run -0 sandboxctl enroll "$name" --key "$HOST_KEY.pub"
		whole "$name"
	done
	# Otherwise this has shown nothing.
	((reached >= 5))
}

@test "two at once: one account, or each its own ids" {
	local number jobs=()
	for number in 1 2 3; do
		sandboxctl enroll twice --key "$HOST_KEY.pub" >"out$number" 2>&1 3>&- &
		jobs+=($!)
	done
	for number in 1 2 3; do
		sandboxctl enroll "beside$number" --key "$HOST_KEY.pub" >/dev/null 2>&1 3>&- &
		jobs+=($!)
	done
	for number in "${jobs[@]}"; do wait "$number"; done
	[ "$(cat out? | grep -c '^account twice: made')" = 1 ]
	whole twice
	for number in 1 2 3; do whole "beside$number"; done
}
