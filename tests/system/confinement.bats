#!/usr/bin/env bats
# What a sandbox is kept from, and what a policy gives it. Inside, one is the account agent; other is somebody else.
#
# host: --account other


load common

# apart COMMAND...: in the background, holding no descriptor that bats would wait for the end of.
apart() {
	(
		for fd in /proc/self/fd/*; do
			fd=${fd##*/}
			((fd <= 2 || fd == 255)) || eval "exec $fd>&-"
		done
		"$@"
	) </dev/null >/dev/null 2>&1 &
}

setup_file() {
	use_test_image
	ssh_to agent true
	ssh_to other true
	local address
	# Services of the host: one for itself, one for its network.
	for address in 127.0.0.1 192.0.2.1; do
		apart perl -MIO::Socket::INET -e '
			my $s = IO::Socket::INET->new(LocalAddr => $ARGV[0], LocalPort => 8080, Listen => 5) or die $!;
			while (my $c = $s->accept) { print $c "service on $ARGV[0]\n"; close $c }' "$address"
		wait_for 60 eval ": </dev/tcp/$address/8080" 2>/dev/null
	done
}

# policed JSON: the agent's policy, beside what all have in common.
policed() {
	policy agent "{\"version\":1${1:+,}$1}"
}

inside() {
	ssh_to agent "$@"
}

# init_of ACCOUNT: PID 1 of its sandbox, as the host counts.
init_of() {
	pgrep -o -u "$1" '^podman-init$'
}

# reach SECONDS ADDRESS...: what answers there on port 8080 in that time, from inside.
reach() {
	inside "for a in ${*:2}; do nc -w $1 \$a 8080 </dev/null; done 2>/dev/null; true"
}

@test "inside one is the account: its uid and gid, the sandbox's name, the mounted home" {
	local uid
	uid=$(id -u agent)
	run -0 inside 'id -u; id -g; id -un; hostname; cat /etc/hostname; echo; echo $HOME; pwd; stat -c %u:%a .'
	[ "$output" = "$uid"$'\n'"$uid"$'\nagent\nagent\nagent\n/home/agent\n/home/agent\n'"$uid:700" ]
	inside 'echo mark >marker'
	[ "$(cat /home/agent/sandboxes/agent/home/marker)" = mark ]
	[ ! -e /home/agent/marker ]
}

@test "two accounts don't see each other's files" {
	ssh_to other 'echo secret >secret; echo secret | tee /tmp/secret /dev/shm/secret /var/tmp/secret $XDG_RUNTIME_DIR/secret'
	run -0 inside 'find / -xdev -name secret 2>/dev/null; find / -name secret -not -path "/proc/*" 2>/dev/null; ls /home'
	[ "$output" = agent ]
	run -1 inside 'cat /home/other/sandboxes/other/home/secret 2>/dev/null'
	run -2 as agent sh -c 'cat "$1/sandboxes/other/home/secret" "$1/secret"; ls "$1" "$2"' - /home/other "/run/user/$(id -u other)"
	[[ $output != *secret$'\n'* && $output == *"Permission denied"* ]]
}

@test "two accounts don't see each other's processes, nor the host's" {
	ssh_to other 'cp /bin/sleep /tmp/others-process; setsid /tmp/others-process 1000 </dev/null >/dev/null 2>&1 &'
	wait_for 60 eval 'pgrep -u other -x others-process >/dev/null'
	run -0 inside 'list=$(ps -eo comm=); sort -u <<<"$list" | tr "\n" " "'
	[ "$output" = "bash podman-init ps " ]
	# Not by number either.
	run -0 inside 'for p in {1..65535}; do [ -d /proc/$p ] && kill -0 $p 2>/dev/null && echo; done | wc -l'
	[ "$output" -le 5 ]
	pkill -u other -x others-process
}

@test "two accounts don't see each other's containers" {
	run -0 as agent podman --cgroup-manager=cgroupfs --storage-driver=overlay ps -a --format '{{.Names}}'
	[ "$output" = agent ]
	run -0 as other podman --cgroup-manager=cgroupfs --storage-driver=overlay ps -a --format '{{.Names}}'
	[ "$output" = other ]
}

