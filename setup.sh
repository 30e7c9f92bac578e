#!/bin/sh
# setup.sh - prepares a new sandbox, from inside it, before the first session starts.
#
# It runs as the sandbox's own unprivileged user, with HOME as the working directory and no terminal.
# What it prints goes to setup.log beside the sandbox, and to the person who waits for it. If it ends
# with anything but 0 the login is refused and the next login runs it again, so every step must be fit
# to be repeated. Edit this copy (/etc/sandbox-shell/setup.sh), or name another in a policy: "setup".
#
#   SANDBOX_NEW=1   the home was just made; 0: the home has been used before, the container is new
#
# Be quick: the first login waits for it. Fetch big things in the background, or put them in the image.
set -eu

# The rest is for a home that has never been used: what its owner has changed since is theirs, and
# nothing they did to it may make this fail, for then nobody gets in any more.
[ "${SANDBOX_NEW:-0}" = 1 ] || exit 0

# Shell start-up files, as a new account on this distribution would get them. Never replace any.
for file in .profile .bashrc .bash_logout; do
	if [ -e "/etc/skel/$file" ] && [ ! -e "$HOME/$file" ] && [ ! -L "$HOME/$file" ]; then
		cp "/etc/skel/$file" "$HOME/$file"
	fi
done

mkdir -p "$HOME/work" "$HOME/.local/bin" "$HOME/.cache" "$HOME/.config"

# Git: no questions and no surprises in a place where nobody watches. A name and an address are not
# invented here: git asks for them at the first commit.
if command -v git >/dev/null 2>&1 && [ ! -e "$HOME/.gitconfig" ]; then
	git config --global init.defaultBranch main
	git config --global pull.ff only
	git config --global fetch.prune true
	git config --global transfer.fsckObjects true
	git config --global advice.detachedHead false
fi

# Examples of what an operator may add:
#   git clone --depth 1 https://git.example.org/team/project.git "$HOME/work/project"
#   python3 -m venv "$HOME/.venv"
#   printf '%s\n' 'export EDITOR=vim' >>"$HOME/.profile"
