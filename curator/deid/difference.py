"""What the rewriting makes of each element: the decision beside what it did to the bytes.

The law: of what stood there only the VR and the length is shown; a new value is shown where it is the engine's own (a
stand-in, a marker, a pseudonym), and never where it is what a cleaning left of the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from curator.deid.explain import Explanation
from curator.dicom.dictionary import TEXT_VRS, keyword, tag_text
from curator.dicom.elements import DataSet, Element, Item
from curator.dicom.text import encodings_at_top, text_of
from curator.model.decision import Action
from curator.policy.header import HeaderPolicy

_LONGEST_SHOWN = 64
_KEYED = frozenset({Action.PSEUDONYM.value, Action.REPLACE_UID.value, Action.SHIFT.value})


class Change(StrEnum):
    """What became of an element."""

    KEPT = "kept"
    REMOVED = "removed"
    EMPTIED = "emptied"
    REPLACED = "replaced"
    INSIDE = "changed inside"
    ADDED = "added"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One element before and after; `before` and `after` are safe to show, "" where there is no element.

    `place` is where it stood in the source; of an added one, where it stands now.
    """

    place: str
    keyword: str
    action: str
    rule_id: str
    why: str
    change: str
    before: str
    after: str

    def to_json(self) -> dict[str, str]:
        """The row for machines."""
        return {name: getattr(self, name) for name in ("place", "keyword", "action", "rule_id", "change", *_SHOWN)}


_SHOWN = ("before", "after", "why")


@dataclass(frozen=True, slots=True)
class Shown:
    """How much may be shown: keyed values where the reader holds the key, old values where they asked for them."""

    keyed: bool = False
    old: bool = field(default=False)


def differences(
    explanations: Sequence[Explanation], source: DataSet, written: DataSet, *, policy: HeaderPolicy, shown: Shown
) -> tuple[Difference, ...]:
    """A row for every element of either data set at every depth, in file order, added ones last.

    Items that the rewriting left out are told by their order and their elements: a written item belongs to the first
    source item behind the one before that has all its elements.
    """
    decided = {one.place: one for one in explanations}
    after = dict(_paired(source.elements, written.elements, ""))
    rows = []
    met: set[str] = set()
    for place, element in _placed(source.elements, ""):
        met.add(place)
        now = after.get(place)
        rows.append(_row(decided[place], source, element, written, now, shown))
    for place, now in after.items():
        if place not in met:
            rows.append(
                Difference(
                    place=place,
                    keyword=keyword(now.tag),
                    action=Action.SET.value,
                    rule_id=f"{policy.profile}/markers",
                    why="what every output says of its de-identification",
                    change=Change.ADDED.value,
                    before="",
                    after=_said(written, now, is_shown=True),
                )
            )
    return tuple(rows)


def _row(
    decided: Explanation, source: DataSet, element: Element, written: DataSet, now: Element | None, shown: Shown
) -> Difference:
    change = _change(source, element, written, now)
    is_ours = decided.action != Action.CLEAN.value and (shown.keyed or decided.action not in _KEYED)
    return Difference(
        place=decided.place,
        keyword=decided.keyword,
        action=decided.action,
        rule_id=decided.rule_id,
        why=decided.why,
        change=change.value,
        before=_said(source, element, is_shown=shown.old),
        after="" if now is None else _said(written, now, is_shown=change is Change.REPLACED and is_ours),
    )


def _change(source: DataSet, element: Element, written: DataSet, now: Element | None) -> Change:
    if now is None:
        return Change.REMOVED
    before, after = source.raw(element), written.raw(now)
    if before == after:
        return Change.KEPT
    if not after:
        return Change.EMPTIED
    return Change.REPLACED if now.items is None else Change.INSIDE


def _said(data_set: DataSet, element: Element, *, is_shown: bool) -> str:
    if element.items is not None:
        return f"{element.vr}, {len(element.items)} items"
    size = f"{element.vr}, {element.length} bytes"
    if not is_shown or element.vr not in TEXT_VRS:
        return size
    text = text_of(data_set.raw(element), element.vr, encodings_at_top(data_set))
    cut = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."
    # A value may hold line ends and what moves a terminal's cursor.
    return f"{size}: {''.join(one if one.isprintable() else ' ' for one in cut)}"


def _placed(elements: Sequence[Element], before: str) -> Iterator[tuple[str, Element]]:
    for element in elements:
        place = before + tag_text(element.tag)
        yield place, element
        for number, item in enumerate(element.items or ()):
            yield from _placed(item.elements, f"{place}[{number}]/")


def _paired(old: Sequence[Element], new: Sequence[Element], before: str) -> Iterator[tuple[str, Element]]:
    """Written elements by the place where they stood in the source."""
    by_tag = {element.tag: element for element in old}
    for element in new:
        place = before + tag_text(element.tag)
        yield place, element
        origin = by_tag.get(element.tag)
        items = (origin.items or ()) if origin is not None else ()
        for number, source_item, item in _matched(items, element.items or ()):
            yield from _paired(source_item, item.elements, f"{place}[{number}]/")


def _matched(old: Sequence[Item], new: Sequence[Item]) -> Iterator[tuple[int, Sequence[Element], Item]]:
    position = 0
    for item in new:
        wanted = {element.tag for element in item.elements}
        fits = (
            number
            for number in range(position, len(old))
            if wanted <= {element.tag for element in old[number].elements}
        )
        number = position if len(old) == len(new) else next(fits, position)
        yield number, old[number].elements if number < len(old) else (), item
        position = number + 1
