# A Python, uv, and the locked packages in .venv. Sourced by setup.sh.
# shellcheck shell=sh disable=SC2154 # root, venv and cache are set in setup.sh

python_series='3.11 3.12 3.13'
python_fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'

fits() { "$1" -c "$python_fits" >/dev/null 2>&1; }

# Sets python: the one of the environment if there is one, else the first on the PATH that fits.
find_python() {
    if [ -n "${VINTAGE_PYTHON:-}" ]; then
        fits "$VINTAGE_PYTHON" || fail "VINTAGE_PYTHON=$VINTAGE_PYTHON is no Python of $python_series"
        python=$VINTAGE_PYTHON
        return
    fi
    if fits "$venv/bin/python"; then
        python=$venv/bin/python
        return
    fi
    for name in python3 python3.13 python3.12 python3.11 python; do
        # A name can be on the PATH several times, and the first need not be one that works.
        for candidate in $(on_path "$name"); do
            if fits "$candidate"; then
                python=$candidate
                return
            fi
        done
    done
    found=$(python3 --version 2>/dev/null || echo 'no Python at all')
    fail "no suitable Python: expected one of $python_series on the PATH, found $found" \
        "Debian 12 or later, Ubuntu 24.04 or later:  apt-get install python3 python3-venv" \
        "elsewhere: https://www.python.org/downloads/, then VINTAGE_PYTHON=/path/to/python3 make setup"
}

# Every file of that name on the PATH; folders with a space in their name are left out.
on_path() {
    printf '%s\n' "$PATH" | tr ':' '\n' | while IFS= read -r folder; do
        case $folder in *' '*) continue ;; esac
        [ -x "$folder/$1" ] && [ ! -d "$folder/$1" ] && printf '%s\n' "$folder/$1"
    done
    return 0
}

# Sets uv: the user's own if it can read the lock, else one in a private environment.
find_uv() {
    for uv in uv "$cache/uv-venv/bin/uv" "$cache/uv-target/bin/uv"; do
        if uv_fits "$uv"; then return; fi
    done
    say "installing uv into $cache (nothing of the system's Python is touched)"
    log=$cache/uv.log
    : >"$log"
    uv=$cache/uv-venv/bin/uv
    if uv_in_venv; then return; fi
    # Debian's python3 comes without ensurepip; a pip that is there can still put uv into a folder.
    if "$python" -m pip --version >/dev/null 2>&1 &&
        "$python" -m pip install -q --target "$cache/uv-target" 'uv>=0.8' >>"$log" 2>&1; then
        uv=$cache/uv-target/bin/uv
        return
    fi
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        if may_install && install_first "python$version-venv" python3-venv && uv_in_venv; then return; fi
        fail "$python can make no virtual environment (its venv or ensurepip is missing), and uv is not there" \
            "Debian or Ubuntu:  apt-get install python$version-venv" \
            "or install uv itself: https://docs.astral.sh/uv/"
    fi
    tail -n 3 "$log" >&2
    fail "uv could not be installed; the lines above say why (all of it: $log)" \
        "behind a proxy or a mirror, set pip's own variables (PIP_INDEX_URL, HTTPS_PROXY), or install uv yourself"
}

uv_in_venv() {
    rm -rf "$cache/uv-venv"
    "$python" -m venv "$cache/uv-venv" >>"$log" 2>&1 &&
        "$cache/uv-venv/bin/python" -m pip install -q 'uv>=0.8' >>"$log" 2>&1
}

# The lock's format needs a uv of 0.8 or later.
uv_fits() {
    number=$("$1" --version 2>/dev/null | sed -n 's/^uv \([0-9][0-9.]*\).*/\1/p')
    case $number in
        '' | 0.[0-7] | 0.[0-7].*) return 1 ;;
        *) return 0 ;;
    esac
}

# Brings .venv to the lock, unless it was brought there before.
sync_packages() {
    stamp=$cache/packages.stamp
    # The checkout's path counts: programs in .venv/bin name it.
    wanted=$({ cat uv.lock pyproject.toml; "$python" --version; echo "$root"; } | cksum)
    if [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
    find_uv
    begin packages "installing the locked packages into .venv"
    rm -f "$stamp"
    # Compiled once here: where PYTHONDONTWRITEBYTECODE is set, every task would compile all it imports again.
    # Somebody's active environment must not become ours.
    unset VIRTUAL_ENV
    if ! UV_PROJECT_ENVIRONMENT=$venv "$uv" sync --locked --all-extras --compile-bytecode --quiet --python "$python" </dev/null; then
        fail "the packages could not be installed; the lines above say why" \
            "run it again once that is mended: what was downloaded is kept"
    fi
    finished
    printf '%s\n' "$wanted" >"$stamp.$$"
    mv -f "$stamp.$$" "$stamp"
}
