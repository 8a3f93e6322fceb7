"""What a compressed frame decodes to before the header says what its bits mean.

The law: `stored` of the words is the same whichever codec they came from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from curator.deid.pixels.codecs import native
from curator.deid.pixels.codecs.native import Samples
from curator.deid.pixels.module import PixelModule
from curator.errors import ItemError
from curator.model.quarantine import Reason


@dataclass(frozen=True, slots=True)
class Coded:
    """A decoded frame: `words` `(Y, X)` or `(Y, X, S)`, unsigned, of which the low `precision` bits count.

    `is_signed` says that the stream itself knows of signs; `has_transform` that its colours were decorrelated,
    `is_reversible` that JPEG 2000 lost nothing; `interleave` is how JPEG-LS shares out samples (0 planes, 1 lines,
    2 pixels).
    """

    words: Samples = field(repr=False)
    precision: int
    is_signed: bool = False
    has_transform: bool = False
    is_reversible: bool = True
    interleave: int = 2


def check_shape(module: PixelModule, *, rows: int, columns: int, samples: int, precision: int) -> None:
    """Pass where a stream is of the frame that the header states.

    Raises:
        ItemError: MALFORMED.
    """
    if (rows, columns, samples) != (module.rows, module.columns, module.samples):
        stated = f"{module.rows} x {module.columns} x {module.samples}"
        raise ItemError(Reason.MALFORMED, f"a frame of {rows} x {columns} x {samples}, {stated} stated")
    if not 1 <= precision <= max(8, module.bits_allocated):
        raise ItemError(Reason.MALFORMED, f"a frame of {precision} bits, {module.bits_allocated} allocated")


def meant(module: PixelModule, precision: int) -> PixelModule:
    """The module as it holds for samples of `precision` bits, which may be fewer than it states."""
    if precision > module.high_bit:
        return module
    bits = max(1, min(module.bits_stored, precision - (module.high_bit + 1 - module.bits_stored)))
    return replace(module, bits_stored=min(bits, precision), high_bit=precision - 1)


def container(module: PixelModule) -> np.dtype[np.unsignedinteger]:
    """The type of an allocated word."""
    return np.dtype(f"u{max(1, module.bits_allocated // 8)}")


def stored(coded: Coded, module: PixelModule) -> Samples:
    """The stored values of a decoded frame."""
    fitting = meant(module, coded.precision)
    if module.bits_allocated == 1:
        fitting = replace(fitting, bits_allocated=8)
    return native.stored(coded.words.astype(container(module), copy=False), fitting)


def reshaped(samples: bytes | bytearray, module: PixelModule, *, size: int, by_plane: bool = False) -> Samples:
    """Little endian samples of `size` bytes as `(Y, X)` or `(Y, X, S)`.

    Raises:
        ItemError: TRUNCATED, the decoder gave too few or too many.
    """
    words = np.frombuffer(samples, f"<u{size}")
    shape = (module.rows, module.columns)
    if words.size != module.rows * module.columns * module.samples:
        raise ItemError(Reason.TRUNCATED, "a frame that decodes to fewer or more samples than it has")
    if module.samples == 1:
        return words.reshape(shape)
    if by_plane:
        return words.reshape((module.samples, *shape)).transpose(1, 2, 0)
    return words.reshape((*shape, module.samples))
