# What the set-up says, and how it writes a word down for the shell. Sourced by setup.sh.
# shellcheck shell=sh

say() { printf 'setup: %s\n' "$*" >&2; }

# Says what begins and how long it took last time; on a terminal the seconds go on until `finished`.
# $1: its name in a file, $2: what is done.
begin() {
    doing=$1
    began=$(date +%s)
    took=$(cat "$cache/took-$doing" 2>/dev/null || true)
    say "$2${took:+ (last time $took s)}"
    [ -t 2 ] || return 0
    while sleep 1; do
        printf '\r       %s s' "$(($(date +%s) - began))" >&2
    done &
    clock=$!
}

# Says how long it took, for the next time too.
finished() {
    stop_clock
    took=$(($(date +%s) - began))
    printf '%s\n' "$took" >"$cache/took-$doing"
    say "  done after $took s"
}

stop_clock() {
    [ -n "${clock:-}" ] || return 0
    kill "$clock" 2>/dev/null || true
    wait "$clock" 2>/dev/null || true
    clock=
    printf '\r\033[K' >&2
}

fail() {
    stop_clock
    say "$1"
    shift
    for line in "$@"; do printf '       %s\n' "$line" >&2; done
    exit 1
}

# A word as the shell must read it again, whatever is in it.
quoted() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }
