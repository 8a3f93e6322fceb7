"""Codes are functions of key, domain, kind and original, and of nothing else."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydicom.uid import UID

from curator.errors import KeyMaterialError
from curator.identity.pseudonyms import Pseudonyms, key_id_of, normalized_id
from curator.model.identity import SubjectKey
from curator.model.keys import Key

SECRET = bytes(range(32))
TEXT = st.text(max_size=20)
UIDS = st.from_regex(r"1\.2\.[1-9][0-9]{0,8}(\.[1-9][0-9]{0,8}){0,4}", fullmatch=True)


def made(secret: bytes = SECRET, domain: str = "release") -> Pseudonyms:
    return Pseudonyms(Key(key_id_of(secret), domain, secret))


ONE, SAME, OTHER_DOMAIN, OTHER_KEY = made(), made(), made(domain="release-2"), made(secret=SECRET[::-1])


@given(patient=TEXT, issuer=TEXT)
def test_the_same_key_gives_the_same_codes(patient: str, issuer: str) -> None:
    subject = SubjectKey(patient, issuer)
    assert ONE.patient_code(subject) == SAME.patient_code(subject)
    assert ONE.date_shift_days(subject, longest_weeks=520) == SAME.date_shift_days(subject, longest_weeks=520)
    assert ONE.uid(patient) == SAME.uid(patient)
    assert ONE.item_id(patient) == SAME.item_id(patient)


@given(patient=TEXT, issuer=TEXT)
def test_another_key_or_domain_gives_unlinkable_codes(patient: str, issuer: str) -> None:
    subject = SubjectKey(patient, issuer)
    assert len({each.patient_code(subject) for each in (ONE, OTHER_DOMAIN, OTHER_KEY)}) == 3
    assert len({each.item_id(patient) for each in (ONE, OTHER_DOMAIN, OTHER_KEY)}) == 3
    assert len({each.content_id([patient.encode("utf-8", "replace")]) for each in (ONE, OTHER_DOMAIN, OTHER_KEY)}) == 3


@given(name=st.text(min_size=1, max_size=20))
def test_kinds_do_not_share_codes(name: str) -> None:
    # A name of carets only has no component, so there is no author to name.
    assume(normalized_id(name.replace("^", " ")).split())
    codes = [ONE.patient_code(SubjectKey(name)), ONE.centre_code(name), ONE.device_code(name), ONE.author_code(name)]
    assert len({code[2:] for code in codes}) == 4
    assert [code[:2] for code in codes] == ["P-", "C-", "D-", "A-"]
    assert all(re.fullmatch(r"[PCDA]-[0-9A-HJKMNP-TV-Z]{12}", code) for code in codes)


@given(left=TEXT, middle=st.text(min_size=1, max_size=8), right=TEXT)
def test_no_two_splits_of_one_text_collide(left: str, middle: str, right: str) -> None:
    first, second = (
        (normalized_id(left + middle), normalized_id(right)),
        (normalized_id(left), normalized_id(middle + right)),
    )
    assume(first != second)
    assert ONE.patient_code(SubjectKey(*first)) != ONE.patient_code(SubjectKey(*second))
    assert ONE.device_code(*first) != ONE.device_code(*second) or not any(first) or not any(second)


@pytest.mark.parametrize(
    "spelling",
    ["ABC 1", " abc 1 ", "ABC 1\0", "\tAbc 1\r\n", "ＡＢＣ １"],
    ids=["plain", "blank", "null", "tab", "wide"],
)
def test_spellings_of_one_patient_id_are_one_person(spelling: str) -> None:
    assert ONE.patient_code(SubjectKey(spelling)) == ONE.patient_code(SubjectKey("ABC 1"))
    assert ONE.patient_code(SubjectKey("X", spelling)) == ONE.patient_code(SubjectKey("X", "ABC 1"))


@pytest.mark.parametrize("other", ["ABC1", "ABC  1", "ABC 2", "0ABC 1", ""])
def test_different_patient_ids_are_different_people(other: str) -> None:
    assert ONE.patient_code(SubjectKey(other)) != ONE.patient_code(SubjectKey("ABC 1"))


def test_an_author_is_one_in_any_order_and_form_of_the_name() -> None:
    forms = ("Müller^Anna", "anna müller", " MÜLLER^ANNA^^ ", "Anna  Müller")
    assert len({ONE.author_code(form) for form in forms}) == 1
    assert ONE.author_code("Anna Möller") != ONE.author_code(forms[0])


def test_nothing_has_no_code() -> None:
    assert [ONE.centre_code(" "), ONE.author_code("^^"), ONE.device_code("", ""), ONE.uid("")] == ["", "", "", ""]


@given(original=UIDS)
def test_a_uid_is_valid_and_within_64_characters(original: str) -> None:
    uid = ONE.uid(original)
    assert UID(uid).is_valid
    assert len(uid) <= 44
    number = int(uid.removeprefix("2.25."))
    # RFC 9562 5.8: version 8, variant 10.
    assert number >> 76 & 0xF == 8
    assert number >> 62 & 3 == 2
    assert uid != original


@given(first=UIDS, second=UIDS)
def test_uids_are_equal_only_where_the_originals_are(first: str, second: str) -> None:
    assert (ONE.uid(first) == ONE.uid(second)) == (first == second)


def test_the_standards_own_uids_stay() -> None:
    assert ONE.uid("1.2.840.10008.5.1.4.1.1.2") == "1.2.840.10008.5.1.4.1.1.2"
    assert ONE.uid("1.2.840.100080.1") != "1.2.840.100080.1"


@given(patient=TEXT, weeks=st.integers(1, 1000))
def test_dates_move_back_by_whole_weeks_and_never_by_none(patient: str, weeks: int) -> None:
    days = ONE.date_shift_days(SubjectKey(patient), longest_weeks=weeks)
    assert 7 <= days <= 7 * weeks
    assert days % 7 == 0


def test_shifts_spread_over_the_whole_range() -> None:
    shifts = {ONE.date_shift_days(SubjectKey(str(number)), longest_weeks=10) for number in range(400)}
    assert shifts == {7 * week for week in range(1, 11)}


@given(data=st.binary(max_size=200), cut=st.integers(0, 200))
def test_content_is_one_however_it_is_cut(data: bytes, cut: int) -> None:
    assert ONE.content_id([data]) == ONE.content_id([memoryview(data)[:cut], data[cut:]])
    assert ONE.content_id([data]) != ONE.content_id([data + b"\0"])


def test_codes_do_not_depend_on_the_process() -> None:
    script = (
        "from curator.identity.pseudonyms import Pseudonyms, key_id_of\n"
        "from curator.model.identity import SubjectKey\n"
        "from curator.model.keys import Key\n"
        "s = bytes(range(32)); p = Pseudonyms(Key(key_id_of(s), 'release', s))\n"
        "print(p.patient_code(SubjectKey('A', 'B')), p.uid('1.2.3'), p.item_id('x'))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {f"{ONE.patient_code(SubjectKey('A', 'B'))} {ONE.uid('1.2.3')} {ONE.item_id('x')}\n".encode()}


def test_a_key_that_is_short_or_does_not_fit_its_id_is_refused() -> None:
    with pytest.raises(KeyMaterialError):
        key_id_of(SECRET[:31])
    with pytest.raises(KeyMaterialError):
        Pseudonyms(Key(key_id_of(SECRET[::-1]), "release", SECRET))
    with pytest.raises(KeyMaterialError):
        Pseudonyms(Key(key_id_of(SECRET), "release", SECRET[:16]))


def test_nothing_secret_is_shown() -> None:
    subject = SubjectKey("4711-SECRET", "HOSPITAL")
    for shown in (repr(ONE), repr(ONE.key), repr(subject), str(ONE), repr([ONE.key, subject])):
        assert "SECRET" not in shown
        assert "HOSPITAL" not in shown
        assert SECRET.hex() not in shown
        assert repr(SECRET)[2:-1] not in shown
    assert key_id_of(SECRET) in repr(ONE)


def test_a_key_crosses_processes() -> None:
    assert pickle.loads(pickle.dumps(ONE.key)) == ONE.key
