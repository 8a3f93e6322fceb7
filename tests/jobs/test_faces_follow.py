"""What follows from heads goes only where it is known what became of its own frame of reference (row F03)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from curator.errors import ItemError
from curator.jobs.faces.follow import Ties, Treatment
from curator.jobs.release.heads import HeadStudies
from curator.model.instance import SourceInstance
from curator.model.quarantine import Reason

BLANK = SourceInstance(
    reference="",
    content_id="",
    size_bytes=0,
    subject=None,
    StudyInstanceUID="study",
    SeriesInstanceUID="",
    SOPInstanceUID="",
    SOPClassUID="class",
    TransferSyntaxUID="",
    has_pixel_data=True,
)


def image(uid: str, frame: str = "A", **more: object) -> SourceInstance:
    return dataclasses.replace(BLANK, SOPInstanceUID=uid, FrameOfReferenceUID=frame, **more)  # type: ignore[arg-type]


def follower(*references: str, frame: str = "A") -> SourceInstance:
    return image("follower", frame, references=frozenset(references))


TIES = Ties([[image("1"), image("2", "B")], [image("3", "C")]])


def zones(source: SourceInstance, frames: dict[int, dict[str, str | None]]) -> tuple[str, ...]:
    return Treatment(frames).zones(source, TIES, is_shape=lambda _: True)


def test_F03_what_lies_in_the_frame_of_a_defaced_head_gets_its_zone() -> None:
    frames: dict[int, dict[str, str | None]] = {0: {"A": "zone", "B": None}, 1: {"C": "other"}}
    assert zones(follower("1"), frames) == ("zone",)
    assert zones(follower("2", frame="B"), frames) == ()
    assert zones(follower("elsewhere", frame="C"), frames) == ("other",)
    assert zones(follower("elsewhere", frame="D"), frames) == ()
    assert zones(follower("3", frame=""), frames) == ("other",)


@pytest.mark.parametrize(
    ("source", "frames"),
    [
        (follower("1"), {}),
        (follower("1"), {0: {}}),
        (follower("1", frame="D"), {0: {"A": "zone"}}),
        (follower("1", frame="D"), {0: {"A": None}}),
        (follower("1", "3"), {0: {"A": "zone"}}),
        (follower("1", frame=""), {0: {"A": "zone", "B": None}}),
    ],
)
def test_F03_what_cannot_be_told_is_held(source: SourceInstance, frames: dict[int, dict[str, str | None]]) -> None:
    with pytest.raises(ItemError) as caught:
        zones(source, frames)
    assert caught.value.reason is Reason.FACE_POSSIBLE


def test_what_has_no_shape_follows_without_a_zone() -> None:
    assert Treatment({}).zones(follower("1"), TIES, is_shape=lambda _: False) == ()


@pytest.mark.parametrize("order", [lambda found: found, lambda found: found[::-1]])
def test_F03_a_study_is_treated_with_all_that_shares_its_frame(order: Callable[[list[int]], list[int]]) -> None:
    met = [
        (image("head"), True),
        (image("chest beside it"), False),
        (image("liver elsewhere", "B"), False),
        (image("nowhere", ""), False),
        (image("another study", StudyInstanceUID="other"), False),
        (image("no pixels", has_pixel_data=False), False),
    ]
    gathered = HeadStudies()
    for number in order(list(range(len(met)))):
        gathered.add(number, met[number][0], defaces=met[number][1])
    assert gathered.groups() == ((0, 1),)
