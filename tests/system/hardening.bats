#!/usr/bin/env bats
# How the installed programs were built: what makes a fault in one of them harder to use.
#
# sanitizers: no (the programs are other ones then)

load common

DYNAMIC="/usr/local/libexec/sandbox-shell/sandbox-session /usr/local/bin/sandboxctl /lib/security/pam_sandbox.so"
STATIC="/usr/local/bin/sandbox-shell /usr/local/libexec/sandbox-shell/sandbox-init"

# for_each FILES CHECK: CHECK is a function of one file, which says so when it isn't as it should be.
for_each() {
	local file failed=0
	for file in $1; do
		"$2" "$file" || { echo "$file: not so" && failed=1; }
	done
	return "$failed"
}

independent_of_position() {
	readelf --wide --file-header "$1" | grep -qE 'Type: +DYN'
}

relocations_read_only() {
	readelf --wide --program-headers "$1" | grep -q GNU_RELRO || return
	readelf --wide --dynamic "$1" | grep -qE 'BIND_NOW|FLAGS_1.*NOW' || return
	! readelf --wide --dynamic "$1" | grep -q TEXTREL
}

no_code_on_the_stack() {
	readelf --wide --program-headers "$1" | grep -qE 'GNU_STACK.* RW +0x' || return
	! readelf --wide --program-headers "$1" | grep -qE 'LOAD.* RWE '
}

no_path_of_its_own() {
	! readelf --wide --dynamic "$1" | grep -qE 'RPATH|RUNPATH'
}

stack_protected() {
	readelf --wide --dyn-syms --symbols "$1" | grep -q __stack_chk_fail
}

fortified() {
	readelf --wide --dyn-syms "$1" | grep -qE '__[a-z]+_chk'
}

no_loader() {
	! readelf --wide --program-headers "$1" | grep -q INTERP || return
	! readelf --wide --dynamic "$1" | grep -q NEEDED
}

no_privilege() {
	[[ $(stat -c '%a %U' "$1") =~ ^(755|644)\ root$ && ! $(getcap "$1") ]]
}

@test "position-independent code, read-only relocations, bound at the start, no code on the stack, no library path" {
	for_each "$DYNAMIC $STATIC" independent_of_position
	for_each "$DYNAMIC $STATIC" relocations_read_only
	for_each "$DYNAMIC $STATIC" no_code_on_the_stack
	for_each "$DYNAMIC $STATIC" no_path_of_its_own
}

@test "stack protector and checked library calls" {
	for_each "$DYNAMIC" stack_protected
	for_each "$DYNAMIC" fortified
	stack_protected /usr/local/libexec/sandbox-shell/sandbox-init
}

@test "no loader where somebody hostile begins, or there may be none: sandbox-shell and sandbox-init" {
	for_each "$STATIC" no_loader
}

@test "not setuid, not setgid, no capability, root's, and nobody else may write" {
	for_each "$DYNAMIC $STATIC" no_privilege
}

@test "what a login loads: the C library and cJSON" {
	run -0 bash -c 'readelf --wide --dynamic /usr/local/libexec/sandbox-shell/sandbox-session | sed -n "s/.*NEEDED.*\[\(.*\)\]/\1/p" | sort'
	[ "$output" = $'libc.so.6\nlibcjson.so.1' ]
}
