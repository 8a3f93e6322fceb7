"""A head volume as one enhanced MR object.

The law: the frames are the slices of the volume in their order, each with a position of its own.

Sources: DICOM PS3.3 A.36.2, C.7.6.16, C.8.13.
"""

from __future__ import annotations

import numpy as np

from curator.testing.answer_key import PlantKind
from curator.testing.header import set_instance
from curator.testing.heads.phantom import Head
from curator.testing.heads.visit import SeriesPlan, Visit, WrittenSeries, decimals, image_page, orientation, origin
from curator.testing.planting import Page
from curator.testing.segmentation import ReferencedImage

ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
_ENHANCED_MODULE = (
    ("PixelPresentation", "MONOCHROME"),
    ("VolumetricProperties", "VOLUME"),
    ("VolumeBasedCalculationTechnique", "NONE"),
    ("ComplexImageComponent", "MAGNITUDE"),
    ("AcquisitionContrast", "T1"),
    ("AcquisitionNumber", 1),
    ("AcquisitionDuration", 300.0),
    ("ResonantNucleus", "1H"),
    ("MagneticFieldStrength", "3"),
    ("KSpaceFiltering", "NONE"),
    ("ApplicableSafetyStandardAgency", "IEC"),
    ("ContentQualification", "PRODUCT"),
    ("PulseSequenceName", "tfl3d"),
    ("BurnedInAnnotation", "NO"),
    ("LossyImageCompression", "00"),
    ("PresentationLUTShape", "IDENTITY"),
    ("MRAcquisitionType", "3D"),
    ("EchoPulseSequence", "GRADIENT"),
    ("MultiPlanarExcitation", "NO"),
    ("PhaseContrast", "NO"),
    ("TimeOfFlightContrast", "NO"),
    ("SteadyStatePulseSequence", "NONE"),
    ("EchoPlanarPulseSequence", "NO"),
    ("SaturationRecovery", "NO"),
    ("SpectrallySelectedSuppression", "NONE"),
    ("OversamplingPhase", "NONE"),
    ("SegmentedKSpaceTraversal", "SINGLE"),
    ("GeometryOfKSpaceTraversal", "RECTILINEAR"),
    ("NumberOfKSpaceTrajectories", 1),
    ("CoverageOfKSpace", "FULL"),
    ("RectilinearPhaseEncodeReordering", "LINEAR"),
    ("AcquisitionContextSequence", ()),
)

_SHARED_MACROS: dict[str, tuple[tuple[str, object], ...]] = {
    "MREchoSequence": (("EffectiveEchoTime", 2.98),),
    "MRAveragesSequence": (("NumberOfAverages", "1"),),
    "MRImagingModifierSequence": (
        ("MagnetizationTransfer", "NONE"),
        ("BloodSignalNulling", "NO"),
        ("Tagging", "NONE"),
        ("TransmitterFrequency", 123.2),
        ("PixelBandwidth", "240"),
    ),
    "MRModifierSequence": (
        ("InversionRecovery", "NO"),
        ("FlowCompensation", "NONE"),
        ("Spoiling", "RF"),
        ("T2Preparation", "NO"),
        ("SpectrallySelectedExcitation", "NONE"),
        ("SpatialPresaturation", "NONE"),
        ("PartialFourier", "NO"),
        ("ParallelAcquisition", "NO"),
    ),
    "MRReceiveCoilSequence": (
        ("ReceiveCoilName", "Head_32"),
        ("ReceiveCoilManufacturerName", ""),
        ("ReceiveCoilType", "VOLUME"),
        ("QuadratureReceiveCoil", "NO"),
    ),
    "MRTransmitCoilSequence": (
        ("TransmitCoilName", "Body"),
        ("TransmitCoilManufacturerName", ""),
        ("TransmitCoilType", "BODY"),
    ),
    "MRFOVGeometrySequence": (
        ("InPlanePhaseEncodingDirection", "ROW"),
        ("MRAcquisitionFrequencyEncodingSteps", 256),
        ("MRAcquisitionPhaseEncodingStepsInPlane", 256),
        ("MRAcquisitionPhaseEncodingStepsOutOfPlane", 192),
        ("PercentSampling", "100"),
        ("PercentPhaseFieldOfView", "100"),
    ),
    "MRTimingAndRelatedParametersSequence": (
        ("RepetitionTime", "2300"),
        ("FlipAngle", "9"),
        ("EchoTrainLength", "1"),
        ("RFEchoTrainLength", 0),
        ("GradientEchoTrainLength", 1),
    ),
}


