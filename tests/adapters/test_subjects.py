"""Aliases in three ways: derived, drawn, listed."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from curator.adapters.escrow import Escrow
from curator.adapters.mapping_file import read_mapping
from curator.adapters.ring_encryption import RingEncryption
from curator.adapters.subjects import DerivedSubjects, DrawnSubjects, ListedSubjects
from curator.errors import ConfigurationError, ItemError, KeyMaterialError, KeyPlacementError
from curator.identity.pseudonyms import Pseudonyms, key_id_of
from curator.identity.ring import ring_of
from curator.model.identity import SubjectKey
from curator.model.keys import Key
from curator.model.quarantine import REMEDY, Reason

SECRET = bytes(range(32))
RING = ring_of(Key(key_id_of(SECRET), "trial", SECRET))
PSEUDONYMS = Pseudonyms(RING.active)
PEOPLE = [SubjectKey(f"Zwackelmann-{number}", issuer) for number in range(5) for issuer in ("", "HOSPITAL")]
HEADER = "PatientID,IssuerOfPatientID,code\n"


def escrow_at(path: Path) -> Escrow:
    return Escrow(path, RingEncryption(RING), check=RING.check)


def drawn(path: Path, **more: object) -> DrawnSubjects:
    return DrawnSubjects(escrow_at(path), epoch=1, longest_weeks=500, **more)


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return path


def test_derived_aliases_are_the_pseudonyms() -> None:
    subjects = DerivedSubjects(PSEUDONYMS, longest_weeks=500, shredded={PSEUDONYMS.patient_code(PEOPLE[0])})
    subjects.settle(PEOPLE)
    alias = subjects.subject_of(PEOPLE[1])
    assert alias.patient_code == PSEUDONYMS.patient_code(PEOPLE[1])
    assert alias.shift_days == PSEUDONYMS.date_shift_days(PEOPLE[1], longest_weeks=500)
    with pytest.raises(ItemError) as refused:
        subjects.subject_of(PEOPLE[0])
    assert refused.value.reason is Reason.PATIENT_NOT_MAPPED
    assert REMEDY[Reason.PATIENT_NOT_MAPPED]


def test_I01_drawn_aliases_stay_whoever_is_met_later_and_however_they_are_spelt(tmp_path: Path) -> None:
    path = tmp_path / "escrow"
    first = drawn(path)
    first.settle(PEOPLE[3:6])
    known = {person: first.subject_of(person) for person in PEOPLE[3:6]}
    second = drawn(path)
    second.settle([SubjectKey(f" {one.patient_id.upper()}\0", one.issuer.lower()) for one in reversed(PEOPLE)])
    assert {person: second.subject_of(person) for person in known} == known
    aliases = [second.subject_of(person) for person in PEOPLE]
    assert len({alias.patient_code for alias in aliases}) == len(PEOPLE)
    assert all(alias.shift_days % 7 == 0 and 7 <= alias.shift_days <= 3500 for alias in aliases)
    before = path.read_bytes()
    drawn(path).settle(PEOPLE)
    assert path.read_bytes() == before


def test_drawn_codes_do_not_follow_from_the_identifier_or_the_key(tmp_path: Path) -> None:
    one, two = drawn(tmp_path / "one"), drawn(tmp_path / "two")
    for subjects in (one, two):
        subjects.settle(PEOPLE)
    for person in PEOPLE:
        codes = {one.subject_of(person).patient_code, two.subject_of(person).patient_code}
        assert len(codes | {PSEUDONYMS.patient_code(person)}) == 3


def test_drawing_goes_by_patient_id_and_skips_what_is_taken(tmp_path: Path) -> None:
    def stream() -> object:
        numbers = itertools.chain([7, 0, 7, 8, 1], itertools.count(9))
        return lambda size: next(numbers).to_bytes(size, "little")

    aliases = []
    for order in (PEOPLE, PEOPLE[::-1]):
        subjects = drawn(tmp_path / str(len(aliases)), draw=stream())
        subjects.settle(order)
        aliases.append([subjects.subject_of(person) for person in PEOPLE])
    assert aliases[0] == aliases[1]
    assert len({alias.patient_code for alias in aliases[0]}) == len(PEOPLE)


def test_a_rehearsal_draws_and_keeps_nothing(tmp_path: Path) -> None:
    subjects = drawn(tmp_path / "escrow", kept=False)
    subjects.settle(PEOPLE)
    assert subjects.subject_of(PEOPLE[0]).patient_code.startswith("P-")
    assert list(tmp_path.iterdir()) == []


def test_a_destroyed_code_is_not_drawn_again(tmp_path: Path) -> None:
    path = tmp_path / "escrow"
    subjects = drawn(path, draw=lambda size: bytes(size))
    subjects.settle(PEOPLE[:1])
    code = subjects.subject_of(PEOPLE[0]).patient_code
    escrow_at(path).shred([(1, code)])
    again = drawn(path)
    again.settle(PEOPLE[:1])
    assert again.subject_of(PEOPLE[0]).patient_code != code


def test_a_person_nobody_settled_has_no_alias(tmp_path: Path) -> None:
    with pytest.raises(ItemError):
        drawn(tmp_path / "escrow").subject_of(PEOPLE[0])


def test_I01_a_list_gives_codes_by_person_and_issuer(tmp_path: Path) -> None:
    text = "\ufeff" + HEADER + " A1 ,,TRIAL-001\r\nA1,Hospital,TRIAL-002\r\n"
    codes = read_mapping(written(tmp_path / "map.csv", text), forbidden=[])
    subjects = ListedSubjects(codes, PSEUDONYMS, longest_weeks=500, shredded={"TRIAL-002"})
    subjects.settle(PEOPLE)
    assert subjects.subject_of(SubjectKey("a1")).patient_code == "TRIAL-001"
    for person in (SubjectKey("A1", "hospital"), SubjectKey("A1", "clinic"), SubjectKey("A2")):
        with pytest.raises(ItemError) as refused:
            subjects.subject_of(person)
        assert refused.value.reason is Reason.PATIENT_NOT_MAPPED
        assert not any(word in str(refused.value) for word in ("A1", "A2", "hospital", "clinic"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "first line"),
        ("PatientID,code\nZwackel,1\n", "first line"),
        ("Zwackel,HOSP,1\n", "first line"),
        (HEADER + "Zwackel,T1\n", "line 2: 2 cells"),
        (HEADER + "Zwackel,HOSP,T1,more\n", "line 2: 4 cells"),
        (HEADER + ",HOSP,T1\n", "line 2: the PatientID is empty"),
        (HEADER + "Zwackel,HOSP,\n", "line 2: a code"),
        (HEADER + "Zwackel,HOSP,../T1\n", "line 2: a code"),
        (HEADER + "Zwackel,HOSP,T 1\n", "line 2: a code"),
        (HEADER + "Zwackel,HOSP," + "T" * 65 + "\n", "line 2: a code"),
        (HEADER + "Zwackel,HOSP,zwackel\n", "line 2: the code is the PatientID"),
        (HEADER + "Zwackel,HOSP,T1\n\nZWACKEL ,hosp,T2\n", "line 4: the person stands there twice"),
        (HEADER + "Zwackel,HOSP,T1\nOther,HOSP,t1\n", "line 3: the code stands there twice"),
        ((HEADER + "Zwäckel,HOSP,T1\n").encode("latin-1"), "not CSV"),
        (HEADER + '"Zwackel,HOSP,T1\n', "not CSV"),
    ],
)
def test_a_wrong_list_is_refused_by_its_line_and_never_by_a_cell(tmp_path: Path, text: str | bytes, named: str) -> None:
    with pytest.raises(ConfigurationError, match="mapping file") as refused:
        read_mapping(written(tmp_path / "map.csv", text), forbidden=[])
    assert named in str(refused.value)
    assert not any(word in str(refused.value).casefold() for word in ("zwackel", "hosp", "zw"))


def test_K02_a_list_is_kept_like_a_key(tmp_path: Path) -> None:
    path = written(tmp_path / "map.csv", HEADER)
    assert read_mapping(path, forbidden=[]) == {}
    with pytest.raises(KeyPlacementError):
        read_mapping(path, forbidden=[tmp_path])
    path.chmod(0o644)
    with pytest.raises(KeyMaterialError, match="chmod 600"):
        read_mapping(path, forbidden=[])
