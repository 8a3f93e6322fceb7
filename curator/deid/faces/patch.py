"""What is to be other in the pixels of one instance, sample by sample.

The law: a patch names every pixel that it changes and holds a value for each; what comes back from its bytes is what
went in, and bytes that are no patch, or would unpack to more than they may, are refused.

Sources: RFC 1950 (zlib).
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curator.errors import ItemError
from curator.model.quarantine import Reason

Mask = NDArray[np.bool_]
Values = NDArray[np.generic]

LARGEST_BYTES = 1 << 32
"""The most that a patch may unpack to: masks of eight pixels a byte and the values."""

_MAGIC = b"curpat01"
_HEAD = struct.Struct("<8sIIII2sQ")
_FRAME = struct.Struct("<II")
_LARGEST_SIDE = 65535
_MOST_FRAMES = 1 << 24
_LEVEL = 6
_TYPES = frozenset({"u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"})


@dataclass(frozen=True, slots=True, eq=False)
class FramePatch:
    """What changes in one frame: `mask` is `(Y, X)`; `values` are `(N,)`, one for each pixel of it, in row order."""

    mask: Mask = field(repr=False)
    values: Values = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """What changes in one instance, by the index of its frames, from 0; frames without a pixel to change are left out.

    All frames are of one size and all values of one type: stored values (unsigned, signed or real numbers).

    Raises:
        ValueError: masks, values or indices that do not belong together.
    """

    frames: Mapping[int, FramePatch]

    def __post_init__(self) -> None:
        """Check that parts belong together, and put frames in order."""
        kept = {index: frame for index, frame in sorted(self.frames.items()) if frame.values.size}
        for index, frame in kept.items():
            if not 0 <= index < _MOST_FRAMES or frame.mask.dtype != np.bool_ or frame.mask.ndim != 2:
                raise ValueError("a patch is masks (Y, X) by index of frame")
            if frame.values.shape != (int(np.count_nonzero(frame.mask)),) or _kind(frame.values) not in _TYPES:
                raise ValueError("a patch has one number for every pixel of its masks")
        if len({(frame.mask.shape, _kind(frame.values)) for frame in kept.values()}) > 1:
            raise ValueError("frames of a patch are of one size and one type")
        object.__setattr__(self, "frames", kept)

    def __eq__(self, other: object) -> bool:
        """Whether both change the same pixels to the same values (bit for bit)."""
        return isinstance(other, Patch) and self.to_bytes() == other.to_bytes()

    __hash__ = None  # type: ignore[assignment] # masks can be changed

    @property
    def pixels(self) -> int:
        """How many pixels it changes."""
        return sum(frame.values.size for frame in self.frames.values())

    @property
    def shape(self) -> tuple[int, int] | None:
        """Rows and columns of its frames; None for a patch that changes nothing."""
        for frame in self.frames.values():
            rows, columns = frame.mask.shape
            return rows, columns
        return None

    def to_bytes(self) -> bytes:
        """The patch, packed without loss; the same bytes for the same patch."""
        rows, columns = self.shape or (0, 0)
        first = next(iter(self.frames.values()), None)
        kind = "u1" if first is None else _kind(first.values)
        packed = [_packed(index, frame, kind) for index, frame in self.frames.items()]
        body = zlib.compress(b"".join(packed), _LEVEL)
        head = _HEAD.pack(_MAGIC, 1, rows, columns, len(packed), kind.encode(), sum(map(len, packed)))
        return head + struct.pack("<I", zlib.crc32(head)) + body


def patch_from(packed: bytes, *, largest: int = LARGEST_BYTES) -> Patch:
    """The patch that `to_bytes` packed.

    Raises:
        ItemError: MALFORMED, these are no such bytes, or they would unpack to more than `largest`.
    """
    at = _HEAD.size + 4
    if len(packed) < at:
        raise _malformed("it is too short")
    magic, version, rows, columns, count, kind, size = _HEAD.unpack_from(packed)
    if (magic, version) != (_MAGIC, 1) or struct.unpack_from("<I", packed, _HEAD.size)[0] != zlib.crc32(
        packed[: _HEAD.size]
    ):
        raise _malformed("it does not begin as one")
    types = kind.decode("latin-1")
    pixels = rows * columns
    if types not in _TYPES or rows > _LARGEST_SIDE or columns > _LARGEST_SIDE or count > _MOST_FRAMES:
        raise _malformed("its sizes are none of an image")
    item = np.dtype(types).itemsize
    most = count * (_FRAME.size + (pixels + 7) // 8 + pixels * item)
    if size > min(most, largest):
        raise _malformed(f"it would unpack to {size} bytes")
    body = _inflated(packed[at:], size)
    frames: dict[int, FramePatch] = {}
    position = 0
    for _ in range(count):
        index, frame, position = _unpacked(body, position, (rows, columns), np.dtype(types))
        if index in frames or (frames and index < next(reversed(frames))):
            raise _malformed("its frames are out of order")
        frames[index] = frame
    if position != len(body):
        raise _malformed("bytes are left over")
    return Patch(frames)


def merged(patches: Iterable[Patch]) -> Patch:
    """One patch that changes what all change; of pixels that several name the last one's value counts.

    Raises:
        ValueError: they are of different sizes or types.
    """
    frames: dict[int, FramePatch] = {}
    for patch in patches:
        for index, frame in patch.frames.items():
            before = frames.get(index)
            frames[index] = frame if before is None else _over(before, frame)
    return Patch(frames)


def _over(under: FramePatch, over: FramePatch) -> FramePatch:
    if under.mask.shape != over.mask.shape or under.values.dtype != over.values.dtype:
        raise ValueError("frames of a patch are of one size and one type")
    whole = np.zeros(under.mask.shape, under.values.dtype)
    whole[under.mask] = under.values
    whole[over.mask] = over.values
    mask = under.mask | over.mask
    return FramePatch(mask, whole[mask])


def _kind(values: Values) -> str:
    return f"{values.dtype.kind}{values.dtype.itemsize}"


def _packed(index: int, frame: FramePatch, kind: str) -> bytes:
    bits = np.packbits(frame.mask, bitorder="little").tobytes()
    values = np.ascontiguousarray(frame.values, f"<{kind}").tobytes()
    return _FRAME.pack(index, frame.values.size) + bits + values


def _unpacked(
    body: bytes, position: int, shape: tuple[int, int], kind: np.dtype[np.generic]
) -> tuple[int, FramePatch, int]:
    pixels = math.prod(shape)
    bits = (pixels + 7) // 8
    if position + _FRAME.size + bits > len(body):
        raise _malformed("a frame ends early")
    index, count = _FRAME.unpack_from(body, position)
    position += _FRAME.size
    flat = np.unpackbits(np.frombuffer(body, np.uint8, bits, position), bitorder="little")
    mask = flat[:pixels].astype(bool).reshape(shape)
    position += bits
    if flat[pixels:].any() or index >= _MOST_FRAMES or count == 0 or count != int(np.count_nonzero(mask)):
        raise _malformed("a frame names other pixels than it has values for")
    end = position + count * kind.itemsize
    if end > len(body):
        raise _malformed("a frame ends early")
    values = np.frombuffer(body, kind.newbyteorder("<"), count, position).astype(kind)
    return index, FramePatch(mask, values), end


def _inflated(packed: bytes, size: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        body = inflater.decompress(packed, size + 1)
    except zlib.error:
        raise _malformed("it does not inflate") from None
    if len(body) != size or not inflater.eof or inflater.unused_data:
        raise _malformed("it inflates to another size than it says")
    return body


def _malformed(what: str) -> ItemError:
    return ItemError(Reason.MALFORMED, f"no patch of pixels: {what}")
