"""Overview images of a head: three single slices in three planes, and the projections a CT plans its scan with.

The law: they show the same head at the same place as the volume of the same plan.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from curator.testing.header import set_instance
from curator.testing.heads.phantom import Head, make_head
from curator.testing.heads.plan import Contrast, FieldOfView, HeadPlan
from curator.testing.heads.series import CT_IMAGE, MR_IMAGE
from curator.testing.heads.visit import SeriesPlan, Visit, decimals, image_page, orientation, origin
from curator.testing.planting import Page

_SLICE_MM, _PIXEL_MM = 8.0, 1.5
_HALF_MM = _SLICE_MM / 2
_VIEWS = {
    "axial": FieldOfView(bottom_mm=-_HALF_MM, top_mm=_HALF_MM),
    "sagittal": FieldOfView(side_mm=_HALF_MM),
    "coronal": FieldOfView(front_mm=-60 - _HALF_MM, back_mm=-60 + _HALF_MM),
}
LOCALIZER, SCOUT = SeriesPlan(90, "localizer"), SeriesPlan(91, "Topogram")


def write_localizer(visit: Visit, plan: HeadPlan, series: SeriesPlan = LOCALIZER) -> tuple[Path, ...]:
    """One series of an axial, a sagittal and a coronal slice through the middle of an MR head; the files."""
    files = []
    for number, (plane, view) in enumerate(_VIEWS.items(), start=1):
        spacing_mm = (_SLICE_MM, _PIXEL_MM, _PIXEL_MM)
        head = make_head(replace(plan, plane=plane, field_of_view=view, spacing_mm=spacing_mm))
        page = image_page(visit, head, series, sop_class=MR_IMAGE)
        set_instance(page, visit.study, series=series.number, instance=number)
        page.put("ImageType", ["ORIGINAL", "PRIMARY", "M", "LOCALIZER"])
        for keyword, value in _LOCALIZER_MODULE:
            page.put(keyword, value)
        _put_plane(page, head)
        page.put("PixelData", np.ascontiguousarray(head.volume.stored[0], "<i2").tobytes(), "OW")
        name = f"S{series.number:02d}/{number:04d}"
        files.append(visit.write(page, name, modality="MR", shows_face=plan.face == "whole"))
    return tuple(files)


def write_scout(visit: Visit, plan: HeadPlan, series: SeriesPlan = SCOUT) -> tuple[Path, ...]:
    """One series of a frontal and a lateral projection of a CT head; the files."""
    files = []
    for number, plane in enumerate(("coronal", "sagittal"), start=1):
        spacing_mm = (_PIXEL_MM, _PIXEL_MM, _PIXEL_MM)
        head = make_head(replace(plan, contrast=Contrast.CT, plane=plane, spacing_mm=spacing_mm))
        page = image_page(visit, head, series, sop_class=CT_IMAGE)
        set_instance(page, visit.study, series=series.number, instance=number)
        page.put("ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"])
        page.put("KVP", "120")
        page.put("AcquisitionNumber", 1)
        page.put("RescaleIntercept", f"{head.volume.rescale_intercept:g}")
        page.put("RescaleSlope", "1")
        _put_plane(page, head)
        projection = np.rint(head.volume.stored.mean(axis=0))
        page.put("PixelData", projection.astype("<i2").tobytes(), "OW")
        name = f"S{series.number:02d}/{number:04d}"
        files.append(visit.write(page, name, modality="CT", shows_face=plan.face == "whole"))
    return tuple(files)


_LOCALIZER_MODULE = (
    ("ScanningSequence", "GR"),
    ("SequenceVariant", "SP"),
    ("ScanOptions", ""),
    ("MRAcquisitionType", "2D"),
    ("RepetitionTime", "8.6"),
    ("EchoTime", "4"),
    ("EchoTrainLength", "1"),
    ("MagneticFieldStrength", "3"),
)


def _put_plane(page: Page, head: Head) -> None:
    """The plane in the middle of a volume."""
    thickness, rows, columns = head.volume.spacing_mm
    page.put("PixelSpacing", decimals((rows, columns)))
    page.put("SliceThickness", decimals((thickness,))[0])
    page.put("ImageOrientationPatient", orientation(head))
    page.put("ImagePositionPatient", decimals(origin(head, head.volume.shape[0] // 2)))
