# What the set-up says, and how it writes a word down for the shell. Sourced by setup.sh.
# shellcheck shell=sh

say() { printf 'setup: %s\n' "$*" >&2; }

fail() {
    say "$1"
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

# A word as the shell must read it again, whatever is in it.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }
