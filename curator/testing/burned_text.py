"""Pictures with identifying text burned into their pixels, and a plain chest X-ray.

The law: only letters that the drawing font has are burned in, so the patients here have plain names; what was drawn is
planted as `pixel_text`, legible where the key says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from openjpeg.utils import encode_array
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from curator.testing.answer_key import MadeFile, PlantKind
from curator.testing.header import plant_uid, set_instance, start_page
from curator.testing.invented import random_stream
from curator.testing.people import Cast, Patient
from curator.testing.planting import Envelope, Hospital, Page
from curator.testing.study import Study, dicom_date, study_folder

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ULTRASOUND_CINE = "1.2.840.10008.5.1.4.1.1.3.1"
DIGITAL_XRAY, COMPUTED_RADIOGRAPHY = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1"
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Capture:
    """One picture: whose, of which class, how stored. `kind` is `cine`, `capture` or `xray`."""

    patient: int
    kind: str
    transfer_syntax: str
    is_colour: bool
    has_text: bool = True


CAPTURES = (
    Capture(0, "cine", ExplicitVRLittleEndian, True),
    Capture(1, "cine", JPEGBaseline8Bit, True),
    Capture(4, "cine", RLELossless, False),
    Capture(17, "cine", JPEGBaseline8Bit, False),
    Capture(0, "capture", ExplicitVRLittleEndian, False),
    Capture(1, "capture", ExplicitVRLittleEndian, True),
    Capture(5, "capture", RLELossless, True),
    Capture(7, "capture", RLELossless, False),
    Capture(8, "capture", JPEGBaseline8Bit, True),
    Capture(10, "capture", JPEGBaseline8Bit, False),
    Capture(11, "capture", JPEG2000Lossless, False),
    Capture(13, "capture", JPEGLSLossless, True),
    Capture(4, "xray", ExplicitVRLittleEndian, False, has_text=False),
    Capture(10, "xray", ExplicitVRLittleEndian, False),
)


@dataclass(frozen=True, slots=True)
class _Kind:
    sop_class: str
    modality: str
    study: str
    frames: int
    shape: tuple[int, int]


_KINDS = {
    "cine": _Kind(ULTRASOUND_CINE, "US", "US Abdomen", 8, (300, 400)),
    "capture": _Kind(SECONDARY_CAPTURE, "CT", "Dose report", 1, (300, 400)),
    "xray": _Kind(DIGITAL_XRAY, "DX", "XR Chest", 1, (320, 320)),
}


# Four lines of text and a little room.
_CAPTION_ROWS = 70


@dataclass(frozen=True, slots=True)
class _Lines:
    """What is burned in, one entry a line."""

    lines: tuple[str, ...] = field(repr=False)


def write_capture(hospital: Hospital, people: Cast, number: int) -> None:
    """Write the picture `CAPTURES[number]`; its patient's third or later study."""
    capture = CAPTURES[number]
    kind = _KINDS[capture.kind]
    study = Study(people, people.patients[capture.patient], kind.modality, 3 + number, kind.study)
    page = start_page(study, kind.sop_class, series=1, modality=_modality(capture))
    set_instance(page, study, series=1, instance=1)
    text = _text(study) if capture.has_text else _Lines(())
    frames = _frames(hospital.seed, number, kind, text)
    if capture.is_colour:
        tint = np.array([1.0, 0.92, 0.8])
        frames = np.asarray(np.rint(frames[..., None] * tint), np.uint8)
    _describe(page, study, capture, frames)
    _store(page, capture, frames, study.patient)
    for line in text.lines:
        page.note("pixels", *line.split(), kind=PlantKind.PIXEL_TEXT, searchable=False)
    folder, path_seeds = study_folder(study)
    made = MadeFile(f"{folder}/P{number:03d}.dcm", _modality(capture), capture.patient, shows_text=capture.has_text)
    envelope = Envelope(transfer_syntax=capture.transfer_syntax, seeds=tuple(path_seeds))
    hospital.write_dicom(page, made, envelope=envelope)


def _modality(capture: Capture) -> str:
    return "OT" if capture.kind == "capture" else _KINDS[capture.kind].modality


