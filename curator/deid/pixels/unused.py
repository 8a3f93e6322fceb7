"""Bits of decoded words that are no part of a sample, in frames that a codec packed.

A lossless codestream of 16 bits carries what stands above a sample of 12 as faithfully as the sample.

The law: a frame whose own header speaks of no more bits than a sample has is not decoded; one that is written anew
decodes to the same samples.

Sources: DICOM PS3.5 8.1.1, 8.2.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from curator.deid.pixels.bitstream import precision
from curator.deid.pixels.codecs import framed, jpeg_2000, jpeg_ls, native, rle
from curator.deid.pixels.codecs.coded import container, meant
from curator.deid.pixels.codecs.native import Samples
from curator.deid.pixels.frames import read_coded
from curator.deid.pixels.module import (
    JPEG_2000,
    JPEG_2000_LOSSLESS,
    JPEG_LS,
    RLE_LOSSLESS,
    UNCOMPRESSED,
    PixelModule,
)
from curator.dicom.elements import Buffer
from curator.errors import ItemError
from curator.model.quarantine import Reason

# What can be written again without loss in the syntax that it was read in.
_ENCODERS = {
    **dict.fromkeys(JPEG_LS, jpeg_ls.encoded),
    **dict.fromkeys((JPEG_2000, JPEG_2000_LOSSLESS), jpeg_2000.encoded),
}


def may_hold_more(frame: Buffer, module: PixelModule) -> bool:
    """Whether the words of an encapsulated frame have bits that are no part of a sample, by its own header.

    Raises:
        ItemError: MALFORMED.
    """
    if module.bits_stored >= module.bits_allocated or module.bits_allocated == 1:
        return False
    bits = precision(frame, module.syntax.uid)
    return bits is None or bits > module.bits_stored


def without_more(frame: Buffer, module: PixelModule) -> Buffer:
    """The frame with nothing in those bits: the sign repeated, or zeros; `frame` itself where that is so.

    Raises:
        ItemError: what cannot be decoded; BURNED_IN_TEXT_POSSIBLE where it can be read but not written again.
    """
    if not may_hold_more(frame, module):
        return frame
    uid = module.syntax.uid
    if uid == RLE_LOSSLESS:
        words = rle.containers(frame, module)
        return frame if is_clean(words, module) else rle.encode(bare(words, module))
    if uid in UNCOMPRESSED:
        octets = framed.opened(frame, module)
        words = native.containers(octets, module, order="<")
        return frame if is_clean(words, module) else framed.closed(_octets(bare(words, module), module), module)
    coded = read_coded(frame, module)
    fitting = meant(module, coded.precision)
    if is_clean(coded.words, fitting, bits=coded.precision):
        return frame
    encoded = _ENCODERS.get(uid)
    if encoded is not None:
        return encoded(replace(coded, words=bare(coded.words, fitting, bits=coded.precision)))
    raise ItemError(Reason.BURNED_IN_TEXT_POSSIBLE, f"bits that are no part of the pixels hold something in {uid}")


def is_clean(words: Samples, module: PixelModule, *, bits: int = 0) -> bool:
    """Whether unsigned words of `bits` (all that are allocated, for 0) hold samples and nothing else.

    All bits that are no part of a sample are zero in every word, or those above it repeat its sign in every one.
    """
    if words.size == 0:
        return True
    used = _used(module)
    if int(np.bitwise_or.reduce(words, axis=None)) & ~used == 0:
        return True
    if not module.is_signed:
        return False
    below = (1 << (module.high_bit + 1 - module.bits_stored)) - 1
    from_sign = words >> module.high_bit
    signs = (1 << ((bits or module.bits_allocated) - module.high_bit)) - 1
    has_signs = bool(((from_sign == 0) | (from_sign == signs)).all())
    return has_signs and int(np.bitwise_or.reduce(words, axis=None)) & below == 0


def bare(words: Samples, module: PixelModule, *, bits: int = 0) -> Samples:
    """The words with the sign repeated above each sample, or zeros, and zeros below; a new array of the same type."""
    kept = words & words.dtype.type(_used(module))
    if not module.is_signed:
        return kept
    above = ((1 << (bits or module.bits_allocated)) - 1) & ~((1 << (module.high_bit + 1)) - 1)
    sign = (words >> module.high_bit) & 1
    return kept | sign * words.dtype.type(above)


def _used(module: PixelModule) -> int:
    return ((1 << module.bits_stored) - 1) << (module.high_bit + 1 - module.bits_stored)


def _octets(words: Samples, module: PixelModule) -> bytes:
    if module.samples > 1 and module.planar == 1:
        words = words.transpose(2, 0, 1)
    return np.ascontiguousarray(words, container(module).newbyteorder("<")).tobytes()
