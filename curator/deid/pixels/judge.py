"""What becomes of each text that was found in pixels.

Pure: `find` is what a text engine finds in a text; everything else follows from the rules and the person's own values.

The law: a text stays only where all of its line surely reads as what a rule allows and as nobody's value. How a line
was cut into boxes changes nothing about a value of the patient: it goes in one piece and in many.

Sources: DICOM PS3.15 E.3.1; 45 CFR 164.514(b)(2)(i).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

from curator.deid.pixels.areas import covered
from curator.deid.pixels.likeness import Likeness
from curator.deid.pixels.lines import gap_between, is_same_place, lines_of, rows_of
from curator.deid.text.cleaner import Find, Found
from curator.deid.text.own_values import OwnValues
from curator.model.pixels import Judged, Sighting, Verdict
from curator.policy.pixels.allowed import plain_text
from curator.policy.pixels.rules import PixelRules

UNREADABLE = "pixels/unreadable"
NOT_ALLOWED = "pixels/not-allowed"
# Two boxes that overlap by more than this, in heights, are two readings and no two parts of one word.
_OVERLAPPING = -0.5
# Between two parts of a value stand no more than this many other texts.
_NEAR = 4


def judge(
    sightings: Sequence[Sighting],
    *,
    own: OwnValues,
    rules: PixelRules,
    rows: int,
    columns: int,
    find: Find | None = None,
) -> tuple[Judged, ...]:
    """What becomes of each sighting that lies in the frame, in their order; () for none.

    Boxes to be redacted are grown by the margin of the rules and clipped to `rows` x `columns`; others stay as sighted.
    `find` is the text engine, None for the patterns of the rules alone.
    """
    inside = [one for one in sightings if one.box.clipped(rows, columns).area]
    judge_frame = _FrameJudge(Likeness(own, rules), rules, find or _patterns_of(rules))
    reasons: dict[int, str] = {}
    much: set[int] = set()
    boxes = [rules.judging.grown(one.box).clipped(rows, columns) for one in inside]
    for places in _looks(inside):
        found = judge_frame.reasons([inside[place] for place in places])
        gone = {place: reason for place, reason in zip(places, found, strict=True) if reason is not None}
        if covered([boxes[place] for place in gone]) > rules.judging.largest_share * rows * columns:
            much.update(gone)
        for place, reason in gone.items():
            reasons.setdefault(place, reason)
    lone = _is_lone_doubt(inside, rules.judging.least_lone_confidence)
    ids = rules.judging.ids
    judged = []
    for place, one in enumerate(inside):
        if lone:
            verdict, rule_id = Verdict.REVIEW, ids["least_lone_confidence"]
        elif place in much:
            verdict, rule_id = Verdict.REVIEW, ids["largest_share"]
        elif place in reasons:
            verdict, rule_id = Verdict.REDACT, reasons[place]
        else:
            verdict, rule_id = Verdict.KEEP, rules.allowed.allows(one.text) or ""
        box = one.box if verdict is Verdict.KEEP else boxes[place]
        judged.append(Judged(box, verdict, rule_id, one.route, one.frames))
    return tuple(judged)


class _FrameJudge:
    """Judges what is seen together in one frame."""

    def __init__(self, likeness: Likeness, rules: PixelRules, find: Find) -> None:
        self._likeness = likeness
        self._rules = rules
        self._find = find
        # What stands still is judged with every frame anew, and its texts are the same.
        self._known: dict[str, str | None] = {}
        self._betraying: dict[str, str | None] = {}

    def reasons(self, seen: Sequence[Sighting]) -> list[str | None]:
        """For each sighting the id of the rule by which it goes, None where it stays."""
        boxes = [one.box for one in seen]
        reasons = [self._alone(one) for one in seen]
        for line in lines_of(boxes, gap=self._rules.judging.line_gap):
            self._judge_line([seen[place] for place in line], line, reasons)
        for row in rows_of(boxes):
            left = [place for place in row if reasons[place] is None]
            if len(left) > 1 and (reason := self._betray([seen[place] for place in left])) is not None:
                for place in left:
                    reasons[place] = reason
        return reasons

    def _alone(self, one: Sighting) -> str | None:
        if not any(character.isalnum() for character in one.text):
            return UNREADABLE
        if not one.confidence >= self._rules.judging.least_confidence:
            return self._rules.judging.ids["least_confidence"]
        return self._goes(one.text)

    def _judge_line(self, line: Sequence[Sighting], places: Sequence[int], reasons: list[str | None]) -> None:
        """All of a line stays, or nothing of it."""
        if len(line) < 2:
            return
        reason = self._rules.judging.ids["line_gap"] if any(reasons[place] for place in places) else None
        reason = reason or self._goes(" ".join(_distinct_texts(line)))
        for one, other in combinations(line, 2) if reason is None else ():
            if self._may_be_one_word(one, other) and self._goes(one.text + other.text):
                reason = self._rules.judging.ids["word_gap"]
        for place in places:
            reasons[place] = reasons[place] or reason

    def _may_be_one_word(self, one: Sighting, other: Sighting) -> bool:
        gap = gap_between(one.box, other.box)
        return (
            _OVERLAPPING < gap <= self._rules.judging.word_gap and one.text[-1:].isalpha() and other.text[:1].isalpha()
        )

    def _betray(self, row: Sequence[Sighting]) -> str | None:
        """Whether texts of a row say something together, all of them or two with another between them."""
        pairs = (
            f"{one.text} {other.text}" for start, one in enumerate(row) for other in row[start + 1 : start + _NEAR]
        )
        together = (" ".join(_distinct_texts(row)), *pairs)
        return next((reason for text in together if (reason := self._betrays(text)) is not None), None)

    def _goes(self, text: str) -> str | None:
        if text not in self._known:
            allowed = self._rules.allowed.allows(text) is not None
            self._known[text] = self._betrays(text) if allowed else NOT_ALLOWED
        return self._known[text]

    def _betrays(self, text: str) -> str | None:
        if text not in self._betraying:
            if self._likeness.names(text):
                self._betraying[text] = self._rules.judging.ids["least_similarity_percent"]
            else:
                self._betraying[text] = next((found.rule_id for found in self._find(text)), None)
        return self._betraying[text]


def _patterns_of(rules: PixelRules) -> Find:
    def find(text: str) -> tuple[Found, ...]:
        return tuple(Found(*span, rule.id) for rule in rules.recognizers for span in rule.find(text))

    return find


def _distinct_texts(line: Sequence[Sighting]) -> list[str]:
    """The texts in order, without second readings that say the same."""
    kept: list[Sighting] = []
    for one in line:
        if not any(
            plain_text(one.text) == plain_text(other.text) and is_same_place(one.box, other.box) for other in kept
        ):
            kept.append(one)
    return [one.text for one in kept]


def _looks(sightings: Sequence[Sighting]) -> list[tuple[int, ...]]:
    """What is seen together: the places of the sightings of each frame, each such set once."""
    always = tuple(place for place, one in enumerate(sightings) if one.frames is None)
    by_frame: dict[int, list[int]] = defaultdict(list)
    for place, one in enumerate(sightings):
        for frame in one.frames or ():
            by_frame[frame].append(place)
    return sorted({always, *(tuple(sorted((*always, *places))) for places in by_frame.values())})


def _is_lone_doubt(sightings: Sequence[Sighting], least: float) -> bool:
    """Whether all that was seen is one place, and hardly read."""
    return bool(sightings) and all(
        is_same_place(one.box, sightings[0].box) and not one.confidence >= least for one in sightings
    )
