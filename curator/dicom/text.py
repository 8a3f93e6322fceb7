"""What the text of an element says.

The law: bytes that the declared character set cannot explain are decoded byte for byte (Latin-1), so that a search for
identifiers still sees them.

Sources: DICOM PS3.5 6.1 (character sets), 6.2 (padding, backslash); PS3.3 C.12.1.1.2.
"""

from __future__ import annotations

from functools import lru_cache

from curator.dicom.charsets import codecs_of, decoded
from curator.dicom.dictionary import CHARSET_VRS
from curator.dicom.elements import DataSet

SPECIFIC_CHARACTER_SET = 0x00080005
_SINGLE_VALUED = frozenset({"LT", "ST", "UT", "UR"})


@lru_cache(maxsize=256)
def encodings_of(declared: bytes) -> tuple[str, ...]:
    """Python codecs for a raw Specific Character Set value; ASCII's superset Latin-1 for an empty or unknown one."""
    terms = declared.decode("latin-1").strip(" \0").split("\\")
    try:
        return codecs_of([term.strip() for term in terms])
    except (LookupError, ValueError):
        return ("iso8859",)


def text_of(raw: bytes, vr: str, encodings: tuple[str, ...]) -> str:
    """The text of a value without padding; "" for an empty one."""
    if vr not in CHARSET_VRS or (raw.isascii() and b"\x1b" not in raw):
        return raw.decode("latin-1").strip(" \0")
    return decoded(raw, encodings).strip(" \0")


def values_of(raw: bytes, vr: str, encodings: tuple[str, ...]) -> tuple[str, ...]:
    """All values of a possibly multi-valued text element, stripped; empty for an empty element."""
    text = text_of(raw, vr, encodings)
    if not text:
        return ()
    if vr in _SINGLE_VALUED:
        return (text,)
    return tuple(part.strip(" \0") for part in text.split("\\"))


def encodings_at_top(data_set: DataSet) -> tuple[str, ...]:
    """The codecs that the data set declares at its top level."""
    declared = data_set.first(SPECIFIC_CHARACTER_SET)
    return encodings_of(data_set.raw(declared) if declared is not None else b"")
