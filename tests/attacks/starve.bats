#!/usr/bin/env bats
# From inside against later logins: take what the account has on the host or in the sandbox, all of it, and keep it.
# Each test is named for what would have run out.


load ../system/common

setup_file() {
	use_test_image
	ssh_to agent true
	put attack_quota attack_tree
}

setup() {
	limits
}

teardown() {
	local name
	for name in attack_quota bomb hunt; do
		pkill -KILL -u agent -x "$name" || true
	done
}

put() {
	local helper
	for helper; do
		ssh_to agent "cat >$helper && chmod +x $helper" <"$CHECKOUT/build/helpers/$helper"
	done
}

# limits [MORE]: of agent's policy. Always different ones from before, so that the container is made anew.
limits() {
	local number
	echo >>"$BATS_RUN_TMPDIR/policies"
	number=$(wc -l <"$BATS_RUN_TMPDIR/policies")
	policy agent '{"version":1,"limits":{"enforce":"best-effort","tmp":"8M","shm":"'$((1024 + number))'K"'"${1:+,$1}"'}}'
}

# login ARGUMENT...: of agent's. It ends in any case.
login() {
	timeout 120 bash -c '. "$HOST_LIB"; ssh_to agent "$@"' - "$@"
}

# serves: without a terminal and with one.
serves() {
	run -7 login 'exit 7'
	run -7 login -tt 'exit 7'
}

control() {
	run -0 as agent timeout 120 sandboxctl "$@" agent </dev/null
}

# hold KIND [COUNT]: attack_quota in the background of the sandbox; $output says how much it got.
hold() {
	ssh_to agent "rm -f held; ./attack_quota $* >held 2>&1 </dev/null &"
	wait_for 60 test -s /home/agent/sandboxes/agent/home/held
	run cat /home/agent/sandboxes/agent/home/held
}

# held KIND [COUNT]: it blocks neither a login, nor one that makes the container anew, nor the operator.
held() {
	hold "$@"
	serves
	limits
	run -7 login 'exit 7'
	[ "$(pgrep -c -u agent -x attack_quota)" = 0 ]
	hold "$@"
	control stop
	serves
}

@test "descriptors in flight, which the kernel counts per uid over all namespaces" {
	held inflight
}

@test "descriptors in flight, under a limit smaller than what is kept back" {
	limits '"nofile":100'
	run -0 --separate-stderr ssh_to agent 'ulimit -Hn'
	[ "$output" = 100 ]
	hold inflight
	serves
}

@test "inotify instances" {
	held inotify
}

@test "keyrings" {
	held keys
}

@test "user namespaces" {
	held namespaces 300
}

@test "open files" {
	held files
}

@test "pending signals" {
	held signals
}

@test "epoll watches" {
	held epoll
}

bombs() {
	pgrep -c -u agent -x bomb
}

@test "processes of the account, which has a limit of them on the host" {
	echo 'agent hard nproc 400' >/etc/security/limits.d/agent.conf
	ssh_to agent './attack_tree bomb 100000 bomb'
	wait_for 60 eval '(($(bombs) > 50))'
	serves
	control stop
	[ "$(bombs)" = 0 ]
	serves
	rm /etc/security/limits.d/agent.conf
}

@test "processes that the policy allows" {
	limits '"pids":40'
	ssh_to agent './attack_tree bomb 100000 bomb'
	wait_for 60 eval '(($(bombs) > 30))'
	(($(bombs) <= 40))
	serves
	# From inside, with builtins alone.
	run login 'kill -KILL -1'
	[ "$(bombs)" = 0 ]
	serves
}

@test "processes that the policy allows, when it allows next to none" {
	limits '"pids":8'
	ssh_to agent './attack_tree bomb 100000 bomb'
	wait_for 60 eval '(($(bombs) > 0))'
	(($(bombs) <= 8))
	serves
}

@test "time of the processors" {
	ssh_to agent 'for _ in {1..60}; do (setsid sh -c "while :; do :; done" </dev/null >/dev/null 2>&1 &); done'
	serves
	control stop
	serves
}

@test "room in /tmp, /dev/shm and /run/user" {
	ssh_to agent 'for dir in /tmp /dev/shm "$XDG_RUNTIME_DIR" /var/tmp/x; do
		head -c 80M /dev/zero >"$dir/full" 2>/dev/null; i=0; while ((i++ < 300)) && mkdir "$dir/$i" 2>/dev/null; do :; done; done; true'
	serves
	control stop
	serves
}

@test "room in the runtime folder of the host, through the files podman mounts" {
	run -0 ssh_to agent 'for f in /etc/hosts /etc/resolv.conf /etc/hostname /run/.containerenv; do
		{ head -c 1M /dev/zero >>"$f"; } 2>/dev/null && echo "wrote $f"; chmod 666 "$f" 2>/dev/null && echo "changed $f"; rm -f "$f" 2>/dev/null && echo "removed $f"; done; true'
	[ "$output" = "" ]
	run -0 ssh_to agent 'unshare --user --map-root-user sh -c "echo x >>/etc/hosts" 2>/dev/null && echo wrote; true'
	[ "$output" = "" ]
}

@test "names in the home: a hundred thousand of them" {
	ssh_to agent 'mkdir d && cd d && seq 100000 | xargs touch'
	control stop
	serves
	control rm --yes
	[ ! -e /home/agent/sandboxes/agent ]
	ssh_to agent true
	put attack_quota attack_tree
}

@test "the way into the home: without a right to it" {
	ssh_to agent 'chmod 000 ~'
	serves
	control stop
	serves
	limits
	serves
	ssh_to agent 'chmod 700 ~'
}

@test "the setup: what it would copy are links to nowhere, pipes and folders" {
	ssh_to agent 'rm -rf .profile .bashrc .bash_logout work .gitconfig .config .cache .local
		ln -s /nowhere .profile; mkfifo .bashrc; mkdir .bash_logout; ln -s loop loop; ln -s /nowhere work
		mkfifo .gitconfig; ln -s /dev/full .local'
	limits
	serves
}

@test "patience: every new supervisor killed at once, until the operator stops it" {
	ssh_to agent 'cat >hunt; chmod +x hunt' <<-'SCRIPT'
		#!/bin/bash
		trap '' HUP TERM
		while :; do
			# Its own supervisor's end would be its own.
			read -r _ _ _ parent _ </proc/$$/stat
			for pid in /proc/[0-9]*; do
				pid=${pid#/proc/}
				[[ $pid == 1 || $pid == $$ || $pid == "$parent" ]] || kill -KILL "$pid"
			done
		done 2>/dev/null
	SCRIPT
	ssh_to agent "setsid ./hunt </dev/null >/dev/null 2>&1 &" || true
	wait_for 60 pgrep -u agent -x hunt
	control stop
	run ! pgrep -u agent -x hunt
	serves
}

# The last one: it hides the sandbox that the others use.
@test "room in the home, where the sandbox's state is too" {
	control rm --yes
	mount -t tmpfs -o "size=4M,mode=0700,uid=$(id -u agent),gid=$(id -g agent)" tmpfs /home/agent/sandboxes
	ssh_to agent true
	ssh_to agent 'cat /dev/zero >full; echo >full2' || true
	run -1 test -s /home/agent/sandboxes/agent/home/full2
	serves
	control stop
	serves
	run -0 login 'rm full; echo >full && echo good'
	[ "$output" = good ]
}
