"""The frames of one instance, each read when it is asked for.

The law: one frame at a time is in memory, and a frame is whole and as large as the module says, or `ItemError`.

Sources: DICOM PS3.5 8.2 and Annex A; PS3.3 C.7.6.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from curator.deid.pixels.codecs import framed, jpeg, jpeg_2000, jpeg_ls, native, rle
from curator.deid.pixels.codecs.coded import Coded, stored
from curator.deid.pixels.codecs.jpeg_segments import is_rgb, read_header
from curator.deid.pixels.codecs.native import Samples
from curator.deid.pixels.fragments import frame_fragments
from curator.deid.pixels.module import JPEG_2000S, JPEG_LS, JPEGS, RLE_LOSSLESS, UNCOMPRESSED, PixelModule
from curator.dicom.elements import Buffer, DataSet
from curator.dicom.windows import let_go

_MOST_TOUCHED = 1 << 26


class Frames:
    """The frames of an instance in stored order.

    Raises:
        ItemError: MALFORMED, the fragments are not those of the stated frames.
    """

    __slots__ = ("_fragments", "_photometric", "_touched", "_view", "data_set", "module")

    def __init__(self, data_set: DataSet, module: PixelModule) -> None:
        self.data_set = data_set
        self.module = module
        self._view = memoryview(data_set.data)
        self._touched = 0
        self._photometric: str | None = None
        self._fragments = frame_fragments(data_set, module) if module.syntax.encapsulated else ()

    def __len__(self) -> int:
        return self.module.frames

    def __iter__(self) -> Iterator[Samples]:
        return (self.decode(index) for index in range(len(self)))

    @property
    def photometric(self) -> str:
        """What `decode` gives: the stated interpretation, with chroma in every pixel and J2K's transform undone.

        Of colours in JPEG that contradict the header the stream is believed, as it is by those who show it.

        Raises:
            ItemError: MALFORMED or TRUNCATED, the first frame is a JPEG whose segments cannot be read.
        """
        if self._photometric is None:
            self._photometric = self._shown()
        return self._photometric

    def _shown(self) -> str:
        stated = self.module.photometric
        if stated in ("YBR_RCT", "YBR_ICT"):
            return "RGB"
        if self.module.syntax.uid in JPEGS and self.module.samples == 3:
            stream = bytes(self.raw(0))
            return "RGB" if is_rgb(stream, read_header(stream), stated=stated) else "YBR_FULL"
        return {"YBR_FULL_422": "YBR_FULL", "YBR_PARTIAL_422": "YBR_PARTIAL"}.get(stated, stated)

    def raw(self, index: int) -> memoryview:
        """The bytes of one frame: a compressed stream as it stands, or native samples in their order.

        A native frame of single bits begins at bit `first_bit(index)` of the first byte and may share its last.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        if self._fragments:
            parts = self.parts(index)
            self.touched(sum(len(part) for part in parts))
            return parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
        at = self.bytes_of(index)
        self.touched(len(at))
        origin = self.module.pixels.value
        if not self.module.is_swapped:
            return self._view[origin + at.start : origin + at.stop]
        odd_before, odd_after = at.start % 2, at.stop % 2
        words = native.swapped(self._view[origin + at.start - odd_before : origin + at.stop + odd_after])
        return memoryview(words)[odd_before : len(words) - odd_after]

    def touched(self, size: int) -> None:
        """Note that so many bytes of the source are about to be read: of a mapped file the latest stay in memory."""
        self._touched += size
        if self._touched > _MOST_TOUCHED:
            let_go(self._view)
            self._touched = size

    def parts(self, index: int) -> tuple[memoryview, ...]:
        """The fragments of one encapsulated frame."""
        return tuple(self._view[fragment.start : fragment.end] for fragment in self._fragments[index])

    def bytes_of(self, index: int) -> range:
        """Which bytes of native Pixel Data a frame touches."""
        bits = self.module.frame_bits
        return range(index * bits // 8, ((index + 1) * bits + 7) // 8)

    def first_bit(self, index: int) -> int:
        """Which bit of `raw(index)` a native frame begins at; 0 but for single bits."""
        return 0 if self._fragments else index * self.module.frame_bits % 8

    def precision(self, index: int) -> int:
        """How many bits the samples of a frame have: those of its stream, as far as it says, else those allocated.

        Raises:
            ItemError: MALFORMED or TRUNCATED.
        """
        uid = self.module.syntax.uid
        if uid in JPEGS | JPEG_LS:
            return read_header(bytes(self.raw(index))).precision
        return jpeg_2000.precision_of(self.raw(index)) if uid in JPEG_2000S else self.module.bits_allocated

    def decode(self, index: int) -> Samples:
        """The stored values of one frame, `(Y, X)` or `(Y, X, S)`: unused bits cut off, signs extended.

        Raises:
            ItemError: MALFORMED or TRUNCATED.
        """
        raw = self.raw(index)
        if not self.module.syntax.encapsulated:
            return native.read(raw, self.module, order=self.module.syntax.order, first_bit=self.first_bit(index))
        return decode_frame(raw, self.module)


def decode_frame(raw: Buffer, module: PixelModule) -> Samples:
    """The stored values of one encapsulated frame.

    Raises:
        ItemError: MALFORMED or TRUNCATED.
    """
    uid = module.syntax.uid
    if uid == RLE_LOSSLESS:
        return rle.decode(raw, module)
    if uid in UNCOMPRESSED:
        return native.read(framed.opened(raw, module), module)
    return stored(read_coded(raw, module), module)


def read_coded(raw: Buffer, module: PixelModule) -> Coded:
    """One frame of a JPEG family as its decoder gives it.

    Raises:
        ItemError: MALFORMED or TRUNCATED.
    """
    uid = module.syntax.uid
    reader = jpeg.read if uid in JPEGS else jpeg_ls.read if uid in JPEG_LS else jpeg_2000.read
    return reader(raw, module)
