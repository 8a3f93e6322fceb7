"""Stand-in values: valid for their VR and plainly artificial.

Sources: DICOM PS3.5 6.2 (what each VR admits), PS3.15 E.1-1a (D: "a non-zero length value that may be a dummy value
and consistent with the VR").
"""

from __future__ import annotations

from curator.dicom.dictionary import tag_of
from curator.identity.search import STAND_IN

DUMMY_TEXT: dict[str, bytes] = {
    "AE": STAND_IN.encode(),
    "AS": b"000Y",
    "CS": STAND_IN.encode(),
    "DA": b"19000101",
    "DS": b"0",
    "DT": b"19000101000000",
    "IS": b"0",
    "LO": STAND_IN.encode(),
    "LT": STAND_IN.encode(),
    "PN": f"{STAND_IN}^".encode(),
    "SH": STAND_IN.encode(),
    "ST": STAND_IN.encode(),
    "TM": b"000000",
    "UC": STAND_IN.encode(),
    "UR": b"urn:removed",
    "UT": STAND_IN.encode(),
}

# PS3.3 C.12.1.1.9: the reason that says least.
_LISTED_VALUES = {tag_of("ReasonForTheAttributeModification"): b"CORRECT"}
_WIDTHS = {"AT": 4, "FD": 8, "FL": 4, "OD": 8, "OF": 4, "OL": 4, "OV": 8, "SL": 4, "SV": 8, "UL": 4, "UV": 8}
_SHORTEST_BINARY = 2


def dummy(vr: str, tag: int = 0) -> bytes:
    """A constant value for every VR but UI and SQ; zeros of one value's width for binary ones.

    An attribute of which the standard lists the values has one of those.
    """
    if vr == "CS" and tag in _LISTED_VALUES:
        return _LISTED_VALUES[tag]
    text = DUMMY_TEXT.get(vr)
    return bytes(_WIDTHS.get(vr, _SHORTEST_BINARY)) if text is None else text
