#!/usr/bin/env bats
# sandboxctl, typed on the host: by the account itself, by the operator, and by a person in a checkout.

load common

setup_file() {
	use_test_image
	# A checkout of the person plain's own, as git clone and make leave it.
	mkdir -p /home/plain/checkout/sandboxes
	# shellcheck disable=SC2153 # of the host's making
	cd "$CHECKOUT" || return
	cp -a Makefile Containerfile setup.sh src shell pam docs /home/plain/checkout
	mkdir /home/plain/checkout/build
	cp -a build/{*sandbox*,gen,pam,shell,src,static} /home/plain/checkout/build
	chown -R plain:plain /home/plain/checkout
	ssh_to agent true
}

setup() {
	policy agent '{"version":1}'
	checkout=/home/plain/checkout
	boxes=$checkout/sandboxes
}

# ctl ARGUMENT...: as agent, whose policy root has written.
ctl() {
	as agent sandboxctl "$@"
}

# own ARGUMENT...: as plain, for whom root has no policy, on the sandboxes of the checkout.
own() {
	as plain "$checkout/build/sandboxctl" --dir "$boxes" "$@"
}

# own_policy NAME JSON
own_policy() {
	as plain mkdir -p "$boxes/$1"
	printf '%s\n' "$2" >"$boxes/$1/policy.json"
	chown plain:plain "$boxes/$1/policy.json"
}

test_image='"version":1,"image":"localhost/sandbox-test:latest"'

containers_of() {
	as "$1" podman --storage-driver overlay ps --all --external --format '{{.Names}}'
}

# refused PATTERN COMMAND...: by sandboxctl, as says has it.
refused() {
	says "sandboxctl: $1" "${@:2}"
}

# answered TEXT COMMAND: as plain on a terminal, where TEXT is typed.
answered() {
	printf '%s' "$1" | as plain script -q -e -c "$2" /dev/null
}

@test "without a command, or with one that there isn't: how to use it, and 125" {
	run --separate-stderr -125 ctl
	[ "$output" = "" ]
	[ "${stderr_lines[0]}" = "usage: sandboxctl [--dir FOLDER] COMMAND" ]
	refused "nosuch: no such command: *" ctl nosuch
	refused ": no such command: *" ctl ''
	refused "option --nosuch: *" ctl --nosuch ls
	refused "option --nosuch: *" ctl ls --nosuch
	refused "option --dir: *" ctl --dir
	refused "--dir /nonexistent: No such file or directory" ctl --dir /nonexistent ls
	refused "usage: sandboxctl box *" ctl box
	refused "usage: sandboxctl box *" ctl box agent true
	refused "usage: sandboxctl ls *" ctl ls agent
	refused "usage: sandboxctl rm *" ctl rm
	refused "usage: sandboxctl rm *" ctl rm one two
	refused "usage: sandboxctl build-base" ctl build-base now
	refused "usage: sandboxctl policy *" ctl policy
	refused "usage: sandboxctl policy *" ctl policy check
	refused "usage: sandboxctl policy *" ctl policy change agent
}

@test "--help and --version go to stdout and succeed" {
	run --separate-stderr -0 ctl --help
	[[ $output == "usage: sandboxctl"*box*ls*rm*build-base*policy* ]]
	[ "$stderr" = "" ]
	run --separate-stderr -0 ctl --version
	[[ $output == "sandboxctl "[0-9]* ]]
}

@test "root is refused what only an account has, and may look at policies" {
	for command in "box agent" "box agent -- true"; do
		# shellcheck disable=SC2086 # words
		refused "identity: root has no sandbox*" sandboxctl $command
	done
	run -0 sandboxctl policy check agent
	run -0 sandboxctl policy show agent
}

