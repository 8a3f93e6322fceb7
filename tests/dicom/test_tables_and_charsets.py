"""pydicom's tables and character sets are used without the package; with it, nothing would be read otherwise."""

from __future__ import annotations

import warnings

import pydicom.datadict
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom.charset import convert_encodings, decode_bytes, encode_string, python_encoding
from pydicom.uid import UID
from pydicom.valuerep import TEXT_VR_DELIMS

from curator.dicom.charsets import codecs_of, decoded, encoded
from curator.dicom.dictionary import keyword
from curator.dicom.tables import ELEMENTS, UIDS, entry_of, private_title

_TERMS = st.sampled_from(sorted(python_encoding))
_REPEATING = st.sampled_from([0x50000000, 0x60000000, 0x00200000, 0x00280000, 0x70000000, 0])


@given(st.builds(lambda group, low: group | low, _REPEATING, st.integers(0, 0xFFFFFF)) | st.integers(0, 0xFFFFFFFF))
@example(0x00203112)
@example(0x60103000)
@example(0x00280010)
def test_a_tag_is_called_what_pydicom_calls_it(tag: int) -> None:
    assert keyword(tag) == pydicom.datadict.keyword_for_tag(tag)
    entry = entry_of(tag)
    if entry is not None:
        assert entry == pydicom.datadict.get_entry(tag)


def test_every_private_title_is_pydicoms() -> None:
    for creator, entries in pydicom.datadict.private_dictionaries.items():
        for place in entries:
            tag = int(place.replace("x", "1"), 16)
            assert private_title(tag, creator) == _title(tag, creator)
    assert private_title(0x00091001, "nobody") is None
    assert private_title(0x0FFF1001, "SIEMENS MEDCOM HEADER") is None


def _title(tag: int, creator: str) -> str | None:
    try:
        return pydicom.datadict.private_dictionary_description(tag, creator)
    except KeyError:
        return None


def test_the_tables_are_whole() -> None:
    assert pydicom.datadict.DicomDictionary == ELEMENTS
    assert all(UID(uid).name == entry[0] for uid, entry in UIDS.items())


@pytest.mark.parametrize("term", sorted(python_encoding))
def test_a_term_means_the_codec_that_pydicom_knows(term: str) -> None:
    assert list(codecs_of([term])) == convert_encodings([term])


@given(st.lists(_TERMS, min_size=1, max_size=3), st.binary(max_size=12))
@example(["ISO_IR 192"], "Müller^Jörg".encode())
@example(["", "ISO 2022 IR 87"], b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B")
@example(["ISO_IR 13", "ISO 2022 IR 87"], b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3")
def test_bytes_are_read_as_pydicom_reads_them(terms: list[str], raw: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        codecs = convert_encodings(terms)
        expected = decode_bytes(raw, codecs, TEXT_VR_DELIMS)
    assert list(codecs_of(terms)) == codecs
    text = decoded(raw, tuple(codecs))
    if b"\x1b" not in raw and "\ufffd" in expected:
        # What pydicom cannot explain it replaces; here every byte is still to be seen.
        assert text in (expected, raw.decode("latin-1"))
    else:
        assert text == expected


def test_bytes_that_contradict_their_character_set_are_still_to_be_seen() -> None:
    assert decoded("Müller".encode("latin-1"), ("UTF8",)) == "Müller"
    assert decoded(b"Doe", ("no such codec",)) == "Doe"


@given(st.lists(_TERMS, min_size=1, max_size=3), st.text(max_size=6))
@example(["", "ISO 2022 IR 87"], "山田")
@example(["ISO_IR 100"], "Müller")
@example(["ISO_IR 100"], "山")
def test_text_is_written_as_pydicom_writes_it(terms: list[str], text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        codecs = convert_encodings(terms)
        try:
            expected = encode_string(text, codecs)
        except (UnicodeEncodeError, LookupError):
            expected = None
    written = encoded(text, tuple(codecs))
    # Where it says None, pydicom had to replace letters, or could not.
    assert written == expected or (written is None and (expected is None or b"?" in expected))
