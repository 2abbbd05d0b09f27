"""Products and angles without a BLAS are what numpy gives with one, but for the last bits."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from vintage.ml.families.subspaces import product, spectral_norm, subspace_change

# With numpy's own products and norm, these two CPUs print two numbers.
PRINTED = """
import numpy as np
from vintage.ml.families.subspaces import product, spectral_norm
spans = [np.linspace(start, start + 1, 240).reshape(48, 5) % 0.37 for start in (0.0, 0.1)]
for span in spans:
    for place in range(5):
        for before in range(place):
            span[:, place] -= (span[:, before] * span[:, place]).sum() * span[:, before]
        span[:, place] /= (span[:, place] * span[:, place]).sum() ** 0.5
ours, theirs = spans
print(repr(spectral_norm(ours - product(theirs, product(theirs.T, ours)))))
"""


def test_spans_of_other_sizes_and_signs() -> None:
    plane = np.eye(3)[:, :2]
    assert subspace_change(plane, -plane[:, ::-1]) == 0.0
    assert subspace_change(plane, np.eye(3)[:, :1]) == 0.0
    assert subspace_change(np.eye(3)[:, 2:], plane) == 1.0
    turned = np.array([[1.0], [1e-9], [0.0]])
    assert subspace_change(np.eye(3)[:, :1], turned) == pytest.approx(1e-9)


@pytest.mark.parametrize(("rows", "columns"), [(5, 1), (64, 10), (300, 12)])
@pytest.mark.parametrize("scale", [1.0, 1e-12])
def test_the_norm_and_the_product_are_numpys(rows: int, columns: int, scale: float) -> None:
    random = np.random.default_rng(rows)
    matrix = random.normal(size=(rows, columns)) * scale
    assert spectral_norm(matrix) == pytest.approx(np.linalg.norm(matrix, ord=2), rel=1e-12)
    other = random.normal(size=(columns, 3))
    assert product(matrix, other) == pytest.approx(matrix @ other, rel=1e-12, abs=1e-12 * scale)


def test_columns_that_are_alike_or_nothing() -> None:
    assert spectral_norm(np.ones((6, 3))) == pytest.approx(18**0.5)
    assert spectral_norm(np.zeros((4, 2))) == 0.0


def test_an_older_cpu_gives_the_same_bits() -> None:
    def printed(**given: str) -> float:
        ended = subprocess.run(
            [sys.executable, "-c", PRINTED],
            env={**os.environ, **given},
            capture_output=True,
            text=True,
            check=True,
        )
        return float(ended.stdout)

    assert printed(OPENBLAS_CORETYPE="Nehalem") == printed()
