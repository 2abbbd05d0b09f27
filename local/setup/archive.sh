# The archive of the classes that a job's JVM loads, so that each spark-submit starts quicker. Sourced by setup.sh.
# shellcheck shell=sh disable=SC2154 # root, venv and cache are set in setup.sh, java_home in java.sh

find_spark() {
    spark_home=$("$venv/bin/python" -c \
        'from importlib.util import find_spec; print(find_spec("pyspark").submodule_search_locations[0])')
}

# Sets archive: a file whose name changes with the JVM and with Spark's jars, because a JVM ignores an archive of others.
make_archive() {
    archive=
    # The JVM compares jars by URL, so classes of a path that a URL must escape are never taken from an archive.
    case $root$spark_home in
        *[!A-Za-z0-9/._@+=-]*)
            [ -f "$cache/no-archive" ] ||
                say "this folder's path has a character that JVM archives do not support; jobs start some seconds slower"
            : >"$cache/no-archive"
            return
            ;;
    esac
    identity=$({ "$java_home/bin/java" -version 2>&1; echo "$java_home $spark_home"; jars_of "$spark_home"; } | cksum)
    archive=$root/data/cds/spark-$(echo "$identity" | tr ' ' '-').jsa
    # A truncated archive would crash every JVM that maps it, so its size is held against the one it was made with.
    if [ -f "$archive" ] && [ "$(size_of "$archive")" = "$(cat "$archive.size" 2>/dev/null)" ]; then return; fi
    if [ -f "$archive.failed" ]; then return; fi
    begin archive "building the archive of Spark's classes: once, about a minute (log: data/cds/build.log)"
    mkdir -p data/cds
    part=$root/data/cds/.building-$$.jsa
    log=$root/data/cds/build.log
    if archive_classes "$part" >"$log" 2>&1 && is_used "$part" 2>>"$log"; then
        find data/cds -name 'spark-*' -exec rm -f {} +
        size_of "$part" >"$archive.size"
        mv -f "$part" "$archive"
        finished
    else
        stop_clock
        rm -f "$part"
        mv -f "$log" "$archive.failed"
        say "no archive could be made, so jobs start some seconds slower (why: $archive.failed; delete it to try again)"
        archive=
    fi
}

# Names, sizes and times. Not the number of links: it grows with each environment that uv links to its cache.
jars_of() { ls -lL "$1/jars" | sed 's/^\([^ ]* *\)[0-9]* /\1/'; }

size_of() { wc -c <"$1" | tr -d ' '; }

archive_classes() {
    submit --master 'local[2]' --conf spark.ui.enabled=false --conf spark.driver.memory=1g \
        --conf "spark.driver.extraJavaOptions=-XX:ArchiveClassesAtExit=$1 -XX:MaxVectorSize=16 -Xlog:cds=error" \
        local/archive_job.py
}

# Whether a JVM finds the archive whole and takes Spark's classes from it.
is_used() {
    [ -s "$1" ] &&
        SPARK_SUBMIT_OPTS="-XX:SharedArchiveFile=$1 -Xshare:auto -XX:+VerifySharedSpaces -Xlog:class+load" \
            submit --version 2>&1 | grep -q 'org.apache.spark.* source: shared objects file (top)'
}

submit() {
    JAVA_HOME=$java_home SPARK_HOME=$spark_home SPARK_LOCAL_IP=127.0.0.1 \
        PYSPARK_PYTHON=$venv/bin/python PYSPARK_DRIVER_PYTHON=$venv/bin/python \
        "$spark_home/bin/spark-submit" "$@" </dev/null
}
