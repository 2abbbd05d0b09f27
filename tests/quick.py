"""What makes the JVMs of tests quick, which have a handful of rows to work on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

QUICK_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=240m"
"""The quick compiler alone, with as much room for its code as both have together, and one collector thread.

By itself it has 48 MiB, which the suite's session fills: then the JVM sweeps, and compiles no more.
"""

QUICK_PLANS = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
"""No code compiled for each plan: over a few rows, most of the time goes there."""

FEW_DEFAULTS = {"spark.driver.extraClassPath": str(Path(__file__).parent / "hadoop")}
"""Hadoop's defaults of YARN and MapReduce, empty: two thirds of what every read and write sends to its tasks.

Not for a JVM with an archive of classes, which holds for one class path.
"""


def remember_names_of_java() -> None:
    """Has py4j look up a Java package or class once.

    Otherwise it asks for each part of `jvm.org.apache.spark…` again, and the JVM looks for a class of that
    name in all of its jars, of which Spark has 287.
    """
    from py4j.java_gateway import JavaClass, JavaPackage, JVMView

    def remembering(kind: type) -> None:
        ask = kind.__getattr__  # type: ignore[attr-defined]

        def look_up(self: Any, name: str) -> Any:
            found = ask(self, name)
            if isinstance(found, JavaPackage | JavaClass):
                self.__dict__[name] = found
            return found

        kind.__getattr__ = look_up  # type: ignore[attr-defined]

    for kind in (JVMView, JavaPackage):
        remembering(kind)


AN_OLD_CPU = {
    "JAVA_TOOL_OPTIONS": f"-XX:UseAVX=0 {QUICK_JVM}",
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F,-AVX512VL,-AVX512DQ",
}
"""As the JVM, numpy, its BLAS and the C library see a CPU whose vectors hold two numbers."""


def cpu_of_executors() -> dict[str, str]:
    """Settings that give executors the CPU of AN_OLD_CPU where their driver has it."""
    return {f"spark.executorEnv.{name}": os.environ[name] for name in AN_OLD_CPU if name in os.environ}
