"""Small pictures with the patient's values burned into them, in several ways of writing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from archive_samples import ROOT, SECRETS, Slice, save
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, RLELossless

CAPTURE, CINE, SEGMENTATION = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.66.4"
SHAPE = (176, 272)
LINES = (SECRETS[1].upper(), f"{SECRETS[2]}7")


@dataclass(frozen=True)
class Picture:
    """A picture of one patient; `lines` is what is written into each frame."""

    instance: int
    lines: tuple[str, ...] = LINES
    frames: int = 1
    is_colour: bool = False
    syntax: str = ExplicitVRLittleEndian
    shape: tuple[int, int] = SHAPE

    @property
    def uid(self) -> str:
        return f"{ROOT}.70.{self.instance}.1"

    def dataset(self) -> Dataset:
        dataset = Slice(patient=7, study=70).dataset()
        for keyword in ("FrameOfReferenceUID", "ImageOrientationPatient", "ImagePositionPatient", "SliceThickness"):
            delattr(dataset, keyword)
        dataset.SOPClassUID = CINE if self.frames > 1 else CAPTURE
        dataset.Modality = "US" if self.frames > 1 else "OT"
        dataset.SeriesInstanceUID = f"{ROOT}.70.{self.instance}"
        dataset.SOPInstanceUID = self.uid
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = self.uid
        dataset.file_meta.TransferSyntaxUID = self.syntax
        dataset.ImageType = ["DERIVED", "SECONDARY"]
        dataset.BurnedInAnnotation = "NO"
        dataset.Rows, dataset.Columns = self.shape
        dataset.InstanceNumber = self.instance
        dataset.BitsAllocated = dataset.BitsStored = 8
        dataset.HighBit = 7
        del dataset.RescaleIntercept, dataset.RescaleSlope
        if self.is_colour:
            dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
            is_jpeg = self.syntax == JPEGBaseline8Bit
            dataset.PhotometricInterpretation = "YBR_FULL_422" if is_jpeg else "RGB"
        if self.frames > 1:
            dataset.NumberOfFrames, dataset.FrameTime, dataset.FrameIncrementPointer = self.frames, "40", 0x00181063
        self.store(dataset, self.pixels())
        return dataset

    def pixels(self) -> NDArray[np.uint8]:
        """`(N, Y, X)` or `(N, Y, X, 3)`: a blurred spot that moves a little, and the lines, which do not."""
        frames = []
        rows, columns = np.mgrid[0 : self.shape[0], 0 : self.shape[1]].astype(np.float32)
        for number in range(self.frames):
            spot = np.exp(-((rows - 80) ** 2 + (columns - 100 - number % 2) ** 2) / 900)
            frame = np.asarray(30 + 60 * spot, np.uint8)
            frames.append(np.maximum(frame, self.ink()))
        stacked = np.stack(frames)
        return np.repeat(stacked[..., None], 3, axis=3) if self.is_colour else stacked

    def ink(self) -> NDArray[np.uint8]:
        """The lines alone."""
        drawn = np.zeros(self.shape, np.uint8)
        for number, line in enumerate(self.lines):
            cv2.putText(drawn, line, (6, 18 + 20 * number), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1, cv2.LINE_AA)
        return drawn

    def store(self, dataset: Dataset, frames: NDArray[np.uint8]) -> None:
        if self.syntax == JPEGBaseline8Bit:
            coded = [cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes() for frame in frames]
            dataset.PixelData = encapsulate(coded)
            dataset["PixelData"].VR = "OB"
            dataset["PixelData"].is_undefined_length = True
            return
        dataset.PixelData = frames.tobytes()
        dataset["PixelData"].VR = "OB"
        if self.syntax == RLELossless:
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.compress(RLELossless, generate_instance_uid=False)

    def save(self, folder: Path) -> Path:
        return save(self.dataset(), folder / f"picture{self.instance}.dcm")


def segmentation_of(picture: Picture) -> Dataset:
    """A mask of all of a picture."""
    dataset = Picture(picture.instance + 500, ()).dataset()
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = SEGMENTATION
    dataset.Modality = "SEG"
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = 0
    dataset.NumberOfFrames = 1
    dataset.PixelData = b"\xff" * (SHAPE[0] * SHAPE[1] // 8)
    item, series = Dataset(), Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CAPTURE, picture.uid
    series.SeriesInstanceUID, series.ReferencedInstanceSequence = f"{ROOT}.70.{picture.instance}", [item]
    dataset.ReferencedSeriesSequence = [series]
    del dataset.BurnedInAnnotation
    return dataset
