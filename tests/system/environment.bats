#!/usr/bin/env bats
# What the client, or the account's own files, would like our programs and podman to believe. sshd accepts every
# variable here, as badly as it can be set up.
#
# host: --sshd 'AcceptEnv *' --account forced:/bin/bash
# host: --sshd 'Match User forced' --sshd 'ForceCommand /usr/local/bin/sandbox-shell'


load common

setup_file() {
	use_test_image
	_sandbox_account forced
	ssh_to agent true
	mkdir -m 1777 /var/tmp/loaded
	export LIBRARY_SOURCE=$BATS_FILE_TMPDIR/library.c
	cat >"$LIBRARY_SOURCE" <<-'SOURCE'
		#include <fcntl.h>
		#include <stdio.h>
		#include <unistd.h>
		__attribute__((constructor)) static void loaded(void)
		{
			char path[64];
			snprintf(path, sizeof(path), "/var/tmp/loaded/%d.%d", getuid(), getpid());
			close(open(path, O_WRONLY | O_CREAT, 0600));
		}
	SOURCE
}

# Nothing ran what the client wanted: bait leaves a file here, whoever takes it on the host.
nobody_took_it() {
	ls /var/tmp/loaded
	[ -z "$(ls /var/tmp/loaded)" ]
}

teardown() {
	rm -f /var/tmp/loaded/*
}

# bait ACCOUNT: into the home of its sandbox, as the agent inside could put it there; $bait is where that is.
bait() {
	bait=/home/$1/sandboxes/$1/home/bait
	as "$1" mkdir -p -m 700 "/home/$1/sandboxes/$1/home"
	mkdir -p "$bait/bin" "$bait/containers"
	gcc -shared -fPIC -o "$bait/libbait.so" "$LIBRARY_SOURCE"
	cp "$bait/libbait.so" "$bait/libc.so.6"
	cp "$bait/libbait.so" "$bait/libseccomp.so.2"
	cp "$bait/libbait.so" "$bait/libcjson.so.1"
	printf '#!/bin/sh\n: >/var/tmp/loaded/program.$$\nexit 1\n' >"$bait/program"
	chmod 755 "$bait/program"
	local name
	for name in podman crun runc conmon newuidmap newgidmap slirp4netns bash sh sftp-server; do
		cp "$bait/program" "$bait/bin/$name"
	done
	echo ': >/var/tmp/loaded/script.$$' >"$bait/script"
	settings "$bait/containers"
	chown -R "$1:" "$bait"
}

# settings FOLDER: podman's settings there, which name our bait wherever a program can be named.
settings() {
	cat >"$1/containers.conf" <<-SETTINGS
		[containers]
		env = ["BAIT=taken"]
		volumes = ["/etc:/bait"]
		default_capabilities = ["SYS_ADMIN"]
		seccomp_profile = "unconfined"
		netns = "host"
		[engine]
		runtime = "bait"
		conmon_path = ["$bait/program"]
		helper_binaries_dir = ["$bait/bin"]
		hooks_dir = ["$bait"]
		network_cmd_path = "$bait/program"
		[engine.runtimes]
		bait = ["$bait/program"]
		crun = ["$bait/program"]
		runc = ["$bait/program"]
	SETTINGS
	cat >"$1/storage.conf" <<-SETTINGS
		[storage]
		driver = "vfs"
		graphroot = "$bait/storage"
		runroot = "$bait/run"
	SETTINGS
	echo "/etc:/bait" >"$1/mounts.conf"
	cat >"$1/hook.json" <<-SETTINGS
		{"version": "1.0.0", "hook": {"path": "$bait/program"}, "when": {"always": true}, "stages": ["prestart"]}
	SETTINGS
}

# wishes: the variables of a hostile client, for bait.
wishes() {
	cat <<-VARIABLES
		LD_PRELOAD=$bait/libbait.so
		LD_AUDIT=$bait/libbait.so
		LD_LIBRARY_PATH=$bait
		PATH=$bait/bin
		HOME=$bait
		USER=root
		LOGNAME=root
		SHELL=$bait/program
		BASH_ENV=$bait/script
		ENV=$bait/script
		PROMPT_COMMAND=.$bait/script
		GLIBC_TUNABLES=glibc.malloc.check=3:glibc.rtld.optional_static_tls=1
		CONTAINERS_CONF=$bait/containers/containers.conf
		CONTAINERS_CONF_OVERRIDE=$bait/containers/containers.conf
		CONTAINERS_STORAGE_CONF=$bait/containers/storage.conf
		CONTAINERS_REGISTRIES_CONF=$bait/nothing
		CONTAINER_HOST=unix://$bait/socket
		CONTAINER_CONNECTION=bait
		STORAGE_DRIVER=vfs
		STORAGE_OPTS=vfs.imagestore=$bait
		PODMAN_USERNS=host
		PODMAN_IGNORE_CGROUPSV1_WARNING=1
		_CONTAINERS_ROOTLESS_UID=0
		_CONTAINERS_USERNS_CONFIGURED=done
		XDG_CONFIG_HOME=$bait
		XDG_DATA_HOME=$bait
		XDG_RUNTIME_DIR=$bait
		XDG_CACHE_HOME=$bait
		TMPDIR=$bait
		DBUS_SESSION_BUS_ADDRESS=unix:path=$bait/socket
		NOTIFY_SOCKET=$bait/socket
		LISTEN_FDS=3
		SSH_ORIGINAL_COMMAND=$bait/program
		SANDBOX_CLIENT_LANG=bait
		SANDBOX_CLIENT_LD_PRELOAD=$bait/libbait.so
		SANDBOX_NEW=1
		container=bait
		GODEBUG=bait
		http_proxy=http://127.0.0.1:1
	VARIABLES
}

# wishing ACCOUNT COMMAND: an ssh login with all of them.
wishing() {
	ssh_to "$1" -o "SetEnv=$(wishes | tr '\n' ' ')" "$2"
}

readonly STATE='env | sort | grep -v ^_=; id; pwd; ls -A | grep -v bait; grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status
	ls -d /bait 2>&1; ls /sys/class/net | sort'

@test "the bait works: plain ssh swallows it" {
	bait agent
	cp -r "$bait" /var/tmp/bait
	chmod -R a+rX /var/tmp/bait
	bait=/var/tmp/bait
	ssh_to plain -o "SetEnv=LD_PRELOAD=$bait/libbait.so" true
	run -1 nobody_took_it
	rm -f /var/tmp/loaded/*
	settings "$bait/containers"
	run ssh_to plain -o "SetEnv=CONTAINERS_CONF=$bait/containers/containers.conf" \
		podman --cgroup-manager=cgroupfs --storage-driver=overlay run --rootfs --rm /none true
	run -1 nobody_took_it
}

@test "a warm login: no variable of the client's changes anything" {
	local calm
	bait agent
	calm=$(ssh_to agent "$STATE")
	run -0 --separate-stderr wishing agent "$STATE"
	[ "$output" = "$calm" ]
	[ "$stderr" = "" ]
	run -7 wishing agent 'exit 7'
	nobody_took_it
}

@test "a cold first login: no variable of the client's changes anything" {
	local account calm
	account=$(fresh_account)
	bait "$account"
	run -0 --separate-stderr wishing "$account" "$STATE"
	calm=$(ssh_to "$account" "$STATE")
	[ "$output" = "$calm" ]
	[ "$stderr" = "" ]
	nobody_took_it
	[ -d "/home/$account/.local/share/containers/storage/overlay-containers" ]
	[ "$(ls -A "$bait" | sort | tr '\n' ' ')" = "bin containers libbait.so libc.so.6 libcjson.so.1 libseccomp.so.2 program script " ]
}

@test "started on the host with a hostile environment: nothing changes, cold or warm" {
	local account
	account=$(fresh_account)
	bait "$account"
	mapfile -t variables < <(wishes)
	run -0 --separate-stderr as "$account" env -i \
		"${variables[@]/#LD_*=*/IGNORED=1}" /usr/local/bin/sandbox-shell -c "$STATE"
	[ "$output" = "$(ssh_to "$account" "$STATE")" ]
	# With the loader's variables too: env(1) itself would obey them, so it's a shell that execs.
	run -0 --separate-stderr as "$account" env -i bash -c '
		for variable; do export "$variable"; done
		exec /usr/local/bin/sandbox-shell -c "$0"' "$STATE" "${variables[@]}"
	[ "$output" = "$(ssh_to "$account" "$STATE")" ]
	nobody_took_it
}

