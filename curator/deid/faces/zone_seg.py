"""The zone that was changed in a stack, as a DICOM segmentation that stays inside of the house.

The law: the same zone, images, UIDs and time give the same bytes; frames lie on the slices that they refer to.

Sources: DICOM PS3.3 A.51, C.8.20; PS3.16 CID 7162 (algorithm families); SNOMED CT 89545001 (face).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from highdicom import AlgorithmIdentificationSequence, PixelMeasuresSequence
from highdicom.seg import Segmentation, SegmentationTypeValues, SegmentDescription
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import SecondaryCaptureImageStorage

from curator.errors import ItemError
from curator.imaging.slices import Source, opened
from curator.imaging.stacks import Stack
from curator.model.quarantine import Reason

LABEL = "Face removed"
# What a slice is called until its instance's own UID is put there.
_SLICE = "2.25.1."
_OF_PERSON_AND_STUDY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "SpecificCharacterSet",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneObject:
    """What a zone's segmentation is called: UIDs that nothing else has, when it was made, and by what."""

    SeriesInstanceUID: str = field(repr=False)
    SOPInstanceUID: str = field(repr=False)
    DimensionOrganizationUID: str = field(repr=False)
    made_at: datetime
    algorithm: str
    version: str
    SeriesNumber: int = 1


def zone_segmentation(stack: Stack, mask: NDArray[np.bool_], sources: Sequence[Source], *, named: ZoneObject) -> bytes:
    """The segmentation of `mask`, `(Z, Y, X)` voxels that changed, over the slices of a stack.

    Empty slices are left out; `sources` are those that the stack was made from.

    Raises:
        ItemError: GEOMETRY_MISMATCH, the mask is of another stack; GEOMETRY_INCONSISTENT, the stack has no frame of
            reference; ANNOTATION_INVALID, the mask is empty; otherwise as `opened`.
    """
    if mask.shape != stack.shape:
        raise ItemError(Reason.GEOMETRY_MISMATCH, "a zone of another stack")
    if not stack.kind.FrameOfReferenceUID:
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, "images without a frame of reference")
    there = [z for z, place in enumerate(stack.places) if place is not None and mask[z].any()]
    if not there:
        raise ItemError(Reason.ANNOTATION_INVALID, "a zone without a voxel")
    heads = {n: opened(sources[n], with_pixels=False) for n in sorted({_place(stack, z)[0] for z in there})}
    images = [_image(stack, z, heads[_place(stack, z)[0]]) for z in there]
    pixels = np.ascontiguousarray(mask[there], np.uint8)
    with warnings.catch_warnings():
        # They quote values of the header.
        warnings.simplefilter("ignore")
        made = Segmentation(
            source_images=images,
            pixel_array=pixels,
            segmentation_type=SegmentationTypeValues.BINARY,
            segment_descriptions=[_description(named)],
            series_instance_uid=named.SeriesInstanceUID,
            series_number=named.SeriesNumber,
            sop_instance_uid=named.SOPInstanceUID,
            instance_number=1,
            manufacturer="curator",
            manufacturer_model_name=named.algorithm,
            software_versions=named.version,
            device_serial_number="0",
            pixel_measures=_measures(stack),
            content_label="FACE_REMOVED",
            content_description=LABEL,
        )
        _refer(made, stack, heads)
        return _written(made, named)


def _place(stack: Stack, z: int) -> tuple[int, int]:
    place = stack.places[z]
    assert place is not None
    return place


def _image(stack: Stack, z: int, head: Dataset) -> Dataset:
    """What a segmentation has to know of a slice, as if it were an image of its own, called by its number."""
    image = Dataset()
    image.file_meta = head.file_meta
    for keyword in _OF_PERSON_AND_STUDY:
        if keyword in head:
            image[keyword] = head[keyword]
    kind, affine = stack.kind, stack.affine_lps
    image.SOPClassUID, image.SOPInstanceUID = SecondaryCaptureImageStorage, f"{_SLICE}{z}"
    image.SeriesInstanceUID, image.FrameOfReferenceUID = kind.SeriesInstanceUID, kind.FrameOfReferenceUID
    image.Modality, image.Rows, image.Columns = kind.Modality, kind.Rows, kind.Columns
    image.ImagePositionPatient = _decimals(affine[:3, 3] + z * affine[:3, 2])
    row, column = (affine[:3, axis] / np.linalg.norm(affine[:3, axis]) for axis in (0, 1))
    image.ImageOrientationPatient = _decimals([*row, *column])
    image.PixelSpacing = _decimals(np.linalg.norm(affine[:3, 1::-1], axis=0))
    image.SliceThickness = _decimals([_step_mm(stack)])[0]
    return image


def _refer(made: Segmentation, stack: Stack, heads: Mapping[int, Dataset]) -> None:
    """Put the instances, and the frames of those that have several, where slices were called by their numbers."""
    for listed in made.ReferencedSeriesSequence:
        seen: dict[str, Dataset] = {}
        for item in listed.ReferencedInstanceSequence:
            _name(item, stack, heads)
            seen.setdefault(item.ReferencedSOPInstanceUID, item)
        listed.ReferencedInstanceSequence = list(seen.values())
    for groups in made.PerFrameFunctionalGroupsSequence:
        for derivation in groups.DerivationImageSequence:
            for item in derivation.SourceImageSequence:
                instance, frame = _name(item, stack, heads)
                if int(heads[instance].get("NumberOfFrames") or 1) > 1:
                    item.ReferencedFrameNumber = frame + 1


def _name(item: Dataset, stack: Stack, heads: Mapping[int, Dataset]) -> tuple[int, int]:
    place = _place(stack, int(item.ReferencedSOPInstanceUID.removeprefix(_SLICE)))
    item.ReferencedSOPClassUID = stack.kind.SOPClassUID
    item.ReferencedSOPInstanceUID = heads[place[0]].SOPInstanceUID
    return place


def _measures(stack: Stack) -> PixelMeasuresSequence:
    affine = stack.affine_lps
    return PixelMeasuresSequence(
        pixel_spacing=_decimals(np.linalg.norm(affine[:3, 1::-1], axis=0)),
        slice_thickness=_decimals([_step_mm(stack)])[0],
    )


def _step_mm(stack: Stack) -> float:
    """How far slices are apart along their normal."""
    affine = stack.affine_lps
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    return float(abs(affine[:3, 2] @ normal) / np.linalg.norm(normal))


def _decimals(values: Sequence[float] | NDArray[np.float64]) -> list[float]:
    """Numbers as a decimal string can hold them."""
    return [float(f"{value:.9g}") for value in values]


def _description(named: ZoneObject) -> SegmentDescription:
    return SegmentDescription(
        segment_number=1,
        segment_label=LABEL,
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=codes.SCT.Face,
        algorithm_type="AUTOMATIC",
        algorithm_identification=AlgorithmIdentificationSequence(
            name=named.algorithm, family=codes.DCM.MorphologicalOperations, version=named.version
        ),
    )


def _written(made: Segmentation, named: ZoneObject) -> bytes:
    """The bytes, with nothing in them that the clock or chance decided."""
    date, time = named.made_at.strftime("%Y%m%d"), named.made_at.strftime("%H%M%S")
    for name in ("InstanceCreation", "Content", "Series"):
        setattr(made, f"{name}Date", date)
        setattr(made, f"{name}Time", time)
    for item in made.get("ContributingEquipmentSequence", ()):
        item.ContributionDateTime = date + time
    for item in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        item.DimensionOrganizationUID = named.DimensionOrganizationUID
    out = io.BytesIO()
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()
