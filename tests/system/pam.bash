# tests/system/pam.bash - what the bats files about pam_sandbox share: load pam behind common.
# shellcheck shell=bash

# write_service: sandbox-test, for pamtester.
write_service() {
	printf '%s\n' 'account required pam_sandbox.so' 'session required pam_sandbox.so' \
		>/etc/pam.d/sandbox-test
}

# bare_account [SHELL]: an account of the group, with a policy, that has neither a runtime folder nor a
# cgroup, as on a host without systemd. Sets account and uid.
bare_account() {
	account=$(fresh_account "$@")
	uid=$(id -u "$account")
	umount "/run/user/$uid"
	rmdir "/run/user/$uid" "$(cgroup_of "$account")"/{login,}
	[[ -e /etc/sandbox-shell/policy.d/$account.json ]] || _sandbox_account "$account"
}

# counted: how many sessions of uid are written down.
counted() {
	find "/run/sandbox-shell-pam/$uid" -name '*-*-*' | wc -l
}

none_counted() {
	(($(counted) == 0))
}