@test "ForceCommand with the host's bash as the login shell: the podman side is as deaf" {
	bait forced
	wishes | grep -Ev '^(LD_|BASH_ENV|SSH_ORIG|PATH)' >"$BATS_TEST_TMPDIR/wishes"
	run -0 --separate-stderr ssh_to forced -o "SetEnv=$(tr '\n' ' ' <"$BATS_TEST_TMPDIR/wishes")" "$STATE"
	[ "$output" = "$(ssh_to forced "$STATE")" ]
	[ "$stderr" = "" ]
	nobody_took_it
}

@test "SSH_ORIGINAL_COMMAND from the client isn't taken for a forced command's" {
	local option='SetEnv=SSH_ORIGINAL_COMMAND=hostname'
	run -0 ssh_to agent -o "$option" 'echo mine'
	[ "$output" = mine ]
	run -0 ssh_to agent -o "$option" <<<'echo login'
	[ "$output" = login ]
	run -0 ssh_to forced -o "$option" 'echo mine'
	[ "$output" = mine ]
}

@test "by default the language, terminal and time zone come through, and nothing else" {
	run -0 ssh_to agent -o 'SetEnv=LANG=C.UTF-8 LC_ALL=C LC_TIME=C TERM=vt100 COLORTERM=yes NO_COLOR=1 TZ=UTC EDITOR=x LCD=x' \
		'env | grep -E "^(LANG|LC|TERM|COLORTERM|NO_COLOR|TZ|EDITOR)" | sort'
	[ "$output" = $'COLORTERM=yes\nLANG=C.UTF-8\nLC_ALL=C\nLC_TIME=C\nNO_COLOR=1\nTERM=vt100\nTZ=UTC' ]
}

