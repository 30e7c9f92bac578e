#!/usr/bin/env bats
# doctor: nothing on a good host, and each of many broken settings by a line of its own. Settings are broken in
# mounts of their own, which end with the doctor's run.
# host: --sshd 'Include /etc/ssh/sshd_config.d/*.conf'
# host: --pam 'account required pam_sandbox.so' --pam 'session required pam_sandbox.so'

load common

setup_file() {
	use_test_image
	# The machine's controllers may all be cgroup v1's.
	echo 'cpuset cpu io memory pids' >/run/throwaway/controllers
	mount --bind /run/throwaway/controllers /sys/fs/cgroup/cgroup.controllers
}

# isolated SCRIPT: bash runs it with these functions, and what it changes is gone afterwards: in /etc, and in
# the other folders here that it names. An unmount takes its time: none for nothing.
isolated() {
	local folder folders=(etc)
	for folder in usr home run var/lib/systemd var/lib/sandbox-shell/images; do
		if [[ $1 == *"/$folder"* ]]; then folders+=("$folder"); fi
	done
	unshare --mount --propagation private bash -c "$(
		declare -f put kernel_has sshd_says drop_in_says stand_in policy
		declare -p drop_in
	)"'
		set -e
		scratch=$1 script=$2
		shift 2
		for folder; do
			mkdir -p "$scratch/$folder"/{upper,work}
			mount -t overlay -o "lowerdir=/$folder,upperdir=$scratch/$folder/upper,workdir=$scratch/$folder/work" \
				overlay "/$folder"
		done
		eval "$script"' - "$(mktemp -d -p "$BATS_TEST_TMPDIR")" "$1" "${folders[@]}"
}

drop_in=/etc/ssh/sshd_config.d/50-sandbox-shell.conf

# put TEXT FILE: another content for a file of the kernel's, seen here alone.
put() {
	local file
	file=$(mktemp)
	printf '%s\n' "$1" >"$file"
	mount --bind "$file" "$2"
}

# kernel_has FILE VALUE: as if there were a /proc/sys/kernel/FILE.
kernel_has() {
	mount -t tmpfs -o mode=0755 tmpfs /proc/sys/kernel
	printf '%s\n' "$2" >"/proc/sys/kernel/$1"
}

# sshd_says LINE: ahead of all others, for everybody.
sshd_says() {
	sed -i "1i $1" /etc/ssh/sshd_config
}