def write_enhanced(visit: Visit, head: Head, series: SeriesPlan | None = None) -> WrittenSeries:
    """Write an MR volume as one enhanced object, a frame a slice."""
    series = series or SeriesPlan(description="T1 MPRAGE enhanced")
    page = image_page(visit, head, series, sop_class=ENHANCED_MR)
    set_instance(page, visit.study, series=series.number, instance=1)
    depth, day = head.volume.shape[0], visit.study.day
    frame_type = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    page.put("ImageType", frame_type)
    for keyword, value in _ENHANCED_MODULE:
        page.put(keyword, value)
    page.put("NumberOfFrames", depth)
    _dimensions(page, visit, series)
    _shared_groups(page, head, frame_type)
    for index in range(depth):
        groups = page.item("PerFrameFunctionalGroupsSequence")
        content = groups.item("FrameContentSequence")
        for keyword in ("FrameAcquisitionDateTime", "FrameReferenceDateTime"):
            content.plant(keyword, f"{day}100000", day, kind=PlantKind.DATE, searchable=False)
        content.put("FrameAcquisitionDuration", 300000.0)
        content.put("StackID", "1")
        content.put("InStackPositionNumber", index + 1)
        content.put("DimensionIndexValues", [1, index + 1])
        groups.item("PlanePositionSequence").put("ImagePositionPatient", decimals(origin(head, index)))
    page.put("PixelData", np.ascontiguousarray(head.volume.stored, "<i2").tobytes(), "OW")
    name, is_face = f"S{series.number:02d}", head.plan.face == "whole"
    path = visit.write(page, name, modality="MR", shows_face=is_face)
    uid = visit.study.uid(series.number, 1)
    images = tuple(ReferencedImage(uid, origin(head, index)) for index in range(depth))
    return WrittenSeries(head, series, ENHANCED_MR, visit.study.uid(series.number), images, (path,))


def _dimensions(page: Page, visit: Visit, series: SeriesPlan) -> None:
    uid = visit.study.uid(series.number, 900)
    page.item("DimensionOrganizationSequence").put("DimensionOrganizationUID", uid)
    for pointer in (0x00209056, 0x00209057):
        index = page.item("DimensionIndexSequence")
        index.put("DimensionOrganizationUID", uid)
        index.put("DimensionIndexPointer", pointer)
        index.put("FunctionalGroupPointer", 0x00209111)


def _shared_groups(page: Page, head: Head, frame_type: list[str]) -> None:
    shared = page.item("SharedFunctionalGroupsSequence")
    thickness, rows, columns = head.volume.spacing_mm
    measures = shared.item("PixelMeasuresSequence")
    measures.put("PixelSpacing", decimals((rows, columns)))
    measures.put("SliceThickness", decimals((thickness,))[0])
    shared.item("PlaneOrientationSequence").put("ImageOrientationPatient", orientation(head))
    kind = shared.item("MRImageFrameTypeSequence")
    kind.put("FrameType", frame_type)
    for keyword, value in _ENHANCED_MODULE[:5]:
        kind.put(keyword, value)
    rescale = shared.item("PixelValueTransformationSequence")
    rescale.put("RescaleIntercept", "0")
    rescale.put("RescaleSlope", "1")
    rescale.put("RescaleType", "US")
    anatomy = shared.item("FrameAnatomySequence")
    anatomy.put("FrameLaterality", "U")
    anatomy.code("AnatomicRegionSequence", "69536005", "SCT", "Head")
    for sequence, contents in _SHARED_MACROS.items():  # the timing comes last
        macro = shared.item(sequence)
        for keyword, content in contents:
            macro.put(keyword, content)
    mode = macro.item("OperatingModeSequence")
    mode.put("OperatingModeType", "STATIC FIELD")
    mode.put("OperatingMode", "IEC_NORMAL")
    absorbed = macro.item("SpecificAbsorptionRateSequence")
    absorbed.put("SpecificAbsorptionRateDefinition", "IEC_WHOLE_BODY")
    absorbed.put("SpecificAbsorptionRateValue", 0.1)
