"""What makes the JVMs of tests quick, which have a handful of rows to work on."""

from __future__ import annotations

QUICK_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:ReservedCodeCacheSize=240m"
"""The quick compiler alone, with as much room for its code as both have together, and one collector thread.

By itself it has 48 MiB, which the suite's session fills: then the JVM sweeps, and compiles no more.
"""

QUICK_PLANS = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
"""No code compiled for each plan: over a few rows, most of the time goes there."""

AN_OLD_CPU = {
    "JAVA_TOOL_OPTIONS": f"-XX:UseAVX=0 {QUICK_JVM}",
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F,-AVX512VL,-AVX512DQ",
}
"""As the JVM, numpy, its BLAS and the C library see a CPU whose vectors hold two numbers."""
