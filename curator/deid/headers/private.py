"""What a kept private value has to look like.

The law: a value stays where it is what the table promises of it, however the file wrote it; everything else goes.

Sources: DICOM PS3.15 2026d E.3.10, Table E.3.10-1; PS3.5 6.2, 6.2.2 (values written as UN).
"""

from __future__ import annotations

import re

from curator.deid.headers import values
from curator.dicom.dictionary import TEXT_VRS
from curator.dicom.elements import Element
from curator.model.decision import ValueForm

# Counted where a row would stay and its value is not what the row promises.
UNFIT_RULE = "safe-private/unfit-value"
_UNKNOWN = "UN"
_BIG = ">"
_PLAIN_TEXT = frozenset({"LO", "LT", "SH", "ST"})
_SINGLE_VALUED = frozenset({"LT", "ST"})
_SHORTEST_HIDDEN_TEXT = 4
_PRINTABLE = re.compile(rb"[ -~]+\0?")
_NUMBER = re.compile(rb"[+-]?\d{1,4}(\.\d{1,6})?([eE][+-]?\d{1,3})?(:\d{1,4})?")
# Short, without blanks, not all letters unless a few capitals, and with no run of digits as long as a record number.
_CODE = re.compile(rb"(?!.*\d{5})(?=.*[\d_]|[A-Z]{1,4}$)[A-Za-z0-9][A-Za-z0-9_.+\-/]{0,15}")


def safe_value(element: Element, raw: memoryview, form: ValueForm, *, order: str) -> bytes | None:
    """The value of a safe private element but for a UID's; None for one that is not what its row promises."""
    if not raw:
        return b""
    if form.vr in TEXT_VRS:
        return _safe_text(bytes(raw), form)
    if element.vr == _UNKNOWN and (order == _BIG or _says_something(raw)):
        # In big endian nobody knows the byte order of a value of unknown VR.
        return None
    return bytes(raw) if values.is_numbers(raw, form.vr, element.tag, most_values=form.most_values) else None


def _safe_text(raw: bytes, form: ValueForm) -> bytes | None:
    parts = [raw] if form.vr in _SINGLE_VALUED else raw.split(b"\\")
    if len(parts) > form.most_values or not raw.isascii():
        return None
    if form.vr not in _PLAIN_TEXT:
        return values.well_formed(raw, form.vr)
    stripped = (part.strip(b" \0") for part in parts)
    return raw if all(not part or _NUMBER.fullmatch(part) or _CODE.fullmatch(part) for part in stripped) else None


def _says_something(raw: memoryview) -> bool:
    return len(raw) >= _SHORTEST_HIDDEN_TEXT and _PRINTABLE.fullmatch(raw) is not None
