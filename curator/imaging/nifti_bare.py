"""A NIfTI file with nothing in its header but what places and scales its voxels.

The law: of the header only fields of a list stay, extensions never do; every voxel keeps its bytes.

Sources: NIfTI-1 and NIfTI-2 (header fields); RFC 1952 (gzip).
"""

from __future__ import annotations

import numpy as np

from curator.imaging.nifti import gzipped
from curator.imaging.nifti_series import header_of, read_nifti_series

# Everything else is free text, a name of a file or a study, or belongs to some program.
_KEPT = (
    "dim",
    "datatype",
    "bitpix",
    "pixdim",
    "scl_slope",
    "scl_inter",
    "xyzt_units",
    "qform_code",
    "sform_code",
    "quatern_b",
    "quatern_c",
    "quatern_d",
    "qoffset_x",
    "qoffset_y",
    "qoffset_z",
    "srow_x",
    "srow_y",
    "srow_z",
)
# Four zero bytes behind the header say that there is no extension; voxels begin at a multiple of 16.
_NO_EXTENSION, _STEP = 4, 16


def bare_nifti(content: bytes) -> bytes:
    """The file, gzipped, without whatever its header says besides geometry, type and scale; of header and voxels.

    Raises:
        ItemError: as `read_nifti_series`.
    """
    series = read_nifti_series(content)
    old = header_of(series.content)
    new = type(old)(endianness=old.endianness, check=False)
    for name in _KEPT:
        new[name] = old[name]
    dimensions = int(old["dim"][0])
    # What lies behind the axes that there are means nothing and may hold anything.
    new["dim"][dimensions + 1 :] = 1
    new["pixdim"][dimensions + 1 :] = 0
    offset = -(-(new.sizeof_hdr + _NO_EXTENSION) // _STEP) * _STEP
    new["vox_offset"] = offset
    head = new.binaryblock.ljust(offset, b"\0")
    size = sum(one.stored.size for one in series.volumes) * np.dtype(series.voxel_type).itemsize
    return gzipped(head + series.content[series.offset : series.offset + size])
