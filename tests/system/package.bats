#!/usr/bin/env bats
# The Debian package on a host without systemd: what it brings, that it installs over itself, and that nothing
# of it is left. Sessions and services under it are tested in the virtual machine.
#
# host: --no-product --no-sshd
# needs-package: yes
# sanitizers: no (the package is built for use)

load common

setup_file() {
	export DEBIAN_FRONTEND=noninteractive
	# What boot makes for the product; here that is the package's part.
	umount -R /var/lib/sandbox-shell
	rm -rf /etc/sandbox-shell /var/lib/sandbox-shell
	sed -i '/^sandboxed:/d' /etc/group
	sed -i '/sandbox-shell/d' /etc/shells
	# Its trigger takes longer than all else; the pages are not of this test.
	printf '#!/bin/sh\n' >/usr/bin/mandb
	printf '@include common-account\n' | tee /etc/pam.d/probe >/etc/pam.d/systemd-user
	printf '@include common-session\n' >>/etc/pam.d/probe
	snapshot >/run/throwaway/before
}

# snapshot: names of all files but dpkg's own, caches and lock files; also the contents of those in /etc.
snapshot() {
	find /etc /usr /var /run -xdev \( -path /var/lib/dpkg -o -path /var/cache -o -path /var/log -o -path /run/throwaway \
		-o -name .pwd.lock -o -path '/etc/*-' \) -prune -o ! -type d -print | sort
	find /etc -xdev -type f ! -name '*-' ! -name .pwd.lock -exec sha256sum -- {} + | sort -k 2
}

package() {
	echo "$CHECKOUT"/build/sandbox-shell_*.deb
}

# install_package: without its dependencies, not all of which this machine needs to have.
install_package() {
	dpkg --force-depends --install "$(package)" </dev/null
}

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' sandbox-shell)" = installed ] || install_package
}

# lines_in FILE: how many lines of it have the module.
lines_in() {
	grep -c pam_sandbox.so "/etc/pam.d/$1" || true
}

@test "lintian has nothing to say" {
	run -0 lintian --allow-root --fail-on error,warning "$(package)"
	[[ $output != *": sandbox-shell: "* ]]
}

@test "its version is the product's" {
	version=$(sed -n 's/^#define SBX_VERSION "\(.*\)"/\1/p' "$CHECKOUT/src/version.h")
	[ "$(dpkg-deb -f "$(package)" Version)" = "$version" ]
	installed
	run -0 sandboxctl --version
	[ "$output" = "sandboxctl $version" ]
}

@test "all of it belongs to root, and nothing is setuid or writable by others" {
	run -0 --separate-stderr dpkg-deb -c "$(package)"
	[ "$(awk '$2 != "root/root" || $1 ~ /[sStT]/ || substr($1, 6, 1) == "w" || substr($1, 9, 1) == "w"' <<<"$output")" = "" ]
}

@test "its settings in /etc are the operator's to change" {
	run -0 dpkg-deb -I "$(package)" conffiles
	[ "$(sort <<<"$output")" = "$(sort <<-'FILES'
		/etc/sandbox-shell/policy.json
		/etc/sandbox-shell/setup.sh
		/etc/ssh/sshd_config.d/50-sandbox-shell.conf
	FILES
	)" ]
}

@test "installed: a group, a login shell, folders, and paths that lead to where it is" {
	installed
	getent group sandboxed
	[ "$(grep -cx /usr/bin/sandbox-shell /etc/shells)" = 1 ]
	[ "$(stat -c '%U %G %a' /etc/sandbox-shell/authorized_keys.d /etc/sandbox-shell/policy.d /var/lib/sandbox-shell/images |
		sort -u)" = "root root 755" ]
	[ "$(sed -n 's/^[[:space:]]*ForceCommand //p' /etc/ssh/sshd_config.d/50-sandbox-shell.conf)" = /usr/bin/sandbox-shell ]
	run ! grep -aF /usr/local/lib /usr/bin/sandboxctl /usr/bin/sandbox-shell /usr/libexec/sandbox-shell/*
	sandboxctl policy schema >/dev/null
}

@test "PAM has the module once in account and session, last, and not where nobody logs in" {
	installed
	[ "$(lines_in common-account)" = 1 ]
	[ "$(lines_in common-session)" = 1 ]
	[ "$(lines_in common-session-noninteractive)" = 0 ]
	[ "$(lines_in common-auth)" = 0 ]
	[[ $(grep -vE '^#|^$' /etc/pam.d/common-session | tail -n 1) == session*required*pam_sandbox.so* ]]
}

@test "PAM asks the module about members of the group, nobody else, and not for the user manager" {
	installed
	useradd --groups sandboxed probed
	run ! pamtester probe probed acct_mgmt
	[[ $output == *"sandbox-shell: "* ]]
	pamtester systemd-user probed acct_mgmt
	pamtester probe root acct_mgmt
	userdel probed
}

@test "it installs over itself: nothing twice, and what the operator changed stays" {
	installed
	echo '{"version":1}' >/etc/sandbox-shell/policy.json
	echo '{"version":1}' >/etc/sandbox-shell/policy.d/someone.json
	run -0 install_package
	[ "$(</etc/sandbox-shell/policy.json)" = '{"version":1}' ]
	[ "$(</etc/sandbox-shell/policy.d/someone.json)" = '{"version":1}' ]
	[ "$(lines_in common-account) $(lines_in common-session)" = "1 1" ]
	[ "$(grep -cx /usr/bin/sandbox-shell /etc/shells)" = 1 ]
}

@test "removed: PAM is as it was; policies stay, and sshd still keeps members of the group out" {
	installed
	useradd --groups sandboxed --shell /usr/bin/sandbox-shell kept
	echo '{"version":1}' >/etc/sandbox-shell/policy.d/kept.json
	run -0 dpkg --remove sandbox-shell
	[[ $output == *"these accounts can't log in"*kept* ]]
	[ "$(lines_in common-account) $(lines_in common-session)" = "0 0" ]
	run ! grep sandbox-shell /etc/shells
	run -0 find /usr/lib -name pam_sandbox.so
	[ "$output" = "" ]
	[ -e /etc/sandbox-shell/policy.d/kept.json ]
	[ -e /etc/ssh/sshd_config.d/50-sandbox-shell.conf ]
	getent group sandboxed
	userdel kept
}

@test "purged: the host is as it was before" {
	installed
	: >/etc/sandbox-shell/authorized_keys.d/someone
	: >/var/lib/sandbox-shell/images/some.tar
	dpkg --purge sandbox-shell
	snapshot >/run/throwaway/after
	diff /run/throwaway/before /run/throwaway/after
}
