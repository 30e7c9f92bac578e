#!/usr/bin/env bats
# From inside against the host: its files, kernel settings, namespaces, network, other accounts and whoever is at the other
# end of a login's descriptors. Each test is named for what the attempt would have won.
#
# host: --account other


load ../system/common

setup_file() {
	use_test_image
	ssh_to agent true
	ssh_to other 'echo secret >~/secret; chmod 777 ~ ~/secret; sleep 1000 </dev/null >/dev/null 2>&1 &'
	put attack_stdio attack_reach
}

put() {
	local helper
	for helper; do
		ssh_to agent "cat >$helper && chmod +x $helper" <"$CHECKOUT/build/helpers/$helper"
	done
}

# nothing SCRIPT: inside, as we are and as root of a user namespace of our own, it prints nothing on stdout.
nothing() {
	local how
	for how in 'bash -c' 'unshare --user --map-root-user bash -c' 'unshare --user --map-root-user --mount bash -c' \
		'unshare --user --map-root-user --mount --pid --fork --net --ipc --uts --cgroup bash -c'; do
		run --separate-stderr ssh_to agent "$how $(printf %q "$1")"
		[ "$output" = "" ] || {
			echo "$how: $output"
			return 1
		}
	done
}

home=/home/agent/sandboxes/agent/home

@test "the kernel's settings: would change the machine's" {
	nothing 'for f in $(find /proc/sys /proc/sysrq-trigger /proc/irq /proc/bus /sys/kernel /sys/power /sys/module/kernel \
			-path /proc/sys/net -prune -o -path /proc/sys/user -prune -o -type f -print 2>/dev/null); do
			{ : >>"$f"; } 2>/dev/null && echo "$f"; done; true'
}

@test "its own settings of network and limits: would be the host's" {
	before=$(cat /proc/sys/net/ipv4/ip_forward /proc/sys/user/max_user_namespaces)
	ssh_to agent 'unshare --user --map-root-user --net sh -c "
		echo 1 >/proc/sys/net/ipv4/ip_forward; echo 3 >/proc/sys/user/max_user_namespaces"' 2>/dev/null || true
	[ "$(cat /proc/sys/net/ipv4/ip_forward /proc/sys/user/max_user_namespaces)" = "$before" ]
}

@test "core_pattern: would run a program as the machine's root" {
	before=$(cat /proc/sys/kernel/core_pattern)
	nothing 'echo "|/bin/sh" >/proc/sys/kernel/core_pattern && echo written'
	[ "$(cat /proc/sys/kernel/core_pattern)" = "$before" ]
}

@test "cgroup files: would lift limits, or run a release agent" {
	nothing 'cd /sys/fs/cgroup && for f in $(find . -type f 2>/dev/null); do (: >>"$f") 2>/dev/null && echo "$f"; done
		mkdir /sys/fs/cgroup/x 2>/dev/null && echo made
		mkdir /tmp/c; for t in "cgroup -o memory" "cgroup -o pids" cgroup2; do mount -t $t c /tmp/c 2>/dev/null || continue
			mkdir /tmp/c/x 2>/dev/null && echo "made in $t"
			for f in $(find /tmp/c -maxdepth 2 -type f 2>/dev/null); do { : >>"$f"; } 2>/dev/null && echo "$t: $f"; done; umount /tmp/c; done; true'
}

@test "devices: would be the machine's disks and memory" {
	nothing 'find /dev -type b 2>/dev/null
		find /dev -type c 2>/dev/null | grep -vxE "/dev/(null|zero|full|random|urandom|tty|pts/(ptmx|[0-9]+)|net/tun|fuse)"
		for n in "b 8 0" "b 254 0" "c 1 1" "c 10 200" "c 10 229"; do mknod /tmp/n.$$ $n 2>/dev/null && head -c 1 /tmp/n.$$ 2>/dev/null && echo "$n"; done; true'
}

@test "masked parts of /proc: would show keys, timers and the kernel's memory" {
	nothing 'cat /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug /proc/scsi/* /sys/firmware/* 2>/dev/null | head -c 100
		umount /proc/kcore 2>/dev/null && echo unmasked
		mkdir /tmp/p; mount -t proc p /tmp/p 2>/dev/null && cat /tmp/p/keys /tmp/p/timer_list 2>/dev/null | head -c 100; true'
}

