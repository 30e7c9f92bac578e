#!/usr/bin/env bats
# Root's view of all accounts: ls and status, which no account can bend, crash or hold up.
# host: --account agent2 --account other

load common

setup_file() {
	use_test_image
	ssh_to agent true
	ssh_to other true
}

setup() {
	policy agent '{"version":1}'
	policy agent2 '{"version":1}'
	runtime=/run/user/$(id -u agent2)/sandbox-shell
}

teardown() {
	unhang
}

# row ACCOUNT: its row of the last output, blanks squeezed.
row() {
	awk -v account="$1" '$1 == account { $1 = $1; print }' <<<"$output"
}

# listed: what root's ls says, in time; nothing on stderr.
listed() {
	run -0 --separate-stderr timeout 120 sandboxctl ls "$@"
	echo "$output"
	[ "$stderr" = "" ]
}

# hold ACCOUNT COMMAND: a session in the background, which ends with the test. The command says "in" first.
hold() {
	(
		ssh() { exec /usr/bin/ssh "$@"; }
		ssh_to "$1" -tt "echo in; $2"
	) </dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	HELD=$! HOLDER=$1
	wait_for 60 grep -q in "$BATS_TEST_TMPDIR/out"
}

idle() {
	sandboxctl ls --json | jq -e --arg name "$1" '.[] | select(.account == $name) | .sessions == 0' >/dev/null
}

unhang() {
	if [[ ${HELD-} ]]; then
		kill "$HELD" 2>/dev/null || true
		wait "$HELD" || true
		wait_for 60 idle "$HOLDER"
	fi
	pkill -CONT -u agent2 || true
	pkill -KILL -u agent2 fuse-overlayfs || true
}

@test "ls: a row for each enrolled account: running, stopped, none, refused" {
	local name
	sandboxctl stop other
	name=$(fresh_account)
	policy "$name" '{"version":1,"limits":{"memory":"256M","cpus":0.5,"pids":100,"enforce":"best-effort"}}'
	policy agent2 '{"version":1,"limits":{"memory":"much"}}'
	hold agent 'exec sleep 1000'
	listed
	[[ $output == "ACCOUNT"*"SANDBOX"*"STATE"*"SESSIONS"*"MEMORY"*"CPUS"*"PIDS"$'\n'* ]]
	[[ $(row agent) =~ ^agent\ agent\ running\ 1\ [0-9.KMG-]+\ /\ -\ [0-9.-]+\ /\ -\ [0-9-]+\ /\ -$ ]]
	[ "$(row other)" = "other other stopped 0 - / - - / - - / -" ]
	[ "$(row "$name")" = "$name $name none 0 - / 256M - / 0.50 - / 100" ]
	[[ $(row agent2) == "agent2 agent2 refused 0 - / - - / - - / - /etc/sandbox-shell/policy.d/agent2.json:1:"* ]]
	# plain isn't enrolled, and nobody else is.
	[ "$(awk 'NR > 1 { print $1 }' <<<"$output" | sort)" = \
		"$(getent group sandboxed | cut -d : -f 4 | tr , '\n' | sort)" ]
}

@test "ls --json: numbers, and null for what isn't there" {
	local name
	name=$(fresh_account)
	policy "$name" '{"version":1,"sandbox":"box","limits":{"memory":"256M","cpus":0.5,"pids":100,"enforce":"best-effort"}}'
	policy agent2 '{'
	listed --json
	[ "$(jq -c --arg name "$name" '.[] | select(.account == $name)' <<<"$output")" = \
		"{\"account\":\"$name\",\"sandbox\":\"box\",\"state\":\"none\",\"reason\":null,\"sessions\":0,\
\"memory\":null,\"memory_limit\":268435456,\"cpus\":null,\"cpus_limit\":500,\"pids\":null,\"pids_limit\":100}" ]
	[[ $(jq -r '.[] | select(.account == "agent2") | .state, .reason' <<<"$output") == refused$'\n'*agent2.json:2:1:* ]]
	jq -e '.[] | select(.account == "agent") | .state == "running" and (.cpus | type == "number")' <<<"$output"
}

