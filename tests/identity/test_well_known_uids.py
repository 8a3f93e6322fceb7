"""What is the standard's stays and only that; numbers that mean nothing are not taken for a person's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom._uid_dict import UID_dictionary

from curator.identity.pseudonyms import Pseudonyms, is_uid, is_well_known, key_id_of
from curator.identity.search import found_in, is_numeric, needles_of, numbers_found_in
from curator.model.identity import Identifier, IdentifierKind
from curator.model.keys import Key

SECRET = bytes(range(32))
PSEUDONYMS = Pseudonyms(Key(key_id_of(SECRET), "release", SECRET))


def test_every_uid_of_the_standard_stays() -> None:
    standard = [uid for uid in UID_dictionary if uid.startswith("1.2.840.10008.")]
    assert len(standard) > 400
    for uid in standard:
        assert is_well_known(uid) and PSEUDONYMS.uid(uid) == uid


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.JOHN",
        "1.2.840.10008./../../x",
        "1.2.840.10008.47110815",
        "1.2.840.10008.",
        "1.2.840.10008",
        "1.2.840.10008.5.1.4\n",
        "1.2.840.10008" + ".1" * 11,
        "1.2.840.10008.١",
    ],
)
def test_what_only_stands_under_the_standard_s_root_is_replaced(uid: str) -> None:
    assert not is_well_known(uid)
    assert PSEUDONYMS.uid(uid).startswith("2.25.")


@given(text=st.text(max_size=80))
def test_what_is_replaced_is_a_uid_again(text: str) -> None:
    assert text == "" or is_uid(PSEUDONYMS.uid(text))


@pytest.mark.parametrize("text", ["", ".", "1.", ".1", "1..2", "1.2 ", "1.2/3", "1" * 65, "١.٢"])
def test_what_is_no_uid(text: str) -> None:
    assert not is_uid(text)


def number(value: str, data: bytes) -> int:
    return numbers_found_in(needles_of([Identifier(IdentifierKind.ID, value)]), data)


@given(value=st.integers(min_value=100_000, max_value=10**10), decimals=st.integers(min_value=1, max_value=9))
def test_a_long_number_is_found_as_a_whole_value_only(value: int, decimals: int) -> None:
    text = str(value)
    is_flat = len(set(text)) == 1
    for written in (text, f" {text} ", f"-{text}", f"{text}.000", f"1.5\\{text}\\2"):
        assert number(text, written.encode()) == (0 if is_flat else 1)
    for written in (f"{text}.{decimals}", f"0.{text}", f"1{text}", f"{text}7", ""):
        assert number(text, written.encode()) == 0


def test_a_short_number_is_chance() -> None:
    assert number("1024", b"1024\\-1024") == 0
    assert is_numeric(b"-1.5e3\\ 2 \0") and is_numeric(b"") and not is_numeric(b"1;2") and not is_numeric(b"NaN")


@pytest.mark.parametrize("value", ["10008", "2026", "5678"])
def test_numbers_in_what_we_write_ourselves_are_nobody_s(value: str) -> None:
    needles = needles_of([Identifier(IdentifierKind.ID, value)])
    assert found_in(needles, b"1.2.840.10008.5.1.4.1.1.2\0curator 0.1.0; basic; PS3.15 2026d; a5678bcdef01") == 0
    assert found_in(needles, b"record " + value.encode()) == 1


@pytest.mark.parametrize("written", ["Kim Lee", "KIM^LEE", "lee, kim", "Lee Kim", "LEE,KIM"])
def test_short_names_are_found_where_they_stand_together(written: str) -> None:
    needles = needles_of([Identifier(IdentifierKind.PERSON_NAME, "Lee^Kim")])
    assert found_in(needles, f"seen by {written} today".encode()) > 0
    assert found_in(needles, b"sleek imp") == 0
