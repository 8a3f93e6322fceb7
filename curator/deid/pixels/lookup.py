"""Look-up tables of an image: palettes, plain or in segments, and VOI LUTs, as 8-bit entries.

The law: a palette has as many entries as its descriptor says, or it is MALFORMED; a stored value below the first entry
shows the first, one above the last the last.

Sources: DICOM PS3.3 C.7.6.3.1.5-6, C.7.9.2 (segments), C.11.2 (VOI LUT), C.7.6.23 (supplemental palette).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curator.deid.pixels.attributes import only, words
from curator.dicom.elements import DataSet
from curator.errors import ItemError
from curator.model.quarantine import Reason

_COLOURS = ("Red", "Green", "Blue")
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2
_MOST_ENTRIES = 1 << 16
Entries = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LookUp:
    """`entries` for the stored values from `first` on: `(N,)` grey or `(N, 3)` RGB."""

    first: int
    entries: Entries = field(repr=False)

    def shown(self, values: NDArray[np.integer]) -> Entries:
        """What stored values `(Y, X)` show as: `(Y, X)` or `(Y, X, 3)`."""
        indices = np.clip(values.astype(np.int64) - self.first, 0, len(self.entries) - 1)
        return self.entries[indices]


def palette(data_set: DataSet, *, signed: bool, required: bool) -> LookUp | None:
    """The palette of a data set, None where it has none and none is `required`.

    Raises:
        ItemError: MALFORMED, a colour is missing, too short, or the three disagree about their length.
    """
    if not required and only(data_set, "RedPaletteColorLookupTableDescriptor") is None:
        return None
    columns: list[Entries] = []
    firsts: set[int] = set()
    for colour in _COLOURS:
        count, first, bits = _descriptor(data_set, f"{colour}PaletteColorLookupTableDescriptor", signed=signed)
        firsts.add(first)
        columns.append(_entries(data_set, colour, count, bits))
    if len(firsts) != 1 or len({len(column) for column in columns}) != 1:
        raise ItemError(Reason.MALFORMED, "the colours of the palette differ in length or in their first value")
    return LookUp(firsts.pop(), np.stack(columns, axis=1))


def _descriptor(data_set: DataSet, keyword: str, *, signed: bool) -> tuple[int, int, int]:
    found = words(data_set, keyword)
    if len(found) != 3:
        raise ItemError(Reason.MALFORMED, f"a palette descriptor of {len(found)} values")
    count, first, bits = found
    if bits not in (8, 16):
        raise ItemError(Reason.MALFORMED, f"a palette of {bits} bits")
    # The first value has the sign of the pixels, the count never has one.
    return count or _MOST_ENTRIES, first - (1 << 16) if signed and first >= 1 << 15 else first, bits


def _entries(data_set: DataSet, colour: str, count: int, bits: int) -> Entries:
    plain = f"{colour}PaletteColorLookupTableData"
    segmented = f"Segmented{plain}"
    if only(data_set, segmented) is not None:
        values = _unfolded(_numbers(data_set, segmented, 8 if bits == 8 else 16), count, 1 if bits == 8 else 2)
    else:
        element = only(data_set, plain)
        length = 0 if element is None else element.length
        # Entries of 8 bits stand as bytes, or as words by older writers.
        values = _numbers(data_set, plain, 8 if bits == 8 and length < 2 * count else 16)
    if len(values) < count:
        raise ItemError(Reason.MALFORMED, f"a palette of {len(values)} entries where {count} were stated")
    return as_bytes(values[:count], bits)


def _numbers(data_set: DataSet, keyword: str, bits: int) -> NDArray[np.uint16]:
    element = only(data_set, keyword)
    if element is None:
        return np.zeros(0, dtype=np.uint16)
    if bits == 16 and element.length % 2:
        raise ItemError(Reason.MALFORMED, "a look-up table with an odd number of bytes")
    kind = np.dtype("u1") if bits == 8 else np.dtype("u2").newbyteorder(data_set.syntax.order)
    return np.frombuffer(data_set.raw(element), dtype=kind).astype(np.uint16)


def as_bytes(values: NDArray[np.uint16], bits: int) -> Entries:
    """Entries of so many bits as 8; those that say 16 bits and use 8 are taken at what they use."""
    if bits > 8 and values.size and int(values.max()) > 255:
        return (values >> (bits - 8)).clip(0, 255).astype(np.uint8)
    return values.clip(0, 255).astype(np.uint8)


def _unfolded(segments: NDArray[np.uint16], count: int, width: int) -> NDArray[np.uint16]:
    """The entries that a run of segments stands for; `width` is the bytes of one number.

    Raises:
        ItemError: MALFORMED, a segment ends early, refers to a place that is none, or refers to a reference.
    """
    data = [int(number) for number in segments]
    entries: list[int] = []
    position = 0
    while position + 1 < len(data) and len(entries) < count:
        position = _segment(data, position, entries, width)
    return np.array(entries, dtype=np.uint16)


def _segment(data: list[int], position: int, entries: list[int], width: int, *, inside: bool = False) -> int:
    kind, length = _at(data, position), _at(data, position + 1)
    if len(entries) > _MOST_ENTRIES:
        raise ItemError(Reason.MALFORMED, "a palette whose segments hold more than a palette does")
    if kind == _DISCRETE:
        end = position + 2 + length
        _at(data, end - 1)
        entries.extend(data[position + 2 : end])
        return end
    if kind == _LINEAR and entries:
        start, stop = entries[-1], _at(data, position + 2)
        entries.extend(start + round((stop - start) * step / length) for step in range(1, length + 1))
        return position + 3
    if kind == _INDIRECT and not inside:
        halves = 4 // width
        offset = sum(_at(data, position + 2 + half) << (8 * width * half) for half in range(halves)) // width
        for _ in range(length):
            offset = _segment(data, offset, entries, width, inside=True)
        return position + 2 + halves
    raise ItemError(Reason.MALFORMED, f"a palette segment of kind {kind} where none may be")


def _at(data: list[int], position: int) -> int:
    if not 0 <= position < len(data):
        raise ItemError(Reason.MALFORMED, "a palette segment ends early")
    return data[position]
