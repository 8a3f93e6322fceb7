"""The proof on the pixels that would be written: read again from the bytes, as a stranger would.

The law: an image is proven where it has the frames that it had, is one black inside every box, is what it was outside
them, and shows a watchful reader nothing that may not stay. It is read from what would be written, never from what was
meant to be.

Sources: DICOM PS3.15 E.3.1 (Clean Pixel Data Option), E.1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from curator.deid.pixels.areas import covered
from curator.deid.pixels.closer import is_seen_from_near
from curator.deid.pixels.compare import differences
from curator.deid.pixels.find import find
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.judge import judge
from curator.deid.pixels.likeness import Likeness
from curator.deid.pixels.lines import is_same_place
from curator.deid.pixels.scrub import Boxes, inside_boxes
from curator.deid.text.cleaner import Find
from curator.deid.text.own_values import OwnValues
from curator.dicom.windows import WINDOW_BYTES
from curator.errors import ItemError
from curator.model.pixels import Box, Judged, Sighting, Verdict
from curator.model.quarantine import Reason
from curator.policy.pixels.rules import PixelRules
from curator.ports.pixels import TextReader


def check_scrubbed(before: Frames, after: Frames, boxes: Boxes) -> None:
    """Nothing, where `after` is `before` with exactly the boxes black.

    Raises:
        ItemError: BURNED_IN_TEXT_LEFT where it is not, with the frame; or a frame cannot be decoded.
    """
    for wrong in differences(before, after, boxes):
        where = "the image" if wrong.frame is None else f"frame {wrong.frame}"
        raise ItemError(Reason.BURNED_IN_TEXT_LEFT, f"{wrong.count} wrong in {where}: {wrong.kind.value}")


def is_hidden(box: Box, black: Sequence[Box]) -> bool:
    """Whether all of a box lies in boxes that are one black, so that nothing can be read in it; also for no area."""
    within = [
        Box(max(each.top, box.top), max(each.left, box.left), min(each.bottom, box.bottom), min(each.right, box.right))
        for each in black
        if each.meets(box)
    ]
    return covered(within) == box.area


@dataclass(frozen=True, slots=True)
class Proof:
    """Reads images again with lower thresholds, for one person."""

    reader: TextReader
    rules: PixelRules
    own: OwnValues
    find: Find | None = None

    def left(self, frames: Frames, judged: Sequence[Judged] = ()) -> tuple[Judged, ...]:
        """What is still read of an image in which `judged` was carried out and may not stay; () for a clean one.

        What is one of the person's values counts however badly it is read; anything else where it is surely a text, or
        is one from near too, is allowed nowhere, and was not let stay before, where it was seen more plainly.

        Raises:
            ItemError: as `find`.
        """
        likeness = Likeness(self.own, self.rules)
        kept = [one.box for one in judged if one.verdict is Verdict.KEEP]
        judging = self.rules.judging
        most, least_moving = judging.most_pictures, judging.least_moving_confidence
        read = [
            one
            for one in find(frames, self.reader, watchful=True, most_pictures=most, least_moving=least_moving).sightings
            if likeness.names(one.text)
            or (self._is_read(one) and not _is_at(kept, one.box) and self._is_confirmed(frames, one))
        ]
        rows, columns = frames.module.rows, frames.module.columns
        found = judge(read, own=self.own, rules=self.rules, rows=rows, columns=columns, find=self.find)
        boxes = boxes_by_frame(judged)
        return tuple(
            replace(one, verdict=Verdict.REDACT)
            for one in found
            if one.verdict is not Verdict.KEEP and not _is_hidden(one, frames, boxes)
        )

    def _is_read(self, one: Sighting) -> bool:
        """Whether this is surely more than texture, or the edge of a black box."""
        letters = sum(character.isalnum() for character in one.text)
        judging = self.rules.judging
        return letters >= judging.least_left_letters and one.confidence >= judging.least_left_confidence

    def _is_confirmed(self, frames: Frames, one: Sighting) -> bool:
        """Whether this was read surely, or is read again from near."""
        is_sure = one.confidence >= self.rules.judging.least_confidence
        return is_sure or is_seen_from_near(frames, one, self.reader, self._is_read)


def boxes_by_frame(judged: Sequence[Judged]) -> Boxes:
    """What is to be black in each frame."""
    gone = [one for one in judged if one.verdict is not Verdict.KEEP]
    always = [one.box for one in gone if one.frames is None]
    sometimes: dict[int, list[Box]] = {}
    for one in gone:
        for frame in one.frames or ():
            sometimes.setdefault(frame, []).append(one.box)
    return lambda index: (*always, *sometimes.get(index, ()))


def is_same(one: memoryview, other: memoryview) -> bool:
    """Whether two runs of bytes are equal; a window of each is in memory at a time."""
    return len(one) == len(other) and all(
        one[start : start + WINDOW_BYTES] == other[start : start + WINDOW_BYTES]
        for start in range(0, len(one), WINDOW_BYTES)
    )


def _is_at(places: Sequence[Box], box: Box) -> bool:
    return any(is_same_place(box, place) for place in places)


def _is_hidden(one: Judged, frames: Frames, boxes: Boxes) -> bool:
    """Whether a box lies in what is black, in every frame that it was seen in."""
    seen_in = range(len(frames)) if one.frames is None else one.frames
    return all(is_hidden(one.box, inside_boxes(frames, index, boxes(index))) for index in seen_in)
