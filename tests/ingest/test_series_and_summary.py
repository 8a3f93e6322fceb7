"""Series, their geometry, and counts that show nothing of anybody."""

from __future__ import annotations

import json

from test_triage_laws import instance

from curator.ingest.group import geometry_note, series_of
from curator.ingest.scanned import Held
from curator.ingest.summary import summary_of
from curator.ingest.triage import Triage, triage
from curator.model.identity import SubjectKey
from curator.model.instance import PlaneGeometry
from curator.model.quarantine import Reason


def plane(z_mm: float) -> PlaneGeometry:
    return PlaneGeometry(
        ImageOrientationPatient=(1, 0, 0, 0, 1, 0),
        ImagePositionPatient=(0, 0, z_mm),
        PixelSpacing=(1, 1),
        SliceThickness=1,
    )


def test_series_and_their_instances_are_in_order() -> None:
    ones = [
        instance("c", SeriesInstanceUID="2"),
        instance("b", SeriesInstanceUID="1"),
        instance("a", SeriesInstanceUID="2"),
    ]
    series = series_of(ones)
    assert list(series) == ["1", "2"]
    assert [one.reference for one in series["2"]] == ["a", "c"]
    assert series_of([]) == {}


def test_a_regular_series_has_no_note_and_one_with_a_gap_has() -> None:
    regular = [instance(str(z), plane=plane(z)) for z in (2, 0, 1)]
    assert geometry_note(regular) is None
    assert geometry_note([*regular, instance("gap", plane=plane(9))]) is not None
    assert geometry_note([*regular, instance("scout", plane=None)]) is None


def test_what_is_no_stack_has_no_note() -> None:
    assert geometry_note([]) is None
    assert geometry_note([instance("a", plane=plane(0))]) is None
    enhanced = [instance(name, plane=plane(0), NumberOfFrames=5) for name in "ab"]
    assert geometry_note(enhanced) is None


def test_counts_add_up_and_show_nobody() -> None:
    ones = [instance(str(z), plane=plane(z), Modality="MR", subject=SubjectKey("Jane Doe")) for z in (0, 1, 9)]
    ones.append(instance("x", SeriesInstanceUID="s2", Modality="Jane Doe", subject=SubjectKey("JANE DOE ")))
    held = [Held(reference="/jane/doe", reason=Reason.TRUNCATED), Held(reference="/y", reason=Reason.NOT_DICOM)]
    summary = summary_of(triage([*ones, *held]))
    assert summary["files"] == {"found": 6, "candidates": 4, "held": 2}
    assert summary["candidates"] == {"patients": 1, "studies": 1, "series": 2, "series_not_a_regular_volume": 1}
    assert summary["modality"] == {"(not a code)": 1, "MR": 3}
    assert summary["sop_class"] == {"CT Image Storage": 4}
    assert summary["held_by_reason"] == {"not_dicom": 1, "truncated": 1}
    assert "jane" not in json.dumps(summary).lower()


def test_no_files_count_zero() -> None:
    assert summary_of(Triage((), ()))["files"] == {"found": 0, "candidates": 0, "held": 0}
