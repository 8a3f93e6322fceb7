"""Uncompressed frames: bytes to stored values and back.

The law: `paint` changes the samples of the boxes and no other bit.

Sources: DICOM PS3.5 8.1.1 (bits), 8.2 (native), PS3.3 C.7.6.3.1.3 (planar configuration).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from curator.deid.pixels.module import PixelModule
from curator.dicom.elements import Buffer
from curator.model.pixels import Box

Order = Literal["<", ">"]
Samples = NDArray[np.integer]
"""`(Y, X)` or `(Y, X, S)` stored values."""
Black = tuple[int, ...]
"""The stored value of each sample of a black pixel."""


def containers(raw: Buffer | bytearray, module: PixelModule, *, order: Order) -> Samples:
    """The whole allocated words of a frame of 8, 16 or 32 bits: `(Y, X)` or `(Y, X, S)`, unsigned, read-only."""
    words = np.frombuffer(raw, dtype=np.dtype(f"u{module.bits_allocated // 8}").newbyteorder(order))
    shape = (module.rows, module.columns)
    if module.samples == 1:
        return words.reshape(shape)
    if module.planar == 1:
        return words.reshape((module.samples, *shape)).transpose(1, 2, 0)
    return words.reshape((*shape, module.samples))


def swapped(raw: Buffer) -> bytes:
    """Bytes of 16-bit words in the other order; an even number of them."""
    return np.frombuffer(raw, "u2").byteswap().tobytes()


def stored(words: Samples, module: PixelModule) -> Samples:
    """The stored values in allocated words, in native byte order: unused bits cut off, signs extended."""
    words = words.astype(words.dtype.newbyteorder("="), copy=False)
    unused_above = module.bits_allocated - 1 - module.high_bit
    unused_below = module.high_bit + 1 - module.bits_stored
    kind = np.dtype(f"{'i' if module.is_signed else 'u'}{words.dtype.itemsize}")
    if not unused_above and not unused_below:
        return words.view(kind) if words.flags.c_contiguous else words.astype(kind)
    return (words << unused_above).view(kind) >> (unused_above + unused_below)


def in_container(value: int, module: PixelModule) -> int:
    """The allocated word that holds a stored value; the bits above it repeat its sign."""
    shifted = value << (module.high_bit + 1 - module.bits_stored)
    return shifted & ((1 << module.bits_allocated) - 1)


def shared_chroma(raw: Buffer, module: PixelModule) -> Samples:
    """A frame whose pairs of pixels share chroma (Y Y Cb Cr) as `(Y, X, 3)` uint8."""
    pairs = np.frombuffer(raw, np.uint8).reshape(module.rows, module.columns // 2, 4)
    out = np.empty((module.rows, module.columns, 3), np.uint8)
    out[..., 0] = pairs[..., :2].reshape(module.rows, module.columns)
    out[..., 1] = np.repeat(pairs[..., 2], 2, axis=1)
    out[..., 2] = np.repeat(pairs[..., 3], 2, axis=1)
    return out


def single_bits(raw: Buffer, module: PixelModule, *, first_bit: int) -> Samples:
    """A frame of single bits, lowest first, that begins at `first_bit` (0 to 7) of `raw`: `(Y, X)` uint8 of 0 and 1."""
    count = module.rows * module.columns * module.samples
    bits = np.unpackbits(np.frombuffer(raw, np.uint8), count=first_bit + count, bitorder="little")[first_bit:]
    shape = (module.rows, module.columns)
    return bits.reshape(shape if module.samples == 1 else (*shape, module.samples))


def read(raw: Buffer, module: PixelModule, *, order: Order = "<", first_bit: int = 0) -> Samples:
    """The stored values of one uncompressed frame."""
    if module.bits_allocated == 1:
        return single_bits(raw, module, first_bit=first_bit)
    if module.is_subsampled:
        return shared_chroma(raw, module)
    return stored(containers(raw, module, order=order), module)


def paint(
    raw: bytearray, boxes: Iterable[Box], module: PixelModule, *, black: Black, order: Order = "<", first_bit: int = 0
) -> None:
    """Make one uncompressed frame black inside `boxes` (inside the frame, grown by `grown`), where it lies."""
    if module.bits_allocated == 1:
        _paint_bits(raw, boxes, module, black=black, first_bit=first_bit)
        return
    if module.is_subsampled:
        pairs = np.frombuffer(raw, np.uint8).reshape(module.rows, module.columns // 2, 4)
        for box in boxes:
            pairs[box.top : box.bottom, box.left // 2 : box.right // 2] = (black[0], black[0], black[1], black[2])
        return
    words = containers(raw, module, order=order)
    fill(words, boxes, module, black=black)


def fill(words: Samples, boxes: Iterable[Box], module: PixelModule, *, black: Black) -> None:
    """Set the allocated words inside `boxes` to those of a black pixel."""
    value = [in_container(sample, module) for sample in black]
    for box in boxes:
        words[box.top : box.bottom, box.left : box.right] = value if words.ndim == 3 else value[0]


def grown(box: Box, module: PixelModule) -> Box:
    """The box with the whole of every pair of pixels that shares its chroma."""
    if not module.is_subsampled:
        return box
    return Box(box.top, box.left // 2 * 2, box.bottom, (box.right + 1) // 2 * 2)


def _paint_bits(raw: bytearray, boxes: Iterable[Box], module: PixelModule, *, black: Black, first_bit: int) -> None:
    octets = np.frombuffer(raw, np.uint8)
    bits = np.unpackbits(octets, bitorder="little")
    count = module.rows * module.columns * module.samples
    frame = bits[first_bit : first_bit + count].reshape(module.rows, module.columns, module.samples)
    for box in boxes:
        frame[box.top : box.bottom, box.left : box.right] = black
    octets[:] = np.packbits(bits, bitorder="little")
