"""An identifier that stands in the bytes is found, whatever it was written in; what is not there is not."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from curator.identity.pseudonyms import Pseudonyms, key_id_of
from curator.identity.search import SHORTEST, SHORTEST_IN_BULK, STAND_IN, Needles, found_in, needles_of
from curator.model.identity import Identifier, IdentifierKind
from curator.model.keys import Key

SECRET = bytes(range(32))
PSEUDONYMS = Pseudonyms(Key(key_id_of(SECRET), "release", SECRET))

# Specific Character Set terms that DICOM defines, as the codecs a scanner would write in.
SCRIPTS = {
    "Buc^Jérôme": ("latin-1", "iso8859-15", "utf-8", "utf-16-le", "utf-16-be"),
    "Wałęsa^Łucja": ("iso8859-2", "utf-8", "utf-16-le"),
    "Ĉapek^Ĥana": ("iso8859-3", "utf-8"),
    "Люксембург^Анна": ("iso8859-5", "koi8-r", "cp1251", "utf-8", "utf-16-le"),
    "قباني^لنزار": ("iso8859-6", "utf-8"),
    "Διονυσιος^Ανδρεας": ("iso8859-7", "utf-8"),
    "שרון^דבורה": ("iso8859-8", "utf-8"),
    "Çelik^Şükrü": ("iso8859-9", "utf-8"),
    "สมชาย^ใจดี": ("tis-620", "utf-8"),
    "山田^太郎": ("shift_jis", "euc_jp", "iso2022_jp", "utf-8", "utf-16-le", "gb18030"),
    "洪^吉洞": ("euc_kr", "utf-8"),
    "홍길^길동": ("euc_kr", "iso2022_kr", "utf-8"),
    "王小^小东": ("gb18030", "gb2312", "utf-8"),
}
CASES = [(name, codec) for name, codecs in SCRIPTS.items() for codec in codecs]
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ASCII = st.text(alphabet=_LETTERS, min_size=SHORTEST, max_size=16).filter(lambda name: name.upper() != STAND_IN)


def needles(kind: IdentifierKind, value: str) -> Needles:
    return needles_of([Identifier(kind, value)])


def person(value: str) -> Needles:
    return needles(IdentifierKind.PERSON_NAME, value)


@pytest.mark.parametrize(("name", "codec"), CASES, ids=[f"{codec}-{number}" for number, (_, codec) in enumerate(CASES)])
def test_a_name_is_found_in_every_codec(name: str, codec: str) -> None:
    before, after = b"\x10\0\x10\0PN\x0e\0", b"\x10\0\x20\0LO"
    assert found_in(person(name), before + name.encode(codec) + after) > 0
    assert found_in(person(name), before + name.upper().encode(codec, "ignore") + after) > 0 or not name.isascii()
    assert found_in(person(name), before + after) == 0


@pytest.mark.parametrize(("name", "codec"), CASES, ids=[f"{codec}-{number}" for number, (_, codec) in enumerate(CASES)])
def test_one_component_of_a_name_is_found(name: str, codec: str) -> None:
    for part in name.split("^"):
        # "Buc" or one ideograph alone would be found by chance in every second header.
        if len(part) >= (SHORTEST if part.isascii() else 2):
            assert found_in(person(name), b"text of " + part.encode(codec) + b" and more") > 0


# PS3.5 H.3.1, H.3.2 and I.2: each component and group switches back to ASCII by an escape of its own.
ISO_2022 = {
    "山田^太郎": b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B",
    "やまだ^たろう": b"\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
    "홍길^길동": b"Hong^Gildong=\x1b$)C\xc8\xab\xb1\xe6^\x1b$)C\xb1\xe6\xb5\xbf",
}


@pytest.mark.parametrize("name", ISO_2022)
def test_names_between_iso_2022_escapes_are_found(name: str) -> None:
    assert found_in(person(name), ISO_2022[name]) > 0
    assert found_in(person(name.split("^")[1]), ISO_2022[name]) > 0 or len(name.split("^")[1]) < 2


@given(
    before=st.binary(max_size=30),
    name=ASCII,
    after=st.binary(max_size=30),
    spelling=st.sampled_from([str, str.upper, str.lower, str.title]),
)
def test_any_spelling_between_any_bytes_is_found(before: bytes, name: str, after: bytes, spelling: type[str]) -> None:
    for codec in ("ascii", "utf-16-le", "utf-16-be"):
        assert found_in(person(name), before + spelling(name).encode(codec) + after) > 0


@given(name=st.text(min_size=SHORTEST, max_size=12), before=st.binary(max_size=10))
def test_any_text_is_found_as_utf_8(name: str, before: bytes) -> None:
    value = name.strip(" \0")
    assume(
        len(value) >= SHORTEST
        and value.strip("^=,;.-_/\\ ").upper() not in ("", STAND_IN)
        and not (value.isascii() and value.isdigit())
    )
    assume(value.encode("utf-8", "ignore").decode() == value)
    assert found_in(needles(IdentifierKind.TEXT, name), before + value.encode()) > 0


@given(parts=st.lists(ASCII, min_size=1, max_size=5))
def test_every_component_of_a_name_is_searched(parts: list[str]) -> None:
    searched = person("^".join(parts))
    for part in parts:
        assert found_in(searched, f"{part} was here".encode()) > 0
    assert found_in(searched, " ".join(parts).encode()) > 0


@given(number=st.from_regex(r"[0-9]{4,12}", fullmatch=True), beside=st.from_regex(r"[0-9]{1,4}", fullmatch=True))
def test_a_number_is_found_whole_and_not_inside_another(number: str, beside: str) -> None:
    searched = needles(IdentifierKind.ID, number)
    for text in (f"ID {number}", number, f"x{number}y", f"\0{number}\0"):
        assert found_in(searched, text.encode()) == 1
    longer = number + beside
    assume(number not in (longer[1:], beside))
    assert found_in(searched, longer.encode()) == 0
    assert found_in(searched, (beside + number).encode()) == 0


@pytest.mark.parametrize("written", ["19610229", "1961-02-29", "29.02.1961", "02/29/1961", "29/02/1961"])
def test_a_date_is_found_as_people_write_it(written: str) -> None:
    searched = needles(IdentifierKind.DATE, "19610229")
    assert found_in(searched, f"born {written},".encode()) > 0
    assert found_in(searched, b"born 1961") == 0


@given(original=st.text(alphabet="0123456789.", max_size=30), number=st.from_regex(r"[0-9]{4,10}", fullmatch=True))
def test_our_own_uids_never_look_like_a_record_number(original: str, number: str) -> None:
    uid = PSEUDONYMS.uid(f"1.3.6.{original}")
    for text in (uid, f"\0{uid}\0", f"{uid}\\{uid}"):
        assert found_in(needles(IdentifierKind.ID, number), text.encode()) == 0
    # Not even one that stands in it from end to end.
    assert found_in(needles(IdentifierKind.ID, uid.removeprefix("2.25.")), uid.encode()) == 0
    assert found_in(needles(IdentifierKind.ID, number), f"{uid} {number}".encode()) == 1


def test_a_record_number_behind_our_root_is_found() -> None:
    assert found_in(needles(IdentifierKind.ID, "47110815"), b"2.25.47110815\0") == 1
    # What is cut out does not join what stands around it.
    uid = "2.25." + "9" * 39
    assert found_in(needles(IdentifierKind.ID, "47110815"), f"4711{uid}".encode() + b"0815") == 0


def test_a_source_uid_is_found() -> None:
    searched = needles(IdentifierKind.UID, "1.2.840.113619.2.55.3")
    assert found_in(searched, b"(0020,000D) 1.2.840.113619.2.55.3\0") == 1
    assert found_in(searched, b"1.2.840.113619.2.55.4") == 0


@pytest.mark.parametrize("value", ["", "  ", "^^^", "Li", "A^B", "X=Y", "123", STAND_IN, "REMOVED^", "removed^Removed"])
def test_what_is_too_short_or_a_stand_in_is_not_searched(value: str) -> None:
    assert len(person(value)) == 0
    assert found_in(person(value), value.encode() * 3) == 0


def test_in_bulk_bytes_only_long_needles_count() -> None:
    short, long = "A" * (SHORTEST_IN_BULK - 1), "ABCDEFGH"[:SHORTEST_IN_BULK]
    for value in (short, "12345"):
        assert found_in(needles(IdentifierKind.ID, value), value.encode()) == 1
        assert found_in(needles(IdentifierKind.ID, value), value.encode(), bulk=True) == 0
    assert found_in(needles(IdentifierKind.ID, long), b"\1" + long.encode() + b"\2", bulk=True) == 1
    assert found_in(needles(IdentifierKind.ID, "000000"), b"\1" + b"0" * 6 + b"\1", bulk=True) == 0
    assert found_in(needles(IdentifierKind.ID, "000001"), b"\1" + b"000001" + b"\1", bulk=True) == 1


def test_nothing_is_found_in_nothing() -> None:
    assert len(needles_of([])) == 0
    assert found_in(needles_of([]), b"ANYTHING") == 0
    assert found_in(person("DOE^JANE"), b"") == 0


def test_a_view_is_searched_as_bytes_are() -> None:
    assert found_in(person("DOE^JANE"), memoryview(b"xx jane xx")) == 1


def test_needles_show_nothing() -> None:
    assert "JANE" not in repr(person("DOE^JANE")).upper()
    assert "JANE" not in repr(Identifier(IdentifierKind.PERSON_NAME, "DOE^JANE"))
