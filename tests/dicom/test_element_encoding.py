"""What is written can be read by pydicom and by our own tokenizer."""

from __future__ import annotations

import io
import struct

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import data_element_generator, read_partial

from curator.dicom.dictionary import KNOWN_VRS, LONG_LENGTH_VRS
from curator.dicom.encode import element, file_meta, header, item, padded, syntax_for_writing
from curator.dicom.parse import parse
from curator.dicom.syntax import DEFLATED_LITTLE, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, transfer_syntax

UIDS = st.from_regex(r"[12]\.[1-9][0-9]{0,8}(\.[1-9][0-9]{0,8}){0,4}", fullmatch=True)


@given(sop_class=UIDS, sop_instance=UIDS, name=st.text("ABCDEFGHIJ_0123456789.", min_size=1, max_size=16))
def test_file_meta_is_what_pydicom_reads(sop_class: str, sop_instance: str, name: str) -> None:
    written = file_meta(
        sop_class_uid=sop_class,
        sop_instance_uid=sop_instance,
        syntax_uid=EXPLICIT_LITTLE,
        implementation=("2.25.7", name),
    )
    body = element(0x00100020, "LO", b"X", explicit=True, order="<")
    meta = read_partial(io.BytesIO(written + body)).file_meta
    assert meta.MediaStorageSOPClassUID == sop_class
    assert meta.MediaStorageSOPInstanceUID == sop_instance
    assert meta.TransferSyntaxUID == EXPLICIT_LITTLE
    assert meta.ImplementationClassUID == "2.25.7"
    assert meta.ImplementationVersionName == name
    assert meta.FileMetaInformationVersion == b"\0\1"
    assert meta.FileMetaInformationGroupLength == len(written) - 132 - 12
    assert len(meta) == 7
    assert written[:128] == bytes(128)
    data_set = parse(written + body)
    assert [one.tag for one in data_set.elements] == [0x00100020]


@given(
    vr=st.sampled_from(sorted(KNOWN_VRS - {"SQ"})),
    value=st.binary(max_size=40),
    explicit=st.booleans(),
    big=st.booleans(),
)
def test_an_element_is_what_pydicom_reads(vr: str, value: bytes, *, explicit: bool, big: bool) -> None:
    order = ">" if big else "<"
    written = element(0x00091001, vr, value, explicit=explicit, order=order)
    assert len(written) % 2 == 0
    (read,) = data_element_generator(io.BytesIO(written), not explicit, not big)
    assert (int(read.tag), read.VR, read.value or b"") == (0x00091001, vr if explicit else None, padded(value, vr))


@given(contents=st.lists(st.binary(max_size=10), max_size=4))
def test_an_item_is_as_long_as_it_says(contents: list[bytes]) -> None:
    written = item(contents, order="<")
    assert struct.unpack("<HHI", written[:8]) == (0xFFFE, 0xE000, len(written) - 8)
    assert written[8:] == b"".join(contents)


@pytest.mark.parametrize("vr", sorted(KNOWN_VRS))
def test_a_value_that_does_not_fit_is_refused(vr: str) -> None:
    if vr in LONG_LENGTH_VRS:
        assert len(header(0x00091001, vr, 0x10000, explicit=True, order="<")) == 12
        return
    assert len(header(0x00091001, vr, 0xFFFE, explicit=True, order="<")) == 8
    with pytest.raises(ValueError, match=vr):
        header(0x00091001, vr, 0x10000, explicit=True, order="<")


def test_padding_is_null_for_uids_and_bytes_and_blank_for_text() -> None:
    assert padded(b"1.2", "UI") == b"1.2\0"
    assert padded(b"\1", "OB") == b"\1\0"
    assert padded(b"A", "LO") == b"A "
    assert padded(b"", "LO") == b""


@pytest.mark.parametrize(
    ("uid", "expected"),
    [
        (DEFLATED_LITTLE, EXPLICIT_LITTLE),
        (EXPLICIT_LITTLE, EXPLICIT_LITTLE),
        (IMPLICIT_LITTLE, IMPLICIT_LITTLE),
        (EXPLICIT_BIG, EXPLICIT_BIG),
    ],
)
def test_inside_a_deflated_data_set_elements_are_explicit_little(uid: str, expected: str) -> None:
    syntax = transfer_syntax(uid)
    assert syntax is not None
    assert syntax_for_writing(syntax).uid == expected


# PS3.6 Table A-1: what is a way to write a file, and what is not.
NO_FILE_FORMAT = {
    "1.2.840.10008.1.2.4.94",
    "1.2.840.10008.1.2.4.95",
    "1.2.840.10008.1.2.4.204",
    "1.2.840.10008.1.2.4.205",
    "1.2.840.10008.1.2.6.1",
    "1.2.840.10008.1.2.6.2",
    "1.2.840.10008.1.2.7.1",
    "1.2.840.10008.1.2.7.2",
    "1.2.840.10008.1.2.7.3",
    "1.2.840.10008.1.20",
}


def _standard_syntaxes() -> list[str]:
    known = pydicom.uid.UID_dictionary  # type: ignore[attr-defined]
    return [uid for uid, entry in known.items() if entry[1] == "Transfer Syntax"]


@pytest.mark.parametrize("uid", _standard_syntaxes())
def test_standard_syntaxes_are_as_pydicom_says(uid: str) -> None:
    ours = transfer_syntax(uid)
    assert (ours is None) == (uid in NO_FILE_FORMAT)
    if ours is None:
        return
    theirs = pydicom.uid.UID(uid)
    assert ours.explicit == (not theirs.is_implicit_VR)
    assert (ours.order == "<") == theirs.is_little_endian
    assert ours.deflated == (uid == DEFLATED_LITTLE)
    assert ours.encapsulated == (theirs.is_encapsulated or uid == "1.2.840.10008.1.2.1.98")


@pytest.mark.parametrize("uid", ["", "1.2.3", "1.2.840.113619.5.2", "1.2.840.10008.1.2.55", "1.2.840.10008.1.2.99"])
def test_private_and_made_up_syntaxes_are_unknown(uid: str) -> None:
    assert transfer_syntax(uid) is None
