"""References between written instances: kept intact by the rewriting, and checked as a stranger would."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO

import pytest
from deid_samples import BUNDLED, COMPREHENSIVE_SR, CT, PSEUDONYMS, SHARED, Writer, released_bundle, written
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread

from curator.deid.references import Compaction, Links, check_references, links_of
from curator.deid.verify import Defect
from curator.dicom.parse import parse
from curator.dicom.references import POINT_TO_NO_INSTANCE, Reference, references
from curator.errors import ItemError

SEG, RTSTRUCT = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.481.3"
SR_CLASSES = "1.2.840.10008.5.1.4.1.1.88."
NEEDY = frozenset({SEG, RTSTRUCT})
W = Writer()


def links(number: int, *pointers: Reference, sop_class: str = CT, series: str = "2.25.20") -> Links:
    return Links(
        file=f"{number}.dcm",
        patient_code="P-1",
        SOPClassUID=sop_class,
        SOPInstanceUID=f"2.25.1{number}",
        SeriesInstanceUID=series,
        StudyInstanceUID="2.25.30",
        FrameOfReferenceUID="2.25.40",
        frames_stated=frozenset({"2.25.40"}),
        references=pointers,
    )


def checked(*instances: Links) -> tuple[int, int, dict[str, set[str]]]:
    found = check_references(instances, needs_images=NEEDY.__contains__)
    return found.resolved, found.outside, {file: {one.defect for one in wrong} for file, wrong in found.wrong.items()}


def test_nothing_refers_to_nothing() -> None:
    assert checked() == (0, 0, {})


def test_U05_an_image_or_report_may_point_outside_and_it_is_counted() -> None:
    outside = Reference("here", "2.25.999", CT)
    for sop_class in (CT, COMPREHENSIVE_SR):
        assert checked(links(0), links(1, outside, sop_class=sop_class)) == (0, 1, {})


@pytest.mark.parametrize("sop_class", sorted(NEEDY))
def test_U05_a_segmentation_or_structure_set_may_not(sop_class: str) -> None:
    outside = Reference("here", "2.25.999", CT)
    assert checked(links(1, outside, sop_class=sop_class)) == (0, 1, {"1.dcm": {Defect.REFERENCE_MISSING}})
    assert checked(links(1, sop_class=sop_class)) == (0, 0, {"1.dcm": {Defect.REFERENCE_MISSING}})


@pytest.mark.parametrize(
    "changed",
    [
        {"sop_class_uid": SEG},
        {"series_uid": "2.25.21"},
        {"study_uid": "2.25.31"},
        {"frame_of_reference_uid": "2.25.41"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_U07_what_a_reference_says_of_an_instance_has_to_be_so(changed: dict[str, str]) -> None:
    true = Reference("here", "2.25.10", CT, "2.25.20", "2.25.30", "2.25.40")
    assert checked(links(0), links(1, true)) == (1, 0, {})
    wrong = true._replace(**changed)
    assert checked(links(0), links(1, wrong)) == (1, 0, {"1.dcm": {Defect.REFERENCE_CONTRADICTS}})


def test_U07_an_instance_of_another_person_is_no_target() -> None:
    other = replace(links(1, Reference("here", "2.25.10")), patient_code="P-2")
    assert checked(links(0), other) == (1, 0, {"1.dcm": {Defect.REFERENCE_CONTRADICTS}})


def test_U07_a_frame_of_reference_that_nobody_states_is_wrong() -> None:
    lost = replace(links(1), frames_referred=frozenset({"2.25.77"}))
    assert checked(lost) == (0, 0, {"1.dcm": {Defect.REFERENCE_CONTRADICTS}})
    assert checked(lost, replace(links(2), frames_stated=frozenset({"2.25.77"}))) == (0, 0, {})


def test_two_files_of_one_instance_are_a_finding() -> None:
    twin = replace(links(0), file="twin.dcm")
    assert checked(links(0), twin)[2] == {"twin.dcm": {Defect.SAME_INSTANCE_TWICE}}


@given(st.permutations([links(n, Reference("x", f"2.25.1{(n * 3) % 7}"), sop_class=SEG) for n in range(6)]))
def test_the_order_of_files_does_not_matter(shuffled: list[Links]) -> None:
    ordered = sorted(shuffled, key=lambda one: one.file)
    assert checked(*shuffled) == checked(*ordered)


def test_a_reference_is_read_with_what_stands_around_it() -> None:
    """The place of a structure set's contour images, by hand."""
    instance = W.element(0x00081150, "UI", CT.encode()) + W.element(0x00081155, "UI", b"1.2.9")
    images = W.sequence(0x30060016, instance)
    series = W.sequence(0x30060014, W.element(0x0020000E, "UI", b"1.2.8") + images)
    study = W.sequence(0x30060012, W.element(0x00081155, "UI", b"1.2.7") + series)
    frame = W.sequence(0x30060010, W.element(0x00200052, "UI", b"1.2.6") + study)
    place = "(3006,0010)/(3006,0012)/(3006,0014)/(3006,0016)/(0008,1155)"
    assert references(parse(W.file({0x30060010: frame}))) == (Reference(place, "1.2.9", CT, "1.2.8", "1.2.7", "1.2.6"),)


