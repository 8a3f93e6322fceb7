"""Which slices are shown, and how."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from report_samples import LABELS, example

from curator.report.examples import example_figure, middle_slices


def test_slices_come_from_the_middle_of_what_is_labelled() -> None:
    mask = np.zeros((40, 8, 8), np.uint8)
    mask[10:31, 2:5, 2:5] = 1
    values = np.broadcast_to(np.arange(40.0)[:, None, None], mask.shape)
    slices = middle_slices(values, mask, spacing_mm=(5.0, 2.0, 3.0), window=(0.0, 255.0))
    assert [int(one.grey[0, 0]) for one in slices] == [17, 20, 23]
    assert all(one.mask.any() and one.spacing_mm == (2.0, 3.0) for one in slices)


def test_nothing_labelled_shows_nothing() -> None:
    empty = np.zeros((5, 4, 4), np.uint8)
    assert middle_slices(empty, empty, spacing_mm=(1.0, 1.0, 1.0), window=None) == ()


def test_the_window_clips_and_spans_all_greys() -> None:
    mask = np.ones((1, 1, 5), np.uint8)
    values = np.array([[[-1000.0, -160.0, 40.0, 240.0, 3000.0]]])
    (one,) = middle_slices(values, mask, spacing_mm=(1.0, 1.0, 1.0), window=(-160.0, 240.0))
    assert one.grey.tolist() == [[0, 0, 128, 255, 255]]


@pytest.mark.parametrize("size", [192, 193, 512])
def test_large_slices_are_thinned_out_with_their_masks(size: int) -> None:
    mask = np.ones((1, size, 3), np.uint8)
    (one,) = middle_slices(mask, mask, spacing_mm=(1.0, 1.0, 1.0), window=None)
    assert one.grey.shape == one.mask.shape and one.grey.shape[0] <= 192


def test_a_constant_slice_is_drawn() -> None:
    flat = np.full((1, 4, 4), 7, np.int16)
    (one,) = middle_slices(flat, np.ones((1, 4, 4), np.uint8), spacing_mm=(1.0, 1.0, 1.0), window=None)
    assert set(np.unique(one.grey)) <= {0, 255}


def test_outlines_are_named_and_the_image_is_inside_the_figure() -> None:
    picture = example_figure(example(), LABELS, name="example-1")
    assert all(label.name in picture.svg and label.name in picture.alternative for label in LABELS)
    assert picture.svg.count("data:image/png,%89%50%4E%47") == 3


def test_the_image_is_the_slice_and_spells_no_words() -> None:
    (one, *_) = example().slices
    picture = example_figure(example(), LABELS, name="example-1")
    encoded = picture.svg.split("data:image/png,")[1].split('"')[0]
    with Image.open(io.BytesIO(bytes.fromhex(encoded.replace("%", "")))) as image:
        # An SVG's y axis may run either way; the drawing's transform turns it.
        shown = np.asarray(image)
    assert any(np.array_equal(each, one.grey) for each in (shown, shown[::-1]))
    assert max(map(len, re.findall("[A-Za-z0-9]+", encoded))) == 2
