"""NIfTI files as volumes, and volumes as NIfTI bytes.

The law: a file that does not say where it lies is refused, never given an affine; the same volume gives the same bytes.

Sources: NIfTI-1 (sform, qform, xyzt_units, scl_slope); RFC 1952 (gzip); DICOM's axes are left and posterior where
NIfTI's are right and anterior.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.spatialimages import HeaderDataError, ImageDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from curator.errors import ItemError
from curator.model.quarantine import Reason
from curator.model.volume import Affine, Volume

_RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # xyzt_units: unknown, metre, millimetre, micrometre
_SPATIAL_UNIT_BITS = 0x07
_SCANNER_ANATOMICAL = 1
_VOXEL_OFFSET = 352  # 348 of header, 4 that say there is no extension
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # no name, no time, no operating system
_GZIP_LEVEL = 6
_NEW_HEADER: Any = Nifti1Header  # nibabel says that it is typed and mostly is not
_PARSE_ERRORS = (EOFError, HeaderDataError, ImageDataError, ValueError, WrapStructError, struct.error, zlib.error)


def read_nifti(path: Path) -> Volume:
    """The volume of a NIfTI-1 or NIfTI-2 file, voxels as they lie: `(Z, Y, X)` is the file's `(k, j, i)`.

    The sform decides where it is set, else the qform; lengths in metres or micrometres become millimetres. Axes of
    length one behind the third are dropped, two axes are one slice.

    Raises:
        ItemError: UNREADABLE; MALFORMED; GEOMETRY_INCONSISTENT where neither sform nor qform is set, the affine is
            singular or there is more than one volume; UNSUPPORTED_OBJECT for colour or complex voxels.
    """
    try:
        image = nibabel.load(path)
        if not isinstance(image, nibabel.Nifti1Image):  # Nifti2Image is a subclass
            raise ItemError(Reason.MALFORMED, "not a NIfTI file")
        return _volume(image.header, image.dataobj)
    except nibabel.filebasedimages.ImageFileError:
        raise ItemError(Reason.MALFORMED, "not a NIfTI file") from None
    except _PARSE_ERRORS as error:
        raise ItemError(Reason.MALFORMED, f"NIfTI cannot be decoded ({type(error).__name__})") from None
    except FileNotFoundError:
        raise ItemError(Reason.UNREADABLE, "the file is not there") from None
    except OSError as error:
        # A damaged gzip stream and a file shorter than its header says raise OSError without an errno.
        reason = Reason.MALFORMED if error.errno is None else Reason.UNREADABLE
        raise ItemError(reason, f"errno {error.errno}") from None


def nifti_bytes(volume: Volume) -> bytes:
    """`volume` as a gzipped NIfTI-1 file (`.nii.gz`): stored values untouched, rescale in scl_slope and scl_inter.

    The sform always holds the affine; the qform too where the axes are perpendicular, for readers that know no other.
    """
    stored = volume.stored.astype(np.uint8) if volume.stored.dtype == np.bool_ else volume.stored
    stored = np.ascontiguousarray(stored, dtype=stored.dtype.newbyteorder("<"))
    header = _NEW_HEADER(endianness="<")
    header.set_data_dtype(stored.dtype)
    header.set_data_shape(volume.shape[::-1])
    header.set_xyzt_units("mm")
    affine_ras = _RAS_FROM_LPS @ volume.affine_lps
    header.set_sform(affine_ras, code=_SCANNER_ANATOMICAL)
    header["pixdim"][1:4] = volume.spacing_mm[::-1]
    if _is_perpendicular(volume.affine_lps):
        header.set_qform(affine_ras, code=_SCANNER_ANATOMICAL)
    header["scl_slope"], header["scl_inter"] = volume.rescale_slope, volume.rescale_intercept
    header["vox_offset"] = _VOXEL_OFFSET
    return gzipped(header.binaryblock + bytes(_VOXEL_OFFSET - len(header.binaryblock)) + stored.tobytes())


def _volume(header: Any, proxy: Any) -> Volume:  # noqa: ANN401 - see _NEW_HEADER
    """The volume of voxels still on disk: `proxy` knows the rescale, which nibabel clears from the header."""
    affine_lps = affine_lps_of(header)
    stored: NDArray[np.generic] = np.asarray(proxy.get_unscaled())
    if not (np.issubdtype(stored.dtype, np.integer) or np.issubdtype(stored.dtype, np.floating)):
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "voxels are no plain numbers")
    if any(length != 1 for length in stored.shape[3:]) or stored.ndim < 2 or stored.size == 0:
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, f"{stored.ndim} axes with {stored.size} voxels are no volume")
    voxels = stored.reshape((*stored.shape[:3], 1)[:3], order="F").T
    return Volume(
        stored=np.ascontiguousarray(voxels, dtype=voxels.dtype.newbyteorder("=")),
        affine_lps=affine_lps,
        rescale_slope=float(proxy.slope),
        rescale_intercept=float(proxy.inter),
    )


def affine_lps_of(header: Any) -> Affine:  # noqa: ANN401 - see _NEW_HEADER
    """Where a file lies: from voxel `(i, j, k, 1)` to LPS millimetres, `(4, 4)`.

    Raises:
        ItemError: GEOMETRY_INCONSISTENT, it does not say, or the affine is singular.
    """
    if int(header["sform_code"]) <= 0 and int(header["qform_code"]) <= 0:
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, "neither sform nor qform is set")
    try:
        affine_ras = header.get_sform() if int(header["sform_code"]) > 0 else header.get_qform()
    except ValueError as error:
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, "the quaternion is none") from error
    mm = _MM_PER_UNIT.get(int(header["xyzt_units"]) & _SPATIAL_UNIT_BITS)
    if mm is None:
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, "lengths are in no known unit")
    affine = _RAS_FROM_LPS @ np.asarray(affine_ras, dtype=np.float64)
    affine[:3] *= mm
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < np.finfo(np.float32).tiny:
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, "the affine is singular")
    return affine


def _is_perpendicular(affine_lps: Affine) -> bool:
    directions = affine_lps[:3, :3] / np.linalg.norm(affine_lps[:3, :3], axis=0)
    return bool(np.abs(directions.T @ directions - np.eye(3)).max() < 1e-4)


def gzipped(content: bytes) -> bytes:
    """`content` as a gzip file, framed here: Python versions differ in the header bytes they write."""
    compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = compressor.compress(content) + compressor.flush()
    return _GZIP_HEADER + body + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)
