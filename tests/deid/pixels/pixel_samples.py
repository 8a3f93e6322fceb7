"""Small images in every way of writing that the pixel stage reads."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import pixel_array
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, SecondaryCaptureImageStorage

from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import pixel_module
from curator.deid.pixels.rebuilt import rebuilt
from curator.deid.pixels.scrub import Boxes, Scrubbed, scrub
from curator.dicom.parse import parse


def image(pixels: bytes, *, syntax: str, rows: int, columns: int, **attributes: object) -> Dataset:
    """An image with the pixel bytes as given; 8-bit MONOCHROME2 unless `attributes` say otherwise."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.1"
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = "2.25.1"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = pixels
    is_wide = syntax in (ImplicitVRLittleEndian,) or dataset.BitsAllocated > 8
    dataset["PixelData"].VR = "OW" if is_wide and not syntax.startswith("1.2.840.10008.1.2.4") else "OB"
    if not pydicom.uid.UID(syntax).is_compressed or syntax == "1.2.840.10008.1.2.1.99":
        dataset["PixelData"].is_undefined_length = False
    else:
        dataset["PixelData"].is_undefined_length = True
    return dataset


def file_of(dataset: Dataset) -> bytes:
    """The bytes of a file that holds the data set."""
    out = io.BytesIO()
    syntax = dataset.file_meta.TransferSyntaxUID
    dataset.save_as(
        out,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
        enforce_file_format=True,
    )
    return out.getvalue()


def frames_in(file: bytes) -> Frames:
    """The frames of a file."""
    data_set = parse(file)
    return Frames(data_set, pixel_module(data_set))


def scrubbed_file(file: bytes, boxes: Boxes, scratch_folder: Path | None = None) -> tuple[bytes, Scrubbed]:
    """A file with the boxes black, and what the scrub said of it."""
    frames = frames_in(file)
    scrubbed = scrub(frames, boxes, scratch=io.BytesIO)
    return b"".join(rebuilt(frames.data_set, scrubbed)), scrubbed


def judged_by_pydicom(file: bytes, index: int) -> np.ndarray:
    """The stored values of a frame as pydicom reads them, no colour converted."""
    return pixel_array(pydicom.dcmread(io.BytesIO(file)), index=index, raw=True)
