"""Pictures beside the picture: overlays and whatever else stands in bits of a word that are no part of its pixel.

A word of 16 bits may hold a pixel of 12. The other four were once used for overlays (60xx,0102), and nothing keeps a
device from leaving something there that no viewer shows and every reader of the file can have.

The law: bits that are no part of the pixel are all zero, or repeat its sign, or they hold something; a word is changed
only where they do, and what they held is not looked at.

Sources: DICOM PS3.5 8.1.1, 8.1.2 (retired overlays in pixel cells); PS3.3 C.9.2 (60xx,0100), (60xx,0102); PS3.15 E.3.3.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from curator.dicom.elements import Buffer, DataSet, Element
from curator.dicom.parse import PIXEL_DATA
from curator.dicom.windows import windows
from curator.errors import ItemError
from curator.model.quarantine import Reason

BITS_ALLOCATED, BITS_STORED, HIGH_BIT, PIXEL_REPRESENTATION = 0x00280100, 0x00280101, 0x00280102, 0x00280103
HEADER_TAGS = (BITS_ALLOCATED, BITS_STORED, HIGH_BIT, PIXEL_REPRESENTATION)
"""What `word_of` asks a header for."""
_WHOLE_BYTES = frozenset({8, 16, 32, 64})
_OVERLAY, _REPEATING = 0x6000, 0xFF00
_OVERLAY_BITS_ALLOCATED, _OVERLAY_BIT_POSITION, _OVERLAY_DATA = 0x0100, 0x0102, 0x3000


class Word(NamedTuple):
    """How a stored word holds a sample: in bits `high_bit - stored + 1` to `high_bit` of `allocated`.

    `order` is that of its bytes as struct and numpy write it.
    """

    allocated: int
    stored: int
    high_bit: int
    is_signed: bool
    order: Literal["<", ">"] = "<"

    @property
    def is_full(self) -> bool:
        """Whether every bit is part of the sample, or the words are no whole bytes."""
        return self.stored >= self.allocated or self.allocated not in _WHOLE_BYTES

    @property
    def below(self) -> int:
        """How many bits lie below the sample."""
        return self.high_bit - self.stored + 1


def word_of(data_set: DataSet) -> Word | None:
    """How the words of the pixel data are laid out; None where the header does not say so in whole numbers.

    Raises:
        ItemError: MALFORMED, the sample does not lie inside its word.
    """
    numbers = [_number(data_set, data_set.first(tag)) for tag in HEADER_TAGS]
    if numbers[0] is None or numbers[1] is None:
        return None
    allocated, stored = numbers[0], numbers[1]
    high_bit = stored - 1 if numbers[2] is None else numbers[2]
    if not 0 < stored <= high_bit + 1 <= allocated:
        raise ItemError(Reason.MALFORMED, f"{stored} bits up to bit {high_bit} do not lie in a word of {allocated}")
    return Word(allocated, stored, high_bit, numbers[3] == 1, data_set.syntax.order)


def declared_planes(data_set: DataSet) -> tuple[int, ...]:
    """The groups (0x6000 to 0x60FE) of overlays that lie in the pixel data by their own header; empty for none.

    An overlay says so by its bit, or by words of more than one bit without data of its own. A number that cannot be
    read counts as one that says so.
    """
    inside, apart = set(), set()
    for element in data_set.elements:
        group, number = element.tag >> 16, element.tag & 0xFFFF
        if group & _REPEATING != _OVERLAY:
            continue
        if number == _OVERLAY_DATA and element.length:
            apart.add(group)
        elif number == _OVERLAY_BIT_POSITION and _number(data_set, element) != 0:
            inside.add((group, True))
        elif number == _OVERLAY_BITS_ALLOCATED and _number(data_set, element) != 1:
            inside.add((group, False))
    return tuple(sorted({group for group, is_certain in inside if is_certain or group not in apart}))


def unused_bits(pixels: Buffer, word: Word) -> bool:
    """Whether bits of native pixel data that are no part of a sample hold something; False for no pixels.

    About 50 microseconds for a slice of 512 x 512 words of 16 bits. Bytes behind the last whole word are not looked at.
    """
    if word.is_full:
        return False
    zero = extended = True
    for window in windows(pixels):
        values = _values(window, word)
        if values.size:
            zero = zero and _has_zeros(values, word)
            extended = extended and word.is_signed and _has_signs(values, word)
        if not (zero or extended):
            return True
    return False


def cleared(pixels: Buffer, word: Word) -> Iterator[memoryview]:
    """Native pixel data piece by piece with nothing in bits that are no part of a sample; the samples are as before.

    Signed samples have their sign repeated above, for that is what readers expect who take the word as it is. Pieces
    in which nothing changes are the bytes that came in.
    """
    for window in windows(pixels):
        values = _values(window, word)
        bare = _bare(values, word)
        if word.is_full or np.array_equal(bare, values):
            yield window
            continue
        yield bare.data.cast("B")
        rest = window[values.nbytes :]
        if len(rest):
            yield rest


def refuse_hidden(data_set: DataSet) -> None:
    """Hold back an instance whose pixel data may hold a second picture: what happens where pixels are not cleaned.

    Encapsulated pixel data is for who can decode it.

    Raises:
        ItemError: BURNED_IN_TEXT_POSSIBLE; MALFORMED as `word_of`.
    """
    refuse_planes_inside(data_set)
    pixels = data_set.first(PIXEL_DATA)
    if pixels is None:
        return
    if planes := declared_planes(data_set):
        raise _held(f"{len(planes)} overlays are declared inside the pixel data")
    word = word_of(data_set)
    if word is not None and not data_set.syntax.encapsulated and unused_bits(_view(data_set, pixels), word):
        raise _held("bits that are no part of the pixels hold something")


def refuse_planes_inside(data_set: DataSet) -> None:
    """Hold back an instance that declares an overlay in bits which are part of the pixels: it cannot be taken out.

    Raises:
        ItemError: BURNED_IN_TEXT_POSSIBLE; MALFORMED as `word_of`.
    """
    planes = declared_planes(data_set)
    word = word_of(data_set) if planes else None
    if word is None:
        return
    for group in planes:
        position = _number(data_set, data_set.first(group << 16 | _OVERLAY_BIT_POSITION))
        if position and word.below <= position <= word.high_bit:
            raise _held(f"an overlay is declared in bit {position}, which is part of the pixels")


def _held(detail: str) -> ItemError:
    return ItemError(Reason.BURNED_IN_TEXT_POSSIBLE, detail)


def _number(data_set: DataSet, element: Element | None) -> int | None:
    """The value of a US element, None where it is absent or no single number."""
    if element is None or element.length != 2:
        return None
    number: int
    (number,) = struct.unpack_from(data_set.syntax.order + "H", data_set.data, element.value)
    return number


def _view(data_set: DataSet, element: Element) -> memoryview:
    return memoryview(data_set.data)[element.value : element.value + element.length]


def _dtype(word: Word) -> np.dtype[np.integer]:
    return np.dtype(f"{word.order}{'i' if word.is_signed else 'u'}{word.allocated // 8}")


def _values(window: memoryview, word: Word) -> NDArray[np.integer]:
    if word.is_full:
        return np.empty(0, np.uint8)
    return np.frombuffer(window, _dtype(word), count=len(window) * 8 // word.allocated)


def _has_zeros(values: NDArray[np.integer], word: Word) -> bool:
    """Whether all unused bits are zero."""
    used = ((1 << word.stored) - 1) << word.below
    if word.below == 0 and not word.is_signed:
        return int(values.max()) <= used
    unsigned = values.view(values.dtype.str.replace("i", "u"))
    return int(np.bitwise_or.reduce(unsigned)) & ~used == 0


def _has_signs(values: NDArray[np.integer], word: Word) -> bool:
    """Whether all bits above repeat the sign and all below are zero."""
    bound = 1 << word.high_bit
    if not -bound <= int(values.min()) <= int(values.max()) < bound:
        return False
    return word.below == 0 or int(np.bitwise_or.reduce(values)) & ((1 << word.below) - 1) == 0


def _bare(values: NDArray[np.integer], word: Word) -> NDArray[np.integer]:
    above = word.allocated - 1 - word.high_bit
    bare: NDArray[np.integer] = values << above >> (above + word.below) << word.below
    return bare.astype(values.dtype, copy=False)
