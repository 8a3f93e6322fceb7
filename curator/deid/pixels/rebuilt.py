"""A file image with scrubbed pixels in it: every other byte of the data set as it was.

The law: elements that the scrub does not name keep their bytes; the file meta group says the new transfer syntax.

Sources: DICOM PS3.10 7.1; PS3.5 7.1, A.5.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from curator.deid.pixels.scrub import Scrubbed
from curator.deid.pixels.spool import Chunk
from curator.dicom.dictionary import dictionary_vr
from curator.dicom.elements import DataSet
from curator.dicom.encode import element, syntax_for_writing
from curator.dicom.parse import PIXEL_DATA, TRANSFER_SYNTAX_UID

_GROUP_LENGTH = 0x00020000
_PREAMBLE = 128


def rebuilt(data_set: DataSet, scrubbed: Scrubbed) -> tuple[Chunk, ...]:
    """The file with its Pixel Data replaced and the elements that change with it; the source itself if none does."""
    if not scrubbed.changed:
        return (data_set.meta_data,)
    meta, body = _meta(data_set, scrubbed), _body(data_set, scrubbed)
    if not scrubbed.syntax.deflated:
        return (meta, *body)
    return (meta, *_deflated(body))


def _meta(data_set: DataSet, scrubbed: Scrubbed) -> bytes:
    """Preamble and file meta group; empty for a file that has none, whose syntax never changes."""
    if not data_set.meta:
        return bytes(data_set.meta_data[: data_set.elements[0].start])
    fields = []
    for each in data_set.meta:
        value = bytes(data_set.meta_data[each.value : each.value + each.length])
        if each.tag == TRANSFER_SYNTAX_UID and scrubbed.syntax.uid != data_set.syntax.uid:
            value = scrubbed.syntax.uid.encode()
        if each.tag != _GROUP_LENGTH:
            fields.append(element(each.tag, each.vr, value, explicit=True, order="<"))
    group = b"".join(fields)
    length = element(_GROUP_LENGTH, "UL", struct.pack("<I", len(group)), explicit=True, order="<")
    return bytes(data_set.meta_data[: data_set.meta[0].start]) + length + group


def _body(data_set: DataSet, scrubbed: Scrubbed) -> list[Chunk]:
    """The elements of the data set in order, new ones at their place."""
    syntax = syntax_for_writing(scrubbed.syntax)
    pending = {
        tag: element(tag, dictionary_vr(tag), value, explicit=syntax.explicit, order=syntax.order)
        for tag, value in scrubbed.header.items()
        if value is not None
    }
    view = memoryview(data_set.data)
    chunks: list[Chunk] = []
    for each in data_set.elements:
        for tag in sorted(tag for tag in pending if tag < each.tag):
            chunks.append(pending.pop(tag))
        if each.tag == PIXEL_DATA:
            chunks += scrubbed.pixels
        elif each.tag in pending:
            chunks.append(pending.pop(each.tag))
        elif each.tag not in scrubbed.header:
            chunks.append(view[each.start : each.end])
    return chunks


def _deflated(body: list[Chunk]) -> Iterator[bytes]:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    size = 0
    for chunk in body:
        part = deflater.compress(chunk)
        size += len(part)
        yield part
    last = deflater.flush()
    # PS3.5 A.5: an odd number of bytes ends in a null.
    yield last + bytes((size + len(last)) % 2)