@test "box: into the account's sandbox, as a login would, with the command's own status" {
	run --separate-stderr -0 ctl box agent -- sh -c 'hostname; echo "$0 $1"' zero 'one two'
	[ "$output" = $'agent\nzero one two' ]
	[ "$stderr" = "" ]
	run -9 ctl box agent -- sh -c 'exit 9'
	run -137 ctl box agent -- sh -c 'kill -9 $$'
	run -127 ctl box agent -- nosuchcommand
	run -0 ctl box agent <<<'echo "$0"; pwd'
	[ "$output" = $'-bash\n/home/agent' ]
	run -0 ssh_to agent 'echo from ssh >shared'
	run -0 ctl box agent -- cat shared
	[ "$output" = "from ssh" ]
}

@test "box: only the name that the policy gives, and nothing that is no name" {
	refused "other: the policy names this sandbox agent*" ctl box other -- true
	for name in '' . .. ../agent a/b /etc Agent 'a b' a..b 1a "$(printf 'a%.0s' {1..33})"; do
		refused "$name: not a sandbox name*" ctl box "$name" -- true
		refused "$name: not a sandbox name*" own box "$name" -- true
		refused "$name: not a sandbox name*" own rm --yes "$name"
	done
	refused "option -x: *" own box -x -- true
	run -0 ls -A "$boxes"
	[ "$output" = "" ]
}

@test "ls: one line for each sandbox, whether it runs, with how many sessions; as JSON it is JSON" {
	ssh_to agent true
	run -0 ctl ls
	[[ ${lines[0]} =~ ^NAME\ +STATE\ +SESSIONS$ ]]
	[[ ${lines[1]} =~ ^agent\ +running\ +0$ ]]
	mkfifo "$BATS_TEST_TMPDIR/in"
	ssh_to agent 'echo in; cat' <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 3>&- &
	exec 7>"$BATS_TEST_TMPDIR/in"
	wait_for 60 grep -q in "$BATS_TEST_TMPDIR/out"
	[ "$(ctl ls --json | jq -c .)" = '[{"name":"agent","state":"running","sessions":1}]' ]
	exec 7>&-
	wait
	run -0 ctl stop agent
	[ "$(ctl ls --json | jq -c .)" = '[{"name":"agent","state":"stopped","sessions":0}]' ]
	[ "$(ctl --json ls | jq -c .)" = '[{"name":"agent","state":"stopped","sessions":0}]' ]
	[ "$(own ls --json | jq -c .)" = '[]' ]
}

@test "ls: an output that can't be written is a failure" {
	status=0
	ctl ls >/dev/full 2>"$BATS_TEST_TMPDIR/err" || status=$?
	[ "$status" -eq 125 ]
	grep -q '^sandboxctl: stdout: No space left on device$' "$BATS_TEST_TMPDIR/err"
}

@test "stop: ends what runs in the sandbox, and the next login starts it again as it was" {
	ssh_to agent 'echo kept >/var/tmp/kept; sleep 1000 >/dev/null 2>&1 &'
	run --separate-stderr -0 ctl stop agent
	[ "$output$stderr" = "" ]
	run -1 pgrep -u agent podman-init
	run -0 ctl stop agent
	run -0 ssh_to agent 'cat /var/tmp/kept; pgrep sleep || echo none'
	[ "$output" = $'kept\nnone' ]
}

@test "policy check: good or not, of a file or of an account, with the place of what is wrong" {
	run -0 ctl policy check agent
	[ "$output" = "agent: good" ]
	run -0 ctl policy check /etc/sandbox-shell/policy.json
	[ "$output" = "/etc/sandbox-shell/policy.json: good" ]
	refused "no policy for account nosuch *" ctl policy check nosuch
	refused "../x: *" ctl policy check ../x
	refused "/nonexistent.json: No such file or directory" ctl policy check /nonexistent.json
	policy agent $'{"version":1,\n "imagee":1}'
	refused "/etc/sandbox-shell/policy.d/agent.json:2:2: imagee: unknown key: did you mean image?" ctl policy check agent
	refused "/etc/sandbox-shell/policy.d/agent.json:2:2: *" ctl policy check /etc/sandbox-shell/policy.d/agent.json
	refused "/etc/sandbox-shell/policy.d/agent.json:2:2: *" sandboxctl policy check agent
	own_policy draft '{"version":1,"limits":{"pids":1}}'
	refused "$boxes/draft/policy.json:1:31: limits.pids: 1 is below 8" as plain sandboxctl policy check "$boxes/draft/policy.json"
	rm -r "$boxes/draft"
}