# drop_in_says KEYWORD [VALUE]: instead of what it has; nothing at all without a value.
drop_in_says() {
	local action=d
	if (($# > 1)); then action="s|.*|$1 $2|"; fi
	sed -i "/^[[:blank:]]*$1 /$action" "$drop_in"
}

# One each: what is done, and the pattern of doctor's only line, behind "doctor: ". A pattern ending in "+" is
# one of several lines.
broken=(
	'mount -t tmpfs tmpfs /sys/fs/cgroup | /sys/fs/cgroup: is not cgroup v2*: boot with *+'
	'put "memory pids" /sys/fs/cgroup/cgroup.controllers | cgroup controllers: cpu missing, *'
	'rm /usr/bin/newuidmap | /usr/bin/newuidmap: missing: * install uidmap*'
	'chmod u-s /usr/bin/newgidmap | /usr/bin/newgidmap: is neither set-uid root nor has capabilities*'
	'kernel_has unprivileged_userns_clone 0 | /proc/sys/kernel/unprivileged_userns_clone: is 0, *'
	'put 0 /proc/sys/user/max_user_namespaces | /proc/sys/user/max_user_namespaces: is 0, *'
	'kernel_has apparmor_restrict_unprivileged_userns 1 | /proc/sys/kernel/apparmor_restrict_unprivileged_userns: is 1, *'
	'rm /usr/bin/podman | /usr/bin/podman: missing, *: install podman'
	'chmod -x /usr/bin/crun | /usr/bin/crun: missing, *: install crun'
	'rm -f /usr/bin/slirp4netns /usr/bin/pasta | /usr/bin/slirp4netns: missing, *: install slirp4netns, or passt'
	'printf "[storage]\n  driver = \"vfs\"\n" >/etc/containers/storage.conf | /etc/containers/storage.conf: driver is "vfs"*'
	'rm /var/lib/sandbox-shell/images/* | /var/lib/sandbox-shell/images/localhost_sandbox-test_latest.tar: missing, *'
	'chmod g+w /usr/local/bin/sandbox-shell | /usr/local/bin/sandbox-shell: can be written by others (mode 0775): *'
	'chmod u+s /usr/local/bin/sandbox-shell | /usr/local/bin/sandbox-shell: its mode is 4755: chmod 0755 it'
	'chown agent /usr/local/libexec/sandbox-shell/sandbox-session | /usr/local/libexec/sandbox-shell/sandbox-session: belongs to uid *'
	'chmod 644 /usr/local/libexec/sandbox-shell/sandbox-init | /usr/local/libexec/sandbox-shell/sandbox-init: its mode is 0644: *'
	'chown agent /usr/local/bin | /usr/local/bin: belongs to uid *+'
	'chmod o+w /etc/sandbox-shell/policy.d | /etc/sandbox-shell/policy.d: can be written by others (mode 0757): *+'
	'sed -i /sandbox-shell/d /etc/shells | /etc/shells: lacks /usr/local/bin/sandbox-shell, *'
	'sed -i /^sandboxed:/d /etc/group | group sandboxed: missing, *: groupadd --system sandboxed+'
	'policy agent "{}" | account agent: its logins are refused: /etc/sandbox-shell/policy.d/agent.json:*'
	'rm /etc/sandbox-shell/policy.d/agent.json | account agent: its logins are refused: *no policy*'
	'chmod g+w /home/agent | account agent: its home /home/agent can be written by others (mode 0720), *'
	'chown plain /home/agent | account agent: its home /home/agent belongs to uid *'
	'mv /home/agent /home/x; ln -s x /home/agent | account agent: its home /home/agent is no folder: *'
	'echo docker:x:901:agent >>/etc/group | account agent: is in the group docker, *: gpasswd -d agent docker'
	'sed -i "s/^sudo:.*/&agent/" /etc/group | account agent: is in the group sudo, *'
	'sed -n "s/^agent:/twin:/p" /etc/passwd >/tmp/t; cat /tmp/t >>/etc/passwd | account agent: shares its uid * with twin, *'
	'sed -i /^agent:/d /etc/subuid | account agent: has 0 ids in /etc/subuid, *: usermod --add-subuids *'
	'sed -i "s/^\(agent:.*\):65536/\1:65535/" /etc/subgid | account agent: has 65535 ids in /etc/subgid, *: usermod --add-subgids *'
	'sed -n "s/^agent:/twin:/p" /etc/subuid >/tmp/t; cat /tmp/t >>/etc/subuid | account agent: its ids from * in /etc/subuid are also twin?s, *'
	'sed -i "s/^plain:[0-9]*/plain:$(sed -n "s/^agent:\([0-9]*\).*/\1/p" /etc/subgid)/" /etc/subgid | account agent: its ids from * in /etc/subgid are also plain?s, *'
	'usermod --shell /bin/bash agent; drop_in_says ForceCommand | account agent: its login shell is /bin/bash, *: usermod --shell *'
	'drop_in_says ForceCommand /bin/bash | sshd for agent: ForceCommand is /bin/bash, which runs instead: *'
	'drop_in_says ForceCommand; sed -i "s/^Subsystem.*/Subsystem sftp internal-sftp/" /etc/ssh/sshd_config | sshd for agent: Subsystem sftp is internal-sftp, *'
	'drop_in_says DisableForwarding no | sshd for agent: allowtcpforwarding is on, *: set DisableForwarding to yes'
	'drop_in_says PermitTunnel yes | sshd for agent: PermitTunnel is yes: set it to no'
	'drop_in_says PermitUserRC yes | sshd for agent: PermitUserRC is yes: set it to no'
	'sshd_says "PermitUserEnvironment yes" | sshd for agent: PermitUserEnvironment is yes: set it to no'
	'sshd_says "AcceptEnv LANG LD_*" | sshd for agent: AcceptEnv LD_? lets the client set LD_PRELOAD: *'
	'sshd_says "AcceptEnv BASH_ENV" | sshd for agent: AcceptEnv BASH_ENV lets the client set BASH_ENV: *'
	'sshd_says "AcceptEnv *" | sshd for agent: AcceptEnv ? lets the client set LD_PRELOAD: *'
	'drop_in_says AuthorizedKeysFile .ssh/authorized_keys | sshd for agent: AuthorizedKeysFile .ssh/authorized_keys: /home/agent: belongs to uid *: keep keys where only root writes: */%u'
	'chown agent /etc/sandbox-shell/authorized_keys.d/agent | sshd for agent: AuthorizedKeysFile *: /etc/sandbox-shell/authorized_keys.d/agent: belongs to uid *'
	'chmod o+w /etc/sandbox-shell/authorized_keys.d | sshd for agent: AuthorizedKeysFile *: /etc/sandbox-shell/authorized_keys.d: can be written by others *'
	'sed -i "s/^UsePAM.*/UsePAM no/" /etc/ssh/sshd_config | sshd for agent: UsePAM is no: set it to yes'
	'sshd_says "PermitEmptyPasswords yes" | sshd for agent: PermitEmptyPasswords is yes: set it to no'
	'sshd_says "NoSuchKeyword yes" | sshd for agent: its settings can?t be told: *'
	'rm "$drop_in" | sshd for agent: AuthorizedKeysFile .ssh/authorized_keys*'
	'sed -i "/account.*pam_sandbox/d" /etc/pam.d/sshd | /etc/pam.d/sshd: has no account line of pam_sandbox.so, *: add "account required pam_sandbox.so" *'
	'sed -i "/session.*pam_sandbox/d" /etc/pam.d/sshd | /etc/pam.d/sshd: has no session line of pam_sandbox.so, *'
	'sed -i "s/account required pam_sandbox/account optional pam_sandbox/" /etc/pam.d/sshd | /etc/pam.d/sshd: its account line of pam_sandbox.so is optional, *'
	'sed -i "1i account sufficient pam_localuser.so" /etc/pam.d/common-account | /etc/pam.d/sshd: account of pam_localuser.so is sufficient *'
	'echo "@include common-session" >>/etc/pam.d/sshd; echo "-session [success=ok default=ignore] pam_systemd.so" >>/etc/pam.d/common-session | /etc/pam.d/sshd: pam_systemd comes after pam_sandbox.so*'
	'rm $(find /usr/lib -name pam_sandbox.so) | pam_sandbox.so: is in no folder of PAM?s: *'
)

@test "nothing on a good host" {
	run -0 --separate-stderr sandboxctl doctor
	echo "$output"
	[[ $output =~ ^doctor:\ all\ is\ well:\ [0-9]+\ checks,\ accounts:\ 1$ ]]
	[ "$stderr" = "" ]
	run -0 sandboxctl doctor --json
	jq -e 'length >= 45 and all(.[]; .result == "well" or .result == "not here")' <<<"$output"
	# What needs systemd means nothing here.
	[ "$(jq -r '.[] | select(.check == "linger") | .result' <<<"$output")" = "not here" ]
}

@test "each broken setting has its line, with what to do" {
	local entry command pattern number matches line
	((${#broken[@]} >= 50))
	for entry in "${broken[@]}"; do
		command=${entry%% | *} pattern=${entry#* | } number=1 matches=0
		if [[ $pattern == *+ ]]; then pattern=${pattern%+} number=more; fi
		echo "--- $command"
		run -1 --separate-stderr isolated "$command; exec sandboxctl doctor"
		echo "$output"
		[ "$stderr" = "" ]
		for line in "${lines[@]}"; do
			# shellcheck disable=SC2053 # a pattern is meant
			if [[ $line == "doctor: "$pattern ]]; then matches=$((matches + 1)); fi
		done
		((matches >= 1))
		[ "$number" = more ] || ((${#lines[@]} == 1))
	done
	sandboxctl doctor
}

@test "--fix sets right what is safe, says so, and has nothing more to say then" {
	run -0 isolated '
		sed -i /sandbox-shell/d /etc/shells
		printf "%s" "$(</etc/shells)" >/etc/shells
		chmod 4755 /usr/local/bin/sandbox-shell
		chmod 644 /usr/local/libexec/sandbox-shell/sandbox-init
		rm "$drop_in"
		! sandboxctl doctor >/dev/null
		! grep -q sandbox-shell /etc/shells
		[ ! -e "$drop_in" ]
		sandboxctl doctor --fix
		echo ---
		sandboxctl doctor --fix
		tail -n 1 /etc/shells
		stat -c %a:%U /usr/local/bin/sandbox-shell /usr/local/libexec/sandbox-shell/sandbox-init
		diff "$drop_in" /usr/local/share/sandbox-shell/host/sshd.conf'
	echo "$output"
	[[ $output == "doctor: fixed: /usr/local/bin/sandbox-shell: has mode 0755
doctor: fixed: /usr/local/libexec/sandbox-shell/sandbox-init: has mode 0755
doctor: fixed: /etc/shells: has /usr/local/bin/sandbox-shell
doctor: fixed: $drop_in: put there: reload sshd when doctor has no more to say of it
doctor: all is well: "*"
---
doctor: all is well: "*"
/usr/local/bin/sandbox-shell
755:root
755:root" ]]
}

@test "--fix makes the group, and leaves alone what isn't safe to touch" {
	run -1 isolated 'sed -i /^sandboxed:/d /etc/group; rm -r /etc/sandbox-shell/policy.d
		exec sandboxctl doctor --fix'
	echo "$output"
	[[ $output == *"doctor: fixed: group sandboxed: made"* ]]
	[[ $output == *"doctor: /etc/sandbox-shell/policy.d: No such file or directory: make install"* ]]
	# A key that the account may have put there; a drop-in of another's.
	run -1 isolated 'chown agent /etc/sandbox-shell/authorized_keys.d/agent; echo "# mine" >"$drop_in"
		! sandboxctl doctor --fix; stat -c %U /etc/sandbox-shell/authorized_keys.d/agent; cat "$drop_in"; false'
	echo "$output"
	[[ $output != *"doctor: fixed"* ]]
	[[ $output == *$'\nagent\n# mine' ]]
	# What others could write may be theirs by now: made root's alone, it would look well.
	run -1 isolated 'chmod 777 /usr/local/bin/sandbox-shell; chown agent /usr/local/libexec/sandbox-shell/sandbox-init
		chmod g+w /etc/sandbox-shell/policy.d
		! sandboxctl doctor --fix; stat -c %a:%U /usr/local/bin/sandbox-shell /usr/local/libexec/sandbox-shell/sandbox-init; false'
	echo "$output"
	[[ $output != *"doctor: fixed"* && $output == *$'\n777:root\n755:agent' ]]
	# Where others can write the folder, nothing in it is trusted to be ours.
	run -1 isolated 'chmod 777 /usr/local/bin /usr/local/bin/sandbox-shell; exec sandboxctl doctor --fix'
	[[ $output != *"doctor: fixed"* && $output == *"doctor: /usr/local/bin: can be written by others"* ]]
}

@test "--json: a check, what came of it, and what was fixed" {
	run -1 isolated 'rm /usr/bin/crun; sed -i /sandbox-shell/d /etc/shells; exec sandboxctl doctor --json --fix'
	[ "$(jq -r '.[] | select(.result == "found") | .message' <<<"$output")" = \
		"/usr/bin/crun: missing, and no sandbox starts without: install crun" ]
	[ "$(jq -c '.[] | select(.fixed != null) | [.check, .account, .result, .fixed]' <<<"$output")" = \
		'["shells",null,"well","/etc/shells: has /usr/local/bin/sandbox-shell"]' ]
	[ "$(jq -r '.[] | select(.check == "home") | .account' <<<"$output")" = agent ]
}

@test "on a host with systemd: lingering and delegation are looked at, and fixed" {
	# Stand-ins for its tools; tests/vm has the real ones.
	run -1 isolated ': in /usr /run /var/lib/systemd; stand_in "pids memory"; exec sandboxctl doctor'
	echo "$output"
	[[ ${lines[0]} == "doctor: account agent: doesn't linger, "*": loginctl enable-linger agent" ]]
	[[ ${lines[1]} == "doctor: account agent: systemd doesn't delegate cpu to user@$(id -u agent).service, "* ]]
	[ "${#lines[@]}" = 2 ]
	run -0 isolated ': in /usr /run /var/lib/systemd; stand_in "cpu cpuset io memory pids"; sandboxctl doctor --fix; exec sandboxctl doctor'
	echo "$output"
	[ "${lines[0]}" = "doctor: fixed: account agent: lingers" ]
	[[ ${lines[1]} == "doctor: all is well: "* ]]
	# The drop-in is put where it's missing, and its effect looked at again.
	run -0 isolated ': in /run; dir=/usr/local/lib/systemd/system/user@.service.d; rm -r "$dir"
		stand_in "\$([ -e $dir/50-sandbox-shell.conf ] && echo cpu memory pids)"
		touch /var/lib/systemd/linger/agent; exec sandboxctl doctor --fix'
	echo "$output"
	[[ $output == "doctor: fixed: /usr/local/lib/systemd/system/user@.service.d/50-sandbox-shell.conf: put there; "* ]]
}

# stand_in DELEGATED: systemd, as far as doctor looks, which delegates that.
stand_in() {
	mkdir -p /run/systemd/{system,users} /var/lib/systemd/linger
	printf '#!/bin/sh\n[ "$1" != show ] || echo "%s"\n' "$1" >/usr/bin/systemctl
	printf '#!/bin/sh\n[ "$1" != enable-linger ] || : >"/var/lib/systemd/linger/$2"\n' >/usr/bin/loginctl
	chmod 755 /usr/bin/{systemctl,loginctl}
}

@test "what can't be told, and who may not ask" {
	# Not a finding, but not well either.
	run -125 isolated 'echo "@include common-gone" >>/etc/pam.d/sshd; exec sandboxctl doctor'
	echo "$output"
	[[ ${lines[0]} == "doctor: /etc/pam.d/sshd: it, or a file that it includes, can't be read" ]]
	run -125 --separate-stderr as agent sandboxctl doctor
	[ "$stderr" = "sandboxctl: doctor: for root" ]
	run -125 --separate-stderr sandboxctl doctor now
	[[ $stderr == "sandboxctl: usage: "* ]]
}
