"""Intervals hold the true value as often as they say, and agree with closed forms where there are some."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn import metrics as reference

from vintage.ml.families.bootstrap import gain_intervals, intervals
from vintage.ml.families.cells import Cells
from vintage.ml.families.jackknife import GROUPS, interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def cells_of(labels: Floats, scores: Floats) -> Cells:
    """One cell a row, as a small holdout has."""
    loss = -np.log(np.where(labels == 1, scores, 1 - scores))
    ones = np.ones(len(labels))
    return Cells(labels, (scores > 0.5).astype(float), scores, ones.astype(np.int64), loss, ones, ones)


def drawn(seed: int, rows: int, lift: float = 0.2) -> tuple[Floats, Floats]:
    """Labels, a third of them 1, and scores that tell them a little."""
    random = np.random.default_rng(seed)
    labels = (random.random(rows) < 1 / 3).astype(float)
    return labels, np.clip(random.normal(0.4 + lift * labels, 0.15), 0.01, 0.99)


def delong(labels: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """How each positive ranks among the negatives, and each negative among the positives (DeLong 1988)."""
    above = (scores[labels == 1][:, None] > scores[labels == 0][None, :]).astype(float)
    above += 0.5 * (scores[labels == 1][:, None] == scores[labels == 0][None, :])
    return above.mean(axis=1), 1 - above.mean(axis=0)


def test_the_area_s_interval_is_that_of_delong() -> None:
    labels, scores = drawn(1, 2000)
    found = intervals(cells_of(labels, scores), confidence=0.95, seed=1)["areaUnderROC"]
    of_positive, of_negative = delong(labels, scores)
    error = math.sqrt(of_positive.var(ddof=1) / len(of_positive) + of_negative.var(ddof=1) / len(of_negative))
    area = reference.roc_auc_score(labels, scores)
    assert found.low == pytest.approx(area - 1.96 * error, abs=0.2 * error)
    assert found.high == pytest.approx(area + 1.96 * error, abs=0.2 * error)


def test_a_share_s_interval_is_that_of_the_binomial() -> None:
    labels, scores = drawn(2, 4000)
    cells = cells_of(labels, scores)
    accuracy = cells.values()["accuracy"]
    found = intervals(cells, confidence=0.9, seed=1)["accuracy"]
    error = math.sqrt(accuracy * (1 - accuracy) / len(labels))
    assert (found.high - found.low) / 2 == pytest.approx(1.645 * error, rel=0.12)


def test_nine_in_ten_samples_have_the_truth_in_their_interval() -> None:
    metrics = ("areaUnderROC", "areaUnderPR", "logLoss", "f1", "accuracy")
    truth = cells_of(*drawn(0, 200_000)).values()
    held = dict.fromkeys(metrics, 0)
    for seed in range(1, 151):
        found = intervals(cells_of(*drawn(seed, 400)), confidence=0.9, seed=seed)
        for name in metrics:
            held[name] += found[name].low <= truth[name] <= found[name].high
    # Binomial: 135 of 150 are expected, give or take 3.7.
    assert {name for name, times in held.items() if not 121 <= times <= 147} == set()


def test_a_gain_s_interval_is_narrower_than_the_models_own_as_both_answer_the_same_rows() -> None:
    labels, scores = drawn(3, 3000)
    nearly = np.clip(scores + np.random.default_rng(9).normal(0, 0.02, len(scores)), 0.01, 0.99)
    ours, theirs = cells_of(labels, scores), cells_of(labels, nearly)
    gain = ours.values()["areaUnderROC"] - theirs.values()["areaUnderROC"]
    found = gain_intervals(ours, theirs, {"areaUnderROC": gain}, confidence=0.95, seed=1)["areaUnderROC"]
    of_one = intervals(ours, confidence=0.95, seed=1)["areaUnderROC"]
    (a, b), (c, d) = delong(labels, scores), delong(labels, nearly)
    error = math.sqrt((a - c).var(ddof=1) / len(a) + (b - d).var(ddof=1) / len(b))
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.15)
    assert found.high - found.low < (of_one.high - of_one.low) / 3
    assert found.low <= gain <= found.high


def test_a_model_gains_nothing_on_itself() -> None:
    cells = cells_of(*drawn(4, 500))
    gains = dict.fromkeys(cells.values(), 0.0)
    found = gain_intervals(cells, cells, gains, confidence=0.95, seed=1)
    assert {(each.low, each.high) for each in found.values()} == {(0.0, 0.0)}


def test_coarser_cells_hold_the_same_rows_and_rank_them_nearly_alike() -> None:
    cells = cells_of(*drawn(5, 20_000))
    coarse = cells.coarser(256)
    assert coarse.total == cells.total
    assert len(coarse.rows) <= 2 * 2 * 256
    ours, theirs = cells.values(), coarse.values()
    assert theirs["accuracy"] == ours["accuracy"]
    assert theirs["logLoss"] == pytest.approx(ours["logLoss"], rel=1e-12)
    assert theirs["areaUnderROC"] == pytest.approx(ours["areaUnderROC"], abs=2e-4)


def test_the_same_seed_gives_the_same_interval() -> None:
    cells = cells_of(*drawn(6, 300))
    first, again, other = (intervals(cells, confidence=0.95, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_what_most_resamples_do_not_define_has_no_interval() -> None:
    """Two rows of one class in a hundred: a seventh of the resamples has none of them, so no area."""
    labels = np.zeros(100)
    labels[:2] = 1
    found = intervals(cells_of(labels, np.linspace(0.1, 0.9, 100)), confidence=0.95, seed=1)
    assert "areaUnderROC" not in found
    assert "accuracy" in found
    assert intervals(cells_of(np.zeros(0), np.zeros(0)), confidence=0.95, seed=1) == {}


def test_the_jackknife_s_interval_of_a_mean_is_student_s() -> None:
    random = np.random.default_rng(1)
    rows = random.exponential(1.0, GROUPS * 40)
    groups = rows.reshape(GROUPS, -1)
    left_out = [(rows.sum() - group.sum()) / (rows.size - group.size) for group in groups]
    found = interval(float(rows.mean()), left_out, 0.95)
    assert found is not None
    error = rows.std(ddof=1) / math.sqrt(rows.size)
    assert (found.high - found.low) / 2 == pytest.approx(2.01 * error, rel=0.25)
    assert interval(1.0, left_out[:9], 0.95) is None
    assert interval(math.nan, left_out, 0.95) is None
