"""What rides along in a file: documents, waveforms, seals, padding, names (rows E01 to E06, M02, O05)."""

from __future__ import annotations

import os
import struct

import pytest
from deid_samples import CT, MANY_OPTIONS, OPTIONS, Writer, made, policy, read, written
from pydicom import Dataset

from curator.bundled import bundled_folder
from curator.deid.instance import path_of
from curator.ingest.facts import instance_facts
from curator.model.quarantine import Reason
from curator.policy.explain import conformance, rows_by_action
from curator.policy.gates import gate, load_gates

WRITER = Writer()
SECRET = b"Quendolyn "
GATES = load_gates(bundled_folder("rules"))
DOCUMENTS = {
    "pdf": "1.2.840.10008.5.1.4.1.1.104.1",
    "cda": "1.2.840.10008.5.1.4.1.1.104.2",
    "stl": "1.2.840.10008.5.1.4.1.1.104.3",
    "obj": "1.2.840.10008.5.1.4.1.1.104.4",
    "mtl": "1.2.840.10008.5.1.4.1.1.104.5",
}
ECG = "1.2.840.10008.5.1.4.1.1.9.1.1"


def held(data: bytes) -> Reason | None:
    finding = gate(GATES, instance_facts(data, reference="", content_id="", policy=policy()))
    return finding.reason if finding else None


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_E01_documents_are_quarantined_by_their_class(kind: str) -> None:
    document = WRITER.element(0x00420011, "OB", b"%PDF-1.7 Quendolyn")
    assert held(WRITER.file({0x00420011: document}, sop_class=DOCUMENTS[kind])) is Reason.ENCAPSULATED_DOCUMENT
    assert held(WRITER.file({}, sop_class=DOCUMENTS[kind])) is Reason.ENCAPSULATED_DOCUMENT


def test_E01_a_document_in_another_class_is_held_and_would_not_stay() -> None:
    mime = WRITER.element(0x00420012, "LO", b"application/pdf ")
    elements = {0x00420011: WRITER.element(0x00420011, "OB", b"%PDF-1.7 Quendolyn"), 0x00420012: mime}
    assert held(WRITER.file(elements)) is Reason.ENCAPSULATED_DOCUMENT
    nested = {0x00082218: WRITER.sequence(0x00082218, *elements.values())}
    for options in OPTIONS:
        assert b"Quendolyn" not in written(WRITER.file(elements), *options)
        assert b"Quendolyn" not in written(WRITER.file(nested), *options)


def test_E02_waveform_annotations_say_nothing_and_samples_stay() -> None:
    note = WRITER.element(0x00700006, "ST", SECRET) + WRITER.element(0x0040A132, "UL", struct.pack("<I", 5))
    samples = struct.pack("<8h", *range(8))
    wave = WRITER.element(0x003A0005, "US", b"\1\0") + WRITER.element(0x54001010, "OW", samples)
    elements = {
        0x0040B020: WRITER.sequence(0x0040B020, note),
        0x54000100: WRITER.sequence(0x54000100, wave + WRITER.element(0x003A0020, "SH", SECRET)),
    }
    for options in OPTIONS:
        output = written(WRITER.file(elements, sop_class=ECG), *options)
        assert SECRET not in output
        assert samples in output
        assert read(output).WaveformSequence[0].WaveformData == samples


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.9.4.1", "1.2.840.10008.5.1.4.1.1.9.4.2"])
def test_E02_audio_is_quarantined(sop_class: str) -> None:
    assert held(WRITER.file({}, sop_class=sop_class)) is Reason.UNSUPPORTED_OBJECT


@pytest.mark.parametrize("options", [(), MANY_OPTIONS])
def test_E03_sealed_and_earlier_values_go(options: tuple[str, ...]) -> None:
    earlier = WRITER.sequence(0x04000550, WRITER.element(0x00100010, "PN", b"Quendolyn^Q "))
    elements = {
        0x04000500: WRITER.sequence(0x04000500, WRITER.element(0x04000520, "OB", SECRET)),
        0x04000550: WRITER.sequence(0x04000550, WRITER.element(0x00100010, "PN", b"Quendolyn^Q ")),
        0x04000551: WRITER.sequence(0x04000551, WRITER.element(0x04000552, "OB", SECRET)),
        0x04000552: WRITER.element(0x04000552, "OB", SECRET),
        0x04000561: WRITER.sequence(0x04000561, earlier),
    }
    output = written(WRITER.file(elements), *options)
    assert b"Quendolyn" not in output
    assert [element.tag for element in read(output) if element.tag.group == 0x0400] == []


