"""Pictures and drawings beside the image go with the header (rows B07, F04, G01, G02)."""

from __future__ import annotations

import struct

import pytest
from cleaning_samples import cleaned_bytes
from content_samples import ALL, GRAPHICS, GSPS
from deid_samples import IMPLICIT, MANY_OPTIONS, OPTIONS, SYNTAXES, Writer, inflated, read, written

from curator.deid.pixels.icons import pictures_beside
from curator.dicom.parse import parse

WRITER = Writer()
SECRET = b"Quendolyn Zwetschge "
PIXELS = (SECRET * 4)[:64]
ICON_SEQUENCE, PHOTO_SEQUENCE = 0x00880200, 0x00101100
# Sequences that stay, with what is inside them judged on its own: none, one and four deep.
DEPTHS = ((), (0x00081140,), (0x52009229, 0x00081140, 0x00082218, 0x0040A170))
CLEANING = ((GRAPHICS,), ALL)
EVERY = (*OPTIONS, MANY_OPTIONS)


def number(writer: Writer, tag: int, *values: int) -> bytes:
    return writer.element(tag, "US", struct.pack(f"{writer.order}{len(values)}H", *values))


def small_picture(writer: Writer = WRITER) -> bytes:
    """A picture of 8 x 8 with the name in its pixels."""
    numbers = b"".join(number(writer, 0x00280000 | low, 8) for low in (0x10, 0x11, 0x100, 0x101))
    return numbers + writer.element(0x7FE00010, "OW", PIXELS)


def holding(tag: int, content: bytes, depth: tuple[int, ...], writer: Writer = WRITER, vr: str = "SQ") -> bytes:
    sequence = writer.sequence(tag, content, vr=vr)
    return writer.file({depth[0] if depth else tag: writer.nested(depth, sequence)})


def is_clean(output: bytes) -> bool:
    return SECRET.strip() not in inflated(output) and pictures_beside(parse(output)) == ()


@pytest.mark.parametrize("depth", DEPTHS, ids=len)
@pytest.mark.parametrize("options", EVERY, ids="+".join)
def test_B07_icons_go_at_every_depth_under_every_option(depth: tuple[int, ...], options: tuple[str, ...]) -> None:
    data = holding(ICON_SEQUENCE, small_picture(), depth)
    assert not is_clean(data)
    assert is_clean(written(data, *options))


@pytest.mark.parametrize("options", CLEANING, ids="+".join)
def test_B07_icons_go_under_cleaning_options(options: tuple[str, ...]) -> None:
    for depth in DEPTHS:
        assert is_clean(cleaned_bytes(holding(ICON_SEQUENCE, small_picture(), depth), *options))


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_B07_icons_go_in_every_way_of_writing(syntax: str) -> None:
    writer = Writer(syntax)
    for depth in DEPTHS:
        assert is_clean(written(holding(ICON_SEQUENCE, small_picture(writer), depth, writer)))


def test_B07_an_icon_written_as_unknown_goes() -> None:
    implicit = Writer(IMPLICIT)
    sequence = implicit.item(small_picture(implicit))
    for depth in DEPTHS:
        element = WRITER.element(ICON_SEQUENCE, "UN", sequence)
        data = WRITER.file({depth[0] if depth else ICON_SEQUENCE: WRITER.nested(depth, element)})
        assert is_clean(written(data))


@pytest.mark.parametrize("around", [0x20100520, 0x20200110, 0x20200111, 0x00081140, 0x00089215, 0x00083010])
@pytest.mark.parametrize("options", [(), MANY_OPTIONS], ids="+".join)
def test_B07_pixels_inside_of_any_sequence_go(around: int, options: tuple[str, ...]) -> None:
    for pixels in (0x7FE00008, 0x7FE00009, 0x7FE00010):
        vr = {0x7FE00008: "OF", 0x7FE00009: "OD"}.get(pixels, "OW")
        data = holding(around, WRITER.element(pixels, vr, PIXELS), ())
        assert is_clean(written(data, *options))


@pytest.mark.parametrize("creator", ["GEIIS", "ELSCINT1", "Philips Imaging DD 001", "SIEMENS CSA NON-IMAGE"])
def test_B07_previews_in_private_elements_go_even_where_safe_ones_stay(creator: str) -> None:
    preview = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + SECRET
    for group in (0x0009, 0x0029, 0x2001, 0x7FE1):
        at = group << 16
        block = WRITER.element(at | 0x10, "LO", creator.encode() + b" " * (len(creator) % 2))
        for vr in ("OB", "OW", "UN"):
            content = block + WRITER.element(at | 0x1065, vr, preview)
            data = WRITER.file({at | 0x10: content})
            assert pictures_beside(parse(data)) != ()
            assert is_clean(written(data, "retain-safe-private"))
        nested = block + WRITER.sequence(at | 0x1065, WRITER.element(0x7FE00010, "OW", PIXELS))
        assert is_clean(written(WRITER.file({at | 0x10: nested}), "retain-safe-private"))