@test "mounts: would uncover what is below, or write to what is read-only" {
	nothing 'for m in /run/sandbox-init /proc/sys /sys /sys/fs/cgroup /run/podman-init; do
			umount "$m" 2>/dev/null && echo "off $m"; umount -l "$m" 2>/dev/null && echo "lazily off $m"
			mount -o remount,bind,rw "$m" 2>/dev/null && echo "rw $m"; done
		echo x 2>/dev/null >/run/sandbox-init/x && echo made
		(: >>/run/podman-init) 2>/dev/null && echo init; true'
}

@test "mounts in a namespace of its own: would be seen outside of it" {
	before=$(findmnt -rn | grep -c .)
	ssh_to agent 'unshare --user --map-root-user --mount --propagation shared sh -c "
		mount -t tmpfs x /home; mount -t tmpfs x /run/sandbox-init; mount --bind / /mnt"' 2>/dev/null || true
	[ "$(findmnt -rn | grep -c .)" = "$before" ]
	run -0 ssh_to agent 'ls -A /run/sandbox-init; pwd'
	[ "$output" = /home/agent ]
}

@test "other namespaces: would be the host's" {
	nothing 'for p in /proc/[0-9]*; do [[ $(readlink $p/ns/user) == "$(readlink /proc/self/ns/user)" || ! -r $p/ns/user ]] ||
			nsenter --user=$p/ns/user true 2>/dev/null && false; done
		nsenter -t 1 -m -U true 2>/dev/null && echo entered; true'
}

@test "processes of the host: would be visible, and our uid may signal them" {
	run -0 ssh_to agent 'cat /proc/[0-9]*/comm | sort -u | tr "\n" " "'
	[[ $output =~ ^(bash|cat|podman-init|sort|tr| )+$ ]]
	conmon=$(pgrep -u agent -x conmon)
	ssh_to agent "kill -KILL $conmon \$(seq 2 400)" 2>/dev/null || true
	kill -0 "$conmon"
}

@test "the folder above the home: would hold the sandbox's state, lock and log" {
	run -0 ssh_to agent 'ls -A ~/.. ; cd ~ && ls -A ../.. | tr "\n" " "; find / -xdev -name setup.log -o -xdev -name "state" -path "*sandbox*" 2>/dev/null; true'
	[ "${lines[0]}" = agent ]
	[[ ${lines[1]} != *sandboxes* ]]
	[ "${#lines[@]}" = 2 ]
}

@test "renaming or replacing the home: would move the account's data, or lead the host astray" {
	nothing 'cd /; mv /home/agent /home/gone 2>/dev/null && echo moved; rm -rf /home/agent/none; rmdir /home/agent 2>/dev/null && echo removed
		ln -sfn /etc /home/agent 2>/dev/null && [[ -L /home/agent ]] && echo linked; true'
	[ -d "$home" ]
	[ ! -L "$home" ]
}

@test "links in the home: would be followed by a login, to write or to remove there" {
	ssh_to agent 'mkdir -p links && cd links && for t in /home/agent/.ssh /home/agent/.ssh/authorized_keys /home/agent/sandboxes/agent/state \
		/home/agent/sandboxes/agent/setup.log /home/agent/.local /etc/passwd / .. ../.. /proc/1/root /run/user/$(id -u); do
			ln -s "$t" "$(tr / _ <<<"$t")"; done; cd ..; for n in state setup.log lock new home start init; do ln -sfn /home/agent/.ssh/authorized_keys $n; done'
	before=$(find /home/agent -path /home/agent/.local -prune -o -path /home/agent/sandboxes -prune -o -type f -printf '%p %s %T@\n' | sort)
	policy agent '{"version":1,"limits":{"enforce":"best-effort","shm":"2M"}}'
	ssh_to agent true
	as agent sandboxctl rm --yes agent </dev/null
	[ ! -e "$home" ]
	[ "$(find /home/agent -path /home/agent/.local -prune -o -path /home/agent/sandboxes -prune -o -type f -printf '%p %s %T@\n' | sort)" = "$before" ]
	ssh_to agent true
	put attack_stdio attack_reach
}

@test "hard links: would keep or change files from outside the home" {
	nothing 'for f in /etc/hosts /etc/passwd /run/podman-init /bin/bash; do ln "$f" ~/hard 2>/dev/null && echo "$f"; rm -f ~/hard; done; true'
}

@test "a setuid program in the home: would be the account, to anybody on the host" {
	ssh_to agent 'cp /bin/bash ~/suid; chmod 4777 ~/suid; chmod 777 ~'
	# By way of a shell: the program that becomes the account may still do more than the account while it does.
	run as other bash -c "$home/suid -p -c id"
	[ "$status" = 126 ]
	run ! as other ls /home/agent/sandboxes
	ssh_to agent 'chmod 700 ~'
}

