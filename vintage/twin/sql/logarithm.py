"""The logarithm as Java's `StrictMath.log` computes it, which Spark's LN is.

The algorithm and its constants are those of `e_log.c` of fdlibm 5.3, by which Java defines it: "Developed at
SunSoft, a Sun Microsystems, Inc. business. Permission to use, copy, modify, and distribute this software is
freely granted, provided that this notice is preserved."
"""

from __future__ import annotations

import math
import struct
from typing import Final

from vintage.twin.sql.operations import simple

_LN2_HIGH: Final = 6.93147180369123816490e-01
_LN2_LOW: Final = 1.90821492927058770002e-10
_EVEN: Final = (3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01)
_ODD: Final = (
    6.666666666666735130e-01,
    2.857142874366239149e-01,
    1.818357216161805012e-01,
    1.479819860511658591e-01,
)
_MANTISSA: Final = 0x000FFFFF
_SMALLEST_NORMAL: Final = 2.0**-1022


@simple("ln")
def ln(x: float) -> float | None:
    """Return the natural logarithm to the last bit; None where there is none, as Spark has it."""
    if x <= 0:
        return None
    if not math.isfinite(x):
        return x
    power = 0
    if x < _SMALLEST_NORMAL:
        power, x = -54, x * 2.0**54
    high, low = divmod(struct.unpack("Q", struct.pack("d", x))[0], 1 << 32)
    power += (high >> 20) - 1023
    high &= _MANTISSA
    carry = (high + 0x95F64) & 0x100000
    [x] = struct.unpack("d", struct.pack("Q", ((high | (carry ^ 0x3FF00000)) << 32) | low))
    power += carry >> 20
    return _near_one(x - 1.0, power, high)


def _near_one(f: float, power: int, high: int) -> float:
    """Return log(1 + f) + power · log 2, of an f from √2/2 - 1 to √2 - 1."""
    more, less = power * _LN2_HIGH, power * _LN2_LOW
    if (_MANTISSA & (2 + high)) < 3:  # noqa: PLR2004 - f is so small that two terms are enough
        if f == 0:
            return more + less if power else 0.0
        rest = f * f * (0.5 - 0.33333333333333333 * f)
        return more - ((rest - less) - f) if power else f - rest
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (_EVEN[0] + w * (_EVEN[1] + w * _EVEN[2]))
    odd = z * (_ODD[0] + w * (_ODD[1] + w * (_ODD[2] + w * _ODD[3])))
    rest = odd + even
    if ((high - 0x6147A) | (0x6B851 - high)) > 0:
        half = 0.5 * f * f
        if power == 0:
            return f - (half - s * (half + rest))
        return more - ((half - (s * (half + rest) + less)) - f)
    return more - ((s * (f - rest) - less) - f) if power else f - s * (f - rest)
