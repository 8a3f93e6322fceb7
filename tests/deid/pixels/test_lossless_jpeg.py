"""Lossless JPEG of every precision and predictor, from an encoder as plain as the standard's text."""

from __future__ import annotations

import struct
from itertools import product

import numpy as np
import pytest
from pixel_samples import file_of, frames_in, image, scene
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLossless

from curator.errors import ItemError
from curator.model.quarantine import Reason

ROWS, COLUMNS = 14, 19


def predicted(values: np.ndarray, row: int, column: int, *, predictor: int, middle: int, starts: bool) -> int:
    """What a sample is expected to be: ITU-T T.81 H.1.2.1."""
    if starts:
        return int(values[row, column - 1]) if column else middle
    if not column:
        return int(values[row - 1, 0])
    left, above, corner = (int(values[at]) for at in ((row, column - 1), (row - 1, column), (row - 1, column - 1)))
    return (
        left,
        above,
        corner,
        left + above - corner,
        left + ((above - corner) >> 1),
        above + ((left - corner) >> 1),
        (left + above) >> 1,
    )[predictor - 1]


def stream_of(values: np.ndarray, *, precision: int, predictor: int, restart_rows: int = 0) -> bytes:
    """A lossless frame of one component whose 17 categories all have codes of five bits."""
    intervals = []
    for first in range(0, len(values), restart_rows or len(values)):
        bits = ""
        for row in range(first, min(first + (restart_rows or len(values)), len(values))):
            for column in range(values.shape[1]):
                expected = predicted(
                    values, row, column, predictor=predictor, middle=1 << (precision - 1), starts=row == first
                )
                difference = (int(values[row, column]) - expected + 32767) % 65536 - 32767
                category = abs(difference).bit_length()
                bits += f"{category:05b}"
                if 0 < category < 16:
                    extra = difference if difference > 0 else difference + (1 << category) - 1
                    bits += f"{extra:0{category}b}"
        bits += "1" * (-len(bits) % 8)
        intervals.append(int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0"))
    coded = b"".join(
        part + (bytes((0xFF, 0xD0 + number % 8)) if number + 1 < len(intervals) else b"")
        for number, part in enumerate(intervals)
    )
    table = bytes((0, 0, 0, 0, 0, 17, *[0] * 11, *range(17)))
    restarts = struct.pack(">HHH", 0xFFDD, 4, restart_rows * values.shape[1]) if restart_rows else b""
    frame = struct.pack(">HHBHHBBBB", 0xFFC3, 11, precision, *values.shape, 1, 1, 0x11, 0)
    scan = struct.pack(">HHBBBBBB", 0xFFDA, 8, 1, 1, 0, predictor, 0, 0)
    definition = struct.pack(">HH", 0xFFC4, 2 + len(table)) + table
    return b"\xff\xd8" + definition + restarts + frame + scan + coded + b"\xff\xd9"


def file_with(stream: bytes, precision: int) -> bytes:
    """A file of one lossless frame."""
    allocated = 8 if precision <= 8 else 16
    attributes = {"BitsAllocated": allocated, "BitsStored": precision, "HighBit": precision - 1}
    return file_of(image(encapsulate([stream]), JPEGLossless, rows=ROWS, columns=COLUMNS, **attributes))


@pytest.mark.parametrize(("precision", "predictor"), list(product((8, 9, 10, 12, 14, 16), range(1, 8))))
def test_B05_samples_come_out_as_they_went_in(precision, predictor):
    values = scene((1, ROWS, COLUMNS), low=0, high=(1 << precision) - 1)[0]
    stream = stream_of(values, precision=precision, predictor=predictor)
    np.testing.assert_array_equal(frames_in(file_with(stream, precision)).decode(0), values)


@pytest.mark.parametrize("predictor", range(1, 8))
@pytest.mark.parametrize("restart_rows", [1, 4])
def test_B05_restarts_are_where_the_stream_says(predictor, restart_rows):
    values = scene((1, ROWS, COLUMNS), low=0, high=4095)[0]
    stream = stream_of(values, precision=12, predictor=predictor, restart_rows=restart_rows)
    np.testing.assert_array_equal(frames_in(file_with(stream, 12)).decode(0), values)


@pytest.mark.parametrize("lost", [1, 2, 5, 40])
def test_a_stream_that_lacks_bytes_at_its_end_is_truncated(lost):
    values = np.random.default_rng(3).integers(0, 4096, (ROWS, COLUMNS))
    stream = stream_of(values, precision=12, predictor=1)
    with pytest.raises(ItemError) as caught:
        frames_in(file_with(stream[: -2 - lost] + b"\xff\xd9", 12)).decode(0)
    assert caught.value.reason is Reason.TRUNCATED


def test_bytes_that_no_sample_needs_are_not_passed_over():
    stream = stream_of(np.zeros((ROWS, COLUMNS), int), precision=12, predictor=1)
    with pytest.raises(ItemError) as caught:
        frames_in(file_with(stream[:-2] + bytes(300) + b"\xff\xd9", 12)).decode(0)
    assert caught.value.reason is Reason.MALFORMED
