"""Whatever is planted, wherever it stands: it is gone from the output, or the file is refused."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from deid_samples import (
    DEFLATED,
    IMPLICIT,
    MANY_OPTIONS,
    OPTIONS,
    PATIENT_NAME,
    SYNTAXES,
    Writer,
    inflated,
    made,
    policy,
    read,
    written,
)
from pydicom._dicom_dict import DicomDictionary

from curator.deid.instance import path_of
from curator.dicom.dictionary import BULK_VRS, dictionary_vr, keyword
from curator.errors import ItemError
from curator.model.decision import Action, ElementRef
from curator.model.quarantine import Reason
from curator.policy.header import decide

EVIL = b"Evil-Token-77"
WRITER = Writer()
REFERENCED_IMAGES = 0x00081140
# An instance without these, or with several, is refused by the scan.
TAKEN = {0x00080005, 0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00100020, 0x00280008}
FREE_TEXT = frozenset("LO LT PN SH ST UC UR UT".split())


def attributes() -> Iterator[tuple[int, str]]:
    for tag in DicomDictionary:
        if tag >> 16 not in (0x0002, 0x0004, 0xFFFE) and tag & 0xFFFF and tag not in TAKEN:
            yield tag, dictionary_vr(tag)


def planted_everywhere(as_vr: str | None, path: tuple[int, ...]) -> tuple[bytes, dict[int, bytes]]:
    """A file with a token of its own in every attribute of the dictionary, and the tokens."""
    numbers = count(1_000_000)
    tokens, elements = {}, {}
    for tag, own_vr in attributes():
        vr = as_vr or own_vr
        tokens[tag] = f"Qx{next(numbers)}z".encode()
        inner = WRITER.element(0x00081030, "LO", tokens[tag])
        elements[tag] = WRITER.sequence(tag, inner) if vr == "SQ" else WRITER.element(tag, vr, tokens[tag].ljust(24))
    if path:
        elements = {path[0]: WRITER.nested(path, b"".join(elements[tag] for tag in sorted(elements)))}
    return WRITER.file(elements), tokens


def is_kept(tag: int, options: tuple[str, ...], path: tuple[int, ...]) -> bool:
    return decide(policy(*options), ElementRef(tag, dictionary_vr(tag), path)).action is Action.KEEP


def is_place_for_text(tag: int) -> bool:
    """Whether an attribute is free text, or bytes that nobody reads as text."""
    return not (FREE_TEXT | BULK_VRS).isdisjoint(DicomDictionary[tag][0].split(" or "))


@pytest.mark.parametrize("path", [(), (REFERENCED_IMAGES,), (REFERENCED_IMAGES,) * 8], ids=["top", "one", "eight"])
@pytest.mark.parametrize("options", [(), MANY_OPTIONS], ids=["basic", "options"])
def test_text_in_any_attribute_stays_only_where_a_rule_keeps_free_text_or_bulk(
    options: tuple[str, ...], path: tuple[int, ...]
) -> None:
    data, tokens = planted_everywhere(None, path)
    output = written(data, *options)
    found = {tag for tag, token in tokens.items() if token in output}
    for tag in found:
        assert is_kept(tag, options, path), f"{keyword(tag)} is not kept"
        assert is_place_for_text(tag), f"{keyword(tag)} is no place for text"
    # The sweep itself works: what is meant to stay, stays.
    assert 0x00080070 in found


@pytest.mark.parametrize("as_vr", ["AS", "AT", "CS", "DA", "DS", "DT", "FD", "IS", "SL", "TM", "UI", "US"])
def test_text_in_any_attribute_written_as_a_code_or_number_is_gone(as_vr: str) -> None:
    data, tokens = planted_everywhere(as_vr, ())
    try:
        output = written(data, *MANY_OPTIONS)
    except ItemError as error:
        # A pseudonym under VR UI is no UID: the proof refuses what cannot be written.
        assert error.reason is Reason.RESIDUAL_IDENTIFIER and as_vr in ("DS", "UI")
        return
    assert not [keyword(tag) for tag, token in tokens.items() if token in output]


@pytest.mark.parametrize("as_vr", ["LO", "UN", "UT", "PN", "OB", "SQ"])
def test_text_under_another_vr_stays_only_where_it_would_stay_under_its_own(as_vr: str) -> None:
    data, tokens = planted_everywhere(as_vr, ())
    output = written(data)
    for tag in (tag for tag, token in tokens.items() if token in output):
        assert is_kept(tag, (), ()), keyword(tag)
        assert is_place_for_text(tag), keyword(tag)


def gone_or_refused(data: bytes, *options: str, token: bytes = EVIL) -> bool:
    """Whether the file was released; a token in what was released fails."""
    try:
        output = written(data, *options)
    except ItemError:
        return False
    assert token not in inflated(output)
    read(output)
    return True


def lo(tag: int = 0x00081030, writer: Writer = WRITER) -> bytes:
    return writer.element(tag, "LO", EVIL)


def pn(writer: Writer = WRITER) -> bytes:
    return writer.element(0x00101001, "PN", EVIL)


IMPLICIT_PN = Writer(IMPLICIT).element(0x00101001, "PN", EVIL)
PLACES: dict[str, Callable[[], bytes]] = {
    "preamble": lambda: WRITER.file({}, preamble=EVIL.ljust(128, b"\0")),
    "preamble of a TIFF": lambda: WRITER.file({}, preamble=(b"II*\0" + EVIL).ljust(128, b"\0")),
    "file meta AE title": lambda: WRITER.file({}, meta=WRITER.element(0x00020016, "AE", EVIL)),
    "file meta private information": lambda: WRITER.file(
        {}, meta=WRITER.element(0x00020100, "UI", b"1.2.3") + WRITER.element(0x00020102, "OB", EVIL)
    ),
    "private top": lambda: WRITER.file(
        {0x00090010: WRITER.element(0x00090010, "LO", EVIL), 0x00091001: WRITER.element(0x00091001, "LO", EVIL)}
    ),
    "private UN": lambda: WRITER.file({0x00091001: WRITER.element(0x00091001, "UN", EVIL)}),
    "private sequence": lambda: WRITER.file({0x00091001: WRITER.sequence(0x00091001, pn())}),
    "private UN sequence, undefined": lambda: WRITER.file(
        {0x00091001: Writer().open_sequence(0x00091001, IMPLICIT_PN, vr="UN")}
    ),
    "private in a kept sequence": lambda: WRITER.file(
        {REFERENCED_IMAGES: WRITER.nested([REFERENCED_IMAGES] * 3, WRITER.element(0x00191001, "LO", EVIL))}
    ),
    "unknown even group": lambda: WRITER.file({0x00089999: lo(0x00089999)}),
    "unknown even UN": lambda: WRITER.file({0x00104F00: WRITER.element(0x00104F00, "UN", EVIL)}),
    "command group": lambda: WRITER.file({0x00001000: WRITER.element(0x00001000, "UI", EVIL)}),
    "media directory group": lambda: WRITER.file({0x00041130: WRITER.element(0x00041130, "CS", EVIL)}),
    "group length": lambda: WRITER.file({0x00080000: WRITER.element(0x00080000, "LO", EVIL)}),
    "overlay": lambda: WRITER.file(
        {
            0x60000022: lo(0x60000022),
            0x60003000: WRITER.element(0x60003000, "OW", EVIL),
            0x60004000: WRITER.element(0x60004000, "LT", EVIL),
            0x601E1500: lo(0x601E1500),
            0x601E3000: WRITER.element(0x601E3000, "OB", EVIL),
        }
    ),
    "curve": lambda: WRITER.file({0x50002500: lo(0x50002500), 0x501E3000: WRITER.element(0x501E3000, "OW", EVIL)}),
    "encapsulated document": lambda: WRITER.file({0x00420011: WRITER.element(0x00420011, "OB", EVIL * 500)}),
    "icon image": lambda: WRITER.file(
        {0x00880200: WRITER.sequence(0x00880200, WRITER.element(0x7FE00010, "OW", EVIL * 10))}
    ),
    "nested pixel data": lambda: WRITER.file(
        {REFERENCED_IMAGES: WRITER.sequence(REFERENCED_IMAGES, WRITER.element(0x7FE00010, "OW", EVIL * 10))}
    ),
    "name eight deep": lambda: WRITER.file({REFERENCED_IMAGES: WRITER.nested([REFERENCED_IMAGES] * 8, pn())}),
    "name sixty deep": lambda: WRITER.file({REFERENCED_IMAGES: WRITER.nested([REFERENCED_IMAGES] * 60, pn())}),
    "kept sequence as UN, undefined": lambda: WRITER.file(
        {REFERENCED_IMAGES: WRITER.open_sequence(REFERENCED_IMAGES, IMPLICIT_PN, vr="UN")}
    ),
    "kept sequence as UN, defined": lambda: WRITER.file(
        {REFERENCED_IMAGES: WRITER.element(REFERENCED_IMAGES, "UN", Writer(IMPLICIT).item(IMPLICIT_PN))}
    ),
    "kept sequence as text": lambda: WRITER.file({REFERENCED_IMAGES: lo(REFERENCED_IMAGES)}),
    "look-up table as UN, undefined": lambda: WRITER.file(
        {0x00283006: WRITER.open_sequence(0x00283006, IMPLICIT_PN, vr="UN")}
    ),
    "patient name as a sequence": lambda: WRITER.file({0x00100010: WRITER.sequence(0x00100010, pn())}),
    "study date as a sequence": lambda: WRITER.file({0x00080020: WRITER.sequence(0x00080020, pn())}),
    "original attributes": lambda: WRITER.file({0x04000561: WRITER.nested([0x04000561, 0x04000550], pn())}),
    "digital signature": lambda: WRITER.file({0xFFFAFFFA: WRITER.sequence(0xFFFAFFFA, lo(0x04000115))}),
    "trailing padding": lambda: WRITER.file({0xFFFCFFFC: WRITER.element(0xFFFCFFFC, "OB", EVIL)}),
    "behind the pixels": lambda: WRITER.file({0x7FE00010: WRITER.element(0x7FE00010, "OW", bytes(64))}, behind=EVIL),
    "behind the pixels, an element": lambda: WRITER.file(
        {0x7FE00010: WRITER.element(0x7FE00010, "OW", bytes(64))}, behind=pn()
    ),
    "behind the deflated data set": lambda: Writer(DEFLATED).file({}, behind=EVIL),
    "code meaning": lambda: WRITER.file({0x00082218: WRITER.sequence(0x00082218, coded(b"121071", b"DCM", EVIL))}),
    "code value": lambda: WRITER.file({0x00082218: WRITER.sequence(0x00082218, coded(EVIL, b"99X", b"Breast"))}),
    "long code value beside a confirmed one": lambda: WRITER.file(
        {
            0x00082218: WRITER.sequence(
                0x00082218, coded(b"121071", b"DCM", b"Finding") + WRITER.element(0x00080119, "UC", EVIL)
            )
        }
    ),
    "URN code value beside a confirmed one": lambda: WRITER.file(
        {
            0x00082218: WRITER.sequence(
                0x00082218, coded(b"121071", b"DCM", b"Finding") + WRITER.element(0x00080120, "UR", EVIL)
            )
        }
    ),
    "two code values": lambda: WRITER.file(
        {
            0x00082218: WRITER.sequence(
                0x00082218, WRITER.element(0x00080100, "SH", EVIL) + coded(b"121071", b"DCM", b"Finding")
            )
        }
    ),
    "an attribute twice": lambda: WRITER.file({0x00080070: WRITER.element(0x00080070, "LO", b"A") + lo(0x00080070)}),
    "UID under the standard's root": lambda: WRITER.file(
        {0x0020000D: WRITER.element(0x0020000D, "UI", b"1.2.840.10008." + EVIL)}
    ),
    "UID of a SOP class": lambda: WRITER.file({0x00081150: WRITER.element(0x00081150, "UI", EVIL)}),
    "study UID that climbs": lambda: WRITER.file(
        {0x0020000D: WRITER.element(0x0020000D, "UI", b"1.2.840.10008./../../" + EVIL)}
    ),
    "time with text": lambda: WRITER.file({0x00080030: WRITER.element(0x00080030, "TM", EVIL)}),
    "date with text": lambda: WRITER.file({0x00080020: WRITER.element(0x00080020, "DA", b"20200101" + EVIL)}),
    "null in a code string": lambda: WRITER.file({0x00185100: WRITER.element(0x00185100, "CS", b"HFS\0" + EVIL)}),
    "text of 65,534 bytes": lambda: WRITER.file({0x00081030: WRITER.element(0x00081030, "LO", (EVIL * 6000)[:65534])}),
    "long comments": lambda: WRITER.file({0x00204000: WRITER.element(0x00204000, "LT", (EVIL * 6000)[:65534])}),
    "long unlimited text": lambda: WRITER.file({0x0040A160: WRITER.element(0x0040A160, "UT", EVIL * 9000)}),
}


def coded(value: bytes, scheme: bytes, meaning: bytes) -> bytes:
    return (
        WRITER.element(0x00080100, "SH", value)
        + WRITER.element(0x00080102, "SH", scheme)
        + WRITER.element(0x00080104, "LO", meaning)
    )


@pytest.mark.parametrize("options", [*OPTIONS, MANY_OPTIONS], ids=lambda options: "+".join(options) or "basic")
@pytest.mark.parametrize("place", PLACES)
def test_no_place_hides_text(place: str, options: tuple[str, ...]) -> None:
    gone_or_refused(PLACES[place](), *options)


REFUSED = {"name sixty deep": False, "two code values": True, "an attribute twice": True}


@pytest.mark.parametrize("place", PLACES)
def test_only_what_cannot_be_told_apart_is_refused(place: str) -> None:
    assert gone_or_refused(PLACES[place]()) is not REFUSED.get(place, False)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_encoding_is_searched_and_written(syntax: str) -> None:
    writer = Writer(syntax)
    elements = {
        0x00081030: lo(writer=writer),
        0x00081140: writer.nested([0x00081140] * 3, pn(writer)),
        0x00104F00: writer.element(0x00104F00, "UN", EVIL),
        0x00189073: writer.element(0x00189073, "FD", struct.pack(writer.order + "d", 1.5)),
        0x00204000: writer.element(0x00204000, "LT", EVIL),
        0x00280010: writer.element(0x00280010, "US", struct.pack(writer.order + "H", 513)),
        0x00400275: writer.open_sequence(0x00400275, lo(0x00400007, writer) + writer.element(0x00321060, "LO", EVIL)),
        0x7FE00010: writer.element(0x7FE00010, "OW", b"\1\2\3\4"),
    }
    output = written(writer.file(elements))
    assert EVIL not in inflated(output)
    dataset = read(output)
    assert dataset.file_meta.TransferSyntaxUID == syntax
    assert (dataset.Rows, dataset.AcquisitionDuration, dataset.PixelData) == (513, 1.5, b"\1\2\3\4")
    assert len(output) % 2 == 0
    assert (dataset.PatientName, len(dataset.ReferencedImageSequence)) == (dataset.PatientID, 1)


CHARACTER_SETS = {
    "ISO_IR 100": ("latin-1", "Müllerová^Zoë"),
    "ISO_IR 192": ("utf-8", "Müllerová^Zoë=山田^太郎=やまだ^たろう"),
    "ISO_IR 144": ("iso8859-5", "Люксембург^Роза"),
    "GB18030": ("gb18030", "Wang^XiaoDong=王^小东"),
    "\\ISO 2022 IR 87": ("iso2022_jp", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    "\\ISO 2022 IR 149": ("iso2022_kr", "Hong^Gildong=洪^吉洞=홍^길동"),
}


@pytest.mark.parametrize("terms", CHARACTER_SETS)
def test_a_name_in_any_character_set_goes_from_kept_text_too(terms: str) -> None:
    codec, name = CHARACTER_SETS[terms]
    # What Python's codec announces at its beginning, a DICOM element does not carry.
    raw = name.encode(codec).removeprefix(b"\x1b$)C")
    elements = {
        0x00080005: WRITER.element(0x00080005, "CS", terms.encode()),
        0x00080070: WRITER.element(0x00080070, "LO", b"ACME for " + raw[:40]),
        0x00100010: WRITER.element(0x00100010, "PN", raw),
    }
    output = written(WRITER.file(elements))
    family = name.split("^")[0]
    assert raw not in output
    assert family.encode(codec).removeprefix(b"\x1b$)C") not in output
    assert read(output).Manufacturer == "REMOVED"


def test_more_uids_than_an_element_can_hold_are_refused() -> None:
    def listed(number: int) -> bytes:
        return WRITER.file({0x00080058: WRITER.element(0x00080058, "UI", b"\\".join([b"1"] * number))})

    assert len(read(written(listed(1400))).FailedSOPInstanceUIDList) == 1400
    for number in (1600, 32767):
        with pytest.raises(ItemError, match=r"malformed: \(0008,0058\)"):
            written(listed(number))


def test_no_path_leaves_the_release_folder() -> None:
    for evil in (b"1.2.840.10008./../../../x", b"../../x", b"/etc/x", b"1.2.3/../../x"):
        for tag in (0x0020000D, 0x0020000E):
            data = WRITER.file({tag: WRITER.element(tag, "UI", evil)})
            for options in ((), ("retain-uids",)):
                path = path_of(made(data, *options).record)
                assert path.count("/") == 3 and ".." not in path


def test_a_short_number_that_comes_up_in_measurements_changes_none() -> None:
    # A study numbered 1024, and a rescale intercept of -1024: chance, and nobody's identity.
    elements = {
        0x00200010: WRITER.element(0x00200010, "SH", b"1024"),
        0x00200032: WRITER.element(0x00200032, "DS", b"-12.1024\\1024\\0.5"),
        0x00281052: WRITER.element(0x00281052, "DS", b"-1024"),
        0x00081150: WRITER.element(0x00081150, "UI", b"1.2.840.10008.1.1024"),
    }
    dataset = read(written(WRITER.file(elements)))
    assert (dataset.RescaleIntercept, list(dataset.ImagePositionPatient)) == (-1024, [-12.1024, 1024, 0.5])


@pytest.mark.parametrize("number", ["2026", "10008", "5010"])
def test_a_record_number_that_our_own_markers_contain_holds_nothing_back(number: str) -> None:
    data = WRITER.file({0x00200010: WRITER.element(0x00200010, "SH", number.encode())})
    assert read(written(data)).SOPClassUID == read(data).SOPClassUID


def test_a_long_record_number_goes_from_numbers_too() -> None:
    elements = {
        0x00200010: WRITER.element(0x00200010, "SH", b"47110815"),
        0x00200011: WRITER.element(0x00200011, "IS", b"47110815"),
        0x00281053: WRITER.element(0x00281053, "DS", b"1.47110815"),
    }
    dataset = read(written(WRITER.file(elements)))
    assert (dataset.SeriesNumber, dataset.RescaleSlope) == (None, 1.47110815)


def test_of_several_codes_only_the_identifying_one_goes() -> None:
    elements = {
        0x00080008: WRITER.element(0x00080008, "CS", b"ORIGINAL\\PRIMARY\\KNOEDEL"),
        0x00185100: WRITER.element(0x00185100, "CS", b"HFS"),
    }
    dataset = read(written(WRITER.file(elements)))
    assert list(dataset.ImageType) == ["ORIGINAL", "PRIMARY", "REMOVED"]
    assert dataset.PatientPosition == "HFS"
    assert "Knoedel" in PATIENT_NAME


def test_a_uid_that_is_to_stay_and_names_the_patient_is_refused() -> None:
    data = WRITER.file(
        {
            0x00200010: WRITER.element(0x00200010, "SH", b"47110815"),
            0x0020000D: WRITER.element(0x0020000D, "UI", b"1.2.3.47110815.1"),
        }
    )
    assert read(written(data)).StudyInstanceUID.startswith("2.25.")
    with pytest.raises(ItemError, match=r"residual_identifier: identifier in \(0020,000D\)"):
        written(data, "retain-uids")