spins() {
	sandboxctl ls --json | jq -e '.[] | select(.account == "agent") | .cpus > 20 and .sessions == 1'
}

@test "ls: the processor's time of a sandbox that spins shows" {
	hold agent 'while :; do :; done'
	wait_for 60 spins
}

@test "ls: an account whose own group it is, root as a member, and without the group" {
	cp /etc/group /etc/passwd "$BATS_TEST_TMPDIR"
	sed -i 's/^sandboxed:.*/sandboxed:x:900:agent,root,gone/' /etc/group
	sed -i 's/^plain:x:\([0-9]*\):[0-9]*:/plain:x:\1:900:/' /etc/passwd
	listed
	[ "$(awk 'NR > 1 { print $1 }' <<<"$output")" = $'agent\nplain' ]
	[[ $(row plain) == "plain plain refused 0 "*"no policy"* ]]
	sed -i '/^sandboxed:/d' /etc/group
	says 'sandboxctl: group sandboxed: missing: *' sandboxctl ls
	cat "$BATS_TEST_TMPDIR/group" >/etc/group
	cat "$BATS_TEST_TMPDIR/passwd" >/etc/passwd
	says 'sandboxctl: usage: *' sandboxctl ls agent
}

@test "ls of an ordinary user: their own, as ever" {
	run -0 as agent sandboxctl ls
	[ "${#lines[@]}" = 2 ]
	[[ ${lines[1]} =~ ^agent\ +running\ +0$ ]]
}

# Each makes agent2's folders something else; what root's ls may say of it then.
tricks=(
	'state is a link                | stopped | ln -s /etc/shadow $runtime/agent2/state'
	'state is a FIFO                | stopped | mkfifo $runtime/agent2/state'
	'state is a folder              | stopped | mkdir $runtime/agent2/state'
	'state is huge                  | stopped | truncate -s 4G $runtime/agent2/state'
	'state is garbage               | stopped | head -c 200 /dev/urandom >$runtime/agent2/state'
	'state has control characters   | stopped | printf "sandbox-shell 1\npid \033[2J\n" >$runtime/agent2/state'
	'state names PID 1 of the host  | stopped | record 1'
	'state names a shell            | stopped | record $$'
	'state names one of others      | stopped | record $others'
	'state has a pid beyond numbers | stopped | record 99999999999'
	'the folder is a link           | stopped | ln -s /run/user/$uid_other/sandbox-shell/other $runtime/swap; mv -T $runtime/agent2 $runtime/x; mv -T $runtime/swap $runtime/agent2'
	'the folder is open to others   | stopped | record $init; chmod 777 $runtime/agent2'
	'the folder is a FIFO           | stopped | mv $runtime/agent2 $runtime/x; mkfifo $runtime/agent2'
	'its home is a link             | none    | mv ~/sandboxes ~/x; ln -s /home/other/sandboxes ~/sandboxes'
	'its home is a FIFO             | none    | mv ~/sandboxes ~/x; mkfifo ~/sandboxes'
	'the socket is a FIFO           | stopped | record $init; rm $runtime/agent2/init; mkfifo $runtime/agent2/init'
)

@test "ls: links, FIFOs, huge files and garbage where an account's records should be" {
	local trick what state command
	ssh_to agent2 true
	for trick in "${tricks[@]}"; do
		IFS='|' read -r what state command <<<"$trick"
		echo "--- $what"
		as agent2 bash -c 'runtime=$1 others=$2 uid_other=$3 init=$(pgrep -u agent2 "^podman-init$")
			record() { sed "s,^pid .*,pid $1," ~/state >"$runtime/agent2/state"; }
			cp -a "$runtime/agent2/state" ~/state; rm "$runtime/agent2/state"
			eval "$4"' - "$runtime" "$(pgrep -u other '^podman-init$')" "$(id -u other)" "$command"
		listed
		[[ $(row agent2) == "agent2 agent2 ${state// /} 0 "* ]]
		[[ $(row agent) == "agent agent running "* ]]
		[[ $output != *[$'\001'-$'\010'$'\013'-$'\037']* ]]
		# In order again, for the next one.
		as agent2 bash -c 'cd "$1"; rm -rf agent2/state; [ ! -e x ] || { rm -f agent2; mv -T x agent2; }
			[ -S agent2/init ] || rm -f agent2/init
			chmod 700 agent2; mv ~/state agent2/state
			[ ! -e ~/x ] || { rm ~/sandboxes; mv -T ~/x ~/sandboxes; }' - "$runtime"
	done
	ssh_to agent2 true
	listed
	[[ $(row agent2) == "agent2 agent2 running "* ]]
}