@test "two accounts share no namespace, nor does any with the host" {
	local kind
	for kind in ipc mnt net pid user uts cgroup; do
		[ "$(readlink "/proc/$(init_of agent)/ns/$kind" "/proc/$(init_of other)/ns/$kind" "/proc/self/ns/$kind" |
			sort -u | wc -l)" = 3 ]
	done
}

@test "privileges none: no capability in any set, no_new_privs, a seccomp filter; in the command and in PID 1" {
	local process want
	want=$'CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000
CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2'
	for process in self 1; do
		run -0 inside "grep -E '^(Cap...|NoNewPrivs|Seccomp):' /proc/$process/status"
		[ "$output" = "$want" ]
	done
	run -0 inside -tt 'grep -cE "^Cap...:.0{16}" /proc/self/status; grep NoNew /proc/self/status'
	[ "$output" = $'5\r\nNoNewPrivs:\t1\r' ]
}

@test "privileges none: sudo is of no use" {
	run -1 inside 'sudo -n id'
	[[ $output == *"no new privileges"* ]]
}

@test "privileges root: sudo works, and root inside is a subordinate uid on the host" {
	local uid
	policed '"privileges":"root"'
	run -0 inside 'sudo -n apt-get --version'
	[[ $output == "apt "* ]]
	run -0 inside 'sudo -n id -u; id -u'
	uid=$(id -u agent)
	[ "$output" = $'0\n'"$uid" ]
	inside 'cp /bin/sleep /tmp/as-root; sudo -n setsid /tmp/as-root 1000 </dev/null >/dev/null 2>&1 &'
	wait_for 60 eval 'pgrep -x as-root >/dev/null'
	run -0 awk '/^[UG]id:/ { print $2, $3, $4, $5 }' "/proc/$(pgrep -x as-root)/status"
	local root=$((uid * 65536))
	[ "$output" = "$root $root $root $root"$'\n'"$root $root $root $root" ]
	run -0 inside 'sudo -n cat /etc/shadow | head -n 1; sudo -n ls /home'
	[[ $output == root:* && $output == *$'\nagent' ]]
	# A session's own capabilities are still none, and the filter stays.
	run -0 inside 'grep -E "^(CapEff|Seccomp):" /proc/self/status'
	[ "$output" = $'CapEff:\t0000000000000000\nSeccomp:\t2' ]
	policed ''
	inside true
	run -1 pgrep -x as-root
}

@test "XDG_RUNTIME_DIR is a tmpfs of the user's own, closed to others" {
	local uid
	uid=$(id -u agent)
	run -0 inside 'echo $XDG_RUNTIME_DIR; stat -c %u:%g:%a $XDG_RUNTIME_DIR; stat -f -c %T $XDG_RUNTIME_DIR
		touch $XDG_RUNTIME_DIR/x; ls -A $XDG_RUNTIME_DIR; rm $XDG_RUNTIME_DIR/x'
	[ "$output" = "/run/user/$uid"$'\n'"$uid:$uid:700"$'\ntmpfs\nx' ]
}

@test "network isolated: nothing of the host's loopback is reached, by any address or name" {
	run -0 reach 2 127.0.0.1 127.0.1.1 10.0.2.2 10.0.2.3 ::1 fd00::2 fd00::3 0.0.0.0 localhost throwaway agent \
		host.containers.internal host.docker.internal
	[[ $output != *127.0.0.1* ]]
}

@test "network isolated: the host's address on a network is reached" {
	run -0 reach 60 192.0.2.1
	[ "$output" = "service on 192.0.2.1" ]
}

@test "network isolated: the host's abstract sockets aren't there" {
	apart as agent perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new(Local => "\0abstract", Listen => 1) or die $!;
		$s->accept'
	wait_for 60 grep -q @abstract /proc/net/unix
	run -1 inside 'grep @abstract /proc/net/unix'
	kill $!
}

