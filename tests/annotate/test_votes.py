import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from curator.annotate.votes import Region, joint_votes
from curator.errors import ItemError, UsageError
from curator.model.quarantine import Reason

MASKS = st.integers(1, 5).flatmap(
    lambda count: st.lists(
        arrays(np.uint8, (2, 3, 4), elements=st.sampled_from([0, 0, 1, 2, 255])), min_size=count, max_size=count
    )
)


@given(MASKS)
def test_masks_come_back_and_the_table_is_what_numpy_finds(masks):
    votes = joint_votes(masks)
    for author, mask in enumerate(masks):
        np.testing.assert_array_equal(votes.mask_of(author), mask)
    stacked = np.stack([mask.ravel() for mask in masks], axis=1)
    palette, counts = np.unique(stacked, axis=0, return_counts=True)
    np.testing.assert_array_equal(votes.palette, palette)
    np.testing.assert_array_equal(votes.counts, counts)
    assert votes.index.dtype == np.uint16
    assert votes.labels == tuple(sorted(set(stacked.ravel().tolist()) - {0}))


def test_region_is_the_union_widened_and_cut_at_the_border():
    first, second = np.zeros((10, 10, 10), np.uint8), np.zeros((10, 10, 10), np.uint8)
    first[4, 5, 1] = 1
    second[6, 5, 9] = 2
    votes = joint_votes([first, second])
    assert votes.union_region(margin_voxels=0) == Region((4, 5, 1), (7, 6, 10))
    assert votes.union_region(margin_voxels=2) == Region((2, 3, 0), (9, 8, 10))
    assert votes.counts_within(votes.union_region(margin_voxels=0)).sum() == 3 * 1 * 9
    np.testing.assert_array_equal(votes.counts_within(votes.whole), votes.counts)


def test_empty_masks_have_one_vote_and_no_region():
    votes = joint_votes([np.zeros((2, 2, 2), np.uint8)] * 3)
    assert votes.palette.tolist() == [[0, 0, 0]]
    assert votes.union_region().voxels == 0
    assert votes.counts_within(votes.union_region()).tolist() == [0]


def test_a_full_mask_has_no_background_entry():
    assert joint_votes([np.ones((2, 2, 2), np.uint8)]).palette.tolist() == [[1]]


def test_more_than_sixteen_bits_of_votes_are_refused():
    rng = np.random.default_rng(0)
    masks = [rng.integers(0, 256, (50, 50, 50), dtype=np.uint8) for _ in range(3)]
    with pytest.raises(UsageError, match="65536"):
        joint_votes(masks)


def test_no_masks_or_other_shapes():
    with pytest.raises(UsageError):
        joint_votes([])
    with pytest.raises(ItemError) as caught:
        joint_votes([np.zeros((1, 2, 3), np.uint8), np.zeros((3, 2, 1), np.uint8)])
    assert caught.value.reason is Reason.GEOMETRY_MISMATCH
