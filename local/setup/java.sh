# A Java that Spark runs on. Sourced by setup.sh.
# shellcheck shell=sh

oldest_java=17
# Spark 4.1 is tested on 17 and 21; a later one is taken when there is no other.
newest_tested_java=21
# A cut-down runtime may lack what Spark needs.
java_modules=java.sql,java.management,java.naming,java.security.jgss,jdk.incubator.vector,jdk.unsupported

# The major version of a Java home, or nothing.
java_major() {
    "$1/bin/java" -version 2>&1 | sed -n 's/.* version "\(1\.\)\{0,1\}\([0-9][0-9]*\).*/\2/p' | head -n 1
}

# The homes where a Java may be, the likeliest first, one a line.
java_homes() {
    if [ -n "${JAVA_HOME:-}" ]; then printf '%s\n' "$JAVA_HOME"; fi
    # The java on the PATH may be a link or a wrapper, so it is asked where it lives.
    if have java; then java -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java\.home = //p'; fi
    for folder in "${VINTAGE_JVM_DIR:-/usr/lib/jvm}"/*; do
        if [ -x "$folder/bin/java" ]; then printf '%s\n' "$folder"; fi
    done
}

# Sets java_home from the homes on standard input to the first whose version is within the bounds.
choose_java() {
    while IFS= read -r home; do
        [ -n "$home" ] || continue
        major=$(java_major "$home")
        [ -n "$major" ] && [ "$major" -ge "$1" ] && [ "$major" -le "$2" ] || continue
        "$home/bin/java" --add-modules="$java_modules" -version >/dev/null 2>&1 || continue
        printf '%s\n' "$home"
        return 0
    done
    return 1
}

look_for_java() {
    # A person who set JAVA_HOME chose it, whatever else there is.
    if [ -n "${JAVA_HOME:-}" ] && java_home=$(printf '%s\n' "$JAVA_HOME" | choose_java "$oldest_java" 999); then
        return 0
    fi
    homes=$(java_homes)
    java_home=$(printf '%s\n' "$homes" | choose_java "$oldest_java" "$newest_tested_java") ||
        java_home=$(printf '%s\n' "$homes" | choose_java "$oldest_java" 999)
}

# Sets java_home, installing a Java where that is allowed.
find_java() {
    if look_for_java; then
        if [ -n "${JAVA_HOME:-}" ] && [ "$java_home" != "$JAVA_HOME" ]; then
            say "JAVA_HOME=$JAVA_HOME is no Java $oldest_java or later with the modules Spark needs; using $java_home"
        fi
        return
    fi
    if may_install && install_first openjdk-17-jre-headless openjdk-21-jre-headless && look_for_java; then return; fi
    found=$(java_homes | while IFS= read -r home; do printf '%s in %s; ' "$(java_major "$home")" "$home"; done)
    fail "no suitable Java: expected $oldest_java or later, found ${found:-none}" \
        "Debian 12, Ubuntu:   apt-get install openjdk-17-jre-headless" \
        "Debian 13 or later:  apt-get install openjdk-21-jre-headless" \
        "elsewhere: https://adoptium.net/, then JAVA_HOME=/path/to/it make setup"
}
