"""What a header says of each frame of an instance that may be one slice of a volume, pixels left alone.

The law: every frame of an instance is described or the instance is refused; nothing is decoded.

Sources: DICOM PS3.3 C.7.6.2, C.7.6.3, C.7.6.16 (functional groups), C.8.3, C.8.13 (MR), C.8.9 (PET), C.8.2.1 (CT).
"""

from __future__ import annotations

import io
import mmap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from curator.dicom.parse import looks_like_dicom
from curator.errors import ItemError
from curator.imaging.frames import decoding, frame_planes, frame_rescales, macro_of, refuse_no_slice
from curator.model.instance import PlaneGeometry
from curator.model.quarantine import Reason

Source = Path | bytes | mmap.mmap
"""A DICOM file: where it lies, or its bytes."""

_HEAD_BYTES = 132
_MOST_FRAMES = 1 << 20
# They lie on images and follow them.
_DEPENDENT = frozenset(
    {
        "1.2.840.10008.5.1.4.1.1.66.4",  # Segmentation
        "1.2.840.10008.5.1.4.1.1.66.7",  # Label Map Segmentation
        "1.2.840.10008.5.1.4.1.1.481.2",  # RT Dose
    }
)
# What tells volumes at the same place apart, the most telling first: a functional group ("" for none) and a keyword.
TOLD_APART_BY: tuple[tuple[str, str], ...] = (
    ("", "ImageType"),
    ("MRImageFrameTypeSequence", "FrameType"),
    ("CTImageFrameTypeSequence", "FrameType"),
    ("PETFrameTypeSequence", "FrameType"),
    ("FrameContentSequence", "StackID"),
    ("MREchoSequence", "EffectiveEchoTime"),
    ("", "EchoNumbers"),
    ("", "EchoTime"),
    ("", "InversionTime"),
    ("", "RepetitionTime"),
    ("", "FlipAngle"),
    ("", "ConvolutionKernel"),
    ("", "KVP"),
    ("MRDiffusionSequence", "DiffusionBValue"),
    ("", "DiffusionBValue"),
    ("", "DiffusionGradientOrientation"),
    ("FrameContentSequence", "TemporalPositionIndex"),
    ("", "TemporalPositionIdentifier"),
    ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
    ("", "NominalPercentageOfCardiacPhase"),
    ("", "TriggerTime"),
    ("", "FrameReferenceTime"),
    ("", "AcquisitionNumber"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What slices of one volume share; `pixel_type` is the type of stored values."""

    SeriesInstanceUID: str = field(repr=False)
    FrameOfReferenceUID: str = field(repr=False)
    Modality: str
    SOPClassUID: str
    PatientPosition: str
    Rows: int
    Columns: int
    PhotometricInterpretation: str
    pixel_type: np.dtype[np.generic]


@dataclass(frozen=True, slots=True)
class Slice:
    """One frame: the number of its instance, its own, and what its header says.

    `limits` are the lowest and highest stored value that fit, None for real numbers; `padding` is the range of stored
    values that stand for no image, None where none does. `told_apart` are the values of `TOLD_APART_BY`; `acquired`
    orders frames at one place.
    """

    instance: int
    frame: int
    kind: Kind
    plane: PlaneGeometry | None
    rescale: tuple[float, float]
    limits: tuple[int, int] | None
    padding: tuple[int, int] | None
    ImageType: tuple[str, ...]
    told_apart: tuple[str, ...] = field(repr=False)
    acquired: tuple[float, str, float, str, int] = field(repr=False)


def instance_uid(dataset: Dataset) -> str:
    """The SOP Instance UID of a data set, "" where it has none.

    Raises:
        ItemError: MALFORMED.
    """
    with decoding("the SOP Instance UID"):
        return str(dataset.get("SOPInstanceUID") or "")


def opened(source: Source, *, with_pixels: bool) -> Dataset:
    """The data set of a file, values still raw, with or without its pixels.

    Raises:
        ItemError: UNREADABLE, NOT_DICOM or MALFORMED.
    """
    with decoding("the data set"):
        if isinstance(source, Path):
            with source.open("rb") as file:
                return _read(file, with_pixels=with_pixels)
        return _read(io.BytesIO(source) if isinstance(source, bytes) else source, with_pixels=with_pixels)


def slices_of(dataset: Dataset, *, instance: int) -> tuple[Slice, ...]:
    """All frames of an image in stored order, by its header.

    Raises:
        ItemError: UNSUPPORTED_OBJECT for what is no image of grey values, GEOMETRY_INCONSISTENT for a mosaic,
            MALFORMED where attributes cannot be read.
    """
    with decoding("frame attributes"):
        _refuse(dataset)
        kind, limits, padding = _kind(dataset), _limits(dataset), _padding(dataset)
        planes = frame_planes(dataset)
        rescales = frame_rescales(dataset, len(planes))
        per_frame = dataset.get("PerFrameFunctionalGroupsSequence")
        stated = int(dataset.get("NumberOfFrames") or 1)
        if len(planes) != stated or len(rescales) != stated or stated > _MOST_FRAMES:
            raise ItemError(Reason.MALFORMED, f"{stated} frames, {len(planes)} of attributes")
        shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
        top = _said(dataset, dataset, dataset, is_top=True)
        return tuple(
            Slice(
                instance=instance,
                frame=frame,
                kind=kind,
                plane=planes[frame],
                rescale=rescales[frame],
                limits=limits,
                padding=padding,
                ImageType=tuple(map(str, dataset.get("ImageType") or ())),
                told_apart=top if per_frame is None else _merged(top, _said(dataset, per_frame[frame], shared)),
                acquired=_acquired(dataset, frame),
            )
            for frame in range(stated)
        )


def _read(file: Any, *, with_pixels: bool) -> Dataset:  # noqa: ANN401 - pydicom takes whatever reads like a file
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    return pydicom.dcmread(file, stop_before_pixels=not with_pixels, force=looks_like_dicom(head))


def _refuse(dataset: Dataset) -> None:
    if dataset.get("SOPClassUID") in _DEPENDENT:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "segmentations and doses follow their images")
    if "Rows" not in dataset or "BitsAllocated" not in dataset:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "the object has no pixels")
    refuse_no_slice(dataset)
    if "ModalityLUTSequence" in dataset and "RescaleSlope" not in dataset:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "a table stands between stored and physical values")


def _kind(dataset: Dataset) -> Kind:
    allocated, is_signed = int(dataset.BitsAllocated), int(dataset.get("PixelRepresentation") or 0) == 1
    is_real = "BitsStored" not in dataset
    if allocated not in ((32, 64) if is_real else (8, 16, 32)):
        raise ItemError(Reason.UNSUPPORTED_OBJECT, f"{allocated} bits allocated")
    return Kind(
        SeriesInstanceUID=str(dataset.get("SeriesInstanceUID") or ""),
        FrameOfReferenceUID=str(dataset.get("FrameOfReferenceUID") or ""),
        Modality=str(dataset.get("Modality") or ""),
        SOPClassUID=str(dataset.get("SOPClassUID") or ""),
        PatientPosition=str(dataset.get("PatientPosition") or ""),
        Rows=int(dataset.Rows),
        Columns=int(dataset.Columns),
        PhotometricInterpretation=str(dataset.get("PhotometricInterpretation") or ""),
        pixel_type=np.dtype(f"{'f' if is_real else 'i' if is_signed else 'u'}{allocated // 8}"),
    )


def _limits(dataset: Dataset) -> tuple[int, int] | None:
    if "BitsStored" not in dataset:
        return None
    bits = int(dataset.BitsStored)
    if not 1 <= bits <= int(dataset.BitsAllocated):
        raise ItemError(Reason.MALFORMED, f"{bits} bits stored of {int(dataset.BitsAllocated)}")
    if int(dataset.get("HighBit", bits - 1)) != bits - 1:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, f"{bits} bits that do not lie at the low end of a word")
    is_signed = int(dataset.get("PixelRepresentation") or 0) == 1
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if is_signed else (0, (1 << bits) - 1)


def _padding(dataset: Dataset) -> tuple[int, int] | None:
    if "PixelPaddingValue" not in dataset or "BitsStored" not in dataset:
        return None
    values = [dataset.get(name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    ends = [int(value) for value in values if value not in (None, "")]
    return (min(ends), max(ends)) if ends else None


def _said(dataset: Dataset, groups: Dataset, shared: Dataset, *, is_top: bool = False) -> tuple[str, ...]:
    """The values of `TOLD_APART_BY` in functional groups, or at the top; "" for what is not said, or said elsewhere."""
    return tuple(
        "" if is_top == bool(sequence) else _text(dataset if is_top else macro_of(groups, shared, sequence), keyword)
        for sequence, keyword in TOLD_APART_BY
    )


def _text(source: Dataset, keyword: str) -> str:
    value = source.get(keyword)
    if value is None:
        return ""
    return "\\".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def _merged(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(a or b for a, b in zip(one, other, strict=True))


def _acquired(dataset: Dataset, frame: int) -> tuple[float, str, float, str, int]:
    """In which order frames at one place were made: by acquisition, time, number in the series and frame."""
    acquisition, number = dataset.get("AcquisitionNumber"), dataset.get("InstanceNumber")
    return (
        float(acquisition or 0),
        str(dataset.get("AcquisitionTime") or ""),
        float(number or 0),
        str(dataset.get("SOPInstanceUID") or ""),
        frame,
    )
