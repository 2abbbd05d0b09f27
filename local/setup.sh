#!/bin/sh
# Prepares this checkout to run: a Python, uv, the locked environment, a Java, the jar of ordered
# execution, the JVM's class archive.
#
#   local/setup.sh            prepare whatever is not ready yet; quick when all of it is
#   . .cache/env.sh           then use it
#
# Nothing outside the checkout is changed, save that a missing Java (or Debian's python3-venv) is installed with
# apt-get where this user may. VINTAGE_INSTALL=never forbids that.
# Choices of one's own: VINTAGE_PYTHON (a Python to use), JAVA_HOME (a Java to use).
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root"
venv=$root/.venv
cache=$root/.cache

# shellcheck source=local/setup/words.sh
. local/setup/words.sh
# shellcheck source=local/setup/system.sh
. local/setup/system.sh
# shellcheck source=local/setup/python.sh
. local/setup/python.sh
# shellcheck source=local/setup/java.sh
. local/setup/java.sh
# shellcheck source=local/setup/archive.sh
. local/setup/archive.sh
# shellcheck source=local/setup/ordered.sh
. local/setup/ordered.sh

write_environment() {
    cat >"$cache/env.sh.$$" <<END
# Written by local/setup.sh.
export JAVA_HOME=$(quoted "$java_home")
export SPARK_HOME=$(quoted "$spark_home")
export PYSPARK_PYTHON=$(quoted "$venv/bin/python")
export PYSPARK_DRIVER_PYTHON=$(quoted "$venv/bin/python")
export PATH=$(quoted "$venv/bin"):$(quoted "$java_home/bin"):"\$PATH"
export VINTAGE_CDS_ARCHIVE=$(quoted "$archive")
# What a person has set stays.
[ -n "\${VINTAGE_HOME:-}" ] || export VINTAGE_HOME=$(quoted "$root")
END
    mv -f "$cache/env.sh.$$" "$cache/env.sh"
}

# What is below data/ is its owner's alone, whatever wrote it; VINTAGE_UMASK is for who shares it with a group.
close_data() {
    data=${VINTAGE_HOME:-$root}/data
    if [ -z "${VINTAGE_UMASK:-}" ] && [ -d "$data" ]; then
        chmod -R go-rwx "$data" || echo "setup: some of $data can be read by others, and is not yours to close" >&2
    fi
}

mkdir -p "$cache"
# However it ends, no clock goes on.
trap stop_clock EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
close_data
find_python
# First what may end the set-up with a question to the user, then what takes long.
find_java
sync_packages
find_spark
make_ordered_jar
make_archive
write_environment
