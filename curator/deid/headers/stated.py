"""Values that the policy states, as bytes.

The law: a stated value is written in the form of its VR, or the element is left empty; never half of it.

Sources: DICOM PS3.5 6.2.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace

from curator.deid.headers.values import shifted
from curator.deid.subject import Subject
from curator.dicom.dictionary import TEXT_VRS
from curator.dicom.encode import element
from curator.dicom.syntax import TransferSyntax
from curator.model.decision import Decision
from curator.policy.recipe.bounds import added_vr

_INTEGERS = {"SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
_FRACTIONS = {"FD": "d", "FL": "f"}


def stated(decision: Decision, vr: str, *, subject: Subject, order: str) -> bytes | None:
    """The value that a decision states, its dates moved as far as it says; None for one that the VR cannot hold."""
    if decision.days is not None:
        return moved(decision.value.encode("ascii", "replace"), vr, days=decision.days, subject=subject)
    if vr in TEXT_VRS or vr in ("OB", "UN"):
        return decision.value.encode("ascii", "replace")
    form = _INTEGERS.get(vr) or _FRACTIONS.get(vr)
    if form is None:
        return None
    try:
        numbers = [int(text) if vr in _INTEGERS else float(text) for text in decision.value.split("\\")]
        return struct.pack(f"{order}{len(numbers)}{form}", *numbers)
    except (ValueError, struct.error, OverflowError):
        return None


def moved(raw: bytes, vr: str, *, days: int, subject: Subject) -> bytes | None:
    """Every date of a value so many days later; None where one of them is no date or the VR has none."""
    return shifted(raw, vr, replace(subject, shift_days=-days)) if vr in ("DA", "DT") else None


def stated_elements(added: Mapping[int, Decision], syntax: TransferSyntax, subject: Subject) -> dict[int, bytes]:
    """Top-level elements that the policy adds, encoded for a syntax, by tag; one that cannot be written is empty."""
    return {
        tag: element(
            tag,
            added_vr(tag),
            stated(decision, added_vr(tag), subject=subject, order=syntax.order) or b"",
            explicit=syntax.explicit,
            order=syntax.order,
        )
        for tag, decision in added.items()
    }
