"""How elements are written: in order, whole, each action on each VR, and nothing else touched."""

from __future__ import annotations

import struct

import pytest
from deid_samples import IMPLICIT, PSEUDONYMS, SYNTAXES, Writer, policy, read, subject_of, text, written
from hypothesis import given
from hypothesis import strategies as st

from curator.deid.headers.dummies import dummy
from curator.deid.headers.markers import Earlier, marker_elements
from curator.deid.headers.rewrite import Rewriter
from curator.deid.headers.terms import Terms
from curator.deid.headers.values import is_numbers, kept_uid, well_formed
from curator.dicom.dictionary import KNOWN_VRS, LONG_LENGTH_VRS, dictionary_vr
from curator.dicom.parse import parse
from curator.errors import ItemError
from curator.model.decision import Action, Decision
from curator.model.identity import SubjectKey
from curator.model.quarantine import Reason

WRITER = Writer()
# A tag without a VR of its own, so that any VR is the right one: it is in no dictionary.
FREE = 0x00089999
BINARY = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8}
GOOD: dict[str, bytes] = {
    **dict.fromkeys(("LO", "LT", "SH", "ST", "UC", "UT"), b"text"),
    **dict.fromkeys(("OB", "OD", "OF", "OL", "OV", "OW", "UN"), bytes(range(1, 9))),
    **{vr: bytes(range(1, width + 1)) for vr, width in BINARY.items()},
    "AE": b"SCANNER1",
    "AS": b"045Y",
    "CS": b"HFS ",
    "DA": b"20200131",
    "DS": b"1.5\\-2e3",
    "DT": b"20200131093015.5",
    "IS": b"42",
    "PN": b"A^B ",
    "TM": b"0930",
    "UI": b"1.2.3\0",
    "UR": b"urn:x ",
}
NOT_KEPT = {"AS": b"45", "CS": b"John Doe", "DA": b"John", "DS": b"John", "DT": b"John", "IS": b"1;2 ", "TM": b"John"}


def rewritten(element: bytes, action: Action, *, tag: int = FREE, deny: str = "", syntax: str = WRITER.syntax) -> bytes:
    """The value that one action makes of an element; b"gone" where it is not written."""
    data_set = parse(Writer(syntax).file({tag: element}))
    rewriter = Rewriter(
        data_set,
        Terms(
            lambda ref: Decision(action if ref.tag == tag else Action.REMOVE, "test", "because"),
            PSEUDONYMS,
            subject_of(identifiers=[text(deny)] if deny else []),
            "",
        ),
        set_elements={},
        deny=bool(deny),
    )
    chunks = b"".join(rewriter.chunks())
    assert sum(rewriter.applied.values()) >= 7
    if not chunks:
        return b"gone"
    return chunks[12:] if chunks[4:6].decode() in LONG_LENGTH_VRS else chunks[8:]


@pytest.mark.parametrize("vr", sorted(KNOWN_VRS - {"SQ"}))
def test_each_action_on_each_vr(vr: str) -> None:
    value = GOOD[vr]
    element = WRITER.element(FREE, vr, value)
    even_dummy = dummy(vr) + (b"" if len(dummy(vr)) % 2 == 0 else b"\0" if vr in ("UI", "OB", "UN") else b" ")
    assert rewritten(element, Action.REMOVE) == b"gone"
    assert rewritten(element, Action.EMPTY) == b""
    assert rewritten(element, Action.KEEP) == value
    if vr != "UI":
        assert rewritten(element, Action.DUMMY) == even_dummy
    assert rewritten(element, Action.REPLACE_UID).startswith(b"2.25.")
    assert rewritten(element, Action.PSEUDONYM).startswith(b"P-")
    assert (rewritten(element, Action.SHIFT) == b"") is (vr not in ("DA", "DT"))
    assert (rewritten(element, Action.CLEAN) == b"") is (vr != "AS")
    # An action that nobody taught the rewriting protects.
    assert rewritten(element, Action.SET) == b""


@pytest.mark.parametrize("vr", sorted(NOT_KEPT))
def test_what_is_not_what_its_vr_promises_is_emptied(vr: str) -> None:
    assert rewritten(WRITER.element(FREE, vr, NOT_KEPT[vr]), Action.KEEP) == b""


def test_a_kept_uid_is_a_uid() -> None:
    for raw in (b"John", b"1.2.John", b"1..2", b"9" * 65, b"../../x"):
        assert rewritten(WRITER.element(FREE, "UI", raw), Action.KEEP).startswith(b"2.25.")
    assert rewritten(WRITER.element(FREE, "UI", b"1.2.3\\John"), Action.KEEP).startswith(b"1.2.3\\2.25.")
    assert kept_uid("1.2.03", PSEUDONYMS) == "1.2.03"