@test "policy show: the policy in force, of the defaults and the account's own together, as JSON" {
	policy agent '{"version":1,"limits":{"pids":99,"enforce":"best-effort"},"env":{"set":{"A":"b\"c"}}}'
	run -0 ctl policy show agent
	[ "$(jq -r '.limits.pids, .image, .env.set.A, .network.mode' <<<"$output")" = \
		$'99\nlocalhost/sandbox-test:latest\nb"c\nisolated' ]
	run -0 sandboxctl policy schema
	[ "$(jq -r '.properties.limits.type' <<<"$output")" = object ]
}

@test "a person without a policy of root's has sandboxes of a folder of their own, each with its policy" {
	own_policy one "{$test_image,\"env\":{\"set\":{\"WHICH\":\"first\"}}}"
	own_policy two "{$test_image,\"network\":{\"mode\":\"none\"}}"
	run --separate-stderr -0 own box one -- sh -c 'id -un; hostname; echo $WHICH; touch here'
	[ "$output" = $'plain\none\nfirst' ]
	run -0 own box two -- sh -c 'hostname; ls /sys/class/net; ls here || true'
	[[ $output == $'two\nlo\n'* && $output != *$'\nhere' ]]
	[ -e "$boxes/one/home/here" ]
	[ "$(own ls --json | jq -c 'map(.name)')" = '["one","two"]' ]
	# By another way to the same folder they are the same sandboxes.
	run -0 as plain sh -c "cd $checkout && build/sandboxctl --dir sandboxes ls --json"
	[ "$(jq -c 'map(.state)' <<<"$output")" = '["running","running"]' ]
	# The setup.sh of the checkout has served.
	[ -d "$boxes/one/home/work" ]
	[ "$(as plain sandboxctl ls --json)" = '[]' ]
}

@test "a person's own policy is checked as strictly, and for its owner" {
	own_policy strict "{$test_image,\"image\":\"x\"}"
	refused "$boxes/strict/policy.json:1:* image: duplicate key*" own box strict -- true
	own_policy strict "{$test_image}"
	chmod 666 "$boxes/strict/policy.json"
	refused "$boxes/strict/policy.json: *writable by others*" own box strict -- true
	chmod 644 "$boxes/strict/policy.json"
	chown agent "$boxes/strict/policy.json"
	refused "$boxes/strict/policy.json: *belongs to uid*" own box strict -- true
	rm -r "$boxes/strict"
}

@test "a folder that isn't the caller's own holds no sandboxes of theirs" {
	refused "folder /: belongs to uid 0*" as plain sandboxctl --dir / box one -- true
	mkdir -m 755 /srv/roots
	refused "folder /srv/roots: belongs to uid 0*" as plain sandboxctl --dir /srv/roots box one -- true
	# Whoever may write there could have written the policy, too.
	install -d -o plain -m 777 /srv/open
	refused "/srv/open/one/policy.json: the folder open is writable by others*" \
		as plain sandboxctl --dir /srv/open box one -- true
}

@test "--dir makes other sandboxes, of other policies: what a login of the account gets it can't touch" {
	ssh_to agent 'echo login >/var/tmp/which'
	as agent mkdir -p /home/agent/mine/agent
	echo "{$test_image,\"privileges\":\"root\",\"network\":{\"mode\":\"none\"}}" >/home/agent/mine/agent/policy.json
	run -0 ctl --dir /home/agent/mine box agent -- sh -c 'ls /sys/class/net; cat /var/tmp/which || true'
	[ "${lines[0]}" = lo ]
	[[ $output != *login* ]]
	run -0 ssh_to agent 'cat /var/tmp/which; grep -c "^NoNewPrivs:.1" /proc/self/status; ls /sys/class/net'
	[ "$output" = $'login\n1\nlo\ntap0' ]
	[ "$(containers_of agent | wc -l)" -eq 2 ]
	run -0 ctl --dir /home/agent/mine rm --yes agent
	[ "$(containers_of agent)" = agent ]
	run -0 ssh_to agent 'cat /var/tmp/which'
	[ "$output" = login ]
}

