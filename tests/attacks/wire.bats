#!/usr/bin/env bats
# From the account on the host, which is more than anybody inside can do: whatever is said to PID 1's socket, whoever listens
# in its place, whatever its record says. PID 1 serves on, or the login finds its way to a good one, or refuses.

load ../system/common

setup_file() {
	use_test_image
	ssh_to agent true
	uid=$(id -u agent)
	export runtime=/run/user/$uid/sandbox-shell/agent
}

setup() {
	ssh_to agent true
	before=$(init)
}

teardown() {
	local helper
	for helper in attack_wire attack_start impostor; do
		pkill -KILL -u agent -x "$helper" || true
	done
}

init() {
	pgrep -o -u agent -x podman-init
}

# recovers: a login works, whoever is PID 1.
recovers() {
	run -7 timeout 120 bash -c '. "$HOST_LIB"; ssh_to agent "exit 7"'
}

serves() {
	recovers
	[ "$(init)" = "$before" ]
}

wire() {
	as agent "$CHECKOUT/build/helpers/attack_wire" "$runtime/init" "$@"
}

# The supervisors of bad conversations end before a good one needs to: none stays.
alone() {
	(($(pgrep -c -u agent -x podman-init) == 1))
}

@test "bad words, of each kind: PID 1 serves on and keeps nothing of them" {
	local name
	for name in $(wire names); do
		wire "$name" || {
			echo "$name"
			return 1
		}
		serves
	done
	wait_for 60 alone
}

@test "an EXEC by which nothing was promised: refused, with a reason" {
	for name in many-arguments counts-wrap one-too-many one-too-few unterminated short-body no-arguments; do
		run -0 strace -f -qq -e trace=recvmsg -e signal=none -o "$BATS_TEST_TMPDIR/trace" \
			setpriv --reuid agent --regid agent --clear-groups "$CHECKOUT/build/helpers/attack_wire" "$runtime/init" "$name"
		# FAILED is 8: magic (SBX_WIRE_MAGIC), type, length.
		grep -q '2XBS\\10\\0\\0\\0' "$BATS_TEST_TMPDIR/trace" || {
			cat "$BATS_TEST_TMPDIR/trace"
			return 1
		}
	done
	serves
}

@test "20,000 random conversations: PID 1 serves on" {
	seed=${EPOCHREALTIME/[.,]/}
	echo "seed $seed"
	wire fuzz 10000 "$seed" 3>&- &
	wire fuzz 10000 "$((seed + 2))"
	serves
	wait $!
	serves
	wait_for 60 alone
}

@test "500 connections that say nothing: a login gets in between, and they're gone in the end" {
	wire silent 500 >"$BATS_TEST_TMPDIR/held" 3>&- &
	wait_for 60 grep -q held "$BATS_TEST_TMPDIR/held"
	serves
	wait_for 60 alone
	serves
}

@test "500 connections that say nothing, over and over" {
	for _ in {1..10}; do
		timeout -s KILL 0.1 "$CHECKOUT/build/helpers/attack_wire" "$runtime/init" silent 500 || true
		as agent timeout -s KILL 0.2 "$CHECKOUT/build/helpers/attack_wire" "$runtime/init" silent 500 || true
	done
	serves
}

@test "another uid, even root: PID 1 says nothing to it" {
	run -0 timeout 120 strace -qq -e trace=recvmsg,sendmsg -e signal=none "$CHECKOUT/build/helpers/attack_wire" "$runtime/init" tty-with-fds
	[[ $output != *"= 12"*"= 12"* ]]
	serves
}

# impostor FILE [TYPE]: listens there in the background and says what it was sent.
impostor() {
	cat >"$BATS_TEST_TMPDIR/impostor" <<-'PYTHON'
		import os, socket, sys
		open("/proc/self/comm", "w").write("impostor")
		path = sys.argv[1]
		try:
		    os.unlink(path)
		except FileNotFoundError:
		    pass
		s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if len(sys.argv) < 3 else socket.SOCK_SEQPACKET)
		s.bind(path)
		s.listen(100)
		print("listening", flush=True)
		while True:
		    conn = s.accept()[0]
		    print("came", conn.recv(100), flush=True)
	PYTHON
	rm -f "$BATS_FILE_TMPDIR/heard"
	as agent python3 "$BATS_TEST_TMPDIR/impostor" "$@" >"$BATS_FILE_TMPDIR/heard" 3>&- &
	wait_for 60 grep -q listening "$BATS_FILE_TMPDIR/heard"
}

