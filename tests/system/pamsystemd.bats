#!/usr/bin/env bats
# What pam_sandbox asks of systemd for an account, and what it believes: the kernel's files, not what systemctl
# said. What systemd makes of it is for the virtual machine.
#
# sanitizers: no (pamtester can't load a sanitized module; tests/unit/test_pam_*.c have it in that pass)

load common
load pam

setup_file() {
	use_test_image
	write_service
}

teardown() {
	if [[ -e /run/systemd/system ]]; then end_stand_in; fi
}

# stand_in_for_systemd: what pam_sandbox sees of systemd: its folder, the slice of the account with the
# kernel's files, and a systemctl that writes them as told. It shows what is asked of systemd, not what
# systemd makes of it: that is for the virtual machine.
stand_in_for_systemd() {
	slice=/sys/fs/cgroup/user.slice/user-$uid.slice
	mkdir -p /run/systemd/system /sys/fs/cgroup/user.slice
	mount -t tmpfs tmpfs /sys/fs/cgroup/user.slice
	mkdir -p "$slice"
	echo max | tee "$slice"/{memory,memory.swap,pids}.max >/dev/null
	echo max 100000 >"$slice/cpu.max"
	[[ ! -e /usr/bin/systemctl ]] || mv /usr/bin/systemctl /usr/bin/systemctl.real
	rm -f /run/asked
	cat >/usr/bin/systemctl <<-SYSTEMCTL
		#!/bin/bash
		echo "\$*" >>/run/asked
		env >/run/asked.env
		cd $slice
		if [[ \$1 == start ]]; then
			mkdir -p user@$uid.service /run/user/$uid
			chmod 700 /run/user/$uid && chown $uid:$uid /run/user/$uid
			echo 'populated 1' >user@$uid.service/cgroup.events
		fi
		for word; do
			value=\${word#*=}
			case \$word in
			MemoryMax=*) echo "\${value/infinity/max}" >memory.max ;;
			MemorySwapMax=*) echo "\${value/infinity/max}" >memory.swap.max ;;
			TasksMax=*) echo "\${value/infinity/max}" >pids.max ;;
			CPUQuota=) echo max 100000 >cpu.max ;;
			CPUQuota=*%) echo "\$(tr -d .% <<<"\$value")00 100000" >cpu.max ;;
			esac
		done
	SYSTEMCTL
	chmod 755 /usr/bin/systemctl
}

end_stand_in() {
	umount /sys/fs/cgroup/user.slice
	rmdir /run/systemd/system
	rm -f /usr/bin/systemctl
	[[ ! -e /usr/bin/systemctl.real ]] || mv /usr/bin/systemctl.real /usr/bin/systemctl
}

# open_and_close: one session.
open_and_close() {
	pamtester sandbox-test "$account" open_session close_session
}

@test "systemd is asked to start the user manager and to limit the slice, once, and again when the policy changes" {
	bare_account /bin/bash
	stand_in_for_systemd
	policy "$account" '{"version":1,"limits":{"memory":"512M","swap":0,"pids":100,"cpus":1.5,"sessions":10}}'
	run -0 open_and_close
	[ "$(cat /run/asked)" = "start --no-ask-password user@$uid.service
set-property --runtime --no-ask-password user-$uid.slice MemoryMax=847249408 MemorySwapMax=0 TasksMax=268 CPUQuota=250.0%" ]
	[ "$(grep -v '^\(PWD\|SHLVL\|_\|OLDPWD\)=' /run/asked.env | sort)" = $'LC_ALL=C\nPATH=/usr/bin:/bin' ]
	[ "$(cat "$slice/memory.max" "$slice/cpu.max")" = $'847249408\n250000 100000' ]
	# Nothing to do: nobody is asked. The runtime folder is systemd's, and stays; no cgroup is made.
	run -0 open_and_close
	[ "$(wc -l </run/asked)" = 2 ]
	[ -d "/run/user/$uid" ]
	[ ! -e "/sys/fs/cgroup/sandbox-shell/$account" ]
	# A limit that the policy has no longer is taken back, what it never had isn't touched.
	policy "$account" '{"version":1,"limits":{"pids":100,"sessions":10}}'
	echo 12345 >"$slice/cpu.weight"
	run -0 open_and_close
	[ "$(tail -n 1 /run/asked)" = "set-property --runtime --no-ask-password user-$uid.slice MemoryMax=infinity MemorySwapMax=infinity TasksMax=268 CPUQuota=" ]
	policy "$account" '{"version":1}'
	run -0 open_and_close
	[ "$(tail -n 1 /run/asked)" = "set-property --runtime --no-ask-password user-$uid.slice TasksMax=infinity" ]
	run -0 open_and_close
	[ "$(wc -l </run/asked)" = 4 ]
}

@test "a limit that the kernel doesn't show in force is denied, whatever systemctl said" {
	bare_account /bin/bash
	stand_in_for_systemd
	rm "$slice/memory.max" && mkdir "$slice/memory.max"
	policy "$account" '{"version":1,"limits":{"memory":"512M","pids":100,"enforce":"required"}}'
	run -1 open_and_close
	[[ $output == *"sandbox-shell: limits.memory: can't be enforced for the account: "* ]]
	policy "$account" '{"version":1,"limits":{"memory":"512M","pids":100,"enforce":"best-effort"}}'
	run -0 open_and_close
}

@test "a systemctl that fails, isn't there, or hangs denies, in bounded time" {
	bare_account /bin/bash
	stand_in_for_systemd
	printf '%s\n' '#!/bin/sh' 'echo "Failed to start: no luck" >&2' 'exit 4' >/usr/bin/systemctl
	run -1 open_and_close
	[[ $output == *"sandbox-shell: systemctl start: Failed to start: no luck"* ]]
	# Also for a caller that doesn't want to hear of its children.
	run -1 env --ignore-signal=CHLD pamtester sandbox-test "$account" open_session
	[[ $output == *"sandbox-shell: systemctl start: Failed to start: no luck"* ]]
	printf '%s\n' '#!/bin/sh' 'exit 0' >/usr/bin/systemctl
	run -1 open_and_close
	[[ $output == *"sandbox-shell: user@$uid.service: doesn't run"* ]]
	printf '%s\n' '#!/bin/sh' 'yes noise >&2 & exec sleep 1000' >/usr/bin/systemctl
	run -1 timeout 120 pamtester sandbox-test "$account" open_session
	[[ $output == *"sandbox-shell: systemctl start: "*"imed out"* ]]
	rm /usr/bin/systemctl
	run -1 open_and_close
	[[ $output == *"sandbox-shell: systemctl start: "* ]]
	none_counted
}

@test "without systemd's runtime folder the session is denied" {
	bare_account /bin/bash
	stand_in_for_systemd
	sed -i 's,/run/user/,/run/elsewhere/,g' /usr/bin/systemctl
	run -1 open_and_close
	[[ $output == *"sandbox-shell: runtime folder: /run/user/$uid: systemd-logind made none"* ]]
}
