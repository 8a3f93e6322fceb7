"""New values for elements that stay: what each action makes of one value.

Every function takes and gives raw value bytes; None says that the value cannot be kept and the element is emptied.

Sources: DICOM PS3.15 E.1-1a; PS3.5 6.2 (syntax of AS, CS, DA, DS, DT, IS, TM), 6.4 (multiplicity).
"""

from __future__ import annotations

import math
import mmap
import re
from collections.abc import Callable
from functools import cache

from curator.deid.headers.codes import is_code_value, standard_meaning
from curator.deid.headers.dates import is_date, is_datetime, shifted_date, shifted_datetime
from curator.deid.headers.dummies import DUMMY_TEXT
from curator.deid.subject import Subject
from curator.dicom.tables import entry_of
from curator.dicom.text import values_of
from curator.identity.pseudonyms import Pseudonyms, is_uid

CODE_VALUE = 0x00080100
CODING_SCHEME_DESIGNATOR = 0x00080102
CODE_MEANING = 0x00080104
LONG_CODE_VALUE = 0x00080119
URN_CODE_VALUE = 0x00080120
CODE_VALUE_TAGS = (CODE_VALUE, LONG_CODE_VALUE, URN_CODE_VALUE)
_LONGEST_MEANING = 64
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*")
# Upper case as the standard has it, and what vendors put between words; only ISO and GB standards have numbers so long.
_CODE_STRING = re.compile(r"(?!.*(?<!ISO_)(?<!GB)(?<!\d)\d{5})[A-Z0-9 _/.+\-]{0,16}")
_AGE = re.compile(r"\d{3}[DWMY]")
# With the colons of ACR-NEMA, which old archives hold.
_TIME = re.compile(r"\d{2}(:?\d{2}(:?\d{2}(\.\d{1,6})?)?)?")
_DAYS = {"D": 1, "W": 7, "M": 30, "Y": 365}
_OLDEST_AGE = 89
_SYNTAX: dict[str, Callable[[str], object]] = {
    "AS": _AGE.fullmatch,
    "CS": _CODE_STRING.fullmatch,
    "DA": is_date,
    "DS": _NUMBER.fullmatch,
    "DT": is_datetime,
    "IS": _NUMBER.fullmatch,
    "TM": _TIME.fullmatch,
    "UI": is_uid,
}
_WIDTHS = {"AT": 4, "FD": 8, "FL": 4, "SL": 4, "SS": 2, "SV": 8, "UL": 4, "US": 2, "UV": 8}
_DECIMAL = rb"-?\d+(?:\.\d+)?"
_PLAIN_DECIMALS = re.compile(_DECIMAL + rb"(?:\\" + _DECIMAL + rb")* ?")
_PLAIN_TEXTS = {"DS": _PLAIN_DECIMALS, "IS": _PLAIN_DECIMALS, "TM": re.compile(rb"\d{6}(?:\.\d{1,6})? ?")}
PLAIN_VRS = frozenset({*_PLAIN_TEXTS, "OB", "OD", "OF", "OL", "OV", "OW", "SL", "SS", "UL", "US"})
"""VRs of which one look can tell that a value is right, in the dictionary as in the file."""
_SHORT_HEADER, _RESERVED = 8, 6
# So many bytes of numbers are not all letters, digits and punctuation by chance; floating point looks more like it.
_SHORTEST_HIDDEN_TEXT = {"FD": 16, "FL": 16}
_SHORTEST_HIDDEN_TEXT_AMONG_INTEGERS = 8
_PRINTABLE = re.compile(rb"[ -~]+\0*")
_MULTIPLICITY = re.compile(r"\d+(?:-(\d+))?")


def remapped_uids(raw: bytes, pseudonyms: Pseudonyms) -> bytes:
    """Every UID of a value replaced; well-known ones stay."""
    uids = raw.decode("latin-1").strip(" \0").split("\\")
    return "\\".join(pseudonyms.uid(uid.strip(" \0")) for uid in uids).encode("latin-1")


def shifted(raw: bytes, vr: str, subject: Subject) -> bytes | None:
    """Every DA or DT of a value moved by the person's shift; None where one of them is no date."""
    shift: Callable[[str, int], str | None] = shifted_date if vr == "DA" else shifted_datetime
    moved = [shift(value, subject.shift_days) for value in values_of(raw, vr, ())]
    if any(value is None for value in moved):
        return None
    return "\\".join(value for value in moved if value is not None).encode("ascii")