@test "rm: without a terminal and --yes nothing is removed" {
	own_policy one "{$test_image}"
	own box one -- touch here
	refused "rm one: would remove *$boxes/one*--yes" own rm one </dev/null
	refused "rm one: *--yes" own rm one <<<y
	[ -e "$boxes/one/home/here" ]
	refused "nosuch: no such sandbox in $boxes" own rm nosuch </dev/null
	refused "nosuch: no such sandbox in $boxes" own rm --yes nosuch
	refused "../one: not a sandbox name*" own rm --yes ../one
}

@test "rm: on a terminal it asks, and only y removes" {
	own_policy one "{$test_image}"
	own box one -- touch here
	for answer in $'n\n' $'\n' $'no\n' $'\004'; do
		run -125 answered "$answer" "$checkout/build/sandboxctl --dir $boxes rm one"
		[[ $output == *"rm one: remove its container and all files in $boxes/one? [y/N] "* ]]
		[[ $output == *"sandboxctl: rm one: not done"* ]]
		[ -e "$boxes/one/home/here" ]
	done
	run -0 answered $'y\n' "$checkout/build/sandboxctl --dir $boxes rm one"
	[ ! -e "$boxes/one" ]
	run ! grep -x 'one.*' < <(containers_of plain)
}

@test "rm --yes: container, files, also of subordinate uids and modes that shut out; never what links lead to" {
	own_policy rooted "{$test_image,\"privileges\":\"root\"}"
	as plain mkdir -p /home/plain/precious
	as plain touch /home/plain/precious/file
	own box rooted -- sh -c 'mkdir -p deep/er; sudo chown -R 1:1 deep; sudo touch deep/er/file; sudo chmod 000 deep/er deep
		sudo mkdir root; sudo chmod 700 root; mkdir shut; touch shut/file; chmod 0 shut
		ln -s /home/plain/precious link; sudo ln -s /home/plain/precious root/link'
	[ "$(stat -c %u "$boxes/rooted/home/deep")" -gt 65536 ]
	run --separate-stderr -0 own rm --yes rooted
	[ "$output$stderr" = "" ]
	[ ! -e "$boxes/rooted" ]
	[ -e /home/plain/precious/file ]
	run ! grep rooted < <(containers_of plain)
	[ ! -e "/run/user/$(id -u plain)/sandbox-shell/rooted/state" ]
}

@test "rm --yes: also of a sandbox whose container has gone, and of one that is in use" {
	own_policy one "{$test_image}"
	own box one -- true
	as plain podman --storage-driver overlay rm --force --time 0 "$(containers_of plain | grep '^one')"
	run -0 own rm --yes one
	[ ! -e "$boxes/one" ]
	own_policy one "{$test_image}"
	mkfifo "$BATS_TEST_TMPDIR/in"
	own box one -- sh -c 'echo in; cat' <>"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>/dev/null 3>&- &
	session=$!
	wait_for 60 grep -q in "$BATS_TEST_TMPDIR/out"
	run -0 own rm --yes one
	status=0
	wait "$session" || status=$?
	[ "$status" -eq 125 ]
	[ ! -e "$boxes/one" ]
}

@test "make box, make ls and make rm in a checkout" {
	own_policy made "{$test_image}"
	run -0 as plain make -C "$checkout" --no-print-directory box NAME=made <<<'hostname; touch here'
	[ "$output" = made ]
	[ -e "$boxes/made/home/here" ]
	run -0 as plain make -C "$checkout" --no-print-directory ls
	[[ $output == *made*running* ]]
	run -2 as plain make -C "$checkout" --no-print-directory rm NAME=made </dev/null
	[[ $output == *"say --yes"* ]]
	run -0 answered $'y\n' "make -C $checkout --no-print-directory rm NAME=made"
	[ ! -e "$boxes/made" ]
	run -2 as plain make -C "$checkout" --no-print-directory box
	[[ $output == *"make box NAME=x"* ]]
}
