"""Arrays come back exactly, in equal bytes, in the type they are promised in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from curator.dataset.volumes import BLOCK, MAX_CHUNK, content_path, encode_volume, open_array, read_array, storage_dtype
from curator.errors import IntegrityError, ItemError
from curator.model.quarantine import Reason


def test_large_arrays_are_chunked_for_patches(tmp_path):
    array = np.random.default_rng(0).integers(-1000, 1000, (131, 140, 33)).astype(np.int16)
    content, sha256 = encode_volume(array)
    path = tmp_path / "x.b2nd"
    path.write_bytes(content)
    opened = open_array(path)
    assert opened.chunks == (MAX_CHUNK, MAX_CHUNK, 33)
    assert opened.blocks == BLOCK
    np.testing.assert_array_equal(opened[120:131, 5:9, 1:3], array[120:131, 5:9, 1:3])
    np.testing.assert_array_equal(read_array(path), array)
    assert encode_volume(array.copy(order="F")) == (content, sha256)
    assert encode_volume(array.astype(">i2")) == (content, sha256)
    assert content_path("volumes", sha256) == f"volumes/{sha256[:2]}/{sha256}.b2nd"


@pytest.mark.parametrize(
    ("dtype", "low", "high", "stored"),
    [
        (np.bool_, 0, 1, np.uint8),
        (np.uint8, 0, 255, np.uint8),
        (np.int8, -128, 127, np.int16),
        (np.int16, -32768, 32767, np.int16),
        (np.uint16, 0, 32767, np.int16),
        (np.uint16, 0, 32768, np.int32),
        (np.int32, -32769, 0, np.int32),
        (np.int64, -5, 5, np.int16),
        (np.int64, 0, 2**40, np.int64),
        (np.float32, 0, 1, np.float32),
        (np.dtype(">f8"), 0, 1, np.dtype("<f8")),
    ],
)
def test_the_stored_type_holds_every_value(dtype, low, high, stored, tmp_path):
    array = np.array([low, high], dtype).reshape(1, 1, 2)
    assert storage_dtype(array) == stored
    (tmp_path / "x").write_bytes(encode_volume(array)[0])
    back = read_array(tmp_path / "x")
    assert back.dtype == stored
    assert back.tolist() == array.tolist()


@settings(deadline=None, max_examples=40)
@given(arrays(st.sampled_from(["<i2", "|u1", "<f4"]), array_shapes(min_dims=3, max_dims=3, max_side=9)))
def test_any_array_comes_back(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("any") / "x.b2nd"
    content, _ = encode_volume(array)
    path.write_bytes(content)
    np.testing.assert_array_equal(read_array(path), array)
    assert encode_volume(array)[0] == content


@pytest.mark.parametrize("shape", [(0, 3, 3), (3, 3), (1, 1, 1, 1)])
def test_what_is_no_volume_is_refused(shape):
    with pytest.raises(ItemError) as caught:
        encode_volume(np.zeros(shape, np.int16))
    assert caught.value.reason is Reason.GEOMETRY_INCONSISTENT


def test_complex_voxels_are_refused():
    with pytest.raises(ItemError):
        encode_volume(np.zeros((2, 2, 2), np.complex64))


def test_what_is_no_array_is_named(tmp_path):
    (tmp_path / "x.b2nd").write_bytes(b"not an array")
    for path in (tmp_path / "x.b2nd", tmp_path / "missing.b2nd"):
        with pytest.raises(IntegrityError):
            read_array(path)
