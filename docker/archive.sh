#!/bin/sh
# Makes the archive of Spark's classes for the image, as local/setup.sh makes a checkout's.
#
#   docker/archive.sh FILE        with JAVA_HOME set and .venv ready
#
# A JVM does without it, so that a failure is told and is none.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
cd "$root"
# Both files expect them.
venv=$root/.venv
java_home=$JAVA_HOME

# shellcheck source=local/setup/words.sh
. local/setup/words.sh
# shellcheck source=local/setup/archive.sh
. local/setup/archive.sh

find_spark
log=$(mktemp)
if archive_classes "$1" >"$log" 2>&1 && is_used "$1" 2>>"$log"; then
    say "the archive has $(size_of "$1") bytes"
else
    rm -f "$1"
    tail -n 20 "$log" >&2
    say "no archive could be made, so jobs start some seconds slower"
fi
rm -f "$log"