def capped_age(raw: bytes) -> bytes | None:
    """An age as given, 090Y for one above 89 years; None for what is no age.

    Sources: 45 CFR 164.514(b)(2)(i)(C) (ages over 89).
    """
    text = raw.decode("latin-1").strip(" \0")
    if not text or _AGE.fullmatch(text) is None:
        return None
    days = int(text[:3]) * _DAYS[text[3]]
    return text.encode() if days < _DAYS["Y"] * (_OLDEST_AGE + 1) else f"{_OLDEST_AGE + 1:03d}Y".encode()


def kept_uids(raw: bytes, pseudonyms: Pseudonyms) -> bytes:
    """Every UID of a value as it is; what is no UID is replaced like one."""
    uids = raw.decode("latin-1").strip(" \0").split("\\")
    return "\\".join(kept_uid(uid.strip(" \0"), pseudonyms) for uid in uids).encode("latin-1")


def kept_uid(uid: str, pseudonyms: Pseudonyms) -> str:
    """A UID as it is, a replacement for text that is none, "" for none."""
    return uid if is_uid(uid) else pseudonyms.uid(uid)


def well_formed(raw: bytes, vr: str) -> bytes | None:
    """A kept text value where it is what its VR promises, else None: text in a number's place is how names slip by.

    Of several codes (an Image Type) those that are none become empty, and the others stay in their places.
    """
    fits = _SYNTAX.get(vr)
    if fits is None:
        return raw
    parts = raw.decode("latin-1").strip(" \0").split("\\")
    kept = [part if part == "" or fits(part.strip(" \0")) else "" for part in parts]
    if kept == parts:
        return raw
    return "\\".join(kept).encode("latin-1") if vr == "CS" and any(kept) else None


def is_numbers(raw: memoryview, vr: str, tag: int, *, most_values: float | None = None) -> bool:
    """Whether a kept binary value is as many numbers as its attribute may have, and no text; true for other VRs.

    `most_values` stands for what the dictionary says of the tag.
    """
    width = _WIDTHS.get(vr)
    if width is None:
        return True
    count, rest = divmod(len(raw), width)
    if rest or count > (_most_values(tag) if most_values is None else most_values):
        return False
    shortest = _SHORTEST_HIDDEN_TEXT.get(vr, _SHORTEST_HIDDEN_TEXT_AMONG_INTEGERS)
    return len(raw) < shortest or _PRINTABLE.fullmatch(raw) is None


def is_plainly_right(data: bytes | mmap.mmap, vr: str, start: int, end: int) -> bool:
    """Whether the element between is written as nearly all of its VR are, so that one which is kept stays as it is.

    False says nothing. `vr` is one of `PLAIN_VRS`.
    """
    if (end - start) % 2:
        return False
    width = _WIDTHS.get(vr)
    if width is not None:
        return end - start == _SHORT_HEADER + width
    plain = _PLAIN_TEXTS.get(vr)
    if plain is not None:
        return plain.fullmatch(data, start + _SHORT_HEADER, end) is not None
    # Words of pixels: nothing is asked of them but that the reserved bytes of their header are none.
    return data[start + _RESERVED : start + _SHORT_HEADER] == b"\0\0"


@cache
def _most_values(tag: int) -> float:
    entry = entry_of(tag)
    bounded = None if entry is None else _MULTIPLICITY.fullmatch(entry[1])
    return float(bounded.group(1) or bounded.group(0)) if bounded else math.inf


def standard_code(tag: int, raw: bytes, *, scheme: str, value: str) -> bytes:
    """A code value or meaning that the standard's dictionary confirms, else a stand-in.

    `value` is the code that the item's meaning belongs to; a code value is judged by what it says itself.
    """
    own = raw.decode("latin-1").strip(" \0")
    if tag == CODE_MEANING:
        meaning = standard_meaning(scheme, value)
        if meaning is None:
            return DUMMY_TEXT["LO"]
        same = own.casefold() == meaning.casefold()
        return raw if same else meaning.encode("ascii", "ignore")[:_LONGEST_MEANING].strip()
    known = standard_meaning(scheme, own) is not None or is_code_value(own)
    return own.encode("latin-1") if known else DUMMY_TEXT["SH"]