@pytest.mark.parametrize("options", EVERY, ids="+".join)
def test_F04_references_to_photographs_of_the_patient_go(options: tuple[str, ...]) -> None:
    reference = WRITER.element(0x00081150, "UI", b"1.2.840.10008.5.1.4.1.1.77.1.4") + WRITER.element(
        0x00081155, "UI", b"1.2.3.4.909"
    )
    for depth in DEPTHS:
        output = written(holding(PHOTO_SEQUENCE, reference, depth), *options)
        assert b"1.2.3.4.909" not in output
        assert struct.pack("<HH", 0x0010, 0x1100) not in output


def overlay(group: int, *, bit: int, with_data: bool) -> dict[int, bytes]:
    """Every element of an overlay group that can say something."""
    at = group << 16
    elements = {
        at | 0x0010: number(WRITER, at | 0x0010, 8),
        at | 0x0011: number(WRITER, at | 0x0011, 8),
        at | 0x0022: WRITER.element(at | 0x0022, "LO", SECRET),
        at | 0x0040: WRITER.element(at | 0x0040, "CS", b"G "),
        at | 0x0045: WRITER.element(at | 0x0045, "LO", SECRET),
        at | 0x0100: number(WRITER, at | 0x0100, 16 if bit else 1),
        at | 0x0102: number(WRITER, at | 0x0102, bit),
        at | 0x1500: WRITER.element(at | 0x1500, "LO", SECRET),
        at | 0x4000: WRITER.element(at | 0x4000, "LT", SECRET),
    }
    if with_data:
        elements[at | 0x3000] = WRITER.element(at | 0x3000, "OW", PIXELS)
    return elements


def curve(group: int) -> dict[int, bytes]:
    at = group << 16
    return {
        at | 0x0005: number(WRITER, at | 0x0005, 2),
        at | 0x0020: WRITER.element(at | 0x0020, "CS", b"TAC "),
        at | 0x0022: WRITER.element(at | 0x0022, "LO", SECRET),
        at | 0x0030: WRITER.element(at | 0x0030, "SH", b"Quendolyn "),
        at | 0x2500: WRITER.element(at | 0x2500, "LO", SECRET),
        at | 0x3000: WRITER.element(at | 0x3000, "OW", PIXELS),
    }


def groups_left(output: bytes) -> set[int]:
    return {element.tag.group for element in read(output).iterall() if element.tag.group >> 8 in (0x50, 0x60)}


@pytest.mark.parametrize("group", [0x6000, 0x6002, 0x601E, 0x60FE])
@pytest.mark.parametrize("bit", [0, 12])
def test_G02_overlays_go_whole_under_every_option(group: int, bit: int) -> None:
    elements = overlay(group, bit=bit, with_data=not bit)
    data = WRITER.file(elements)
    nested = WRITER.file({0x00081140: WRITER.sequence(0x00081140, b"".join(elements[tag] for tag in sorted(elements)))})
    assert groups_left(data) == groups_left(nested) == {group}
    for source in (data, nested):
        outputs = [written(source, *options) for options in EVERY]
        outputs += [cleaned_bytes(source, *options) for options in CLEANING]
        for output in outputs:
            assert groups_left(output) == set()
            assert b"Quendolyn" not in output


@pytest.mark.parametrize("group", [0x5000, 0x501E, 0x50FE])
def test_G01_curves_go_whole_under_every_option(group: int) -> None:
    data = WRITER.file(curve(group))
    assert groups_left(data) == {group}
    outputs = [written(data, *options) for options in EVERY]
    outputs += [cleaned_bytes(data, *options) for options in CLEANING]
    for output in outputs:
        assert groups_left(output) == set()
        assert b"Quendolyn" not in output


def test_G01_text_of_annotations_goes_or_keeps_allowed_words_at_every_depth() -> None:
    text = WRITER.element(0x00700006, "ST", b"Cyst seen by Zwetschge 3.4.2020 ")
    layer = WRITER.element(0x00700068, "LO", b"Zwetschge ")
    annotation = WRITER.sequence(0x00700008, text)
    for depth in ((), (0x00081140,)):
        inner = WRITER.sequence(0x00700001, annotation) + WRITER.sequence(0x00700060, layer)
        data = WRITER.file({depth[0] if depth else 0x00700001: WRITER.nested(depth, inner)}, sop_class=GSPS)
        for options in EVERY:
            output = written(data, *options)
            assert b"Zwetschge" not in output
            assert b"Cyst" not in output
        output = cleaned_bytes(data, GRAPHICS)
        assert b"Zwetschge" not in output
        assert b"3.4.2020" not in output
        assert b"Cyst" in output
