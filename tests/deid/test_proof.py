"""The proof finds every kind of defect, wherever it is, and nothing in a clean file."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import partial

import pytest
from deid_samples import BIG, DEFLATED, IMPLICIT, SYNTAXES, Writer, policy, released_bundle, written

from curator.deid.instance import keeps_uid
from curator.deid.verify import Defect, Residual, residuals
from curator.dicom.parse import parse
from curator.identity.search import Needles, needles_of
from curator.model.identity import Identifier, IdentifierKind

NAME = "Zwetschge^Knoedel"
NEEDLES = needles_of(
    [
        Identifier(IdentifierKind.PERSON_NAME, NAME),
        Identifier(IdentifierKind.ID, "47110815"),
        Identifier(IdentifierKind.ID, "1024"),
        Identifier(IdentifierKind.DATE, "19610405"),
        Identifier(IdentifierKind.UID, "1.2.3.4.1"),
    ]
)
WRITER = Writer()
# A tag behind all that a clean file here has.
LATE = 0x72000100


def found(data: bytes, needles: Needles = NEEDLES) -> tuple[Residual, ...]:
    return residuals(data, needles, keeps_uid=partial(keeps_uid, policy()))


def clean(syntax: str = WRITER.syntax, elements: dict[int, bytes] | None = None) -> bytes:
    return written(Writer(syntax).file(elements or {}))


def planted(element: bytes, syntax: str = WRITER.syntax) -> bytes:
    """A clean file with one more element at the end of its data set."""
    data = clean(syntax)
    if syntax != DEFLATED:
        return data + element
    head = parse(data).meta[-1].end
    body = zlib.decompress(data[head:], wbits=-zlib.MAX_WBITS) + element
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return data[:head] + deflater.compress(body) + deflater.flush()


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_clean_file_has_none(syntax: str) -> None:
    assert found(clean(syntax)) == ()


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize(
    "value",
    [
        b"Zwetschge^Knoedel",
        b"for KNOEDEL",
        b"zwetschge",
        b"Knoedel Zwetschge",
        "Zwetschge".encode("utf-16-le"),
        "Zwetschge".encode("utf-16-be"),
        b"x47110815x",
        b"born 05.04.1961",
        b"19610405",
        b"1.2.3.4.1",
        b"number 1024",
    ],
)
def test_an_identifier_in_any_encoding_is_found(value: bytes, syntax: str) -> None:
    for vr in ("LO", "UT", "OB"):
        data = planted(Writer(syntax).element(LATE, vr, value), syntax)
        assert Residual(Defect.IDENTIFIER, "header") in found(data)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_an_identifier_in_a_sequence_of_sequences_is_found(syntax: str) -> None:
    writer = Writer(syntax)
    data = planted(writer.nested([LATE] * 5, writer.element(0x00081030, "LO", b"Knoedel")), syntax)
    assert Residual(Defect.IDENTIFIER, "header") in found(data)


@pytest.mark.parametrize("vr", ["DS", "IS"])
@pytest.mark.parametrize(
    ("value", "is_found"),
    [
        (b"47110815", True),
        (b"1\\47110815 ", True),
        (b"-47110815.00", True),
        (b"Knoedel", True),
        (b"1.5\\Knoedel", True),
        (b"1024", False),
        (b"-1024\\3.1024", False),
        (b"1.47110815", False),
        (b"147110815", False),
    ],
)
def test_among_numbers_only_a_long_whole_one_counts(vr: str, value: bytes, is_found: bool) -> None:
    assert bool(found(planted(WRITER.element(LATE, vr, value)))) is is_found


@pytest.mark.parametrize("tag", [0x7FE00010, 0x56000020, 0x00660016])
def test_an_identifier_between_pixels_is_found(tag: int) -> None:
    pixels = bytes(range(256)) * 32
    for token in (b"zwetschge", b"47110815"):
        data = planted(WRITER.element(tag, "OW", pixels + token + pixels))
        assert found(data) == (Residual(Defect.IDENTIFIER, f"({tag >> 16:04X},{tag & 0xFFFF:04X})"),)
    assert found(planted(WRITER.element(tag, "OW", pixels + b"1024 19" + pixels))) == ()


def test_nested_bulk_is_searched_as_bulk() -> None:
    # Four digits come up by chance in any waveform.
    samples = bytes(range(200, 256)) * 100
    for value, is_found in ((b"\xff1024\xff\xff", False), (b"knoedel!", True)):
        data = planted(WRITER.sequence(0x54000100, WRITER.element(0x54001010, "OW", samples + value)))
        assert bool(found(data)) is is_found


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_an_identifier_in_the_file_meta_is_found(syntax: str) -> None:
    title = WRITER.element(0x00020016, "AE", b"KNOEDEL")
    defects = {one.defect for one in found(_with_meta(clean(syntax), title))}
    assert defects == {Defect.IDENTIFIER, Defect.FILE_META}


def test_anything_more_in_the_file_meta_is_found() -> None:
    data = _with_meta(clean(), WRITER.element(0x00020016, "AE", b"SCANNER7"))
    assert found(data) == (Residual(Defect.FILE_META, "(0002,0016)"),)


def _with_meta(data: bytes, element: bytes) -> bytes:
    end = parse(data).meta[-1].end
    (length,) = struct.unpack_from("<I", data, 140)
    return data[:140] + struct.pack("<I", length + len(element)) + data[144:end] + element + data[end:]


def replaced(before: bytes, after: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        assert before in data and len(before) == len(after)
        return data.replace(before, after, 1)

    return change


DEFECTS: dict[str, tuple[Callable[[bytes], bytes], Residual]] = {
    "preamble": (lambda data: b"II*\0" + data[4:], Residual(Defect.PREAMBLE, "preamble")),
    "behind": (lambda data: data + b"\0" * 10, Residual(Defect.TRAILING_BYTES, "end of file")),
    "cut": (lambda data: data[:-1], Residual(Defect.UNREADABLE, "file")),
    "empty": (lambda data: b"", Residual(Defect.UNREADABLE, "file")),
    "no DICOM": (lambda data: b"Knoedel" * 100, Residual(Defect.UNREADABLE, "file")),
    "private": (
        lambda data: data + WRITER.element(0x7FE10010, "LO", b"ACME"),
        Residual(Defect.PRIVATE_ELEMENT, "(7FE1,0010)"),
    ),
    "private, nested": (
        lambda data: data + WRITER.sequence(0x70700070, WRITER.element(0x00290010, "LO", b"ACME")),
        Residual(Defect.PRIVATE_ELEMENT, "(0029,0010)"),
    ),
    "other instance in the meta": (
        replaced(b"\x02\0\x03\0UI\x2c\x002.25.", b"\x02\0\x03\0UI\x2c\x002.26."),
        Residual(Defect.FILE_META, "(0002,0003)"),
    ),
    "other class in the meta": (
        replaced(b"1.2.840.10008.5.1.4.1.1.2\0", b"1.2.840.10008.5.1.4.1.1.4\0"),
        Residual(Defect.FILE_META, "(0002,0002)"),
    ),
    "foreign UID": (
        lambda data: data + WRITER.element(0x70700080, "UI", b"1.3.6.1.4.1.5962.99"),
        Residual(Defect.FOREIGN_UID, "(7070,0080)"),
    ),
    "foreign UID, nested, one of two": (
        lambda data: data + WRITER.sequence(0x70700070, WRITER.element(0x0020000D, "UI", b"2.25.1\\1.3.6.1")),
        Residual(Defect.FOREIGN_UID, "(0020,000D)"),
    ),
    "foreign UID written as UN": (
        lambda data: data + WRITER.sequence(0x70700070, WRITER.element(0x0020000D, "UN", b"1.3.6.1")),
        Residual(Defect.FOREIGN_UID, "(0020,000D)"),
    ),
    "number behind the standard's root": (
        lambda data: data + WRITER.element(0x70700080, "UI", b"1.2.840.10008.47119999"),
        Residual(Defect.FOREIGN_UID, "(7070,0080)"),
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_each_kind_of_defect_is_found(name: str) -> None:
    change, residual = DEFECTS[name]
    # What follows pixels and is no element belongs to nothing; elsewhere a file without pixels is added to.
    has_pixels = name in ("behind", "private")
    data = clean(elements={0x7FE00010: WRITER.element(0x7FE00010, "OW", bytes(64))} if has_pixels else {})
    assert found(data) == ()
    assert residual in found(change(data))


def test_bytes_behind_a_deflated_data_set_are_found() -> None:
    data = clean(DEFLATED)
    assert found(data) == ()
    assert found(data + b"JOHN") == (Residual(Defect.TRAILING_BYTES, "end of file"),)


def test_what_a_residual_says_holds_no_value() -> None:
    for one in found(planted(WRITER.element(LATE, "LO", b"Knoedel 47110815"))):
        assert "noedel" not in repr(one).lower() and "4711" not in repr(one)


def test_real_outputs_hold_nothing_of_somebody_else() -> None:
    # The searches that go wrong by chance would do so here: 130 files, the needles of one who is in none of them.
    for name, (_, output) in released_bundle().items():
        assert found(output) == (), name


def test_big_endian_and_implicit_files_are_searched() -> None:
    assert {BIG, IMPLICIT} <= set(SYNTAXES)
    for syntax in (BIG, IMPLICIT):
        data = planted(Writer(syntax).element(LATE, "IS", b"47110815"), syntax)
        assert found(data) == (Residual(Defect.IDENTIFIER, "header"),)
