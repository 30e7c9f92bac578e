# tests/system/common.bash - what the bats files share: load common in each of them.
#
# Runs as root on the throwaway host (see tests/host/run), which a file has for itself. Each file's
# setup_file calls use_test_image, unless it is about an account without a policy.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
load "$HOST_LIB"

# use_test_image: for all accounts. Limits are best effort, as the machine may have no controllers.
use_test_image() {
	echo '{"version":1,"image":"localhost/sandbox-test:latest","limits":{"enforce":"best-effort"}}' \
		>/etc/sandbox-shell/policy.json
	chmod 644 /etc/sandbox-shell/policy.json
}

# policy ACCOUNT JSON: the account's own policy; what it leaves out is as in policy.json.
policy() {
	printf '%s\n' "$2" >"/etc/sandbox-shell/policy.d/$1.json"
	chmod 644 "/etc/sandbox-shell/policy.d/$1.json"
}

# fresh_account [SHELL]: makes an account nobody has used and prints its name.
fresh_account() {
	local number
	number=$(
		exec 8>>/run/throwaway/fresh
		flock 8
		echo >&8
		wc -l </run/throwaway/fresh
	)
	add_account "fresh$number" "$@" >&2 && echo "fresh$number"
}

# says PATTERN COMMAND...: 125, one line that matches on stderr, nothing on stdout.
# shellcheck disable=SC2154 # output and stderr are of run's making
says() {
	local pattern=$1
	shift
	run -125 --separate-stderr "$@"
	echo "$stderr"
	[ "$output" = "" ]
	# shellcheck disable=SC2053 # a pattern is meant
	[[ $stderr == $pattern && $stderr != *$'\n'* ]]
}

# rounds COUNT: fewer of them with the sanitizers, whose part is the programs and not podman's timing.
rounds() {
	if [ "${SAN-}" = 1 ]; then echo $(($1 / 5)); else echo "$1"; fi
}
