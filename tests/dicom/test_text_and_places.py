"""Character sets, private creators and the dictionary.

Sources: the names are the examples of DICOM PS3.5 Annexes H (Japanese), I (Korean), J (Chinese), K and L.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.dicom import dictionary
from curator.dicom.dictionary import dictionary_vr, is_standard, keyword, tag_of, tag_text
from curator.dicom.encode import element, item
from curator.dicom.parse import parse
from curator.dicom.text import encodings_at_top, encodings_of, text_of, values_of
from curator.dicom.walk import values_at, walk

NAMES = {
    "H.3.1 ISO 2022 IR 87": (
        b"\\ISO 2022 IR 87",
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    "H.3.2 with IR 13": (
        b"ISO 2022 IR 13\\ISO 2022 IR 87",
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    ),
    "I.2 ISO 2022 IR 149": (
        b"\\ISO 2022 IR 149",
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    "J.1 ISO_IR 192": (b"ISO_IR 192", "Wang^XiaoDong=王^小東=".encode(), "Wang^XiaoDong=王^小東="),
    "J.3 GB18030": (b"GB18030", "Wang^XiaoDong=王^小东=".encode("gb18030"), "Wang^XiaoDong=王^小东="),
    "ISO_IR 100": (b"ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
    "ISO_IR 144": (b"ISO_IR 144", b"\xbb\xee\xdace\xdc\xd1yp\xd3", "Люкceмбypг"),
    "ISO_IR 126": (b"ISO_IR 126", b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"),
    "ISO_IR 138": (b"ISO_IR 138", b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", "שרון^דבורה"),
    "ISO_IR 166": (b"ISO_IR 166", b"\xca\xc1\xaa\xd2\xc2", "สมชาย"),
}


@pytest.mark.parametrize(("declared", "raw", "expected"), NAMES.values(), ids=NAMES.keys())
def test_names_of_the_standard_are_read(declared: bytes, raw: bytes, expected: str) -> None:
    assert text_of(raw, "PN", encodings_of(declared)) == expected


def test_backslash_as_a_second_byte_is_no_separator() -> None:
    raw = "誠\\二".encode("gb18030")
    assert b"\\" in raw
    assert values_of(raw, "LO", encodings_of(b"GB18030")) == ("誠", "二")
    single = "俓".encode("gb18030")
    assert single.endswith(b"\\")
    assert values_of(single, "LO", encodings_of(b"GB18030")) == ("俓",)


@given(
    raw=st.binary(max_size=30),
    declared=st.sampled_from([b"", b"ISO_IR 192", b"ISO_IR 13", b"GB18030", b"\\ISO 2022 IR 87", b"NONSENSE", b"\xff"]),
)
def test_any_bytes_have_a_text_under_any_character_set(raw: bytes, declared: bytes) -> None:
    for vr in ("PN", "LT", "CS", "UT"):
        assert isinstance(text_of(raw, vr, encodings_of(declared)), str)


def test_values_are_split_where_the_vr_is_multi_valued() -> None:
    latin = encodings_of(b"")
    assert values_of(b"A \\ B\\", "LO", latin) == ("A", "B", "")
    assert values_of(b"A\\B", "LT", latin) == ("A\\B",)
    assert values_of(b"  ", "LO", latin) == ()
    assert values_of(b"1.2\0", "UI", latin) == ("1.2",)


def explicit(tag: int, vr: str, value: bytes) -> bytes:
    return element(tag, vr, value, explicit=True, order="<")


def test_an_item_may_declare_its_own_character_set() -> None:
    greek = b"\xc4\xe9\xef\xed"
    inner = item([explicit(0x00080005, "CS", b"ISO_IR 126"), explicit(0x00100010, "PN", greek)], order="<")
    inherits = item([explicit(0x00100010, "PN", greek)], order="<")
    data_set = parse(
        explicit(0x00080005, "CS", b"ISO_IR 100")
        + explicit(0x00081115, "SQ", inner + inherits)
        + explicit(0x00100010, "PN", greek)
    )
    names = [values_at(data_set, placed) for placed in walk(data_set) if placed.element.tag == 0x00100010]
    assert names == [("Διον",), (greek.decode("latin-1"),), (greek.decode("latin-1"),)]
    assert encodings_at_top(data_set) == encodings_of(b"ISO_IR 100")


def test_a_private_creator_owns_its_block_in_its_own_item_only() -> None:
    outer = [explicit(0x00090010, "LO", b"ACME"), explicit(0x00091001, "LO", b"A"), explicit(0x00091101, "LO", b"B")]
    inner = item([explicit(0x00091001, "LO", b"C")], order="<")
    data_set = parse(explicit(0x00080060, "CS", b"MR") + b"".join(outer) + explicit(0x00400275, "SQ", inner))
    creators = {(placed.path, placed.element.tag): placed.private_creator for placed in walk(data_set)}
    assert creators == {
        ((), 0x00080060): "",
        ((), 0x00090010): "",
        ((), 0x00091001): "ACME",
        ((), 0x00091101): "",
        ((), 0x00400275): "",
        ((0x00400275,), 0x00091001): "",
    }


@pytest.mark.parametrize(
    ("tag", "vr", "standard"),
    [
        (0x00100010, "PN", True),
        (0x60020010, "US", True),
        (0x7FE00010, "OB", True),
        (0x00280106, "US", True),
        (0x00090010, "LO", False),
        (0x00091001, "UN", False),
        (0x00100000, "UL", True),
        (0x0008FFFE, "UN", False),
    ],
)
def test_dictionary(tag: int, vr: str, *, standard: bool) -> None:
    assert dictionary_vr(tag) == vr
    if not (tag >> 16) & 1:
        assert is_standard(tag) == standard


def test_a_newer_tag_can_be_registered_and_known_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dictionary, "_supplement", {})
    dictionary.register({0x0008FFFE: "LO", 0x00100010: "LO"})
    assert dictionary_vr(0x0008FFFE) == "LO"
    assert is_standard(0x0008FFFE)
    assert dictionary_vr(0x00100010) == "PN"
    dictionary_vr.cache_clear()


def test_keywords_and_tags_name_each_other() -> None:
    assert tag_of("PatientName") == 0x00100010
    assert keyword(0x00100010) == "PatientName"
    assert keyword(0x00091001) == ""
    assert tag_text(0x7FE00010) == "(7FE0,0010)"
    with pytest.raises(KeyError):
        tag_of("PatientNome")