@pytest.mark.parametrize(
    ("vr", "value", "left"),
    [
        ("LO", b"by JOHNSON ", b"REMOVED "),
        ("CS", b"HFS\\JOHNSON", b"HFS\\REMOVED "),
        ("LT", b"a\\b JOHNSON ", b"REMOVED "),
        ("PN", b"JOHNSON^A ", b"REMOVED^"),
        ("LO", b"by JONSSON", b"by JONSSON"),
    ],
)
def test_a_kept_value_that_names_the_person_goes(vr: str, value: bytes, left: bytes) -> None:
    assert rewritten(WRITER.element(FREE, vr, value), Action.KEEP, deny="JOHNSON") == left


def test_a_number_or_day_that_is_the_person_s_is_emptied_and_not_made_another() -> None:
    for vr, value in (("IS", b"47110815"), ("DS", b"1\\47110815"), ("TM", b"471108"), ("DA", b"47110815")):
        number = value.split(b"\\")[-1].decode()
        assert rewritten(WRITER.element(FREE, vr, value), Action.KEEP, deny=number) in (b"", value)
        if vr in ("IS", "DS", "DA"):
            assert rewritten(WRITER.element(FREE, vr, value), Action.KEEP, deny=number) == b""


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_elements_out_of_order_are_put_in_order(syntax: str) -> None:
    writer = Writer(syntax)
    elements = {
        0x00080070: writer.element(0x00080070, "LO", b"ACME"),
        0x00280010: writer.element(0x00280010, "US", b"\1\1"),
    }
    backwards, forwards = writer.file(elements, is_sorted=False), writer.file(elements)
    assert written(backwards) == written(forwards)
    assert list(read(written(backwards)).keys()) == sorted(read(written(backwards)).keys())


@pytest.mark.parametrize("twice", ["top", "nested", "marker", "sequence"])
def test_an_element_that_stands_twice_is_refused(twice: str) -> None:
    element = {
        "top": WRITER.element(0x00080070, "LO", b"ACME") * 2,
        "nested": WRITER.sequence(0x00081140, WRITER.element(0x00081150, "UI", b"1.2") * 2),
        "marker": WRITER.element(0x00120063, "LO", b"CTP") * 2,
        "sequence": WRITER.sequence(0x00081140, b"") * 2,
    }[twice]
    with pytest.raises(ItemError) as raised:
        written(
            WRITER.file({int.from_bytes(element[:2], "little") << 16 | int.from_bytes(element[2:4], "little"): element})
        )
    assert raised.value.reason is Reason.MALFORMED
    assert "stands twice" in raised.value.detail


