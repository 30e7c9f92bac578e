# tests/host/lib.sh - shell functions for scripts that run on the throwaway host: . "$HOST_LIB"
#
# They run as root inside the host and trust what boot set up. An account made here looks like one on
# a host with systemd: passwd entry, subordinate ids, runtime directory, a cgroup of its own.
# shellcheck shell=bash

# wait_for SECONDS COMMAND...: until COMMAND succeeds; fails when it has not after SECONDS.
wait_for() {
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
	shift
	until "$@"; do
		((${EPOCHREALTIME/[.,]/} < end)) || return 1
		sleep 0.02
	done
}

# ssh_to ACCOUNT [OPTION...] [COMMAND...]: a real OpenSSH login on 127.0.0.1. The key exchange is named
# because the default one, against quantum computers, takes 70 ms of each of some thousand logins.
ssh_to() {
	local account=$1
	shift
	ssh -F /dev/null -i "$HOST_KEY" -o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=ERROR \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=120 \
		-o KexAlgorithms=curve25519-sha256 \
		-l "$account" 127.0.0.1 "$@"
}

# cgroup_of ACCOUNT: the folder of the cgroup handed to it; its logins are in the group login below.
cgroup_of() {
	echo "/sys/fs/cgroup/user/$1"
}

# as ACCOUNT COMMAND...: on the host, as a login of the account would be, but without sshd and PAM.
as() (
	local entry uid gid home
	entry=$(getent passwd "$1")
	IFS=: read -r _ _ uid gid _ home _ <<<"$entry"
	echo "$BASHPID" >"$(cgroup_of "$1")/login/cgroup.procs"
	cd "$home"
	local account=$1
	shift
	exec env -i HOME="$home" USER="$account" LOGNAME="$account" SHELL=/bin/bash LANG=C.UTF-8 \
		PATH=/usr/local/bin:/usr/bin:/bin XDG_RUNTIME_DIR="/run/user/$uid" ${TERM:+TERM="$TERM"} \
		setpriv --reuid "$uid" --regid "$gid" --init-groups --inh-caps=-all -- "$@"
)

# add_account NAME [SHELL]: SHELL defaults to sandbox-shell, which also gives it a policy.
add_account() (
	set -euo pipefail
	local name=$1 shell=${2:-/usr/local/bin/sandbox-shell} uid
	exec 9>/run/throwaway/accounts.lock
	flock 9
	if getent passwd "$name" >/dev/null; then
		echo "add_account: $name exists" >&2
		return 1
	fi
	uid=$(awk -F: -v n="${FIRST_UID-1000}" '$3 > n && $3 < 60000 { n = $3 } END { print n + 1 }' /etc/passwd)
	echo "$name:x:$uid:$uid::/home/$name:$shell" >>/etc/passwd
	echo "$name:x:$uid:" >>/etc/group
	echo "$name:*:19000:0:99999:7:::" >>/etc/shadow
	echo "$name:$((uid * 65536)):65536" | tee -a /etc/subuid >>/etc/subgid
	flock -u 9

	cp -rT /etc/skel "/home/$name"
	mkdir -m 700 "/home/$name/.ssh"
	cp "$HOST_KEY.pub" "/home/$name/.ssh/authorized_keys"
	echo "XDG_RUNTIME_DIR=/run/user/$uid" >"/home/$name/.login-environment"
	chmod 700 "/home/$name"
	chown -R "$uid:$uid" "/home/$name"

	prepare_account "$name" "$uid"
	if [[ $shell == */sandbox-shell ]]; then
		_sandbox_account "$name"
	fi
)

# prepare_account NAME UID: what systemd gives an account: a runtime folder, in place of one that an earlier
# account of this number left, and a cgroup.
prepare_account() {
	while mountpoint -q "/run/user/$2"; do umount -l "/run/user/$2"; done
	mkdir -p "/run/user/$2"
	mount -t tmpfs -o "mode=0700,uid=$2,gid=$2,nosuid,nodev" tmpfs "/run/user/$2"
	_delegate_cgroup "$1" "$2"
}

_delegate_cgroup() {
	local group controller
	group=$(cgroup_of "$1")
	mkdir -p "$group/login"
	for controller in $(<"$group/cgroup.controllers"); do
		echo "+$controller" >"$group/cgroup.subtree_control" || true
	done 2>/dev/null
	chown "$2" "$group" "$group"/{,login/}cgroup.{procs,threads,subtree_control} "$group/login"
}

# Limits are best effort: the machine's controllers may all be bound to cgroup v1. The key is where the
# shipped sshd drop-in looks too, for files that include it.
_sandbox_account() {
	flock /run/throwaway/accounts.lock \
		sed -i "s/^sandboxed:.*[^:]\$/&,$1/; s/^sandboxed:.*:\$/&$1/" /etc/group
	echo '{"version":1,"limits":{"enforce":"best-effort"}}' >"/etc/sandbox-shell/policy.d/$1.json"
	chmod 644 "/etc/sandbox-shell/policy.d/$1.json"
	mkdir -p /etc/sandbox-shell/authorized_keys.d
	cp "$HOST_KEY.pub" "/etc/sandbox-shell/authorized_keys.d/$1"
}