def _pointers(data_set: Dataset, sequence: int = 0) -> Iterable[str]:
    for element in data_set:
        if element.tag == 0x00081155 and sequence not in POINT_TO_NO_INSTANCE and element.value:
            yield str(element.value)
        if element.VR == "SQ":
            for item in element.value:
                yield from _pointers(item, int(element.tag))


@pytest.mark.parametrize("name", ["reportsi.dcm", "rtplan.dcm", "rtstruct.dcm", "test-SR.dcm", "liver_1frame.dcm"])
def test_S04_references_are_those_that_pydicom_finds(name: str) -> None:
    data = (BUNDLED / name).read_bytes()
    found = {one.sop_instance_uid for one in references(parse(data))}
    assert found == set(_pointers(dcmread(BytesIO(data), force=True)))


def _mapped(one: Links) -> Links:
    uid = PSEUDONYMS.uid
    return replace(
        one,
        patient_code="",
        SOPInstanceUID=uid(one.SOPInstanceUID),
        SeriesInstanceUID=uid(one.SeriesInstanceUID),
        StudyInstanceUID=uid(one.StudyInstanceUID),
        FrameOfReferenceUID=uid(one.FrameOfReferenceUID),
        frames_stated=frozenset(map(uid, one.frames_stated)),
        frames_referred=frozenset(map(uid, one.frames_referred)),
        references=tuple(Reference(pointer.place, *map(uid, pointer[1:])) for pointer in one.references),
    )


def _is_whole(before: Links, after: Links) -> bool:
    """Whether what is left of the links is the old ones replaced, and no evidence or content reference was lost."""
    expected = _mapped(before)
    assert replace(after, patient_code="", frames_stated=frozenset(), frames_referred=frozenset(), references=()) == (
        replace(expected, frames_stated=frozenset(), frames_referred=frozenset(), references=())
    )
    assert after.frames_stated <= expected.frames_stated
    assert after.frames_referred <= expected.frames_referred
    return set(after.references) <= set(expected.references)


def test_S04_U01_U07_links_of_every_bundled_file_are_the_old_ones_replaced() -> None:
    count = 0
    for name, (source, output) in released_bundle().items():
        before, after = links_of(parse(source), file=name), links_of(parse(output), file=name)
        assert _is_whole(before, after), name
        count += len(after.references)
    assert count > 20


SEG_RT = sorted((SHARED / "seg_rt").rglob("*.dcm")) if (SHARED / "seg_rt").is_dir() else []


@pytest.mark.skipif(not SEG_RT, reason="the shared data are not beside the checkout")
def test_S04_U07_real_segmentations_and_structure_sets_resolve_as_they_did() -> None:
    before, after = [], []
    for number, path in enumerate(SEG_RT):
        source = path.read_bytes()
        try:
            output = written(source)
        except ItemError:
            continue
        old, new = links_of(parse(source), file=f"{number}"), links_of(parse(output), file=f"{number}")
        assert _is_whole(old, new), path.name
        # Without its option, a report's content tree keeps its first items only; other objects keep all they refer to.
        kept = _mapped(old).references if not new.SOPClassUID.startswith(SR_CLASSES) else new.references
        before.append(replace(_mapped(old), references=kept))
        after.append(new)
    expected = check_references(before, needs_images=NEEDY.__contains__)
    found = check_references(after, needs_images=NEEDY.__contains__)
    assert (found.resolved, found.outside) == (expected.resolved, expected.outside)
    assert found.resolved > 20
    assert {file: {one.defect for one in wrong} for file, wrong in found.wrong.items()} == {
        file: {one.defect for one in wrong} for file, wrong in expected.wrong.items()
    }


def test_links_that_are_compacted_say_the_same_and_share_their_parts() -> None:
    compaction = Compaction()
    before = [links(number, Reference("here", "2.25.10", CT), series=f"2.25.2{number % 2}") for number in range(4)]
    after = [compaction.compacted(one) for one in before]
    assert after == before
    assert after[0].SeriesInstanceUID is after[2].SeriesInstanceUID
    assert after[0].frames_stated is after[3].frames_stated
