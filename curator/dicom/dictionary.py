"""Names and value representations of standard tags.

pydicom's dictionary is the base; the rule tables may know newer tags, which `register` adds for implicit VR reading.

Sources: DICOM PS3.6 (through pydicom), PS3.5 6.2 (VRs).
"""

from __future__ import annotations

from functools import cache

from curator.dicom.tables import ELEMENTS, REPEATING, TAGS, entry_of

SHORT_LENGTH_VRS = frozenset("AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
LONG_LENGTH_VRS = frozenset("OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
KNOWN_VRS = SHORT_LENGTH_VRS | LONG_LENGTH_VRS
TEXT_VRS = frozenset("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split())
CHARSET_VRS = frozenset("LO LT PN SH ST UC UT".split())
BULK_VRS = frozenset("OB OD OF OL OV OW UN".split())

_supplement: dict[int, str] = {}


def register(vrs: dict[int, str]) -> None:
    """Teach the dictionary tags that pydicom does not know; what pydicom knows stays."""
    if vrs.items() <= _supplement.items():
        return
    _supplement.update(vrs)
    dictionary_vr.cache_clear()


@cache
def dictionary_vr(tag: int) -> str:
    """The VR of a standard tag, "UN" where it is unknown; the first of alternatives such as "OB or OW"."""
    if tag & 0xFFFF == 0:
        return "UL"
    if (tag >> 16) & 1:
        return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    entry = ELEMENTS.get(tag)
    if entry is None and (tag >> 24) in (0x50, 0x60):
        entry = REPEATING.get(f"{tag >> 24:02X}xx{tag & 0xFFFF:04X}")
    if entry is not None:
        vr = entry[0].split(" ")[0]
        return vr if vr in KNOWN_VRS else "UN"
    return _supplement.get(tag, "UN")


def is_standard(tag: int) -> bool:
    """Whether the standard, as this dictionary knows it, defines the tag."""
    return dictionary_vr(tag) != "UN" or tag in ELEMENTS or tag in _supplement


def keyword(tag: int) -> str:
    """The keyword of a standard tag, "" where it is unknown."""
    entry = entry_of(tag)
    return "" if entry is None else entry[4]


def tag_of(name: str) -> int:
    """The tag of a keyword.

    Raises:
        KeyError: no such keyword.
    """
    return TAGS[name]


def tag_text(tag: int) -> str:
    """`(gggg,eeee)` in upper-case hexadecimal."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