@test "setuid programs of the image: would be root inside" {
	nothing 'for p in $(find / -xdev -perm /6000 -type f 2>/dev/null); do :; done; sudo -n id 2>/dev/null; grep -q "^NoNewPrivs:.0" /proc/self/status && echo new; true'
	run -0 --separate-stderr ssh_to agent 'su -c id </dev/null; sudo -n id; grep -h "^Cap" /proc/self/status | cut -f 2 | sort -u'
	[ "$output" = 0000000000000000 ]
}

@test "another account's sandbox: its files, processes, sockets and runtime folder" {
	nothing 'cat /home/other/secret /home/other/sandboxes/other/home/secret 2>/dev/null
		ls /home 2>/dev/null | grep -v agent; ls /run/user 2>/dev/null | grep -vx "$(id -u agent)"
		pgrep -f "sleep 100[0]"; true'
	run ! as agent cat /home/other/sandboxes/other/home/secret
	run ! as agent ls "/run/user/$(id -u other)/sandbox-shell"
	run -2 as agent "$CHECKOUT/build/helpers/attack_wire" "/run/user/$(id -u other)/sandbox-shell/other/init" hang-up
	[[ $output == *"Permission denied" ]]
}

@test "another account's sandbox by its shared memory, keys and queues" {
	ssh_to other 'ipcmk -M 100 >/dev/null; ipcmk -Q >/dev/null; echo x >/dev/shm/shared'
	run -0 ssh_to agent 'ipcs -m -q | grep -c "^0x"; ls -A /dev/shm /dev/mqueue'
	[ "${lines[0]}" = 0 ]
	[[ $output != *shared* ]]
}

@test "the host's loopback: would reach its sshd and whatever else listens there" {
	nothing 'for a in 127.0.0.1 10.0.2.2 10.0.2.3 localhost ::1 fd00::2 fe80::2%tap0; do
			timeout 2 bash -c "exec 3<>/dev/tcp/$a/22 && head -c 4 <&3" 2>/dev/null && echo "$a"; done; true'
}

@test "abstract sockets of the host: would be reached by name" {
	python3 -c 'if True:
		import socket, time
		s = socket.socket(socket.AF_UNIX); s.bind("\0attack"); s.listen(); time.sleep(1000)' >/dev/null 2>&1 3>&- &
	wait_for 60 grep -q @attack /proc/net/unix
	nothing 'python3 -c "import socket; socket.socket(socket.AF_UNIX).connect(\"\0attack\"); print(1)"'
	kill $!
}

# stdio PYTHON [PYTHON]: sandboxctl box runs attack_stdio with 0-2 that the first PYTHON makes as "a"; "b" is a socket at
# its other end. Nothing is reached, and the second PYTHON prints what came out.
stdio() {
	run -0 as agent python3 -c "if True:
		import os, socket, subprocess
		b = None
		$1
		p = subprocess.Popen(['sandboxctl', 'box', 'agent', '--', './attack_stdio'], stdin=a, stdout=a, stderr=a)
		del a
		while b:
			text = b.recv(1000)
			if not text:
				break
			print(text.decode())
		p.wait()
		${2-}" 3>&-
	echo "$output"
	[[ $output != *reached* ]]
	[[ $output == *done* ]]
}

@test "a socket as stdio: would give its other end's descriptors, signals or namespaces" {
	stdio 'a, b = socket.socketpair()'
}

@test "an internet socket as stdio: would be connected elsewhere in the host's network" {
	stdio 'l = socket.create_server(("127.0.0.1", 0)); a = socket.create_connection(l.getsockname()); b = l.accept()[0]'
}

@test "a datagram socket as stdio: would send to any other" {
	stdio 'a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)'
}

@test "a file as stdio: would be the host's, for all its rights" {
	touch /home/agent/out
	chown agent: /home/agent/out
	stdio 'a = open("/home/agent/out", "r+")' 'print(open("/home/agent/out").read())'
}

@test "a folder as stdin: would be a way out into the host's file system" {
	run -0 as agent bash -c 'sandboxctl box agent -- ./attack_stdio </'
	[ "$output" = "done" ]
	run -0 as agent bash -c 'sandboxctl box agent -- /bin/sh -c "cd /proc/self/fd/0/ 2>/dev/null && ls; true" </home'
	[ "$output" = "" ]
}

@test "a terminal as stdio beside a pipe: would take ioctls from inside" {
	run -0 as agent script -q -c 'sandboxctl box agent -- ./attack_stdio | cat' /dev/null
	[[ $output != *reached* ]]
	[[ $output == *done* ]]
}
