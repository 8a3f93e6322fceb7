"""An instance with clean pixels: looked at, judged, scrubbed, and proven on the bytes that would be written.

The law: an image of which nothing has to go keeps its exact bytes; one that cannot be read to its last frame, that a
person has to judge, or that still shows something after it was scrubbed, raises, and nothing of it is released.

Sources: DICOM PS3.15 E.3.1 (Clean Pixel Data Option).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from curator.deid.pixels.areas import covered
from curator.deid.pixels.bitstream import is_bare, stripped_pixels
from curator.deid.pixels.evidence import Evidence, PixelsHeldError, runs_of
from curator.deid.pixels.file_image import Scratch, stored
from curator.deid.pixels.find import find
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.judge import judge
from curator.deid.pixels.module import PixelModule, has_pixel_data, pixel_module
from curator.deid.pixels.rebuilt import rebuilt
from curator.deid.pixels.scrub import Scrubbed, scrub
from curator.deid.pixels.verify import black_boxes, check_scrubbed, is_hidden, is_same
from curator.deid.text.folding import Folding
from curator.deid.text.own_values import OwnValues
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import DataSet
from curator.dicom.parse import parse
from curator.dicom.tokens import Stored
from curator.model.identity import Identifier
from curator.model.pixels import Box, Judged, Verdict
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
        if handling is Handling.PASS and _is_plain(data_set):
            return CleanedPixels(data, data_set.syntax.uid)
        image = _Image(data, Frames(data_set, pixel_module(data_set)))
        bare = self._with(image, stripped_pixels(image.frames, scratch=self.scratch))
        if handling is Handling.PASS:
            return CleanedPixels(bare.data, bare.syntax_uid)
        return self._looked_at(image, bare, OwnValues(identifiers, Folding(self.rules.confusables)))

    def _looked_at(self, source: _Image, bare: _Image, own: OwnValues) -> CleanedPixels:
        """The image after it was read, scrubbed and proven, as often as it takes."""
        judged = self._judged(bare, own)
        for rounds in range(1, MOST_ROUNDS + 1):
            boxes = _boxes_by_frame(judged)
            scrubbed = scrub(bare.frames, boxes, scratch=self.scratch)
            image = self._with(bare, scrubbed)
            evidence = Evidence(
                frames=len(bare.frames),
                boxes=judged,
                changed=len(scrubbed.changed),
                blacked_out=_largest_share(bare.frames, boxes),
                rounds=rounds,
                syntaxes=(source.syntax_uid, image.syntax_uid),
                reader=self.reader_name,
            )
            self._refuse_doubtful(evidence)
            check_scrubbed(source.frames, image.frames, boxes)
            left = self._left(image, boxes, own)
            if not left:
                return CleanedPixels(image.data, image.syntax_uid, replace(evidence, is_proven=True))
            judged = (*judged, *left)
        raise _held(Reason.BURNED_IN_TEXT_LEFT, replace(evidence, boxes=judged))

    def _judged(self, image: _Image, own: OwnValues, *, watchful: bool = False) -> tuple[Judged, ...]:
        module = image.frames.module
        found = find(image.frames, self.reader, watchful=watchful)
        return judge(found.sightings, own=own, rules=self.rules, rows=module.rows, columns=module.columns)

    def _left(self, image: _Image, boxes: Callable[[int], Sequence[Box]], own: OwnValues) -> tuple[Judged, ...]:
        """What a watchful reader sees in the scrubbed image that may not stay."""
        seen = (one for one in self._judged(image, own, watchful=True) if one.verdict is not Verdict.KEEP)
        frames = image.frames
        return tuple(
            replace(one, verdict=Verdict.REDACT)
            for one in seen
            if not all(
                is_hidden(one.box, black_boxes(frames, index, boxes)) for index in one.frames or range(len(frames))
            )
        )

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


def _is_plain(data_set: DataSet) -> bool:
    """Whether the pixels of an image that nobody reads plainly have nothing beside them."""
    pixels = data_set.first(tag_of("PixelData"))
    if pixels is None or not data_set.syntax.encapsulated:
        return True
    return is_bare(memoryview(data_set.data)[pixels.value : pixels.end], data_set.syntax.uid)


def _boxes_by_frame(judged: Sequence[Judged]) -> Callable[[int], Sequence[Box]]:
    gone = [one for one in judged if one.verdict is not Verdict.KEEP]
    always = [one.box for one in gone if one.frames is None]
    sometimes: dict[int, list[Box]] = {}
    for one in gone:
        for frame in one.frames or ():
            sometimes.setdefault(frame, []).append(one.box)
    return lambda index: (*always, *sometimes.get(index, ()))


def _largest_share(frames: Frames, boxes: Callable[[int], Sequence[Box]]) -> float:
    """The largest share of a frame that the boxes take, 0 to 1."""
    whole = frames.module.rows * frames.module.columns
    return max(covered(black_boxes(frames, index, boxes)) / whole for index in range(len(frames)))


def _held(reason: Reason, evidence: Evidence) -> PixelsHeldError:
    gone = [one for one in evidence.boxes if one.verdict is not Verdict.KEEP]
    rules = sorted({one.rule_id for one in gone})
    named = ", ".join(rules[:_MOST_RULES])
    frames = runs_of(sorted({frame for one in gone for frame in one.frames or ()})) or "all"
    detail = f"{len(gone)} boxes, up to {evidence.blacked_out:.1%} of a frame, by {named}; frames {frames[:80]}"
    return PixelsHeldError(reason, detail, evidence.to_json())