@test "network none: no interface but lo, nothing is reached" {
	policed '"network":{"mode":"none"}'
	run -0 inside 'ls /sys/class/net; cat /proc/net/route | wc -l'
	[ "$output" = $'lo\n1' ]
	run -0 reach 2 127.0.0.1 192.0.2.1 10.0.2.2
	[ "$output" = "" ]
}

@test "network host: the host's own, loopback included" {
	policed '"network":{"mode":"host"}'
	run -0 reach 60 127.0.0.1 192.0.2.1
	[ "$output" = $'service on 127.0.0.1\nservice on 192.0.2.1' ]
	[ "$(readlink "/proc/$(init_of agent)/ns/net")" = "$(readlink /proc/self/ns/net)" ]
	policed ''
}

@test "ipc: private hides the host's shared memory, host gives it away" {
	as agent ipcmk -M 4321
	as agent sh -c 'echo shared >/dev/shm/of-the-host'
	run -0 inside 'ipcs -m | grep -c 4321; ls /dev/shm; true'
	[ "$output" = 0 ]
	policed '"ipc":"host"'
	run -0 inside 'ipcs -m | grep -c 4321; cat /dev/shm/of-the-host'
	[ "$output" = $'1\nshared' ]
	policed ''
	run -0 inside 'ipcs -m | grep -c 4321; ls /dev/shm; true'
	[ "$output" = 0 ]
}

@test "mounts: ro can be read and not written, rw can be both, with the account's own rights" {
	local uid
	uid=$(id -u agent)
	mkdir -p /srv/ro/below /srv/rw /srv/roots
	echo text | tee /srv/ro/file /srv/ro/below/file /srv/single >/dev/null
	chown -R "$uid" /srv/ro /srv/rw /srv/single
	policed '"mounts":[{"source":"/srv/ro","target":"/mnt/ro"},{"source":"/srv/rw","target":"/mnt/rw dir","mode":"rw"},
		{"source":"/srv/roots","target":"/mnt/roots","mode":"rw"},{"source":"/srv/single","target":"/etc/single","mode":"ro"}]'
	run -0 inside 'cat /mnt/ro/file /mnt/ro/below/file /etc/single
		for f in /mnt/ro/file /mnt/ro/new /mnt/ro/below/file /etc/single /mnt/roots/new; do
			(echo changed >$f) 2>/dev/null || echo "no $f"
		done
		chmod 777 /mnt/ro/file 2>/dev/null || echo "no mode"
		echo written >"/mnt/rw dir/new"'
	[ "$output" = $'text\ntext\ntext\nno /mnt/ro/file\nno /mnt/ro/new\nno /mnt/ro/below/file\nno /etc/single\nno /mnt/roots/new\nno mode' ]
	[ "$(cat /srv/rw/new)" = written ]
	[ "$(stat -c %u /srv/rw/new)" = "$uid" ]
	policed ''
}

@test "mounts: ro holds for file systems mounted below the source as well" {
	local account
	mkdir -p /srv/tree/below
	mount -t tmpfs -o mode=1777 tmpfs /srv/tree/below
	touch /srv/tree/below/seen
	# A new account: podman of one that is known keeps a view of the mounts of its first day.
	account=$(fresh_account)
	policy "$account" '{"version":1,"mounts":[{"source":"/srv/tree","target":"/mnt/tree"}]}'
	# Either is right: refused with a reason, or seen and read-only.
	run --separate-stderr ssh_to "$account" 'ls /mnt/tree/below; echo changed >/mnt/tree/below/new'
	ls /srv/tree/below
	[ ! -e /srv/tree/below/new ]
	umount -l /srv/tree/below
	((status == 1)) && [ "$output" = seen ] || { ((status == 125)) && [[ $stderr == *mounts*/srv/tree* ]]; }
}

