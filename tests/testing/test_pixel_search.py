"""The search for planted texts in released pixels finds what is there and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from curator.model.pixels import Box, Route, Sighting
from curator.ports.pixels import Picture
from curator.testing.answer_key import AnswerKey, Plant, PlantKind
from curator.testing.pixel_search import find_pixel_leaks

KEY = AnswerKey(
    seed=0,
    files=(),
    plants=(
        Plant("Kravarebir", PlantKind.PIXEL_TEXT, "pixels", "a.dcm", searchable=False),
        Plant("1750146478", PlantKind.PIXEL_TEXT, "pixels", "a.dcm", searchable=False),
        Plant("Header", PlantKind.TEXT, "(0008,1030)", "a.dcm"),
    ),
)


class Saying:
    """A reader that reads one text in bright pictures and nothing in dark ones."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self, picture: Picture, *, watchful: bool = False) -> tuple[Sighting, ...]:
        seen = Sighting(Box(0, 0, 4, 4), self.text, 0.9, Route.DETECTED)
        return (seen,) if picture.max() > 128 else ()


def save(path: Path, *, frames: int = 1, bright: bool = True, claims: str = "NO") -> None:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "2.25.1"
    dataset.BurnedInAnnotation = claims
    dataset.Rows = dataset.Columns = 8
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    if frames > 1:
        dataset.NumberOfFrames = frames
    pixels = np.zeros((frames, 8, 8), np.uint8)
    # Of several frames the first is dark: what stands in the others is seen in what they have in common.
    pixels[-1, 2, 2] = 200 if bright else 0
    dataset.PixelData = pixels.tobytes()
    dataset.save_as(path, enforce_file_format=True)


@pytest.mark.parametrize(
    ("said", "found"),
    [("KRAVAREBIR", 1), ("xx kravarebir", 1), ("KRAUAREBLR", 1), ("1750146478 x", 1), ("Header", 0), ("BIR", 0)],
)
def test_a_planted_text_is_found_also_read_badly_and_no_other(tmp_path: Path, said: str, found: int) -> None:
    save(tmp_path / "one.dcm")
    read, leaks = find_pixel_leaks(tmp_path, KEY, reader=Saying(said))
    assert (read, len(leaks)) == (1, found)
    assert all((leak.file, leak.where) == ("one.dcm", "pixels") for leak in leaks)


def test_what_claims_nothing_is_not_read_and_dark_pictures_say_nothing(tmp_path: Path) -> None:
    save(tmp_path / "one.dcm", claims="")
    save(tmp_path / "two.dcm", bright=False)
    assert find_pixel_leaks(tmp_path, KEY, reader=Saying("Kravarebir")) == (1, [])
    assert find_pixel_leaks(tmp_path / "none", KEY, reader=Saying("Kravarebir")) == (0, [])


def test_a_text_of_a_later_frame_is_seen_too(tmp_path: Path) -> None:
    save(tmp_path / "one.dcm", frames=3)
    _, leaks = find_pixel_leaks(tmp_path, KEY, reader=Saying("Kravarebir"))
    assert [leak.value for leak in leaks] == [b"KRAVAREBIR"]
