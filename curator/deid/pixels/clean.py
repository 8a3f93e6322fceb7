"""An instance with clean pixels: looked at, judged, scrubbed, and proven on the bytes that would be written.

The law: an image of which nothing has to go keeps its exact bytes; one that cannot be read to its last frame, that a
person has to judge, or that still shows something after it was scrubbed, raises, and nothing of it is released.

Sources: DICOM PS3.15 E.3.1 (Clean Pixel Data Option).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from curator.deid.pixels.areas import covered
from curator.deid.pixels.beside import is_plain, taken_out
from curator.deid.pixels.evidence import Evidence, PixelsHeldError, runs_of
from curator.deid.pixels.file_image import Scratch, stored
from curator.deid.pixels.find import find
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.judge import judge
from curator.deid.pixels.module import PixelModule, has_pixel_data, pixel_module
from curator.deid.pixels.rebuilt import rebuilt
from curator.deid.pixels.scrub import Boxes, Scrubbed, inside_boxes, scrub
from curator.deid.pixels.verify import Proof, boxes_by_frame, check_scrubbed, is_same
from curator.deid.text.folding import Folding
from curator.deid.text.own_values import OwnValues
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import DataSet
from curator.dicom.parse import parse
from curator.dicom.tokens import Stored
from curator.model.identity import Identifier
from curator.model.pixels import Verdict
from curator.model.quarantine import Reason
from curator.policy.gates import Handling
from curator.policy.pixels.rules import PixelRules
from curator.ports.pixels import TextReader

# What the proof still reads is scrubbed too, as often as this; what is then still read is for a person.
MOST_ROUNDS = 3
_BURNED_IN = tag_of("BurnedInAnnotation")
_MOST_RULES = 6


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
class PixelCleaner:
    """Cleans the pixels of one instance after the other; `reader_name` says which reader it is, for the evidence."""

    rules: PixelRules
    reader: TextReader
    reader_name: str
    scratch: Scratch

    def clean(self, data: Stored, *, handling: Handling, identifiers: Collection[Identifier]) -> CleanedPixels:
        """The instance with clean pixels; `identifiers` are those of the person that it shows.

        Under `Handling.PASS` nobody reads it, and only what stands beside the pixels is taken out.

        Raises:
            ItemError: what cannot be decoded; PixelsHeldError where a person has to judge.
        """
        data_set = parse(_view(data))
        if not has_pixel_data(data_set):
            return CleanedPixels(data, data_set.syntax.uid)
        if handling is Handling.PASS and is_plain(data_set):
            return CleanedPixels(data, data_set.syntax.uid)
        image = _Image(data, Frames(data_set, pixel_module(data_set)))
        beside = taken_out(image.frames, may_clear=True, scratch=self.scratch)
        bare = self._with(image, beside.scrubbed)
        if handling is Handling.PASS:
            return CleanedPixels(bare.data, bare.syntax_uid)
        seen = Evidence(
            frames=len(image.frames),
            syntaxes=(image.syntax_uid, bare.syntax_uid),
            beside=tuple(beside.counts.items()),
            reader=self.reader_name,
        )
        return self._looked_at(image, bare, seen, own=OwnValues(identifiers, Folding(self.rules.confusables)))

    def _looked_at(self, source: _Image, bare: _Image, seen: Evidence, *, own: OwnValues) -> CleanedPixels:
        """The image after it was read, scrubbed and proven, as often as it takes."""
        module = bare.frames.module
        found = find(bare.frames, self.reader)
        judged = judge(found.sightings, own=own, rules=self.rules, rows=module.rows, columns=module.columns)
        proof = Proof(self.reader, self.rules, own)
        for rounds in range(1, MOST_ROUNDS + 1):
            boxes = boxes_by_frame(judged)
            seen = replace(seen, boxes=judged, rounds=rounds, blacked_out=_largest_share(bare.frames, boxes))
            self._refuse_doubtful(seen)
            scrubbed = scrub(bare.frames, boxes, scratch=self.scratch)
            image = self._with(bare, scrubbed)
            seen = replace(seen, changed=len(scrubbed.changed), syntaxes=(source.syntax_uid, image.syntax_uid))
            check_scrubbed(source.frames, image.frames, boxes)
            left = proof.left(image.frames, judged)
            if not left:
                return CleanedPixels(image.data, image.syntax_uid, replace(seen, is_proven=True))
            judged = (*judged, *left)
        raise _held(Reason.BURNED_IN_TEXT_LEFT, replace(seen, boxes=judged))

    def _refuse_doubtful(self, evidence: Evidence) -> None:
        is_much = evidence.blacked_out > self.rules.judging.largest_share
        if is_much or evidence.count(Verdict.REVIEW):
            raise _held(Reason.BURNED_IN_TEXT_DOUBTFUL, evidence)

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
