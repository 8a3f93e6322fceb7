"""A report without its text is still a report: the tree can be read, and it says nothing."""

from __future__ import annotations

import pytest
from deid_samples import BUNDLED, COMPREHENSIVE_SR, SYNTAXES, Writer, inflated, read, written
from pydicom import Dataset

CONTENT = 0x0040A730


def concept(writer: Writer, value: bytes, scheme: bytes, meaning: bytes, tag: int = 0x0040A043) -> bytes:
    return writer.sequence(
        tag,
        writer.element(0x00080100, "SH", value)
        + writer.element(0x00080102, "SH", scheme)
        + writer.element(0x00080104, "LO", meaning),
    )


def report(writer: Writer) -> bytes:
    def item(kind: bytes, tag: int, value: bytes) -> bytes:
        return (
            writer.element(0x0040A010, "CS", b"CONTAINS")
            + writer.element(0x0040A040, "CS", kind)
            + concept(writer, b"121071", b"DCM", b"Evil meaning")
            + value
        )

    texts = [
        item(b"TEXT", 0, writer.element(0x0040A160, "UT", b"Evil finding of 3.4.2020")),
        item(b"PNAME", 0, writer.element(0x0040A123, "PN", b"Evil^Doctor")),
        item(b"DATE", 0, writer.element(0x0040A121, "DA", b"20200403")),
        item(b"UIDREF", 0, writer.element(0x0040A124, "UI", b"1.9.8.7")),
    ]
    container = item(b"CONTAINER", 0, writer.sequence(CONTENT, *texts))
    elements = {
        0x0040A040: writer.element(0x0040A040, "CS", b"CONTAINER"),
        0x0040A043: concept(writer, b"126000", b"DCM", b"Imaging Measurement Report"),
        0x0040A050: writer.element(0x0040A050, "CS", b"SEPARATE"),
        0x0040A073: writer.sequence(0x0040A073, writer.element(0x0040A075, "PN", b"Evil^Verifier")),
        CONTENT: writer.sequence(CONTENT, container, *texts),
    }
    return writer.file(elements, sop_class=COMPREHENSIVE_SR)


def nodes(dataset: Dataset, depth: int = 0) -> list[tuple[int, str]]:
    """Depth and Value Type of each content item, as a reader meets them."""
    # An item that refers to another one has none.
    found = [(depth, str(dataset.get("ValueType", "")))]
    for item in dataset.get("ContentSequence", ()):
        found += nodes(item, depth + 1)
    return found


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_S01_the_tree_stays_readable_and_says_nothing(syntax: str) -> None:
    output = written(report(Writer(syntax)))
    assert b"Evil" not in inflated(output)
    for value in (b"20200403", b"3.4.2020", b"1.9.8.7"):
        assert value not in inflated(output)
    dataset = read(output)
    assert nodes(dataset) == [(0, "CONTAINER"), (1, "CONTAINER"), (2, "TEXT")]
    (title,) = dataset.ConceptNameCodeSequence
    assert (title.CodeValue, title.CodeMeaning) == ("126000", "Imaging Measurement Report")
    leaf = dataset.ContentSequence[0].ContentSequence[0]
    assert (leaf.RelationshipType, leaf.TextValue) == ("CONTAINS", "REMOVED")


@pytest.mark.parametrize("name", ["reportsi.dcm", "test-SR.dcm"])
def test_real_reports_stay_readable(name: str) -> None:
    data = (BUNDLED / name).read_bytes()
    dataset = read(written(data))
    assert len(nodes(dataset)) >= 2
    assert nodes(dataset)[0] == nodes(read(data))[0]


def test_a_meaning_is_the_standard_s_or_nobody_s() -> None:
    writer = Writer()

    def meaning(value: bytes, scheme: bytes, said: bytes) -> tuple[str, str]:
        (item,) = read(
            written(writer.file({0x00082218: concept(writer, value, scheme, said, 0x00082218)}))
        ).AnatomicRegionSequence
        return item.CodeValue, item.CodeMeaning

    assert meaning(b"113040", b"DCM", b"Lossy Compression") == ("113040", "Lossy Compression")
    assert meaning(b"113040", b"DCM", b"John's compression") == ("113040", "Lossy Compression")
    assert meaning(b"R-4711", b"99LOCAL", b"John's special") == ("R-4711", "REMOVED")
    assert meaning(b"john smith", b"99LOCAL", b"John Smith") == ("REMOVED", "REMOVED")


def test_an_image_stays_linked_to_what_it_shows() -> None:
    writer = Writer()
    reference = writer.element(0x00081150, "UI", b"1.2.840.10008.5.1.4.1.1.2") + writer.element(
        0x00081155, "UI", b"1.2.3.4.5"
    )
    dataset = read(written(writer.file({0x00081140: writer.open_sequence(0x00081140, reference)})))
    (item,) = dataset.ReferencedImageSequence
    assert item.ReferencedSOPInstanceUID == dataset.SOPInstanceUID
    assert item.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.2"
