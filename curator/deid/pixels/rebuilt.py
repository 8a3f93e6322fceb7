"""A file image with scrubbed pixels in it: every other byte of the data set as it was.

The law: elements that the scrub does not name keep their bytes; the file meta group says the new transfer syntax.

Sources: DICOM PS3.10 7.1; PS3.5 7.1, A.5.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence

from curator.deid.pixels.redrawn import Scrubbed
from curator.deid.pixels.spool import Chunk
from curator.dicom.dictionary import dictionary_vr
from curator.dicom.elements import DataSet
from curator.dicom.encode import element, syntax_for_writing
from curator.dicom.parse import PIXEL_DATA, TRANSFER_SYNTAX_UID
from curator.dicom.syntax import TransferSyntax

_GROUP_LENGTH = 0x00020000
_PREAMBLE = 128


def rebuilt(data_set: DataSet, scrubbed: Scrubbed) -> tuple[Chunk, ...]:
    """The file with its Pixel Data replaced and the elements that change with it; the source itself if none does."""
    if not scrubbed.changed:
        return (data_set.meta_data,)
    syntax = syntax_for_writing(scrubbed.syntax)
    new: dict[int, Sequence[Chunk]] = {
        tag: ()
        if value is None
        else (element(tag, dictionary_vr(tag), value, explicit=syntax.explicit, order=syntax.order),)
        for tag, value in scrubbed.header.items()
    }
    if data_set.first(PIXEL_DATA) is not None:
        new[PIXEL_DATA] = scrubbed.pixels
    return respliced(data_set, new, syntax=scrubbed.syntax)


def respliced(
    data_set: DataSet, new: Mapping[int, Sequence[Chunk]], *, syntax: TransferSyntax | None = None
) -> tuple[Chunk, ...]:
    """The file with whole elements of the top level replaced or added, headers included; nothing for one that goes.

    `syntax` is the transfer syntax that the elements are written in, where it is another than the file's.
    """
    syntax = syntax or data_set.syntax
    meta, body = _meta(data_set, syntax), _body(data_set, new)
    return (meta, *(_deflated(body) if syntax.deflated else body))


def _meta(data_set: DataSet, syntax: TransferSyntax) -> bytes:
    """Preamble and file meta group; empty for a file that has none, whose syntax never changes."""
    if not data_set.meta:
        return bytes(data_set.meta_data[: data_set.elements[0].start])
    fields = []
    for each in data_set.meta:
        value = bytes(data_set.meta_data[each.value : each.value + each.length])
        if each.tag == TRANSFER_SYNTAX_UID and syntax.uid != data_set.syntax.uid:
            value = syntax.uid.encode()
        if each.tag != _GROUP_LENGTH:
            fields.append(element(each.tag, each.vr, value, explicit=True, order="<"))
    group = b"".join(fields)
    length = element(_GROUP_LENGTH, "UL", struct.pack("<I", len(group)), explicit=True, order="<")
    return bytes(data_set.meta_data[: data_set.meta[0].start]) + length + group


def _body(data_set: DataSet, new: Mapping[int, Sequence[Chunk]]) -> list[Chunk]:
    """The elements of the data set in order, new ones at their place."""
    pending = dict(new)
    view = memoryview(data_set.data)
    chunks: list[Chunk] = []
    for each in data_set.elements:
        for tag in sorted(tag for tag in pending if tag < each.tag):
            chunks += pending.pop(tag)
        if each.tag in pending:
            chunks += pending.pop(each.tag)
        elif each.tag not in new:
            chunks.append(view[each.start : each.end])
    for tag in sorted(pending):
        chunks += pending[tag]
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