@test "ls and status: a sandbox that doesn't answer holds up nobody" {
	ssh_to agent2 true
	pkill -STOP -u agent2 '^podman-init$'
	listed --json
	[ "$(jq -r '.[] | select(.account | startswith("agent")) | .state' <<<"$output")" = $'running\nunknown' ]
	says "sandboxctl: agent2: its sandbox can't be asked: *sandboxctl kill*" timeout 120 sandboxctl status agent2
	# Nothing of it is left behind.
	run -1 pgrep -x sandboxctl
	pkill -CONT -u agent2 '^podman-init$'
	ssh_to agent2 true
}

@test "ls: a file system of the account's that hangs, in place of its folder" {
	local server
	sandboxctl stop agent2
	as agent2 bash -c 'mkdir -p ~/f/{lower,upper,work} && mv "$1/agent2" "$1/x" && mkdir -m 700 "$1/agent2" &&
		fuse-overlayfs -o "lowerdir=$HOME/f/lower,upperdir=$HOME/f/upper,workdir=$HOME/f/work" \
			"$1/agent2"' - "$runtime" 3>&-
	server=$(pgrep -u agent2 fuse-overlayfs)
	kill -STOP "$server"
	listed
	[[ $(row agent2) == "agent2 agent2 unknown 0 "* ]]
	[[ $(row agent) == "agent agent running "* ]]
	kill -KILL "$server"
	umount -l "$runtime/agent2"
	as agent2 bash -c 'rmdir "$1/agent2"; mv "$1/x" "$1/agent2"' - "$runtime"
	ssh_to agent2 true
}

@test "ls: a process of the account that swaps its folders meanwhile" {
	local round
	ssh_to agent2 true
	as agent2 setsid bash -c 'cd "$1"; echo "$$" >~/swapper; while :; do
			mv agent2 kept; ln -s /run/user/0 agent2; rm agent2; mkfifo agent2; rm agent2; mv kept agent2
			mv agent2/state agent2/kept; ln -s /etc/shadow agent2/state
			rm agent2/state; mkfifo agent2/state; rm agent2/state; mv agent2/kept agent2/state
			mv ~/sandboxes ~/kept; ln -s / ~/sandboxes; rm ~/sandboxes; mv ~/kept ~/sandboxes
		done' - "$runtime" </dev/null >/dev/null 2>&1 3>&- &
	wait_for 60 test -s /home/agent2/swapper
	for round in {1..10}; do
		echo "round $round"
		listed
		[[ $(row agent2) =~ ^agent2\ agent2\ (running|stopped|none|unknown)\  ]]
		[[ $(row agent) == "agent agent running "* ]]
	done
	# With what it was just running.
	kill -KILL -- "-$(cat /home/agent2/swapper)"
	wait || true
	wait_for 60 eval '! pgrep -g "$(cat /home/agent2/swapper)"'
}

# limit NAME: the row of a limit, blanks squeezed.
limit() {
	awk -v name="$1" '$1 == name { $1 = $1; print }' <<<"$output"
}

