"""What a recipe may not touch, whatever it says.

The law: the identity of an instance, its UIDs and the markers of de-identification are the engine's own to answer for;
who is shown is never a recipe's to keep.

Sources: DICOM PS3.15 E.1.1 (markers); 45 CFR 164.514(b)(2)(i).
"""

from __future__ import annotations

from collections.abc import Collection

from curator.dicom.dictionary import dictionary_vr, tag_of
from curator.dicom.tables import ELEMENTS

TEMPORAL_VRS = ("DA", "DT")
# What the deid package leaves alone whatever a recipe says.
UNTOUCHED = frozenset(
    map(
        tag_of,
        (
            "PixelData",
            "RedPaletteColorLookupTableData",
            "GreenPaletteColorLookupTableData",
            "BluePaletteColorLookupTableData",
            "VOILUTSequence",
        ),
    )
)
# An instance has to have these and the engine's own values stand there, whatever a recipe says.
OWN_IDENTITY = frozenset(
    map(tag_of, ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID"))
)
OWN_MARKERS = frozenset(
    map(
        tag_of,
        (
            "PatientIdentityRemoved",
            "DeidentificationMethod",
            "DeidentificationMethodCodeSequence",
            "LongitudinalTemporalInformationModified",
        ),
    )
)
OWN = OWN_IDENTITY | OWN_MARKERS
_TAG_BY_KEYWORD = {entry[4].lower(): tag for tag, entry in ELEMENTS.items() if entry[4]}


def is_never_kept(tag: int, vr: str, named: Collection[int]) -> bool:
    """Whether a recipe may not keep an attribute: a name, a UID, or one of the listed identifiers."""
    return vr in ("PN", "UI") or dictionary_vr(tag) in ("PN", "UI") or tag in named


def tag_named(name: str) -> int | None:
    """The tag of a keyword (in any case), `ggggeeee` or `(gggg,eeee)`; None for any other name."""
    digits = name.strip("()").replace(",", "").replace(" ", "")
    if len(digits) == 8 and all(digit in "0123456789abcdefABCDEF" for digit in digits):
        return int(digits, 16)
    return _TAG_BY_KEYWORD.get(name.lower())


def added_vr(tag: int) -> str:
    """The VR of an element that the source does not have; short text for one that no dictionary knows."""
    vr = dictionary_vr(tag)
    return "ST" if vr == "UN" else vr