def odd(tag: int, vr: str, value: bytes) -> bytes:
    """An element with as many bytes as `value` has, which the standard does not allow."""
    if vr in LONG_LENGTH_VRS:
        return struct.pack("<HH2s2xI", tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value


def test_odd_lengths_become_even() -> None:
    elements = {
        0x00080070: odd(0x00080070, "LO", b"ACM"),
        0x00081140: WRITER.sequence(
            0x00081140, odd(0x00081150, "UI", b"1.2.840.10008.5.1.4.1.1.2") + odd(0x00081196, "CS", b"ABC")
        ),
        0x7FE00010: odd(0x7FE00010, "OB", b"\1\2\3"),
    }
    output = written(WRITER.file(elements))
    dataset = read(output)
    assert len(output) % 2 == 0
    assert (dataset.Manufacturer, dataset.PixelData) == ("ACM", b"\1\2\3\0")
    assert dataset.ReferencedImageSequence[0].ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.2"


def test_reserved_bytes_carry_nothing() -> None:
    element = bytearray(WRITER.element(0x7FE00010, "OB", b"\1\2"))
    element[6:8] = b"JD"
    assert b"JD" not in written(WRITER.file({0x7FE00010: bytes(element)}))


def test_un_is_judged_as_what_it_was_meant_to_be() -> None:
    elements = {
        0x00080060: WRITER.element(0x00080060, "UN", b"CT"),
        0x00081140: WRITER.open_sequence(0x00081140, Writer(IMPLICIT).element(0x00081155, "UI", b"1.2.3.4.5"), vr="UN"),
        0x00100030: WRITER.element(0x00100030, "UN", b"19600101"),
        0x00280010: WRITER.element(0x00280010, "UN", b"\2\1"),
    }
    dataset = read(written(WRITER.file(elements)))
    assert (dataset.Modality, dataset.Rows, dataset.PatientBirthDate) == ("CT", 258, "")
    assert dataset.ReferencedImageSequence[0].ReferencedSOPInstanceUID == dataset.SOPInstanceUID


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_sequences_keep_their_form(syntax: str) -> None:
    writer = Writer(syntax)
    inner = writer.element(0x00081150, "UI", b"1.2.840.10008.5.1.4.1.1.2")
    for sequence in (
        writer.sequence(0x00081140),
        writer.sequence(0x00081140, b"", inner),
        writer.open_sequence(0x00081140),
        writer.open_sequence(0x00081140, inner, b""),
        writer.sequence(0x00081140, writer.open_sequence(0x00081140, inner)),
    ):
        before = parse(writer.file({0x00081140: sequence}))
        after = parse(written(writer.file({0x00081140: sequence})))
        (one, other) = (data_set.first(0x00081140) for data_set in (before, after))
        assert one is not None and other is not None
        assert before.data[one.start : one.end] == after.data[other.start : other.end]


def even(raw: bytes) -> bytes:
    return raw + bytes(len(raw) % 2)


@given(value=st.binary(max_size=64).map(even), vr=st.sampled_from(sorted(KNOWN_VRS - {"SQ"})))
def test_any_bytes_under_any_vr_never_crash_and_stay_whole(value: bytes, vr: str) -> None:
    elements = {
        0x00204000: WRITER.element(0x00204000, vr, value),
        0x00280010: WRITER.element(0x00280010, "US", b"\1\1"),
    }
    assert read(written(WRITER.file(elements))).Rows == 257


_KEPT = (0x00080060, 0x00080070, 0x00081150, 0x00189073, 0x00200032, 0x00280009, 0x00281052)


@given(value=st.binary(min_size=2, max_size=40).map(even), tag=st.sampled_from(_KEPT))
def test_any_bytes_in_a_kept_attribute_are_written_or_refused(value: bytes, tag: int) -> None:
    vr = dictionary_vr(tag)
    try:
        output = written(WRITER.file({tag: WRITER.element(tag, vr, value)}))
    except ItemError:
        return
    assert len(output) % 2 == 0
    assert parse(output).first(tag) is not None


@pytest.mark.parametrize(
    ("vr", "raw", "tag", "kept"),
    [
        ("US", b"\1\0", 0x00280010, True),
        ("US", b"\1\0\2\0", 0x00280010, False),
        ("US", b"\1", 0x00280010, False),
        ("US", b"DOE^JOHN", 0x00081199, False),
        ("FD", b"DOE^JOHN AND SON", FREE, False),
        ("FL", struct.pack("<3f", 1.5, 2.5, -3.5), FREE, True),
        ("AT", struct.pack("<2H", 0x0018, 0x1063), 0x00280009, True),
        ("OB", b"DOE^JOHN AND SONS LTD", FREE, True),
    ],
)
def test_numbers_are_as_many_as_may_be_and_no_text(vr: str, raw: bytes, tag: int, kept: bool) -> None:
    assert is_numbers(memoryview(raw), vr, tag) is kept


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        (b"ORIGINAL\\PRIMARY\\M_FFE", b"ORIGINAL\\PRIMARY\\M_FFE"),
        (b"ORIGINAL\\john\\AXIAL", b"ORIGINAL\\\\AXIAL"),
        (b"ISO_10918_1", b"ISO_10918_1"),
        (b"A12345", None),
        (b"THIS IS MORE THAN SIXTEEN", None),
        (b"HFS\0JOHN", None),
        ("GRÖSSE".encode("latin-1"), None),
        (b"", b""),
    ],
)
def test_codes_look_like_codes(raw: bytes, left: bytes | None) -> None:
    assert well_formed(raw, "CS") == left


def test_people_of_different_issuers_are_different_and_spellings_are_one() -> None:
    def code(patient_id: str, issuer: str = "") -> str:
        elements = {0x00100020: WRITER.element(0x00100020, "LO", patient_id.encode())}
        if issuer:
            elements[0x00100021] = WRITER.element(0x00100021, "LO", issuer.encode())
        return str(read(written(WRITER.file(elements))).PatientID)

    assert code("ABC 17") == code(" abc 17 ") != code("ABC 18")
    assert PSEUDONYMS.patient_code(SubjectKey("1", "A")) != PSEUDONYMS.patient_code(SubjectKey("1", "B"))
    assert "IssuerOfPatientID" not in read(written(WRITER.file({0x00100021: WRITER.element(0x00100021, "LO", b"A")})))


def test_markers_go_where_their_tags_belong() -> None:
    markers = marker_elements(policy(), parse(WRITER.file({})).syntax, Earlier())
    assert sorted(markers) == [0x00120062, 0x00120063, 0x00120064, 0x00280303]
    for elements in (
        {},
        {0x7FE00010: WRITER.element(0x7FE00010, "OW", bytes(4))},
        {0x00090010: WRITER.element(0x00090010, "LO", b"x")},
    ):
        tags = [element.tag for element in parse(written(WRITER.file(elements))).elements]
        assert tags == sorted(tags) and set(markers) <= set(tags)