@test "env.pass lets through what it names, by name or prefix, and nothing else" {
	policy agent '{"version":1,"env":{"pass":["ONE","PRE_*"]}}'
	run -0 ssh_to agent -o 'SetEnv=ONE=1 ONER=2 PRE_=3 PRE_X=4 PRE=5 LANG=C TZ=UTC' \
		'env | grep -E "^(ONE|PRE|LANG|TZ)" | sort'
	policy agent '{"version":1}'
	[ "$output" = $'ONE=1\nPRE_=3\nPRE_X=4' ]
}

@test "env.pass doesn't give away who one is, and env.set stands above the client" {
	policy agent '{"version":1,"env":{"set":{"FIXED":"policy"},"pass":["H*","U*","L*","S*","X*","F*"]}}'
	run -0 as agent env HOME=/ USER=root LOGNAME=root SHELL=/bin/x XDG_RUNTIME_DIR=/x FIXED=client FREE=client \
		/usr/local/bin/sandbox-shell -c 'echo $HOME $USER $LOGNAME $SHELL $XDG_RUNTIME_DIR $FIXED $FREE'
	policy agent '{"version":1}'
	[ "$output" = "/home/agent agent agent /bin/bash /run/user/$(id -u agent) policy client" ]
}

@test "what env.pass lets into the sandbox still reaches nothing on the host" {
	local account
	account=$(fresh_account)
	bait "$account"
	policy "$account" '{"version":1,"env":{"pass":["LD_*","CONTAINERS_*","XDG_*","STORAGE_*","BASH_ENV"]}}'
	run -0 --separate-stderr wishing "$account" 'echo "$LD_LIBRARY_PATH"'
	[ "$output" = "$bait" ]
	run -0 --separate-stderr wishing "$account" 'echo "$CONTAINERS_CONF"'
	[ "$output" = "$bait/containers/containers.conf" ]
	nobody_took_it
}

@test "the account's own podman settings change nothing" {
	local account
	account=$(fresh_account)
	bait "$account"
	as "$account" mkdir -p .config
	cp -r "$bait/containers" "/home/$account/.config/containers"
	chown -R "$account:" "/home/$account/.config"
	# They are in force for the account's own podman.
	run as "$account" podman --cgroup-manager=cgroupfs info
	[ "$status" -ne 0 ] || [[ $output == *"$bait"* ]]
	rm -rf "$bait/storage" "$bait/run" "/run/user/$(id -u "$account")"/{containers,libpod} /var/tmp/loaded/*
	run -0 --separate-stderr ssh_to "$account" "$STATE"
	nobody_took_it
	[[ $output != *BAIT* && $output == *"cannot access '/bait'"* && $output == *tap0* ]]
	[[ $output == *"CapBnd:"*0000000000000000*"Seccomp:"*2* ]]
	[ ! -e "$bait/storage" ]
	run -0 ssh_to "$account" 'ls -A /bait /run/secrets 2>/dev/null; true'
	[ "$output" = "" ]
}
