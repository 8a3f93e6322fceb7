"""Patches: what goes in comes out, and what is no patch is refused."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from curator.deid.faces.patch import FramePatch, Patch, merged, patch_from
from curator.deid.faces.stack_patches import patches_of, together
from curator.errors import ItemError
from curator.model.quarantine import Reason

TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"]


@st.composite
def patches(draw):
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    kind = np.dtype(draw(st.sampled_from(TYPES)))
    frames = {}
    for index in draw(st.sets(st.integers(0, 2**20), max_size=3)):
        mask = draw(hnp.arrays(bool, shape))
        frames[index] = FramePatch(mask, draw(hnp.arrays(kind, int(mask.sum()))))
    return Patch(frames)


@settings(deadline=None)
@given(patches())
def test_what_goes_in_comes_out(patch):
    again = patch_from(patch.to_bytes())
    assert again == patch
    assert list(again.frames) == list(patch.frames)
    for index, frame in patch.frames.items():
        np.testing.assert_array_equal(again.frames[index].mask, frame.mask)
        assert again.frames[index].values.dtype == frame.values.dtype
        np.testing.assert_array_equal(again.frames[index].values, frame.values)


@settings(deadline=None, max_examples=150)
@given(patches(), st.data())
def test_damaged_bytes_are_refused_or_another_patch(patch, data):
    packed = bytearray(patch.to_bytes())
    at = data.draw(st.integers(0, len(packed) - 1))
    packed[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    try:
        patch_from(bytes(packed))
    except ItemError as error:
        assert error.reason is Reason.MALFORMED


def test_a_patch_that_unpacks_to_too_much_is_refused():
    mask = np.ones((200, 200), bool)
    patch = Patch({0: FramePatch(mask, np.zeros(40000, np.int16))})
    packed = patch.to_bytes()
    assert len(packed) < 1000
    with pytest.raises(ItemError) as caught:
        patch_from(packed, largest=80000)
    assert caught.value.reason is Reason.MALFORMED
    assert patch_from(packed, largest=90000) == patch


def test_a_body_longer_than_its_head_says_is_not_unpacked():
    patch = Patch({0: FramePatch(np.ones((4, 4), bool), np.zeros(16, np.uint8))})
    packed = patch.to_bytes()
    body = zlib.compress(zlib.decompress(packed[-(len(packed) - 38) :]) + bytes(1 << 22))
    with pytest.raises(ItemError, match="another size"):
        patch_from(packed[:38] + body)


def test_parts_that_do_not_belong_together_are_no_patch():
    mask = np.ones((2, 3), bool)
    for frames in (
        {0: FramePatch(mask, np.zeros(5, np.int16))},
        {0: FramePatch(mask.astype(np.uint8), np.zeros(6, np.int16))},
        {-1: FramePatch(mask, np.zeros(6, np.int16))},
        {0: FramePatch(mask, np.zeros(6, np.complex64))},
        {0: FramePatch(mask, np.zeros(6, np.int16)), 1: FramePatch(mask, np.zeros(6, np.uint16))},
        {0: FramePatch(mask, np.zeros(6, np.int16)), 1: FramePatch(mask.T, np.zeros(6, np.int16))},
    ):
        with pytest.raises(ValueError, match="patch"):
            Patch(frames)
    assert not Patch({0: FramePatch(~mask, np.zeros(0, np.int16))}).frames


def test_a_stack_is_taken_apart_into_its_instances():
    rng = np.random.default_rng(1)
    mask, stored = rng.random((4, 3, 5)) < 0.5, rng.integers(0, 99, (4, 3, 5)).astype(np.int16)
    mask[2] = True
    found = patches_of([(1, 0), (0, 7), None, (1, 3)], mask, stored[mask])
    assert list(found) == [0, 1]
    assert {n: list(patch.frames) for n, patch in found.items()} == {0: [7], 1: [0, 3]}
    np.testing.assert_array_equal(found[1].frames[3].mask, mask[3])
    np.testing.assert_array_equal(found[1].frames[3].values, stored[3][mask[3]])
    assert patches_of([(0, 0)], np.zeros((1, 2, 2), bool), np.zeros(0, np.int16)) == {}
    with pytest.raises(ValueError, match="one value"):
        patches_of([(0, 0)] * 4, mask, stored[mask][1:])


def test_of_patches_of_one_frame_the_last_counts():
    mask = np.array([[True, False], [True, False]])
    first = Patch({0: FramePatch(mask, np.array([1, 2], np.int16))})
    second = Patch({0: FramePatch(~mask | [[True, False], [False, False]], np.array([7, 8, 9], np.int16))})
    both = merged([first, second])
    np.testing.assert_array_equal(both.frames[0].values, [7, 8, 2, 9])
    assert together([{3: first}, {3: second}, {1: first}]) == {1: first, 3: both}
