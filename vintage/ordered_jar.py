"""Compile the Scala parts, `jvm/` and `data/profile.scala`, with the Scala compiler among Spark's own jars.

    python -m vintage.ordered_jar        once on each machine, or in its image

A JRE is enough: that of JAVA_HOME, else the `java` of the path. Nothing happens when the jar of these sources
and this Spark is there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from vintage.ordered import jar, sources


def main() -> int:
    """Compile the JAR unless it exists; return 0, or the exit code of the compiler."""
    target = jar()
    if target.is_file():
        return 0
    pyspark = find_spec("pyspark")
    if pyspark is None or pyspark.origin is None:
        sys.stderr.write("pyspark is not installed\n")
        return 1
    sys.stderr.write("setup: compiling the Scala parts: once, some ten seconds\n")
    target.parent.mkdir(exist_ok=True)
    part = target.with_name(f".{os.getpid()}.jar")
    home = os.environ.get("JAVA_HOME")
    java = Path(home, "bin", "java") if home else Path("java")
    jars = Path(pyspark.origin).parent / "jars" / "*"
    options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xss4m", "-cp", str(jars)]
    compiler = ["scala.tools.nsc.Main", "-usejavacp", "-deprecation", "-Werror", "-d", str(part)]
    ended = subprocess.run([str(java), *options, *compiler, *map(str, sources())], check=False)
    if ended.returncode == 0:
        part.replace(target)
    part.unlink(missing_ok=True)
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
