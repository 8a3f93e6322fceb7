"""Text drawn over images: cleaned where it is text, gone where it is drawn."""

from __future__ import annotations

from cleaning_samples import cleaned_bytes
from content_samples import (
    GRAPHICS,
    GSPS,
    file_of,
    reference,
)
from deid_samples import read, written
from pydicom import Dataset
from pydicom.sequence import Sequence


def annotated() -> bytes:
    dataset = Dataset()
    layer, annotation, text = Dataset(), Dataset(), Dataset()
    layer.GraphicLayer, layer.GraphicLayerOrder, layer.GraphicLayerDescription = "LAYER1", 1, "Muster"
    text.UnformattedTextValue = "Cyst seen by Mustermann 3.4.2020"
    text.BoundingBoxTopLeftHandCorner = [1.0, 2.0]
    annotation.GraphicLayer, annotation.TextObjectSequence = "LAYER1", Sequence([text])
    annotation.ReferencedImageSequence = reference()
    dataset.GraphicLayerSequence = Sequence([layer])
    dataset.GraphicAnnotationSequence = Sequence([annotation])
    dataset.add_new(0x60003000, "OW", b"\1\0" * 8)
    dataset.add_new(0x60004000, "LT", "Mustermann")
    dataset.add_new(0x50003000, "OW", b"Mustermann")
    return file_of(dataset, GSPS)


def test_G01_annotations_are_cleaned_and_drawn_text_goes() -> None:
    output = read(cleaned_bytes(annotated(), GRAPHICS))
    (annotation,) = output.GraphicAnnotationSequence
    assert annotation.TextObjectSequence[0].UnformattedTextValue == "Cyst"
    assert annotation.TextObjectSequence[0].BoundingBoxTopLeftHandCorner == [1.0, 2.0]
    assert annotation.ReferencedImageSequence[0].ReferencedSOPInstanceUID.startswith("2.25.")
    assert not [element for element in output if element.tag.group in (0x5000, 0x6000)]
    assert b"Muster" not in cleaned_bytes(annotated(), GRAPHICS)


def test_G01_without_the_option_nothing_is_read() -> None:
    output = written(annotated())
    assert b"Muster" not in output
    assert b"Cyst" not in output
