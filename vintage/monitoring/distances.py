"""How far two distributions are from each other, from counts in the same bins; one pair a row.

Every function takes two arrays of shape (pairs, bins) of counts, the reference's first, and returns one
number a pair: 0 where the shares are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.float64]

PSEUDO_COUNT: Final = 0.5
"""What each bin has besides, so that an empty one has a logarithm (Krichevsky and Trofimov, 1981)."""


def shares(counts: Counts, pseudo: float = 0.0) -> Counts:
    """Return the share of each bin; 0 where there is nothing."""
    given = counts + pseudo
    total = given.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(given, total, out=np.zeros_like(given), where=total > 0))


def population_stability(reference: Counts, found: Counts) -> NDArray[np.float64]:
    """Return the population stability index, Σ (q - p) ln(q / p); 0.1 is called small, above 0.25 large.

    Source: Siddiqi, Credit Risk Scorecards, Wiley 2006; it is Kullback and Leibler's J divergence (1951).
    """
    p, q = shares(reference, PSEUDO_COUNT), shares(found, PSEUDO_COUNT)
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1))


def jensen_shannon(reference: Counts, found: Counts) -> NDArray[np.float64]:
    """Return the Jensen-Shannon divergence in bits, 0 to 1.

    Source: Lin, Divergence Measures Based on the Shannon Entropy, IEEE Trans. Inf. Theory 37 (1991).
    """
    p, q = shares(reference), shares(found)
    middle = (p + q) / 2
    return np.asarray((_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2)


def kolmogorov_smirnov(reference: Counts, found: Counts) -> NDArray[np.float64]:
    """Return the largest difference between the two cumulative shares, 0 to 1; the bins are in their order.

    Source: Smirnov, Table for Estimating the Goodness of Fit of Empirical Distributions (1948). It is used as
    a size of effect: its p-value calls any difference significant once there are enough rows.
    """
    differences = np.abs(shares(found).cumsum(axis=-1) - shares(reference).cumsum(axis=-1))
    return np.asarray(differences.max(axis=-1, initial=0.0))


def largest_difference(reference: Counts, found: Counts) -> NDArray[np.float64]:
    """Return L∞: the largest difference of a share, 0 to 1."""
    return np.asarray(np.abs(shares(found) - shares(reference)).max(axis=-1, initial=0.0))


def _relative_entropy(p: Counts, q: Counts) -> NDArray[np.float64]:
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return np.asarray((p * np.log2(ratio)).sum(axis=-1))
