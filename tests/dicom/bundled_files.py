"""Real DICOM files to read, and what is odd about some of them."""

from __future__ import annotations

from pathlib import Path

import pydicom

BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"

# Files that pydicom reads by guessing and we refuse, with the reason and what is wrong with them.
REFUSED = {
    "MR_truncated.dcm": ("truncated", "pixel data shorter than its length says"),
    "rtplan_truncated.dcm": ("truncated", "a sequence shorter than its length says"),
    "SC_rgb_jpeg.dcm": ("malformed", "the syntax says explicit VR, the data set is implicit"),
    "DICOMDIR-nooffset": ("truncated", "the last item is longer than the sequence and the file"),
}


def bundled_files() -> list[Path]:
    """Every file that pydicom bundles, DICOM or not, sorted."""
    return sorted(path for path in BUNDLED.rglob("*") if path.is_file())


def vendor_files() -> list[Path]:
    """Every file under ../shared/data/vendors, sorted; none where it is absent."""
    return sorted(path for path in (SHARED / "vendors").rglob("*") if path.is_file())