@pytest.mark.parametrize("options", [(), MANY_OPTIONS])
def test_E04_signatures_digests_and_certificates_go(options: tuple[str, ...]) -> None:
    signature = (
        WRITER.element(0x04000100, "UI", b"1.2.3.4.77")
        + WRITER.element(0x04000105, "DT", b"20200115093015")
        + WRITER.element(0x04000115, "OB", b"CN=Quendolyn")
        + WRITER.element(0x04000120, "OB", SECRET)
    )
    elements = {
        0x04000402: WRITER.sequence(0x04000402, signature),
        0x04000403: WRITER.sequence(0x04000403, WRITER.element(0x04000404, "OB", SECRET)),
        0x04000404: WRITER.element(0x04000404, "OB", SECRET),
        0x4FFE0001: WRITER.sequence(0x4FFE0001, WRITER.element(0x04000010, "US", b"\1\0")),
        0xFFFAFFFA: WRITER.sequence(0xFFFAFFFA, signature),
    }
    output = written(WRITER.file(elements), *options)
    assert b"Quendolyn" not in output
    gone = {"ReferencedDigitalSignatureSequence", "ReferencedSOPInstanceMACSequence", "MAC"}
    assert not (gone | {"MACParametersSequence", "DigitalSignaturesSequence"}) & set(read(output).dir())


def test_E05_padding_trailing_bytes_preamble_and_private_meta_go() -> None:
    tiff = b"II*\0" + SECRET * 13
    private_meta = WRITER.element(0x00020100, "UI", b"1.2.3.4.55") + WRITER.element(0x00020102, "OB", SECRET)
    pixels = {0x7FE00010: WRITER.element(0x7FE00010, "OW", bytes(64))}
    padding = {0xFFFCFFFC: WRITER.element(0xFFFCFFFC, "OB", SECRET * 50)}
    data = WRITER.file(pixels | padding, preamble=tiff[:128], meta=private_meta, behind=SECRET * 3)
    output = written(data)
    assert b"Quendolyn" not in output
    assert output[:132] == bytes(128) + b"DICM"
    assert {element.tag.group for element in read(output).file_meta} == {2}
    assert not {"PrivateInformation", "PrivateInformationCreatorUID"} & set(read(output).file_meta.dir())
    assert "DataSetTrailingPadding" not in read(output)


def test_E06_names_of_outputs_are_made_of_replacements_only(tmp_path_factory: pytest.TempPathFactory) -> None:
    done = made(WRITER.file({}))
    dataset = read(b"".join(done.chunks))
    assert path_of(done.record).split("/") == [
        dataset.PatientID,
        dataset.StudyInstanceUID,
        dataset.SeriesInstanceUID,
        f"{dataset.SOPInstanceUID}.dcm",
    ]
    assert os.fsencode("PATID0815") not in path_of(done.record).encode()


def test_E06_a_media_directory_is_quarantined() -> None:
    records = WRITER.sequence(0x00041220, WRITER.element(0x00041500, "CS", b"QUENDO\\IMAGE1"))
    with pytest.raises(Exception, match="dicomdir"):
        instance_facts(WRITER.file({0x00041220: records}), reference="", content_id="", policy=policy())


def without_identity(data: bytes) -> Dataset:
    """What a second pass may not change: all but the keyed codes and UIDs that it derives from the first's."""
    dataset = read(data)
    kept = Dataset()
    for element in dataset:
        if element.VR not in ("UI", "SQ") and element.tag not in (0x00100010, 0x00100020):
            kept.add(element)
    return kept


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "+".join(options) or "basic")
def test_M02_a_second_pass_changes_no_content_and_adds_no_marker(options: tuple[str, ...]) -> None:
    elements = {
        0x00080060: WRITER.element(0x00080060, "CS", b"CT"),
        0x00080070: WRITER.element(0x00080070, "LO", b"SIEMENS "),
        0x00080050: WRITER.element(0x00080050, "SH", b"ACC-47110"),
        0x00280010: WRITER.element(0x00280010, "US", b"\2\0"),
        0x7FE00010: WRITER.element(0x7FE00010, "OW", bytes(range(64))),
    }
    once = written(WRITER.file(elements, sop_class=CT), *options)
    twice = written(once, *options)
    assert without_identity(once) == without_identity(twice)
    for keyword in ("DeidentificationMethod", "DeidentificationMethodCodeSequence", "PatientIdentityRemoved"):
        assert read(once)[keyword] == read(twice)[keyword]


def test_O05_the_statement_says_what_the_standard_asks_for() -> None:
    statement = conformance(policy())
    for part in (
        "Attributes of the table",
        "Attributes inserted or replaced at the top level",
        "How stand-ins are made",
        "Referential integrity",
        "Restrictions",
        "Private attributes",
    ):
        assert f"## {part}\n" in statement
    by_action = rows_by_action(policy())
    assert sum(map(len, by_action.values())) == 657
    lines = statement.splitlines()
    for names in by_action.values():
        assert any(line.endswith(": " + ", ".join(names)) for line in lines)
    assert "All are removed, with their creators." in statement
    kept = conformance(policy("retain-safe-private", "retain-uids"))
    assert "Table E.3.10-1 (479 rows)" in kept
    assert "113111" in kept and "113110" in kept
    assert "All are removed" not in kept
