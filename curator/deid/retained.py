"""What text is still in a written instance, for a person to read before it leaves.

The law: every text value at every depth is listed, whatever rule kept it; only what the engine itself wrote everywhere
(its markers, the person's code) and what is no text (numbers, days, times, UIDs) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from curator.dicom.dictionary import TEXT_VRS, dictionary_vr, keyword, tag_of, tag_text
from curator.dicom.elements import DataSet
from curator.dicom.walk import values_at, walk
from curator.identity.search import STAND_IN

_NO_TEXT = frozenset("AS DA DS DT IS TM UI".split())
_OURS = frozenset(
    map(
        tag_of,
        (
            "DeidentificationMethod",
            "DeidentificationMethodCodeSequence",
            "LongitudinalTemporalInformationModified",
            "PatientID",
            "PatientIdentityRemoved",
            "PatientName",
        ),
    )
)


class Retained(NamedTuple):
    """One text and where it stands: keyword, or the tag of what has none."""

    attribute: str
    value: str


def retained(data_set: DataSet) -> Iterator[Retained]:
    """Every text of a written data set, in file order and as often as it stands there; nothing for none."""
    for placed in walk(data_set):
        tag = placed.element.tag
        if placed.element.items is not None or tag in _OURS or _OURS.intersection(placed.path):
            continue
        vr = dictionary_vr(tag) if placed.element.vr == "UN" else placed.element.vr
        if vr not in TEXT_VRS or vr in _NO_TEXT:
            continue
        for value in values_at(data_set, placed):
            if value and value.upper() != STAND_IN:
                yield Retained(keyword(tag) or tag_text(tag), value)
