"""What an instance says of faces is believed only with its code beside it."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

sys.path.insert(0, str(Path(__file__).parents[1] / "jobs"))

from archive_samples import Slice

from curator.deid.marked import claims_no_face, missing_markers
from curator.dicom.parse import parse


def said(value: str | None, codes: tuple[str, ...]) -> tuple[bool, list[str]]:
    dataset = Slice().dataset()
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "curator 0.1.0; basic; PS3.15 2026d; 0123456789ab"
    dataset.LongitudinalTemporalInformationModified = "REMOVED"
    items = []
    for code in codes:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", "meaning"
        items.append(item)
    dataset.DeidentificationMethodCodeSequence = Sequence(items)
    if value is not None:
        dataset.RecognizableVisualFeatures = value
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    data_set = parse(out.getvalue())
    return claims_no_face(data_set), [one.place for one in missing_markers(data_set)]


@pytest.mark.parametrize(
    ("value", "codes", "claims", "wrong"),
    [
        (None, ("113100",), False, []),
        ("NO", ("113100", "113102"), True, []),
        ("NO", ("113100", "113101"), True, ["(0028,0302)"]),
        ("YES", ("113100", "113102"), False, ["(0028,0302)"]),
    ],
)
def test_F02_the_attribute_and_the_code_stand_together(
    value: str | None, codes: tuple[str, ...], claims: bool, wrong: list[str]
) -> None:
    assert said(value, codes) == (claims, wrong)
