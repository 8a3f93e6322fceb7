"""Transfer syntaxes: how a data set is written.

Sources: DICOM PS3.6 Table A-1, PS3.5 Annex A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DEFLATED_LITTLE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
_RLE_LOSSLESS = "1.2.840.10008.1.2.5"
# Frames as fragments, the one uncompressed, the other deflated; the data set around them is neither.
_FRAMED = frozenset({"1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.8.1"})
_CODECS_ROOT = "1.2.840.10008.1.2.4."
# JPIP: the pixels lie on a server.
_REFERENCED = frozenset(_CODECS_ROOT + last for last in ("94", "95", "204", "205"))


@dataclass(frozen=True, slots=True)
class TransferSyntax:
    """One way to write a data set; `order` is struct's byte-order character."""

    uid: str
    explicit: bool
    order: Literal["<", ">"]
    deflated: bool
    encapsulated: bool


EXPLICIT = TransferSyntax(EXPLICIT_LITTLE, explicit=True, order="<", deflated=False, encapsulated=False)
"""Explicit VR little endian; what is written in other syntaxes that name a codec is written so too."""


def transfer_syntax(uid: str) -> TransferSyntax | None:
    """The syntax of a standard UID; None for private ones and for those that are no file format (JPIP, SMPTE)."""
    if uid == IMPLICIT_LITTLE:
        return TransferSyntax(uid, explicit=False, order="<", deflated=False, encapsulated=False)
    if uid == EXPLICIT_LITTLE:
        return EXPLICIT
    if uid == DEFLATED_LITTLE:
        return TransferSyntax(uid, explicit=True, order="<", deflated=True, encapsulated=False)
    if uid == EXPLICIT_BIG:
        return TransferSyntax(uid, explicit=True, order=">", deflated=False, encapsulated=False)
    if uid == _RLE_LOSSLESS or uid in _FRAMED or (uid.startswith(_CODECS_ROOT) and uid not in _REFERENCED):
        return TransferSyntax(uid, explicit=True, order="<", deflated=False, encapsulated=True)
    return None
