"""Every file comes out once; what contradicts is held on all sides; order has no say."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.ingest.scanned import Held, Scanned
from curator.ingest.triage import Triage, triage, with_study_issuers
from curator.model.identity import SubjectKey
from curator.model.instance import SourceInstance
from curator.model.quarantine import Reason


def instance(reference: str, **changes: object) -> SourceInstance:
    """An instance of its own content, SOP Instance UID, series, study and patient `P`."""
    plain = SourceInstance(
        reference=reference,
        content_id=f"content of {reference}",
        size_bytes=1,
        subject=SubjectKey("P"),
        StudyInstanceUID="study",
        SeriesInstanceUID="series",
        SOPInstanceUID=f"uid of {reference}",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
        TransferSyntaxUID="1.2.840.10008.1.2.1",
    )
    return replace(plain, **changes)


def reasons(result: Triage) -> dict[str, Reason]:
    return {one.reference: one.reason for one in result.held}


def kept(result: Triage) -> list[str]:
    return [one.reference for one in result.candidates]


def test_nothing_gives_nothing() -> None:
    assert triage([]) == Triage((), ())


def test_of_equal_content_the_first_reference_stays() -> None:
    result = triage([instance(name, content_id="same", SOPInstanceUID="one") for name in "cab"])
    assert kept(result) == ["a"]
    assert reasons(result) == dict.fromkeys("bc", Reason.DUPLICATE_CONTENT)


def test_one_uid_with_two_contents_holds_all() -> None:
    result = triage([instance(name, SOPInstanceUID="one") for name in "ab"] + [instance("c")])
    assert kept(result) == ["c"]
    assert reasons(result) == dict.fromkeys("ab", Reason.SOP_INSTANCE_UID_CONFLICT)


def test_a_study_with_two_patients_is_held_whole_and_no_other() -> None:
    study = [instance("a"), instance("b"), instance("c", subject=SubjectKey("Q"))]
    result = triage([*study, instance("d", StudyInstanceUID="other", subject=SubjectKey("Q"))])
    assert kept(result) == ["d"]
    assert reasons(result) == dict.fromkeys("abc", Reason.PATIENT_ID_CONFLICT)


def test_a_missing_patient_id_holds_its_own_instance_only() -> None:
    result = triage([instance("a"), instance("b", subject=None)])
    assert kept(result) == ["a"]
    assert reasons(result) == {"b": Reason.PATIENT_ID_MISSING}


@pytest.mark.parametrize("other", [" p ", "P\0", "Ｐ"])
def test_spellings_of_one_patient_id_do_not_contradict(other: str) -> None:
    assert kept(triage([instance("a"), instance("b", subject=SubjectKey(other))])) == ["a", "b"]


def test_an_absent_issuer_takes_that_of_its_study() -> None:
    first, second = instance("a"), instance("b", subject=SubjectKey("P", "HOSPITAL"))
    result = triage([first, second])
    assert [one.subject for one in result.candidates] == [SubjectKey("P", "HOSPITAL")] * 2
    assert with_study_issuers([first, second]) == result.candidates
    two = triage([first, second, instance("c", subject=SubjectKey("P", "CLINIC"))])
    assert reasons(two) == dict.fromkeys("abc", Reason.PATIENT_ID_CONFLICT)


def test_a_contested_instance_still_shows_that_its_study_has_two_patients() -> None:
    contested = [instance("a", SOPInstanceUID="one"), instance("b", SOPInstanceUID="one", subject=SubjectKey("Q"))]
    result = triage([*contested, instance("c")])
    assert kept(result) == []
    assert reasons(result)["c"] is Reason.PATIENT_ID_CONFLICT
    assert reasons(result)["a"] is Reason.SOP_INSTANCE_UID_CONFLICT


def test_what_was_held_before_stays_as_it_was() -> None:
    before = Held(reference="x", reason=Reason.TRUNCATED, detail="why", content_id="c", size_bytes=3)
    assert triage([before, instance("a")]) == Triage((instance("a"),), (before,))


def test_a_held_duplicate_keeps_what_the_ledger_needs() -> None:
    (duplicate,) = triage([instance("a", content_id="c"), instance("b", content_id="c", size_bytes=7)]).held
    assert (duplicate.reference, duplicate.content_id, duplicate.size_bytes) == ("b", "c", 7)


_FEW = st.sampled_from(["1", "2", "3"])
_SUBJECTS = st.one_of(
    st.none(), st.builds(SubjectKey, st.sampled_from(["P", "p", "Q"]), st.sampled_from(["", "H", "I"]))
)


@st.composite
def _scans(draw: st.DrawFn) -> list[Scanned]:
    found: list[Scanned] = []
    for number in range(draw(st.integers(0, 10))):
        reference = f"file {number:02}"
        if draw(st.integers(0, 5)) == 0:
            found.append(Held(reference=reference, reason=Reason.NOT_DICOM, content_id=draw(_FEW)))
            continue
        # One content says one thing only.
        content = draw(st.integers(0, 6))
        source = random.Random(content)
        subject = draw(_SUBJECTS) if content > 3 else SubjectKey("P")
        same = next((one for one in found if isinstance(one, SourceInstance) and one.content_id == str(content)), None)
        fresh = instance(
            reference,
            content_id=str(content),
            SOPInstanceUID=str(source.randrange(6)),
            StudyInstanceUID=str(source.randrange(3)),
            subject=subject,
        )
        found.append(replace(same, reference=reference) if same else fresh)
    return found


@given(scans=_scans(), seed=st.integers(0, 1000))
def test_all_come_out_once_and_order_has_no_say(scans: list[Scanned], seed: int) -> None:
    result = triage(scans)
    references = [one.reference for one in (*result.candidates, *result.held)]
    assert sorted(references) == sorted(one.reference for one in scans)
    shuffled = scans[:]
    random.Random(seed).shuffle(shuffled)
    assert triage(shuffled) == result


@given(scans=_scans())
def test_candidates_do_not_contradict_each_other(scans: list[Scanned]) -> None:
    candidates = triage(scans).candidates
    assert len({one.content_id for one in candidates}) == len(candidates)
    assert len({one.SOPInstanceUID for one in candidates}) == len(candidates)
    people: dict[str, set[tuple[str, str]]] = {}
    for one in candidates:
        assert one.subject is not None
        people.setdefault(one.StudyInstanceUID, set()).add((one.subject.patient_id.casefold(), one.subject.issuer))
    assert all(len(each) == 1 for each in people.values())


@given(scans=_scans())
def test_candidates_are_the_persons_that_their_studies_name(scans: list[Scanned]) -> None:
    """What gathers identifiers by person sees the same persons as what releases instances."""
    sources = [one for one in scans if isinstance(one, SourceInstance)]
    everybody = {one.reference: one.subject for one in with_study_issuers(sources)}
    assert {one.reference: one.subject for one in triage(scans).candidates}.items() <= everybody.items()


@given(scans=_scans())
def test_a_second_triage_changes_nothing(scans: list[Scanned]) -> None:
    once = triage(scans)
    assert triage([*once.candidates, *once.held]) == once
