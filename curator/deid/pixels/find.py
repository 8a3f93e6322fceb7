"""Where an instance shows text: which frames are looked at, and how.

The law: text that stands still is in the mean over the frames however faint each frame shows it; text that comes and
goes outside the moving part is read in the frame where it is new; text over the moving part is read in the first, the
middle and the last frame and where it is brighter than all that moves there. What moves leaves streaks in pictures of
many frames, which look like unreadable words: there only what is read counts. Pictures that are equal are read once,
no more than a few frames are in memory, and no more pictures are read than the caller bears.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from curator.deid.pixels.appearance import appearance
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import MONOCHROME1, MONOCHROME2
from curator.deid.pixels.render import views
from curator.deid.pixels.scenes import Change, Frame, Scene
from curator.errors import ItemError
from curator.model.pixels import Box, Sighting
from curator.model.quarantine import Reason
from curator.ports.pixels import Picture, TextReader

_GREY = frozenset({MONOCHROME1, MONOCHROME2})
# How much of what is around a change is read with it.
_AROUND = 32
# A mean has finer steps than its frames.
_FINER_BITS = 4
_SAME_PLACE = 0.7
# Retired colour spaces: viewers that still open them do not agree about what they show.
_SHOWN_BY_NOBODY = frozenset({"ARGB", "CMYK", "HSV"})


@dataclass(frozen=True, slots=True)
class Found:
    """What was seen, which frames were looked at themselves, and how many pictures were read."""

    sightings: tuple[Sighting, ...] = field(repr=False)
    looked_at: tuple[int, ...]
    pictures: int


def find(
    frames: Frames,
    reader: TextReader,
    *,
    watchful: bool = False,
    most_pictures: float = math.inf,
    least_moving: float = 0.0,
) -> Found:
    """Everything in an instance that may be text, in pixels of the stored frame, by place; nothing where none is.

    `least_moving` is how surely, 0 to 1, what a picture of many frames shows has to be read.

    Raises:
        ItemError: a frame that cannot be decoded, or a palette that is not whole; UNSUPPORTED_OBJECT for colours of
            which nobody can say how they are shown; BURNED_IN_TEXT_DOUBTFUL where more than `most_pictures` would
            have to be read.
    """
    if frames.module.photometric in _SHOWN_BY_NOBODY:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "retired colours, of which nobody can say how they are shown")
    search = _Search(frames, reader, watchful=watchful, most_pictures=most_pictures, least_moving=least_moving)
    for scene in _scenes(frames, search):
        search.look_at(scene, alone=scene.count == len(frames))
    return Found(_merged(search.sightings), tuple(sorted(search.looked_at)), search.pictures)


def _scenes(frames: Frames, search: _Search) -> Iterator[Scene]:
    scene: Scene | None = None
    for index in range(len(frames)):
        frame = search.frame(index)
        if scene is not None and scene.is_continued_by(frame):
            scene.add(frame)
            continue
        if scene is not None:
            yield scene
        scene = Scene(index, frame)
    if scene is not None:
        yield scene


class _Search:
    """The frames as they are compared, and what was read in them."""

    def __init__(
        self, frames: Frames, reader: TextReader, *, watchful: bool, most_pictures: float, least_moving: float
    ) -> None:
        self._frames = frames
        self._reader = reader
        self._watchful = watchful
        self._most_pictures = most_pictures
        self._least_moving = least_moving
        self._appearance = appearance(frames.data_set, frames.module, frames.photometric)
        self._is_grey = frames.photometric in _GREY
        self._read: dict[bytes, tuple[Sighting, ...]] = {}
        self.sightings: list[Sighting] = []
        self.looked_at: set[int] = set()
        self.pictures = 0

    def frame(self, index: int) -> Frame:
        """Stored values of a grey frame; RGB of any other, since palette indices have no mean.

        What that RGB hides is read at once.
        """
        values = self._frames.decode(index)
        if self._is_grey:
            return values
        seen, *hidden = views(values, self._appearance)
        for picture in hidden:
            self.looked_at.add(index)
            self._note(picture, None, None if len(self._frames) == 1 else (index,))
        return seen

    def look_at(self, scene: Scene, *, alone: bool) -> None:
        """Read a scene; `alone`: it is all there is."""
        inside = None if alone else tuple(range(scene.start, scene.stop))
        self._look_at_frame(scene.start, None, inside)
        if scene.count == 1:
            return
        for picture in self._mean(scene):
            self._note(picture, None, inside, least=self._least_moving)
        moving = scene.moving_box()
        if moving is not None:
            for picture in self._brightest(scene):
                self._note(picture, moving, inside, least=self._least_moving)
            for index in {scene.start + scene.count // 2, scene.stop - 1}:
                self._look_at_frame(index, moving, inside)
        for change in scene.changes():
            self._look_at_frame(change.index, change.box, _frames_of(change))

    def _look_at_frame(self, index: int, part: Box | None, inside: tuple[int, ...] | None) -> None:
        self.looked_at.add(index)
        for picture in self._views(self.frame(index)):
            self._note(picture, part, inside)

    def _views(self, frame: Frame) -> tuple[Picture, ...]:
        if self._is_grey:
            return views(frame, self._appearance)
        return (np.asarray(frame, dtype=np.uint8),)

    def _mean(self, scene: Scene) -> tuple[Picture, ...]:
        """The mean over the frames, stretched."""
        if not self._is_grey:
            return (np.clip(np.rint(scene.mean), 0, 255).astype(np.uint8),)
        finer = np.rint(scene.mean * (1 << _FINER_BITS)).astype(np.int64)
        stretched = replace(
            self._appearance,
            bits=self._appearance.bits + _FINER_BITS,
            lowest=self._appearance.lowest << _FINER_BITS,
            window=None,
            voi=None,
            colours=None,
            padding=None,
        )
        return views(finer, stretched, is_mean=True)

    def _brightest(self, scene: Scene) -> tuple[Picture, ...]:
        """The brightest that every pixel was."""
        return self._views(scene.lowest if self._appearance.is_inverted else scene.highest)

    def _note(self, picture: Picture, part: Box | None, inside: tuple[int, ...] | None, *, least: float = 0.0) -> None:
        """Read a picture, or a part of it, and keep what was sighted as seen in the frames `inside`.

        `least` is how surely it has to be read, 0 to 1.
        """
        rows, columns = picture.shape[:2]
        whole = Box(0, 0, rows, columns)
        place = whole if part is None else part.padded(_AROUND).clipped(rows, columns)
        cut = np.ascontiguousarray(picture[place.top : place.bottom, place.left : place.right])
        digest = hashlib.blake2b(cut.data, digest_size=16, key=repr(cut.shape).encode()).digest()
        if digest not in self._read:
            if self.pictures >= self._most_pictures:
                detail = f"more than {self.pictures} pictures to be read, of {len(self._frames)} frames"
                raise ItemError(Reason.BURNED_IN_TEXT_DOUBTFUL, detail)
            self.pictures += 1
            self._read[digest] = self._reader.read(cut, watchful=self._watchful)
        for sighting in self._read[digest]:
            if sighting.confidence >= least:
                self.sightings.append(replace(sighting, box=_moved(sighting.box, place), frames=inside))


def _frames_of(change: Change) -> tuple[int, ...]:
    return tuple(range(change.index, change.until))


def _moved(box: Box, place: Box) -> Box:
    return Box(box.top + place.top, box.left + place.left, box.bottom + place.top, box.right + place.left)


def _merged(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """Sightings of one text at one place in the same frames are one, its box around both."""
    alike: dict[tuple[object, ...], list[Sighting]] = {}
    for sighting in sightings:
        kept = alike.setdefault((sighting.frames, sighting.route, sighting.text), [])
        for position, other in enumerate(kept):
            if _is_same_place(sighting.box, other.box):
                kept[position] = _joined(sighting, other)
                break
        else:
            kept.append(sighting)
    return tuple(
        sorted(
            chain.from_iterable(alike.values()),
            key=lambda sighting: (sighting.box, sighting.frames or (), sighting.text),
        )
    )


def _is_same_place(one: Box, other: Box) -> bool:
    rows = min(one.bottom, other.bottom) - max(one.top, other.top)
    columns = min(one.right, other.right) - max(one.left, other.left)
    return max(0, rows) * max(0, columns) >= _SAME_PLACE * max(one.area, other.area)


def _joined(one: Sighting, other: Sighting) -> Sighting:
    box = Box(
        min(one.box.top, other.box.top),
        min(one.box.left, other.box.left),
        max(one.box.bottom, other.box.bottom),
        max(one.box.right, other.box.right),
    )
    return replace(one, box=box, confidence=max(one.confidence, other.confidence))
