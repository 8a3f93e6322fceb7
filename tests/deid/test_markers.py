"""What an output says of its de-identification: all that was done, by whomever, and each thing once."""

from __future__ import annotations

import pytest
from deid_samples import MANY_OPTIONS, SYNTAXES, Writer, policy, read, text, written

from curator import __version__

WRITER = Writer()
METHOD, CODES = 0x00120063, 0x00120064


def code(value: bytes, scheme: bytes = b"DCM", meaning: bytes = b"Dr. Who did it") -> bytes:
    return (
        WRITER.element(0x00080100, "SH", value)
        + WRITER.element(0x00080102, "SH", scheme)
        + WRITER.element(0x00080104, "LO", meaning)
    )


def with_method(raw: bytes) -> bytes:
    return WRITER.file({METHOD: WRITER.element(METHOD, "LO", raw)})


def methods(data: bytes, **identifiers: str) -> list[str]:
    output = written(data, identifiers=map(text, identifiers.values()))
    found = read(output).DeidentificationMethod
    return [found] if isinstance(found, str) else list(found)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("options", [(), MANY_OPTIONS], ids=["basic", "options"])
def test_M01_what_was_applied_is_said(syntax: str, options: tuple[str, ...]) -> None:
    dataset = read(written(Writer(syntax).file({}), *options))
    chosen = policy(*options)
    assert dataset.PatientIdentityRemoved == "YES"
    assert dataset.DeidentificationMethod == f"curator {__version__}; basic; PS3.15 2026d; {chosen.digest[:12]}"
    assert [item.CodeValue for item in dataset.DeidentificationMethodCodeSequence] == [
        method.code_value for method in chosen.methods
    ]
    assert {item.CodingSchemeDesignator for item in dataset.DeidentificationMethodCodeSequence} == {"DCM"}
    assert dataset.LongitudinalTemporalInformationModified == ("MODIFIED" if options else "REMOVED")
    assert "2.25." in dataset.file_meta.ImplementationClassUID


def test_M01_a_source_that_claims_what_it_is_not_is_corrected() -> None:
    elements = {
        0x00120062: WRITER.element(0x00120062, "CS", b"NO"),
        0x00280303: WRITER.element(0x00280303, "CS", b"UNMODIFIED"),
    }
    dataset = read(written(WRITER.file(elements)))
    assert (dataset.PatientIdentityRemoved, dataset.LongitudinalTemporalInformationModified) == ("YES", "REMOVED")


def test_M01_M02_earlier_methods_stay_and_ours_follows_once() -> None:
    once = written(with_method(b"CTP 2019\\Per DICOM PS 3.15 AnnexE\\CTP 2019"))
    assert methods(with_method(b"CTP 2019\\Per DICOM PS 3.15 AnnexE\\CTP 2019"))[:2] == [
        "CTP 2019",
        "Per DICOM PS 3.15 AnnexE",
    ]
    assert len(read(once).DeidentificationMethod) == 3
    assert read(written(once)).DeidentificationMethod == read(once).DeidentificationMethod
    # Other options are another method, said after the first.
    assert len(read(written(once, "retain-long-modified-dates")).DeidentificationMethod) == 4


@pytest.mark.parametrize(
    "raw",
    [
        b"removed for Knoedel",
        b"was PATID0815 before",
        b"x" * 65,
        b"on 2019-04-01",
        b"call 0551 39 1234",
        b"record 47110815",
        "für alle".encode("latin-1"),
        b"line\nbreak",
        b"",
        b"  ",
    ],
    ids=["name", "id", "long", "date", "telephone", "number", "not ASCII", "control", "empty", "blank"],
)
def test_what_is_no_plain_method_goes(raw: bytes) -> None:
    assert len(methods(with_method(raw))) == 1


def test_an_endless_history_is_cut() -> None:
    assert len(methods(with_method(b"\\".join(b"method %d" % number for number in range(900))))) == 33


def test_M01_M02_earlier_codes_stay_with_the_standard_s_meaning_and_each_once() -> None:
    codes = WRITER.sequence(
        CODES, code(b"113107"), code(b"113100"), code(b"113107"), code(b"X-1", b"99HOSPITAL"), code(b"999999")
    )
    once = written(WRITER.file({CODES: codes}))
    items = read(once).DeidentificationMethodCodeSequence
    assert [item.CodeValue for item in items] == ["113107", "113100"]
    assert b"Dr. Who" not in once
    assert items[0].CodeMeaning == "Retain Longitudinal Temporal Information Modified Dates Option"
    assert read(written(once)).DeidentificationMethodCodeSequence == items


def test_odd_markers_do_no_harm() -> None:
    elements = {
        METHOD: WRITER.sequence(METHOD, WRITER.element(0x00101001, "PN", b"Evil")),
        CODES: WRITER.element(CODES, "LO", b"Evil"),
    }
    output = written(WRITER.file(elements))
    assert b"Evil" not in output
    assert len(read(output).DeidentificationMethodCodeSequence) == 1
