# The jar of ordered execution (jvm/), which every job that fits or applies a model runs with. Sourced by setup.sh.
# shellcheck shell=sh disable=SC2154 # venv is set in setup.sh, java_home in java.sh

make_ordered_jar() {
    JAVA_HOME=$java_home "$venv/bin/python" -m vintage.ordered_jar </dev/null ||
        fail "ordered execution could not be compiled; the lines above say why"
}
