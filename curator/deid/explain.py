"""Why each element of a file is kept, changed or removed: the policy's own words, and never a value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from curator.deid.headers.meant import meant_vr
from curator.dicom.dictionary import keyword, tag_of, tag_text
from curator.dicom.elements import Element
from curator.dicom.parse import parse
from curator.errors import UsageError
from curator.model.decision import ElementRef
from curator.policy.header import HeaderPolicy, decide

_TAG = re.compile(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One element: its place as a path of tags with item numbers, and the decision about it."""

    place: str
    keyword: str
    vr: str
    action: str
    rule_id: str
    why: str

    def to_json(self) -> dict[str, str]:
        """The row for machines."""
        return asdict(self)


def explained(data: bytes, policy: HeaderPolicy, *, only: str | None = None) -> tuple[Explanation, ...]:
    """A row for every element at every depth, in file order; for one tag or keyword where `only` names it.

    Raises:
        ItemError: the file cannot be parsed.
        UsageError: `only` is neither a tag nor a keyword.
    """
    data_set = parse(data)
    class_element = data_set.first(tag_of("SOPClassUID"))
    sop_class = data_set.raw(class_element).decode("latin-1").strip(" \0") if class_element is not None else ""
    wanted = None if only is None else _tag(only)
    placed = _placed(data_set.elements, "", ())
    return tuple(
        _row(policy, element, place, ElementRef(element.tag, meant_vr(element, data_set.syntax), path, sop_class))
        for place, path, element in placed
        if wanted is None or element.tag == wanted
    )


def _row(policy: HeaderPolicy, element: Element, place: str, ref: ElementRef) -> Explanation:
    decision = decide(policy, ref)
    return Explanation(
        place=place,
        keyword=keyword(element.tag),
        vr=element.vr,
        action=decision.action.value,
        rule_id=decision.rule_id,
        why=decision.why,
    )


def _placed(
    elements: Iterable[Element], before: str, path: tuple[int, ...]
) -> Iterator[tuple[str, tuple[int, ...], Element]]:
    for element in elements:
        place = before + tag_text(element.tag)
        yield place, path, element
        for number, item in enumerate(element.items or ()):
            yield from _placed(item.elements, f"{place}[{number}]/", (*path, element.tag))


def _tag(text: str) -> int:
    match = _TAG.fullmatch(text.strip())
    if match is not None:
        return int(match.group(1) + match.group(2), 16)
    try:
        return tag_of(text.strip())
    except KeyError:
        raise UsageError("no such tag or keyword; write (0010,0010), 00100010 or PatientName") from None
