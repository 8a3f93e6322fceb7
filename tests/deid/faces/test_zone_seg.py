"""The zone as a segmentation, judged by pydicom, highdicom and dciodvfy."""

from __future__ import annotations

import io
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest

from curator.deid.faces.zone_seg import LABEL, ZoneObject, zone_segmentation
from curator.errors import ItemError
from curator.imaging.stacks import stacks_of
from curator.model.quarantine import Reason

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
NAMED = ZoneObject(
    SeriesInstanceUID="2.25.1",
    SOPInstanceUID="2.25.2",
    DimensionOrganizationUID="2.25.3",
    made_at=datetime(2026, 1, 2, 3, 4, 5),
    algorithm="curator faces",
    version="1",
)
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")


def dicom_files(folder: str) -> list[Path]:
    paths = sorted(path for path in (SHARED / folder).rglob("*") if path.is_file())
    return [path for path in paths if path.read_bytes()[128:132] == b"DICM"]


@pytest.fixture(params=["heads/siemens_prisma_sag_thick", "vendors/siemens_prisma_xa30_enhanced"])
def zone(request):
    files = dicom_files(request.param)
    stack = stacks_of(files).stacks[0]
    mask = np.zeros(stack.shape, bool)
    mask[3:6, 20:90, 10:40] = True
    mask[9, 5, 6] = True
    return stack, mask, files


def test_it_holds_the_zone_on_the_slices_that_it_refers_to(zone):
    stack, mask, files = zone
    written = zone_segmentation(stack, mask, files, named=NAMED)
    dataset = pydicom.dcmread(io.BytesIO(written))
    frames = [z for z in range(len(mask)) if mask[z].any()]
    assert dataset.NumberOfFrames == len(frames)
    assert dataset.SegmentSequence[0].SegmentLabel == LABEL
    assert dataset.FrameOfReferenceUID == stack.kind.FrameOfReferenceUID
    heads = [pydicom.dcmread(path, stop_before_pixels=True) for path in files]
    seen = []
    for groups, pixels in zip(dataset.PerFrameFunctionalGroupsSequence, dataset.pixel_array, strict=True):
        at = groups.PlanePositionSequence[0].ImagePositionPatient
        place = np.linalg.solve(stack.affine_lps, [*at, 1])
        np.testing.assert_allclose(place, np.rint(place), atol=1e-3)
        z = int(np.rint(place[2]))
        seen.append(z)
        np.testing.assert_array_equal(pixels, mask[z])
        instance, frame = stack.places[z]
        source = groups.DerivationImageSequence[0].SourceImageSequence[0]
        assert source.ReferencedSOPInstanceUID == heads[instance].SOPInstanceUID
        assert source.ReferencedSOPClassUID == heads[instance].SOPClassUID
        assert source.get("ReferencedFrameNumber") == (frame + 1 if "NumberOfFrames" in heads[instance] else None)
    assert sorted(seen) == frames
    read = highdicom.seg.segread(io.BytesIO(written))
    assert read.segmented_property_types[0].meaning == "Face"


def test_the_same_zone_gives_the_same_bytes(zone):
    stack, mask, files = zone
    assert zone_segmentation(stack, mask, files, named=NAMED) == zone_segmentation(stack, mask, files, named=NAMED)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
def test_dciodvfy_finds_no_error(zone, tmp_path):
    path = tmp_path / "zone.dcm"
    path.write_bytes(zone_segmentation(*zone, named=NAMED))
    said = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True, check=False)
    assert not [line for line in said.stderr.splitlines() if line.startswith("Error")]


def test_no_zone_is_no_segmentation(zone):
    stack, mask, files = zone
    for wrong, reason in ((mask & False, Reason.ANNOTATION_INVALID), (mask[1:], Reason.GEOMETRY_MISMATCH)):
        with pytest.raises(ItemError) as caught:
            zone_segmentation(stack, wrong, files, named=NAMED)
        assert caught.value.reason is reason
