"""An instance with clean pixels: looked at, judged, scrubbed, and proven on the bytes that would be written.

The law: an image of which nothing has to go keeps its exact bytes; one that cannot be read to its last frame, that a
person has to judge, or that still shows something after it was scrubbed, raises, and nothing of it is released.

Sources: DICOM PS3.15 E.3.1 (Clean Pixel Data Option).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from curator.deid.pixels.areas import covered
from curator.deid.pixels.beside import is_plain, taken_out
from curator.deid.pixels.decide import decide
from curator.deid.pixels.evidence import Evidence, PixelsHeldError, judged_of, runs_of
from curator.deid.pixels.file_image import Scratch, stored
from curator.deid.pixels.find import find
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import PixelModule, has_pixel_data, has_real_numbers, pixel_module
from curator.deid.pixels.photographs import judged_faces, refuse_faces_left
from curator.deid.pixels.rebuilt import rebuilt
from curator.deid.pixels.redrawn import Scrubbed
from curator.deid.pixels.scrub import Boxes, inside_boxes, scrub
from curator.deid.pixels.verify import Proof, boxes_by_frame, check_scrubbed, is_hidden, is_same
from curator.deid.text.cleaner import Find
from curator.deid.text.folding import Folding
from curator.deid.text.own_values import OwnValues
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import DataSet
from curator.dicom.parse import parse
from curator.dicom.tokens import Stored
from curator.errors import ItemError
from curator.model.identity import Identifier
from curator.model.pixels import Box, Judged, Route, Verdict
from curator.model.quarantine import Reason
from curator.policy.gates import Handling
from curator.policy.pixels.rules import PixelRules
from curator.ports.pixels import FaceFinder, TextReader

# What the proof still reads is scrubbed too, as often as this; what is then still read is for a person.
MOST_ROUNDS = 3
_BURNED_IN = tag_of("BurnedInAnnotation")
_MOST_RULES = 6
# What led to boxes that nobody has to judge.
_KNOWN = frozenset({Route.LAYOUT, Route.REGION, Route.FACE})


@dataclass(frozen=True, slots=True)
class CleanedPixels:
    """An instance as header de-identification is to take it: the source's own bytes where nothing had to be done.

    `evidence` is what was seen, None where nobody looked; `is_proven` says that the option may be claimed.
    """

    data: Stored = field(repr=False)
    syntax_uid: str
    evidence: Evidence | None = None

    @property
    def is_proven(self) -> bool:
        """Whether these pixels were read and shown to be clean."""
        return self.evidence is not None and self.evidence.is_proven

    def are_in(self, written: Stored) -> bool:
        """Whether a written file has exactly these pixels, laid out the same.

        Raises:
            ItemError: it cannot be read.
        """
        ours, theirs = _read(self.data).frames, _read(written).frames
        return _layout(ours.module) == _layout(theirs.module) and is_same(_value(ours), _value(theirs))


@dataclass(frozen=True, slots=True)
class _Image:
    """A file's bytes and the frames in them."""

    data: Stored = field(repr=False)
    frames: Frames

    @property
    def data_set(self) -> DataSet:
        return self.frames.data_set

    @property
    def syntax_uid(self) -> str:
        return self.frames.module.syntax.uid


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen in an image: its frames, what becomes of each box, and what was read in it ("" for nothing)."""

    frames: Frames
    judged: tuple[Judged, ...]
    texts: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Looked:
    """An image that is looked at: as it came, and without what stood beside its pixels."""

    source: _Image
    bare: _Image
    is_photograph: bool


@dataclass(frozen=True, slots=True)
class PixelCleaner:
    """Cleans the pixels of one instance after the other; `seen_by` says who looks, for the evidence.

    `find` is the text engine of a model that the rules name, None where they name none.
    """

    rules: PixelRules
    reader: TextReader
    finder: FaceFinder
    seen_by: str
    scratch: Scratch
    find: Find | None = None

    def clean(self, data: Stored, *, handling: Handling, identifiers: Collection[Identifier]) -> CleanedPixels:
        """The instance with clean pixels; `identifiers` are those of the person that it shows.

        Under `Handling.PASS` nobody looks at it, and only what stands beside the pixels is taken out; a photograph is
        searched for faces too.

        Raises:
            ItemError: what cannot be decoded, or has more pictures than the rules bear; PixelsHeldError where a person
                has to judge.
        """
        data_set = parse(_view(data))
        if not has_pixel_data(data_set):
            if handling is not Handling.PASS and has_real_numbers(data_set):
                raise ItemError(Reason.UNSUPPORTED_OBJECT, "pixels of real numbers cannot be looked at")
            return CleanedPixels(data, data_set.syntax.uid)
        comments = self.rules.encoder_comments
        if handling is Handling.PASS and is_plain(data_set, allowed=comments):
            return CleanedPixels(data, data_set.syntax.uid)
        image = _Image(data, Frames(data_set, pixel_module(data_set)))
        beside = taken_out(image.frames, may_clear=True, scratch=self.scratch, allowed=comments)
        bare = self._with(image, beside.scrubbed)
        if handling is Handling.PASS:
            return CleanedPixels(bare.data, bare.syntax_uid)
        seen = Evidence(
            frames=len(image.frames),
            syntaxes=(image.syntax_uid, bare.syntax_uid),
            beside=tuple(beside.counts.items()),
            seen_by=self.seen_by,
        )
        looked = _Looked(image, bare, handling is Handling.PHOTOGRAPH)
        return self._looked_at(looked, seen, own=OwnValues(identifiers, Folding(self.rules.confusables)))

    def look(self, data: Stored, *, handling: Handling, identifiers: Collection[Identifier]) -> Look:
        """What would be done with the pixels of an instance, without doing it; nothing is proven.

        Raises:
            ItemError: it has no pixels, or they cannot be decoded; FACE_POSSIBLE where the rules refuse a photograph;
                BURNED_IN_TEXT_DOUBTFUL where more pictures than the rules bear would have to be read.
        """
        image = _read(data)
        looked = _Looked(image, image, handling is Handling.PHOTOGRAPH)
        return self._judged(looked, OwnValues(identifiers, Folding(self.rules.confusables)))

    def left(
        self, data: Stored, *, evidence: Mapping[str, object], identifiers: Collection[Identifier]
    ) -> tuple[Judged, ...]:
        """What is read in an instance that was released and should not be there; () for a clean one.

        `evidence` is what was seen when it was released, as it was recorded; empty where nothing is known.

        Raises:
            ItemError: it has no pixels, or they cannot be decoded.
        """
        own = OwnValues(identifiers, Folding(self.rules.confusables))
        return Proof(self.reader, self.rules, own, self.find).left(_read(data).frames, judged_of(evidence))

    def _looked_at(self, looked: _Looked, seen: Evidence, *, own: OwnValues) -> CleanedPixels:
        """The image after it was read, scrubbed and proven, as often as it takes."""
        bare = looked.bare
        judged = self._judged(looked, own).judged
        proof = Proof(self.reader, self.rules, own, self.find)
        for rounds in range(1, MOST_ROUNDS + 1):
            boxes = boxes_by_frame(judged)
            seen = replace(seen, boxes=judged, rounds=rounds, blacked_out=_largest_share(bare.frames, boxes))
            self._refuse_doubtful(seen, bare.frames)
            scrubbed = scrub(bare.frames, boxes, scratch=self.scratch)
            image = self._with(bare, scrubbed)
            seen = replace(seen, changed=len(scrubbed.changed), syntaxes=(looked.source.syntax_uid, image.syntax_uid))
            check_scrubbed(looked.source.frames, image.frames, boxes)
            if looked.is_photograph:
                refuse_faces_left(image.frames, self.finder)
            left = proof.left(image.frames, judged)
            if not left:
                return CleanedPixels(image.data, image.syntax_uid, replace(seen, is_proven=True))
            judged = (*judged, *left)
        raise _held(Reason.BURNED_IN_TEXT_LEFT, replace(seen, boxes=judged))

    def _judged(self, looked: _Looked, own: OwnValues) -> Look:
        """What becomes of the places that the header names, of faces, and of what is read."""
        frames = looked.bare.frames
        module = frames.module
        most = self.rules.judging.most_pictures
        faces: tuple[Judged, ...] = ()
        if looked.is_photograph:
            faces = judged_faces(frames, self.finder, policy=self.rules.faces, most_pictures=most)
        least_moving = self.rules.judging.least_moving_confidence
        found = find(frames, self.reader, most_pictures=most, least_moving=least_moving)
        seen = [one for one in found.sightings if one.box.clipped(module.rows, module.columns).area]
        texts = decide(seen, data_set=frames.data_set, module=module, own=own, rules=self.rules, find=self.find)
        unread = len(faces) + len(texts) - len(seen)
        return Look(frames, (*faces, *texts), ("",) * unread + tuple(one.text for one in seen))

    def _refuse_doubtful(self, seen: Evidence, frames: Frames) -> None:
        """Hold what a person has to judge; places that the header names are none of it, however large."""
        known = [one for one in seen.boxes if one.route in _KNOWN]
        found = [one for one in seen.boxes if one.route not in _KNOWN and not _is_within(one.box, known)]
        share = _largest_share(frames, boxes_by_frame(found))
        if share > self.rules.judging.largest_share or seen.count(Verdict.REVIEW):
            raise _held(Reason.BURNED_IN_TEXT_DOUBTFUL, seen)

    def _with(self, image: _Image, scrubbed: Scrubbed) -> _Image:
        if not scrubbed.changed:
            return image
        # Nobody asks the source any more, and without it the header is written the quick way.
        header = {**scrubbed.header, _BURNED_IN: None}
        return _read(stored(rebuilt(image.data_set, replace(scrubbed, header=header)), self.scratch))


def _read(data: Stored) -> _Image:
    data_set = parse(_view(data))
    return _Image(data, Frames(data_set, pixel_module(data_set)))


def _view(data: Stored) -> bytes | memoryview:
    return data if isinstance(data, bytes) else memoryview(data)


def _value(frames: Frames) -> memoryview:
    pixels = frames.module.pixels
    return memoryview(frames.data_set.data)[pixels.value : pixels.value + pixels.length]


def _layout(module: PixelModule) -> tuple[object, ...]:
    return tuple(getattr(module, name) for name in PixelModule.__dataclass_fields__ if name != "pixels")


def _is_within(box: Box, known: Sequence[Judged]) -> bool:
    return any(is_hidden(box, (one.box,)) for one in known)


def _largest_share(frames: Frames, boxes: Boxes) -> float:
    """The largest share of a frame that the boxes take, 0 to 1."""
    whole = frames.module.rows * frames.module.columns
    return max(covered(inside_boxes(frames, index, boxes(index))) / whole for index in range(len(frames)))


def _held(reason: Reason, evidence: Evidence) -> PixelsHeldError:
    gone = [one for one in evidence.boxes if one.verdict is not Verdict.KEEP]
    rules = sorted({one.rule_id for one in gone})
    named = ", ".join(rules[:_MOST_RULES])
    frames = runs_of(sorted({frame for one in gone for frame in one.frames or ()})) or "all"
    detail = f"{len(gone)} boxes, up to {evidence.blacked_out:.1%} of a frame, by {named}; frames {frames[:80]}"
    return PixelsHeldError(reason, detail, evidence.to_json())