@test "status of a running sandbox: what the kernel says holds, and what nothing does" {
	policy agent '{"version":1,"limits":{"memory":"256M","pids":100,"nofile":512,"tmp":"16M","shm":"1M",
		"cpus":0.5,"enforce":"best-effort"}}'
	ssh_to agent 'head -c 4096000 /dev/zero >/tmp/some'
	run -0 --separate-stderr sandboxctl status agent
	echo "$output"
	[[ ${lines[0]} == "account agent, sandbox agent: running, PID 1 is process $(pgrep -u agent '^podman-init$'), sessions: 0" ]]
	[ "$(limit nofile)" = "nofile 512 - rlimit of each command (512)" ]
	[ "$(limit tmp)" = "tmp 16M 3.9M tmpfs (16M)" ]
	[ "$(limit shm)" = "shm 1M 0 tmpfs (1M)" ]
	[ "$(limit swap)" = "swap - - no limit is set" ]
	if [[ -e $(cgroup_of agent)/pids.max ]]; then
		[[ $(limit pids) == *" the sandbox's cgroup (132); rlimit of each command (100)" ]]
		[[ $(limit memory) == *" the sandbox's cgroup (256M)" ]]
	else
		[ "$(limit pids)" = "pids 100 - rlimit of each command (100)" ]
		[ "$(limit memory)" = "memory 256M - NOT ENFORCED: the controller memory is not delegated to the account: Delegate= of user@.service" ]
		[[ $(limit cpus) == "cpus 0.5 "*" NOT ENFORCED: the controller cpu is not delegated"* ]]
	fi
	# As the account itself says it.
	as agent sandboxctl status agent | grep -F "rlimit of each command (512)"
	says '*the policy names this sandbox agent*' as agent sandboxctl status other
}

@test "status of a sandbox that doesn't run: what will hold it" {
	local name
	name=$(fresh_account)
	policy "$name" '{"version":1,"limits":{"memory":"256M","nofile":512,"sessions":3,"session_time":"2h","enforce":"required"}}'
	run -0 sandboxctl status "$name"
	echo "$output"
	[ "${lines[0]}" = "account $name, sandbox $name: none" ]
	[[ $output == *"WILL BE HELD BY"* ]]
	[ "$(limit nofile)" = "nofile 512 - rlimit of each command (512)" ]
	[ "$(limit sessions)" = "sessions 3 - pam_sandbox, at each login (3)" ]
	[ "$(limit session_time)" = "session_time 2h - sandbox-shell, for each login (2h)" ]
	if [[ ! -e $(cgroup_of "$name")/memory.max ]]; then
		[[ $(limit memory) == "memory 256M - logins are refused: the controller memory is not delegated"* ]]
	fi
	[[ $output == *"GIVES AWAY nothing" ]]
	run -0 sandboxctl status --json "$name"
	[ "$(jq -c '.limits[] | select(.limit == "nofile")' <<<"$output")" = \
		'{"limit":"nofile","set":512,"used":null,"enforced":true,"by":[{"what":"rlimit of each command","limit":512}]}' ]
	[ "$(jq -c '[.state, .pid, .gives_away, (.limits[] | select(.limit == "tmp") | .enforced)]' <<<"$output")" = \
		'["none",null,[],null]' ]
}

@test "status: what each relaxed setting gives away" {
	local key
	mkdir -p /srv/shared
	policy other '{"version":1,"network":{"mode":"host"},"ipc":"host","privileges":"root","devices":["/dev/fuse"],
		"desktop":{"wayland":true,"pipewire":true,"x11":true},
		"mounts":[{"source":"/srv/shared","target":"/srv/shared","mode":"rw"},{"source":"/etc","target":"/mnt"}]}'
	run -0 sandboxctl status other
	echo "$output"
	for key in 'network.mode host: ' 'ipc host: ' 'privileges root: ' 'devices /dev/fuse: ' 'desktop.wayland true: ' \
		'desktop.pipewire true: ' 'desktop.x11 true: ' 'mounts /srv/shared: ' 'limits.enforce best-effort: '; do
		(($(grep -c "^$key...." <<<"$output") == 1))
	done
	[[ $output != *"mounts /etc"* ]]
	run -0 sandboxctl status --json other
	[ "$(jq '.gives_away | length' <<<"$output")" = 9 ]
}

@test "status of what can't be looked at" {
	policy agent2 '{'
	says 'sandboxctl: /etc/sandbox-shell/policy.d/agent2.json:2:1:*' sandboxctl status agent2
	says 'sandboxctl: nobody-here: no such account' sandboxctl status nobody-here
	says 'sandboxctl: root: root has no sandbox' sandboxctl status root
	says "sandboxctl: a?b: not an account's name*" sandboxctl status $'a\nb'
	says 'sandboxctl: usage: *' sandboxctl status
	says 'sandboxctl: usage: *' sandboxctl status agent other
}
