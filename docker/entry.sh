#!/bin/sh
# Begins every program of the image: what it writes is its user's alone, unless VINTAGE_UMASK says otherwise.
set -eu

umask "${VINTAGE_UMASK:-077}"
exec "$@"
