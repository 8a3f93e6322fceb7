"""Boxes made black in the image's own transfer syntax.

The law: no stored pixel (no DCT coefficient in baseline JPEG) outside the grown boxes changes, inside them all is one
black, and a frame without boxes keeps its bytes as long as the transfer syntax does.

Sources: DICOM PS3.3 C.7.6.3, PS3.5 8.2 and Annex A; PS3.15 E.3.1 (Clean Pixel Data).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from curator.deid.pixels.black import black
from curator.deid.pixels.brush import brush_of, growth, painted_transform
from curator.deid.pixels.codecs import native
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.redrawn import Coding, Scratch, Scrubbed, redrawn_coded, redrawn_native
from curator.deid.pixels.spool import Spool
from curator.dicom.elements import Buffer
from curator.model.pixels import Box

Boxes = Callable[[int], Sequence[Box]]


def scrub(frames: Frames, boxes: Boxes, *, scratch: Scratch) -> Scrubbed:
    """The new pixels of an instance whose frame `i` is to be black inside `boxes(i)`.

    Boxes reach beyond the frame as they like; those that meet nothing of it count for nothing. `scratch` opens an
    unnamed file for what is too large for memory.

    Raises:
        ItemError: a frame that boxes lie on cannot be decoded.
    """
    module = frames.module
    wanted = {index: inside for index in range(len(frames)) if (inside := inside_boxes(frames, index, boxes(index)))}
    if not wanted:
        return Scrubbed(module.syntax, ())
    with closing(Spool(scratch)) as spool:
        if module.syntax.encapsulated:
            return _encapsulated(frames, wanted, spool)
        return _native(frames, wanted, spool)


def grown(frames: Frames, index: int, box: Box) -> Box:
    """What is blackened of frame `index` where `box` is asked for, within the frame: whole chroma pairs, whole blocks.

    Its area is 0 where the box meets nothing of the frame.

    Raises:
        ItemError: the frame is a JPEG whose header cannot be read.
    """
    inside = box.clipped(frames.module.rows, frames.module.columns)
    return growth(frames, index)(inside) if inside.area else inside


def inside_boxes(frames: Frames, index: int, boxes: Sequence[Box]) -> tuple[Box, ...]:
    """The boxes of a frame as they are painted; none where nothing of the frame is met."""
    clipped = [box.clipped(frames.module.rows, frames.module.columns) for box in boxes]
    met = [box for box in clipped if box.area]
    if not met:
        return ()
    grow = growth(frames, index)
    return tuple(grow(box) for box in met)


def _native(frames: Frames, wanted: Mapping[int, tuple[Box, ...]], spool: Spool) -> Scrubbed:
    module, colour = frames.module, black(frames.data_set, frames.module)

    def draw(octets: bytearray, index: int) -> None:
        order, first_bit = module.syntax.order, frames.first_bit(index)
        native.paint(octets, wanted[index], module, black=colour, order=order, first_bit=first_bit)

    return redrawn_native(frames, wanted, draw, spool=spool)


def _encapsulated(frames: Frames, wanted: Mapping[int, tuple[Box, ...]], spool: Spool) -> Scrubbed:
    brush = brush_of(frames)

    def draw(raw: Buffer, index: int) -> bytes:
        return brush.paint(raw, wanted.get(index, ()))

    transform = painted_transform(frames.module, all_frames=len(wanted) == len(frames))
    coding = Coding(brush.syntax, draw, {**brush.header, **transform})
    return redrawn_coded(frames, wanted, coding, spool=spool)