@test "mounts: a source that isn't there refuses the login and says which" {
	policed '"mounts":[{"source":"/srv/not-there","target":"/mnt/x"}]'
	run -125 --separate-stderr inside true
	policed ''
	[ "$output" = "" ]
	[[ $stderr == "sandbox-shell: "*"/srv/not-there"* ]]
}

readonly DEVICES='cd /dev && find . -mindepth 1 -not -path "./pts/*" -exec stat -c "%n %F %t:%T" {} + | sort'

@test "devices: exactly those listed, beside the usual harmless ones" {
	local before
	before=$(inside "$DEVICES")
	policed '"devices":["/dev/fuse"]'
	run -0 inside "$DEVICES; : <>/dev/fuse && echo opened"
	policed ''
	diff <(sort <<<"$output") <(sort <<<"$before"$'\n./fuse character special file a:e5\nopened')
	# And nothing of the host's disks, memory, terminals or other accounts' devices.
	run -0 sed -n 's/^.\/\(.*\) character special file.*/\1/p' <<<"$before"
	[ "$output" = $'full\nnull\nrandom\ntty\nurandom\nzero' ]
	run -1 grep 'block special' <<<"$before"
}

@test "devices: one that isn't there refuses the login and says which" {
	policed '"devices":["/dev/not-there"]'
	run -125 --separate-stderr inside true
	policed ''
	[[ $output == "" && $stderr == "sandbox-shell: "*"/dev/not-there"* ]]
}

# desktop_socket PATH: a socket of the account's desktop, with somebody who greets on it.
desktop_socket() {
	apart as agent perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die $!;
		while (my $c = $s->accept) { print $c "$ARGV[0]\n"; close $c }' "$1"
	wait_for 60 test -S "$1"
}

readonly GREET='for s in "$XDG_RUNTIME_DIR"/wayland-0 "$XDG_RUNTIME_DIR"/pipewire-0 "$XDG_RUNTIME_DIR"/pulse/native \
	/tmp/.X11-unix/X0; do nc -w 60 -U "$s" </dev/null 2>/dev/null; done; echo "$WAYLAND_DISPLAY $DISPLAY"'

@test "desktop: without such sockets on the host the login works, and none are there" {
	policed '"desktop":{"wayland":true,"pipewire":true,"x11":true}'
	run -0 inside "$GREET"
	policed ''
	[ "$output" = " " ]
}

@test "desktop: the account's sockets are mounted where the policy says so, and only there" {
	local run
	run=/run/user/$(id -u agent)
	mkdir -p /tmp/.X11-unix
	chmod 1777 /tmp/.X11-unix
	as agent mkdir -p "$run/pulse"
	desktop_socket "$run/wayland-0"
	desktop_socket "$run/pipewire-0"
	desktop_socket "$run/pulse/native"
	desktop_socket /tmp/.X11-unix/X0
	run -0 inside "$GREET"
	[ "$output" = " " ]
	policed '"desktop":{"wayland":true,"pipewire":true,"x11":true}'
	run -0 inside "$GREET"
	[ "$output" = "$run/wayland-0"$'\n'"$run/pipewire-0"$'\n'"$run/pulse/native"$'\n/tmp/.X11-unix/X0\nwayland-0 :0' ]
	policed '"desktop":{"wayland":true}'
	run -0 inside "$GREET"
	[ "$output" = "$run/wayland-0"$'\nwayland-0 ' ]
	# The desktop's session ends: the sandbox can still be started.
	rm "$run/wayland-0"
	kill -9 "$(init_of agent)"
	run -0 inside "$GREET"
	policed ''
	[ "$output" = " " ]
}

@test "desktop: a socket of somebody else's at that place isn't mounted" {
	local run
	run=/run/user/$(id -u agent)
	rm -f /tmp/.X11-unix/X0
	perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => $ARGV[0], Listen => 5) or die $!' /tmp/.X11-unix/X0
	policed '"desktop":{"x11":true}'
	run -0 inside 'ls /tmp/.X11-unix; echo "$DISPLAY"'
	policed ''
	rm /tmp/.X11-unix/X0
	[[ $output != *X0* ]]
}
