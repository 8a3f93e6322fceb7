"""What kind of file some bytes are, whatever its name says.

Sources: DICOM PS3.10 7.1 (preamble and prefix); NIfTI-1.1 and NIfTI-2 headers (sizeof_hdr, magic); RFC 1952 (gzip).
"""

from __future__ import annotations

import struct
import zlib
from enum import StrEnum

from curator.dicom.parse import looks_like_dicom

HEAD_BYTES = 4096
"""How many first bytes `kind_of` wants: a compressed NIfTI header of 544 bytes is in them."""

_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = zlib.MAX_WBITS | 16
_NIFTI_HEADER_BYTES = 544
_NIFTI_1 = (348, 344, b"n+1\0")
_NIFTI_2 = (540, 4, b"n+2\0\r\n\x1a\n")


class FileKind(StrEnum):
    """What a file is by content."""

    DICOM = "dicom"
    NIFTI = "nifti"
    OTHER = "other"


def kind_of(head: bytes) -> FileKind:
    """The kind of a file that begins with `head`, its first `HEAD_BYTES` bytes or all of it; OTHER for no bytes.

    A NIfTI image is one file, header and voxels together, plain or gzipped; a header apart from its voxels is OTHER.
    """
    if _is_nifti(_gunzipped(head) if head.startswith(_GZIP) else head):
        return FileKind.NIFTI
    return FileKind.DICOM if looks_like_dicom(head) else FileKind.OTHER


def _gunzipped(head: bytes) -> bytes:
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(head, _NIFTI_HEADER_BYTES)
    except zlib.error:
        return b""


def _is_nifti(header: bytes) -> bool:
    for size, offset, magic in (_NIFTI_1, _NIFTI_2):
        if header[offset : offset + len(magic)] == magic:
            return size in (*struct.unpack_from("<i", header), *struct.unpack_from(">i", header))
    return False