# What it was sent: nothing, at most the end of a connection.
nothing_heard() {
	run ! grep "came b'[^']" "$BATS_FILE_TMPDIR/heard"
}

@test "an impostor at the socket's name: told nothing, and replaced" {
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" || true
	impostor "$runtime/init"
	recovers
	nothing_heard
	recovers
}

@test "an impostor at the socket's name, of another type" {
	impostor "$runtime/init" seqpacket
	recovers
	nothing_heard
}

@test "an impostor at the start socket's name: not asked" {
	as agent sandboxctl stop agent </dev/null
	impostor "$runtime/start/start" seqpacket
	recovers
	nothing_heard
}

@test "the record: with the pid of another process, of none, of one that isn't the account's" {
	cp -p "$runtime/state" "$BATS_TEST_TMPDIR/state"
	for pid in 1 999999 "$(pgrep -o -u agent -x conmon)" "$$" 0; do
		sed "s/^pid .*/pid $pid/" "$BATS_TEST_TMPDIR/state" | as agent tee "$runtime/state" >/dev/null
		recovers
		cp -p "$runtime/state" "$BATS_TEST_TMPDIR/state"
	done
}

@test "the record: gone, empty, longer, another format, a link, a pipe" {
	for make in 'rm -f state' ': >state' 'yes >state 2>/dev/null | head -c 100000' 'echo sandbox-shell 2 >state' \
		'rm -f state; ln -s /etc/passwd state' 'rm -f state; mkfifo state' 'rm -f state; ln -s /dev/zero state' 'head -c 300 /dev/zero >state'; do
		as agent timeout 1 bash -c "cd $runtime && $make" || true
		recovers
	done
}

@test "the socket: gone, a file, a link to another one" {
	for make in 'rm -f init' 'rm -f init; : >init' 'rm -f init; ln -s /run/dbus/system_bus_socket init' 'rm -f init; mkfifo init'; do
		as agent bash -c "cd $runtime && $make"
		recovers
	done
}

@test "a start inside the sandbox that is about to be replaced: would be taken for the new PID 1" {
	ssh_to agent 'cat >start && chmod +x start' <"$CHECKOUT/build/helpers/attack_start"
	ssh_to agent 'for i in 1 2 3; do
		(setsid ./start </dev/null >/dev/null 2>&1 &)
		(setsid unshare --user --map-root-user --pid --fork ./start </dev/null >/dev/null 2>&1 &); done'
	for size in 2 3 4; do
		policy agent '{"version":1,"limits":{"enforce":"best-effort","shm":"'$size'M"}}'
		recovers
	done
	# Its PID 1 unable to answer, so that it's taken for dead.
	ssh_to agent 'for i in 1 2 3 4 5 6; do (setsid unshare --user --map-root-user --pid --fork ./start </dev/null >/dev/null 2>&1 &); done; prlimit --pid 1 --nproc=0:0'
	policy agent '{"version":1,"limits":{"enforce":"best-effort","shm":"5M"}}'
	recovers
	run ! pgrep -u agent -x start
}

@test "the folder of the runtime: another's, open to others, a link" {
	mv "$runtime" "$runtime.away"
	ln -s "$runtime.away" "$runtime"
	run -125 ssh_to agent 'exit 7'
	rm "$runtime"
	mkdir "$runtime"
	run -125 ssh_to agent 'exit 7'
	rmdir "$runtime"
	mv "$runtime.away" "$runtime"
	chmod 777 "$runtime"
	run -125 ssh_to agent 'exit 7'
	chmod 700 "$runtime"
	serves
}
