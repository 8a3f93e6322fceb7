"""The policy carried out a second time, on what pydicom reads: what each element of an output has to be.

Nothing of the engine's own reading, rewriting or dates is used, but for the policy's decisions and the pseudonyms.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from deid_samples import PSEUDONYMS, policy
from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement

from curator.dicom.dictionary import dictionary_vr
from curator.identity.search import Needles, found_in
from curator.model.decision import Action, ElementRef
from curator.policy.header import decide

MARKERS = (0x00120062, 0x00120063, 0x00120064, 0x00280303)
_STRICT_CODE = re.compile(r"[A-Z0-9 _/.+\-]{0,16}")


@dataclass(frozen=True)
class Compared:
    """One element in a source and in its output; values are bytes, None for sequences and for what is gone."""

    tag: int
    vr: str
    action: Action
    before: bytes | None
    after: bytes | None
    items_before: int = 0
    items_after: int = 0


def compare(
    source: Dataset, output: Dataset, options: tuple[str, ...], path: tuple[int, ...] = (), sop_class: str = ""
) -> Iterator[Compared]:
    """Every element of a source at every depth that the policy enters, beside what the output has in its place."""
    sop_class = sop_class or raw(source, 0x00080016).decode().strip(" \0")
    # Before pydicom decodes any: to read a sequence it looks at other elements.
    tags = sorted(source.keys())
    vrs = {tag: vr_of(source, tag) for tag in tags}
    before, after = ({tag: raw(one, tag) for tag in tags if tag in one} for one in (source, output))
    for tag in tags:
        if tag & 0xFFFF == 0 or (not path and tag in MARKERS):
            continue
        vr = vrs[tag]
        action = decide(policy(*options), ElementRef(int(tag), vr, path, sop_class)).action
        if vr != "SQ":
            yield Compared(int(tag), vr, action, before[tag], after.get(tag))
            continue
        inside = list(source[tag].value or ())
        outside = list(output[tag].value or ()) if tag in output else []
        yield Compared(int(tag), vr, action, None, None if tag not in output else b"", len(inside), len(outside))
        if action is Action.KEEP:
            assert len(inside) == len(outside)
            for one, other in zip(inside, outside, strict=True):
                yield from compare(one, other, options, (*path, int(tag)), sop_class)


def surplus(source: Dataset, output: Dataset) -> set[int]:
    """Tags of the output's top level that are neither the source's nor markers."""
    return {int(tag) for tag in output.keys() - source.keys()} - set(MARKERS)


def vr_of(dataset: Dataset, tag: int) -> str:
    element = dataset.get_item(tag)
    assert element is not None
    vr = element.VR
    if vr is None or (vr == "UN" and not isinstance(element, RawDataElement)):
        return dictionary_vr(tag)
    if vr == "UN" and not (tag >> 16) & 1:
        return dictionary_vr(tag)
    return str(vr)


def raw(dataset: Dataset, tag: int) -> bytes:
    """The value bytes, b"" for a sequence; pydicom reads the character set at once, so that comes without padding."""
    element = dataset.get_item(tag)
    assert element is not None
    if isinstance(element, RawDataElement):
        return element.value or b""
    if element.VR == "SQ" or (tag >> 16) & 1:
        # Of private elements all that counts is that they are gone.
        return b""
    assert element.is_empty or tag == 0x00080005, f"{tag:08X} was decoded before it was compared"
    return ("" if element.is_empty else element.value if element.VM == 1 else "\\".join(element.value)).encode()


def is_as_decided(one: Compared, *, needles: Needles, shift_days: int, patient_code: str) -> bool:
    """Whether the output holds what the action makes of the source."""
    if one.action is Action.REMOVE:
        return one.after is None
    if one.after is None:
        return False
    if one.vr == "SQ":
        wanted = {Action.KEEP: one.items_before, Action.DUMMY: min(one.items_before, 1)}.get(one.action, 0)
        return one.items_after == wanted
    assert one.before is not None
    before, after = one.before.rstrip(b" \0"), one.after.rstrip(b" \0")
    match one.action:
        case Action.KEEP:
            return one.before == one.after or _may_change(one, needles)
        case Action.EMPTY:
            return one.after == b""
        case Action.REPLACE_UID:
            return after.decode() == "\\".join(PSEUDONYMS.uid(uid.strip(" \0")) for uid in before.decode().split("\\"))
        case Action.PSEUDONYM:
            return after.decode() == patient_code
        case Action.SHIFT:
            return after == _shifted(before.decode(), one.vr, shift_days)
        case Action.STANDARD_CODE:
            return after in (before, b"REMOVED") or dictionary_VR(one.tag) == "LO"
        case Action.DUMMY:
            return after != b"" and (
                after != before or before in (b"REMOVED", b"0") or one.vr not in ("LO", "SH", "PN")
            )
    return one.after == b""


def _may_change(one: Compared, needles: Needles) -> bool:
    """What is kept changes only where it holds an identifier, is padded, or is no code for all that it claims."""
    assert one.before is not None and one.after is not None
    if found_in(needles, one.before):
        return b"REMOVED" in one.after or one.after == b""
    if one.vr == "CS" and len(one.before) == len(one.after) + len(one.after) % 2 + 6:
        return True
    if one.vr == "CS":
        parts = one.before.decode("latin-1").split("\\")
        return not all(_STRICT_CODE.fullmatch(part) and not re.search(r"\d{5}", part) for part in parts)
    return len(one.before) % 2 == 1 and one.before == one.after[:-1]


def _shifted(text: str, vr: str, days: int) -> bytes:
    moved = []
    for part in text.split("\\"):
        part = part.strip()
        if part:
            written = part.replace(".", "") if vr == "DA" else part
            day = datetime.strptime(written[:8], "%Y%m%d") - timedelta(days=days)
            part = day.strftime("%Y%m%d") + (part[8:] if vr == "DT" else "")
        moved.append(part)
    return "\\".join(moved).encode()