def _text(study: Study) -> _Lines:
    patient = study.patient
    return _Lines(
        (
            f"{patient.name.family.upper()}",
            f"{patient.name.given.upper()}",
            f"{patient.record_number} {dicom_date(patient.birth_date)}",
            f"{study.centre.name.upper()} {study.day}",
        )
    )


def _frames(seed: int, number: int, kind: _Kind, text: _Lines) -> Picture:
    """`(N, Y, X)` uint8 with the text in the same place on every frame."""
    rng = random_stream(seed, "picture", number)
    rows, columns = kind.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    pictures = []
    for frame in range(kind.frames):
        picture = _scene(kind, x / columns, y / rows, rng=rng, phase=frame / kind.frames)
        for line, words in enumerate(text.lines):
            place = (6, 16 + 15 * line)
            cv2.putText(picture, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, 255, 1, cv2.LINE_AA)
        pictures.append(picture)
    return np.stack(pictures)


def _scene(
    kind: _Kind, x: NDArray[np.float32], y: NDArray[np.float32], *, rng: np.random.Generator, phase: float
) -> Picture:
    """What the picture is of: an ultrasound fan, a table's lines or a chest; text-free."""
    if kind.modality == "US":
        radius, angle = np.hypot(x - 0.5, y + 0.1), np.abs(np.arctan2(x - 0.5, y + 0.1))
        fan = (radius > 0.5) & (radius < 1.05) & (angle < 0.6)
        echo = 60.0 + 40.0 * np.sin(18.0 * radius + 6.3 * phase)
        scene = np.where(fan, echo * rng.rayleigh(0.8, x.shape), 0.0)
    elif kind.modality == "DX":
        lungs = np.minimum(_oval(x, y, 0.3), _oval(x, y, 0.7))
        scene = 170.0 - 90.0 * (lungs < 1.0) + 25.0 * (np.abs(x - 0.5) < 0.06) + rng.normal(0.0, 3.0, x.shape)
    else:
        scene = np.where((np.abs(y - 0.5) < 0.01) | (np.abs(x - 0.5) < 0.005), 120.0, 20.0)
    return np.asarray(np.clip(np.rint(scene), 0, 235), np.uint8)


def _oval(x: NDArray[np.float32], y: NDArray[np.float32], centre: float) -> NDArray[np.float32]:
    return np.asarray(((x - centre) / 0.15) ** 2 + ((y - 0.5) / 0.32) ** 2, np.float32)


def _describe(page: Page, study: Study, capture: Capture, frames: Picture) -> None:
    page.put("ImageType", ["DERIVED", "SECONDARY"] if capture.kind == "capture" else ["ORIGINAL", "PRIMARY"])
    page.put("SeriesDescription", _KINDS[capture.kind].study)
    page.put("Rows", frames.shape[1])
    page.put("Columns", frames.shape[2])
    page.put("SamplesPerPixel", 3 if capture.is_colour else 1)
    for keyword, value in (("BitsAllocated", 8), ("BitsStored", 8), ("HighBit", 7), ("PixelRepresentation", 0)):
        page.put(keyword, value)
    if capture.is_colour:
        page.put("PlanarConfiguration", 0)
    is_jpeg = capture.transfer_syntax == JPEGBaseline8Bit
    colour = "YBR_FULL_422" if is_jpeg else "RGB"
    page.put("PhotometricInterpretation", colour if capture.is_colour else "MONOCHROME2")
    page.put("LossyImageCompression", "01" if is_jpeg else "00")
    if capture.kind == "cine":
        _cine_module(page, frames)
    elif capture.kind == "capture":
        page.put("ConversionType", "WSD")
        page.put("BurnedInAnnotation", "NO" if capture.patient % 2 else "YES")  # as often wrong as right
        page.plant("DateOfSecondaryCapture", study.day, kind=PlantKind.DATE, searchable=False)
    else:
        _xray_module(page, study)


