"""JPEG frames (baseline, extended, lossless) decoded to their samples, no colour converted.

The law: a stream is checked as far as its markers say, and what a decoder would fill in is found by counting bits.

Sources: ITU-T T.81; DICOM PS3.5 A.4.1, 8.2.1.
"""

from __future__ import annotations

import gdcm

from curator.deid.pixels.codecs import jpeg_dct
from curator.deid.pixels.codecs.coded import Coded, check_shape, reshaped
from curator.deid.pixels.codecs.jpeg_bits import check_blocks, check_lossless
from curator.deid.pixels.codecs.jpeg_dct import Blocks
from curator.deid.pixels.codecs.jpeg_scans import planned_scans
from curator.deid.pixels.codecs.jpeg_segments import (
    SOF_BASELINE,
    SOF_EXTENDED,
    SOF_LOSSLESS,
    JpegHeader,
    bare,
    read_header,
)
from curator.deid.pixels.module import JPEG_LOSSLESS, JPEG_LOSSLESS_SV1, PixelModule
from curator.dicom.elements import Buffer
from curator.errors import ItemError
from curator.model.quarantine import Reason

_LOSSLESS = frozenset({JPEG_LOSSLESS, JPEG_LOSSLESS_SV1})
_DCT = frozenset({SOF_BASELINE, SOF_EXTENDED})
_PIXEL_DATA = 0x7FE0, 0x0010


def checked_header(stream: bytes, module: PixelModule) -> JpegHeader:
    """The header of a frame, which is of the kind and size that the instance states.

    Raises:
        ItemError: MALFORMED or TRUNCATED.
    """
    header = read_header(stream)
    is_lossless = module.syntax.uid in _LOSSLESS
    if header.kind not in ({SOF_LOSSLESS} if is_lossless else _DCT):
        raise ItemError(Reason.MALFORMED, "a JPEG frame of another process than its transfer syntax says")
    if len(header.components) not in (1, 3):
        raise ItemError(Reason.UNSUPPORTED_OBJECT, f"a JPEG frame of {len(header.components)} components")
    check_shape(
        module,
        rows=header.rows,
        columns=header.columns,
        samples=len(header.components),
        precision=header.precision,
    )
    return header


def read(raw: Buffer, module: PixelModule) -> Coded:
    """One decoded frame, chroma in every pixel.

    Raises:
        ItemError: MALFORMED or TRUNCATED.
    """
    stream = bytes(raw)
    header = checked_header(stream, module)
    scans = planned_scans(stream, header)
    octets = _decoded(bare(stream, header), header, module)
    words = reshaped(octets, module, size=1 if header.precision <= 8 else 2)
    # The decoder fills in samples for bits that are wanting, so bits are counted.
    if header.kind == SOF_LOSSLESS:
        check_lossless(stream, header, scans, words)
    elif header.precision == 8:
        jpeg_dct.read_blocks(stream, header)
    else:
        check_blocks(stream, header, scans)
    return Coded(words, header.precision)


def read_blocks(stream: bytes, module: PixelModule) -> Blocks:
    """One frame of 8 bits as DCT blocks.

    Raises:
        ItemError: MALFORMED or TRUNCATED.
    """
    header = checked_header(stream, module)
    planned_scans(stream, header)
    _decoded(bare(stream, header), header, module)
    return jpeg_dct.read_blocks(stream, header)


def _decoded(stream: bytes, header: JpegHeader, module: PixelModule) -> bytes:
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(stream)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(*_PIXEL_DATA))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((module.columns, module.rows, 1))
    image.SetDataElement(element)
    kind = gdcm.PhotometricInterpretation.GetPIType("RGB" if module.samples > 1 else "MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    if module.samples > 1:
        image.SetPlanarConfiguration(0)
    syntax = gdcm.TransferSyntax.GetTSType(module.syntax.uid)
    image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    # It has decoders for three depths and chooses by the bits allocated.
    allocated = next(bits for bits in (8, 12, 16) if header.precision <= bits)
    image.SetPixelFormat(gdcm.PixelFormat(module.samples, allocated, header.precision, header.precision - 1, 0))
    decoded = image.GetBuffer()
    if decoded is None:
        raise ItemError(Reason.MALFORMED, "a JPEG frame that does not decode")
    return str(decoded).encode("utf-8", "surrogateescape")
