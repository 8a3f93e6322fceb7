"""The proof on scrubbed pixels, with a reader that says what it is told to, and what it leaves in the evidence."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pixel_samples import file_of, frames_in, image
from pydicom.uid import ExplicitVRLittleEndian

from curator.bundled import bundled_folder
from curator.deid.pixels.evidence import Evidence, PixelsHeldError, judged_of, runs_of
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.verify import Proof, boxes_by_frame, check_scrubbed, is_hidden, is_same
from curator.deid.text.folding import Folding
from curator.deid.text.own_values import OwnValues
from curator.errors import ItemError
from curator.model.identity import Identifier, IdentifierKind
from curator.model.pixels import Box, Judged, Route, Sighting, Verdict
from curator.model.quarantine import Reason
from curator.policy.pixels.rules import load_pixel_rules
from curator.ports.pixels import Picture

RULES = load_pixel_rules(bundled_folder("rules"))
OWN = OwnValues((Identifier(IdentifierKind.PERSON_NAME, "Zwetschge^Knoedel"),), Folding(RULES.confusables))
ROWS, COLUMNS = 40, 60
PLACE = Box(4, 6, 14, 40)


class Saying:
    """A reader that reads what it is told; it remembers whether it was watchful."""

    def __init__(self, *sightings: Sighting) -> None:
        self.sightings = sightings
        self.watchful: set[bool] = set()

    def read(self, picture: Picture, *, watchful: bool = False) -> tuple[Sighting, ...]:
        self.watchful.add(watchful)
        return self.sightings


def seen(text: str, confidence: float = 0.95, box: Box = PLACE) -> Sighting:
    return Sighting(box, text, confidence, Route.DETECTED)


def judged(verdict: Verdict = Verdict.REDACT, box: Box = PLACE, frames: tuple[int, ...] | None = None) -> Judged:
    return Judged(box, verdict, "pixels/not-allowed", Route.DETECTED, frames)


def pictures(values: np.ndarray) -> Frames:
    frames = {"NumberOfFrames": len(values)} if len(values) > 1 else {}
    made = image(values.tobytes(), syntax=ExplicitVRLittleEndian, rows=ROWS, columns=COLUMNS, **frames)
    return frames_in(file_of(made))


def noise(count: int = 1) -> np.ndarray:
    return np.random.default_rng(3).integers(1, 255, (count, ROWS, COLUMNS), dtype=np.uint8)


def left(*sightings: Sighting, done: tuple[Judged, ...] = ()) -> tuple[Judged, ...]:
    return Proof(Saying(*sightings), RULES, OWN).left(pictures(noise()), done)


def test_B01_a_clean_image_is_read_with_lowered_thresholds_and_nothing_is_left() -> None:
    reader = Saying()
    assert Proof(reader, RULES, OWN).left(pictures(noise())) == ()
    assert reader.watchful == {True}


@pytest.mark.parametrize(
    ("sighting", "counts"),
    [
        (seen("Somebody"), True),
        (seen("Somebody", 0.66), True),
        (seen("Somebody", 0.6), False),
        (seen("gaAspnt", 0.3), False),
        (seen("I", 0.97), False),
        (seen("21", 0.97), False),
        (seen("214", 0.97), True),
        (seen("", 0.0), False),
        (seen("10 cm"), False),
        (seen("Knoedel", 0.1), True),
        (seen("Kn0edei", 0.1), True),
    ],
    ids=[
        "text",
        "doubtful text",
        "too doubtful",
        "texture",
        "tick",
        "grain",
        "a number",
        "edge",
        "allowed",
        "own value",
        "own value read badly",
    ],
)
def test_what_is_surely_a_text_or_may_be_the_patients_counts(sighting: Sighting, counts: bool) -> None:
    found = left(sighting)
    assert [one.verdict for one in found] == [Verdict.REDACT] * counts


def test_what_was_let_stay_when_it_was_seen_plainly_stays_unless_it_may_be_the_patients() -> None:
    kept = (judged(Verdict.KEEP),)
    assert left(seen("28HZ", 0.68), done=kept) == ()
    assert len(left(seen("Knoedel", 0.68), done=kept)) == 1


def test_nothing_is_read_where_all_is_black() -> None:
    assert left(seen("Somebody"), done=(judged(box=PLACE.padded(3)),)) == ()
    assert len(left(seen("Somebody"), done=(judged(box=Box(0, 0, 14, 30)),))) == 1


def test_a_box_of_some_frames_hides_nothing_in_the_others() -> None:
    moving = noise(2)
    proof = Proof(Saying(seen("Somebody")), RULES, OWN)
    wide = PLACE.padded(3)
    assert proof.left(pictures(moving), (judged(box=wide, frames=(0, 1)),)) == ()
    assert proof.left(pictures(moving), (judged(box=wide, frames=(0,)),)) != ()


def scrubbed(values: np.ndarray, box: Box = PLACE) -> np.ndarray:
    black = values.copy()
    black[:, box.top : box.bottom, box.left : box.right] = 0
    return black


def test_B01_a_scrub_that_did_what_it_was_to_do_passes() -> None:
    before = noise(2)
    check_scrubbed(pictures(before), pictures(scrubbed(before)), boxes_by_frame((judged(),)))


@pytest.mark.parametrize("what", ["outside", "inside", "frames"])
def test_B01_one_pixel_too_many_or_too_few_or_a_lost_frame_is_found(what: str) -> None:
    before = noise(2)
    after = scrubbed(before)
    if what == "outside":
        after[1, 30, 50] ^= 1
    elif what == "inside":
        after[1, 5, 8] = 1
    else:
        after = after[:1]
    with pytest.raises(ItemError) as caught:
        check_scrubbed(pictures(before), pictures(after), boxes_by_frame((judged(),)))
    assert caught.value.reason is Reason.BURNED_IN_TEXT_LEFT
    assert ("shape" if what == "frames" else what) in caught.value.detail


_BOXES = st.builds(Box, st.integers(-3, 12), st.integers(-3, 12), st.integers(0, 15), st.integers(0, 15))


@given(_BOXES, st.lists(_BOXES, max_size=4))
def test_a_box_is_hidden_where_every_pixel_of_it_is_black(box: Box, black: list[Box]) -> None:
    pixels = {(row, column) for row in range(box.top, box.bottom) for column in range(box.left, box.right)}
    dark = {
        (row, column) for one in black for row in range(one.top, one.bottom) for column in range(one.left, one.right)
    }
    assert is_hidden(box, [one for one in black if one.area]) is (pixels <= dark)


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_runs_of_bytes_are_the_same_where_they_are_equal(one: bytes, other: bytes) -> None:
    assert is_same(memoryview(one), memoryview(other)) is (one == other)


_JUDGED = st.builds(
    Judged,
    _BOXES,
    st.sampled_from(Verdict),
    st.sampled_from(["pixels/unsure", "pixels/not-allowed"]),
    st.sampled_from(Route),
    st.none() | st.frozensets(st.integers(0, 30), min_size=1).map(lambda found: tuple(sorted(found))),
)


@given(st.lists(_JUDGED, max_size=6), st.randoms(use_true_random=False))
def test_evidence_is_the_same_in_any_order_and_is_read_back(boxes: list[Judged], chance: object) -> None:
    shuffled = list(boxes)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = Evidence(boxes=tuple(boxes)), Evidence(boxes=tuple(shuffled))
    assert one.to_json() == other.to_json()
    assert judged_of(one.to_json()) == one.boxes
    assert sum(one.count(verdict) for verdict in Verdict) == len(set(boxes))


def test_evidence_lists_every_box_however_many() -> None:
    """Or a later proof would take for left over what was rightly kept."""
    low = Box(24, 6, 34, 40)
    ticks = (judged(Verdict.KEEP, Box(row, column, row + 1, column + 1)) for row in range(20) for column in range(60))
    recorded = json.loads(json.dumps(Evidence(boxes=(*ticks, judged(Verdict.KEEP, low))).to_json()))
    assert left(seen("Somebody", box=low))
    assert left(seen("Somebody", box=low), done=judged_of(recorded)) == ()


def test_frames_are_told_as_runs() -> None:
    assert [runs_of(frames) for frames in (None, (), (3,), (5, 1, 2, 3))] == ["all", "", "3", "1-3 5"]


def test_an_error_with_evidence_crosses_to_another_process() -> None:

    error = PixelsHeldError(Reason.BURNED_IN_TEXT_DOUBTFUL, "2 boxes", Evidence(frames=2).to_json())
    twin = pickle.loads(pickle.dumps(error))
    assert (twin.reason, twin.detail, twin.evidence) == (error.reason, error.detail, error.evidence)


def test_evidence_shows_no_text() -> None:
    evidence = replace(Evidence(frames=1), boxes=(judged(),))
    assert "Knoedel" not in repr(evidence) + repr(seen("Knoedel"))
