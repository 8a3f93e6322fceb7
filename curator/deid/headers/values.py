"""New values for elements that stay: what each action makes of one value.

Every function takes and gives raw value bytes; None says that the value cannot be kept and the element is emptied.

Sources: DICOM PS3.15 E.1-1a; PS3.5 6.2 (syntax of CS, DS, IS, UI).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from curator.deid.headers.codes import is_code_value, standard_meaning
from curator.deid.headers.dates import shifted_date, shifted_datetime
from curator.deid.headers.dummies import DUMMY_TEXT
from curator.deid.subject import Subject
from curator.dicom.text import values_of
from curator.identity.pseudonyms import Pseudonyms

CODE_VALUE = 0x00080100
CODING_SCHEME_DESIGNATOR = 0x00080102
CODE_MEANING = 0x00080104
LONG_CODE_VALUE = 0x00080119
URN_CODE_VALUE = 0x00080120
CODE_VALUE_TAGS = (CODE_VALUE, LONG_CODE_VALUE, URN_CODE_VALUE)
_LONGEST_MEANING = 64
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*")
# Vendors write lower case and punctuation into CS; what matters here is that it is short printable ASCII.
_CODE_STRING = re.compile(r"[ -~]{0,16}")
_AGE = re.compile(r"\d{3}[DWMY]")
_DAYS = {"D": 1, "W": 7, "M": 30, "Y": 365}
_OLDEST_AGE = 89
_SYNTAX = {"IS": _NUMBER, "DS": _NUMBER, "CS": _CODE_STRING, "AS": _AGE}


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


def is_well_formed(raw: bytes, vr: str) -> bool:
    """Whether a kept value is what its VR promises; text in a number's place is how names slip through."""
    syntax = _SYNTAX.get(vr)
    if syntax is None:
        return True
    if not raw.isascii():
        return False
    values = raw.decode("ascii").strip(" \0").split("\\")
    return all(value == "" or syntax.fullmatch(value.strip(" \0")) for value in values)


def standard_code(tag: int, raw: bytes, *, scheme: str, value: str) -> bytes:
    """A code value or meaning that the standard's dictionary confirms, else a stand-in."""
    meaning = standard_meaning(scheme, value)
    if tag == CODE_MEANING:
        if meaning is None:
            return DUMMY_TEXT["LO"]
        same = raw.decode("latin-1").strip(" \0").casefold() == meaning.casefold()
        return raw if same else meaning.encode("ascii", "ignore")[:_LONGEST_MEANING].strip()
    own = raw.decode("latin-1").strip(" \0")
    return raw if meaning is not None or is_code_value(own) else DUMMY_TEXT["SH"]
