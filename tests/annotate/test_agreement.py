"""Agreement against printed examples, closed forms and a brute-force count."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from curator.annotate.agreement import bias_ml, dice_matrix, fleiss_kappa, krippendorff_alpha, measured, volumes_ml
from curator.annotate.consensus import majority
from curator.annotate.votes import joint_votes
from curator.errors import UsageError

# The ten subjects, five categories and fourteen raters printed with many accounts of Fleiss' kappa: 0.210.
FLEISS_TABLE = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


def test_fleiss_kappa_of_the_printed_table():
    palette = np.array([np.repeat(np.arange(5), row) for row in FLEISS_TABLE], np.uint8)
    assert fleiss_kappa(palette, np.ones(10, np.int64)) == pytest.approx(0.20993, abs=1e-5)


def test_krippendorff_alpha_of_the_printed_table():
    """Two observers, ten units, nominal (Krippendorff, Computing Alpha-Reliability, section A): 0.095."""
    palette = np.array([[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]], np.uint8).T
    assert krippendorff_alpha(palette, np.ones(10, np.int64)) == pytest.approx(0.095, abs=5e-4)


def test_chance_explains_chance():
    palette = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.uint8)
    counts = np.full(4, 10**6, np.int64)
    assert fleiss_kappa(palette, counts) == pytest.approx(0)
    assert krippendorff_alpha(palette, counts) == pytest.approx(0, abs=1e-6)


def alpha_by_pairs(masks):
    """Krippendorff's alpha as one minus observed over expected disagreement, pair by pair."""
    units = np.stack([mask.ravel() for mask in masks], axis=1)
    observed = np.mean([a != b for unit in units for a, b in combinations(unit.tolist(), 2)])
    given_values = units.ravel().tolist()
    expected = np.mean([a != b for a, b in combinations(given_values, 2)])
    return 1 - observed / expected if expected else 1.0


MASKS = st.integers(2, 4).flatmap(
    lambda count: st.lists(arrays(np.uint8, (1, 2, 4), elements=st.integers(0, 2)), min_size=count, max_size=count)
)


@settings(max_examples=50)
@given(MASKS)
def test_measures_equal_what_the_voxels_say(masks):
    votes = joint_votes(masks)
    assert krippendorff_alpha(votes.palette, votes.counts) == pytest.approx(alpha_by_pairs(masks))
    dice = dice_matrix(votes.palette, votes.counts, label=1)
    for a, first in enumerate(masks):
        for b, second in enumerate(masks):
            one, two = first == 1, second == 1
            expected = 2 * (one & two).sum() / (one.sum() + two.sum()) if (one | two).any() else 1.0
            assert dice[a, b] == pytest.approx(expected)


def test_full_agreement_is_one_and_so_is_an_empty_image():
    same = joint_votes([np.array([[[0, 1, 2]]], np.uint8)] * 3)
    empty = joint_votes([np.zeros((1, 1, 3), np.uint8)] * 3)
    for votes in (same, empty):
        assert fleiss_kappa(votes.palette, votes.counts) == 1
        assert krippendorff_alpha(votes.palette, votes.counts) == 1
        assert (dice_matrix(votes.palette, votes.counts, label=1) == 1).all()
    nothing = np.zeros(1, np.int64)
    assert fleiss_kappa(empty.palette, nothing) == krippendorff_alpha(empty.palette, nothing) == 1


def test_one_empty_mask_agrees_with_nothing():
    votes = joint_votes([np.ones((1, 1, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)])
    assert dice_matrix(votes.palette, votes.counts, label=1)[0, 1] == 0


def test_bias_is_signed_millilitres():
    big, truth, small = np.zeros((3, 10, 10, 10), np.uint8)
    big[:8], truth[:5], small[:4] = 1, 1, 1
    votes = joint_votes([big, truth, truth, small])
    consensus = majority(votes)
    np.testing.assert_allclose(volumes_ml(votes.palette, votes.counts, label=1, voxel_ml=0.002), [1.6, 1.0, 1.0, 0.8])
    np.testing.assert_allclose(
        bias_ml(votes.palette, votes.counts, consensus, label=1, voxel_ml=0.002), [0.6, 0, 0, -0.2], atol=1e-12
    )
    assert (bias_ml(votes.palette, votes.counts, consensus, label=9, voxel_ml=1) == 0).all()
    agreement = measured(votes, consensus, region=votes.whole, voxel_mm3=2.0)
    np.testing.assert_allclose(agreement.labels[0].bias_ml, [0.6, 0, 0, -0.2], atol=1e-12)
    dice = [16 / 13 / 2 * 10 / 8, 10 / 13, 8 / 12, 1, 8 / 9, 8 / 9]
    dice[0] = 10 / 13
    assert agreement.labels[0].mean_dice == pytest.approx(np.mean(dice))


def test_one_author_agrees_with_nobody():
    votes = joint_votes([np.ones((1, 1, 3), np.uint8)])
    with pytest.raises(UsageError, match="two authors"):
        fleiss_kappa(votes.palette, votes.counts)
