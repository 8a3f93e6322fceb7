"""NIfTI files as one or many volumes, and the same file with some voxels changed.

The law: what is written back is the file that was read but for the voxels that were named: header, extensions and every
other voxel keep their bytes (of the content, where it is gzipped: the gzip header may hold the file's first name).

Sources: NIfTI-1 and NIfTI-2 (dim, vox_offset, datatype, scl_slope); RFC 1952 (gzip).
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from curator.errors import ItemError
from curator.imaging.nifti import affine_lps_of, gzipped
from curator.model.quarantine import Reason
from curator.model.volume import Volume

LARGEST_CONTENT = 1 << 32
"""The most bytes that a file may hold, unpacked."""

_GZIP_MAGIC = b"\x1f\x8b"
_SIZES: dict[int, Any] = {348: Nifti1Header, 540: Nifti2Header}
_MAGICS = {348: b"n+1\0", 540: b"n+2\0"}
_MAGIC_AT = {348: 344, 540: 4}
_SPATIAL = 3


@dataclass(frozen=True, slots=True)
class NiftiSeries:
    """A NIfTI file and the volumes in it, in stored order; `(Z, Y, X)` of each is the file's `(k, j, i)`.

    `content` is the file's, unpacked; `offset` is where its voxels begin and `voxel_type` how they are written.
    """

    volumes: tuple[Volume, ...]
    content: bytes = field(repr=False)
    offset: int
    voxel_type: np.dtype[np.generic]
    is_gzipped: bool


def read_nifti_series(source: Path | bytes) -> NiftiSeries:
    """All volumes of a NIfTI file (`.nii` or `.nii.gz`, told by content); axes behind the third are volumes.

    Raises:
        ItemError: UNREADABLE; TRUNCATED; MALFORMED; GEOMETRY_INCONSISTENT where the file does not say where it lies;
            UNSUPPORTED_OBJECT for colour or complex voxels, or more than can be held.
    """
    raw = _bytes(source)
    is_gzipped = raw[:2] == _GZIP_MAGIC
    content = _unpacked(raw) if is_gzipped else raw
    header = header_of(content)
    try:
        kind = np.dtype(header.get_data_dtype())
        shape = tuple(int(length) for length in header.get_data_shape())
        offset = int(header["vox_offset"])
        slope, intercept = header.get_slope_inter()
    except (HeaderDataError, KeyError, ValueError, OverflowError) as error:
        raise ItemError(Reason.MALFORMED, f"a NIfTI header cannot be read ({type(error).__name__})") from None
    if kind.kind not in "iuf" or kind.itemsize > 8:
        raise ItemError(Reason.UNSUPPORTED_OBJECT, "voxels are no plain numbers")
    if offset < header.sizeof_hdr:
        raise ItemError(Reason.MALFORMED, "voxels that begin inside of the header")
    if len(shape) < 2 or min(shape) < 1:
        raise ItemError(Reason.GEOMETRY_INCONSISTENT, f"{len(shape)} axes are no volume")
    wanted = math.prod(shape) * kind.itemsize
    if len(content) < offset + wanted:
        raise ItemError(Reason.TRUNCATED, f"{len(content)} bytes, {offset + wanted} wanted")
    voxels = np.frombuffer(content, kind, math.prod(shape), offset)
    x, y, z = (*shape, 1)[:_SPATIAL]
    by_volume = voxels.reshape(-1, z, y, x)
    affine = affine_lps_of(header)
    native = kind.newbyteorder("=")
    return NiftiSeries(
        volumes=tuple(
            Volume(
                stored=one.astype(native, copy=False),
                affine_lps=affine,
                rescale_slope=1.0 if slope is None else float(slope),
                rescale_intercept=0.0 if slope is None or intercept is None else float(intercept),
            )
            for one in by_volume
        ),
        content=content,
        offset=offset,
        voxel_type=kind,
        is_gzipped=is_gzipped,
    )


def changed_nifti(series: NiftiSeries, changes: Mapping[int, tuple[NDArray[np.bool_], NDArray[np.generic]]]) -> bytes:
    """The file with voxels of some volumes changed.

    By number of volume: a mask `(Z, Y, X)`, and the new stored values `(N,)` of what is in it, in C order. Gzipped
    where the file was. The same bytes for the same changes.

    Raises:
        ItemError: GEOMETRY_MISMATCH, a mask or values of another volume, or of another type.
    """
    content = bytearray(series.content)
    for number, (mask, values) in sorted(changes.items()):
        if not 0 <= number < len(series.volumes):
            raise ItemError(Reason.GEOMETRY_MISMATCH, f"{len(series.volumes)} volumes, and a change of another one")
        shape = series.volumes[number].shape
        is_same_type = values.dtype.newbyteorder("=") == series.voxel_type.newbyteorder("=")
        is_whole = mask.shape == shape and mask.dtype == np.bool_ and values.shape == (int(np.count_nonzero(mask)),)
        if not is_whole or not is_same_type:
            raise ItemError(Reason.GEOMETRY_MISMATCH, "a change of another size or type than the volume")
        count = math.prod(shape)
        at = series.offset + number * count * series.voxel_type.itemsize
        voxels = np.frombuffer(content, series.voxel_type, count, at).reshape(shape)
        voxels[mask] = values
    whole = bytes(content)
    return gzipped(whole) if series.is_gzipped else whole


def _bytes(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        if source.stat().st_size > LARGEST_CONTENT:
            raise ItemError(Reason.UNSUPPORTED_OBJECT, "a file larger than is held in memory")
        return source.read_bytes()
    except FileNotFoundError:
        raise ItemError(Reason.UNREADABLE, "the file is not there") from None
    except OSError as error:
        raise ItemError(Reason.UNREADABLE, f"errno {error.errno}") from None


def _unpacked(raw: bytes) -> bytes:
    """The content of a gzip file, of all its members; no more than `LARGEST_CONTENT`."""
    parts: list[bytes] = []
    left, room = raw, LARGEST_CONTENT
    while left[:2] == _GZIP_MAGIC:
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            part = inflater.decompress(left, room + 1)
        except zlib.error:
            raise ItemError(Reason.MALFORMED, "a gzip file that does not unpack") from None
        room -= len(part)
        if room < 0:
            raise ItemError(Reason.UNSUPPORTED_OBJECT, "a file larger than is held in memory")
        if not inflater.eof:
            raise ItemError(Reason.TRUNCATED, "a gzip file that ends early")
        parts.append(part)
        left = inflater.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)


def header_of(content: bytes) -> Any:  # noqa: ANN401 - nibabel says that it is typed and mostly is not
    """The header of a file that holds its voxels too."""
    for size in (int.from_bytes(content[:4], "little"), int.from_bytes(content[:4], "big")):
        at = _MAGIC_AT.get(size)
        if at is not None and len(content) >= size and content[at : at + 4] == _MAGICS[size]:
            try:
                return _SIZES[size](content[:size], check=False)
            except (HeaderDataError, WrapStructError, ValueError):
                break
    raise ItemError(Reason.MALFORMED, "not a NIfTI file of header and voxels")