def _cine_module(page: Page, frames: Picture) -> None:
    page.put("NumberOfFrames", frames.shape[0])
    page.put("FrameTime", "40")
    page.put("FrameIncrementPointer", 0x00181063, "AT")
    region = page.item("SequenceOfUltrasoundRegions")
    rows, columns = frames.shape[1:3]
    # All of the frame below the caption.
    bounds = {"RegionLocationMinX0": 0, "RegionLocationMinY0": _CAPTION_ROWS, "RegionLocationMaxX1": columns - 1,
              "RegionLocationMaxY1": rows - 1}  # fmt: skip
    for keyword, value in (bounds | {"RegionSpatialFormat": 1, "RegionDataType": 1, "RegionFlags": 0}).items():
        region.put(keyword, value)
    for keyword in ("PhysicalUnitsXDirection", "PhysicalUnitsYDirection"):
        region.put(keyword, 3)
    region.put("PhysicalDeltaX", 0.05)
    region.put("PhysicalDeltaY", 0.05)


def _xray_module(page: Page, study: Study) -> None:
    page.put("BodyPartExamined", "CHEST")
    page.put("ViewPosition", "PA")
    page.put("PatientOrientation", ["L", "F"])
    page.put("PresentationIntentType", "FOR PRESENTATION")
    page.put("PixelIntensityRelationship", "LOG")
    page.put("PixelIntensityRelationshipSign", -1)
    page.put("RescaleIntercept", "0")
    page.put("RescaleSlope", "1")
    page.put("RescaleType", "US")
    page.put("PresentationLUTShape", "IDENTITY")
    page.put("ImageLaterality", "U")
    page.put("ImagerPixelSpacing", ["1.4", "1.4"])
    page.put("BurnedInAnnotation", "NO")
    page.plant("DetectorID", study.device.serial, kind=PlantKind.ID)
    page.code("AnatomicRegionSequence", "51185008", "SCT", "Chest")
    plant_uid(page, "FrameOfReferenceUID", study, study.frame_of_reference)


def _store(page: Page, capture: Capture, frames: Picture, patient: Patient) -> None:
    if capture.transfer_syntax == ExplicitVRLittleEndian:
        content = frames.tobytes()
        page.put("PixelData", content + b"\0" * (len(content) % 2), "OB")
        return
    if capture.transfer_syntax == JPEGBaseline8Bit:
        coded = [_jpeg(frame, patient) for frame in frames]
        page.note("pixels", patient.mother, kind=PlantKind.PERSON_NAME)
        ratio = frames.nbytes / sum(len(frame) for frame in coded)
        page.put("LossyImageCompressionRatio", f"{ratio:.2f}")
        page.put("LossyImageCompressionMethod", "ISO_10918_1")
    else:
        coded = [_lossless(frame, capture) for frame in frames]
    page.put("PixelData", encapsulate(coded), "OB")
    page.dataset["PixelData"].is_undefined_length = True


def _jpeg(frame: Picture, patient: Patient) -> bytes:
    """Baseline JPEG, 4:2:2 where in colour, with a comment that a workstation wrote into it."""
    options = [cv2.IMWRITE_JPEG_QUALITY, 92, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422]
    done, coded = cv2.imencode(".jpg", frame[..., ::-1] if frame.ndim == 3 else frame, options)
    if not done:
        raise RuntimeError("this build of OpenCV writes no JPEG")
    stream = coded.tobytes()
    comment = f"exported for {patient.mother}".encode("ascii")
    return stream[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + stream[2:]


def _lossless(frame: Picture, capture: Capture) -> bytes:
    if capture.transfer_syntax == JPEG2000Lossless:
        return bytes(encode_array(frame, photometric_interpretation=2, codec_format=0))
    return get_encoder(UID(capture.transfer_syntax)).encode(
        np.ascontiguousarray(frame),
        rows=frame.shape[0],
        columns=frame.shape[1],
        number_of_frames=1,
        samples_per_pixel=3 if capture.is_colour else 1,
        bits_allocated=8,
        bits_stored=8,
        pixel_representation=0,
        planar_configuration=0 if capture.is_colour else None,
        photometric_interpretation="RGB" if capture.is_colour else "MONOCHROME2",
    )
