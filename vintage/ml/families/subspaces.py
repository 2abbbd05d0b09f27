"""How far two subspaces lie apart, to the same last bit on every CPU."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# numpy's own products and singular values come from a BLAS that adds as the CPU at hand does it fastest.
_SWEEPS: Final = 60


def subspace_change(ours: Floats, theirs: Floats) -> float:
    """Return the sine of the largest principal angle between the spans of two matrices' orthonormal columns.

    It is the spectral norm of what is left of the smaller span outside of the larger, |(I - QQᵀ)P|₂
    (Björck and Golub, 1973), which is precise for small angles too.
    """
    smaller, larger = sorted((ours, theirs), key=lambda matrix: matrix.shape[1])
    outside = smaller - product(larger, product(larger.T, smaller))
    return min(1.0, spectral_norm(outside))


def product(left: Floats, right: Floats) -> Floats:
    """Return the product of two matrices, each element added up in one order."""
    return np.stack([(left * column).sum(axis=1) for column in right.T], axis=1)


def spectral_norm(matrix: Floats) -> float:
    """Return the largest singular value of a matrix that has no more columns than rows, nor none.

    By one-sided Jacobi rotations (Hestenes, 1958): pairs of columns are turned until all are orthogonal;
    their lengths are the singular values then.
    """
    # A sum of so many products is off by that much, so that no more can be asked for.
    right_angle = sys.float_info.epsilon * math.sqrt(len(matrix))
    columns = [column.copy() for column in matrix.T]
    for _ in range(_SWEEPS):
        turned = False
        for first in range(len(columns) - 1):
            for second in range(first + 1, len(columns)):
                one, other = columns[first], columns[second]
                squares, others = float((one * one).sum()), float((other * other).sum())
                both = float((one * other).sum())
                if abs(both) <= right_angle * math.sqrt(squares) * math.sqrt(others):
                    continue
                turned = True
                ratio = (others - squares) / (2 * both)
                tangent = math.copysign(1.0, ratio) / (abs(ratio) + math.sqrt(1 + ratio * ratio))
                cosine = 1 / math.sqrt(1 + tangent * tangent)
                sine = cosine * tangent
                columns[first], columns[second] = cosine * one - sine * other, sine * one + cosine * other
        if not turned:
            break
    return max(math.sqrt(float((column * column).sum())) for column in columns)
