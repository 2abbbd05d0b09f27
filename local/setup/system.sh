# System packages, where this user may install them. Sourced by setup.sh.
# shellcheck shell=sh disable=SC2154 # root, venv and cache are set in setup.sh

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root, without ever asking for a password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

may_install() {
    [ "${VINTAGE_INSTALL:-}" != never ] && have apt-get || return 1
    [ "$(id -u)" -eq 0 ] || { have sudo && sudo -n true 2>/dev/null; }
}

# Installs the first of the named packages that the distribution has; its log goes to the cache.
install_first() {
    log=$cache/apt.log
    say "installing $1 (log: $log)"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update </dev/null >"$log" 2>&1 || true
    for package in "$@"; do
        if as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get -q install -y --no-install-recommends "$package" </dev/null >>"$log" 2>&1; then
            return 0
        fi
    done
    tail -n 3 "$log" >&2
    return 1
}
