"""Why each element of a file is kept, changed or removed: the policy's own words, and never a value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from curator.deid.headers.meant import meant_vr
from curator.dicom.dictionary import keyword, tag_of, tag_text
from curator.dicom.elements import Buffer, Element
from curator.dicom.parse import parse
from curator.dicom.private import block_of, is_creator, is_private, private_creators
from curator.errors import UsageError
from curator.model.decision import Decision, ElementRef
from curator.policy.header import HeaderPolicy, decide
from curator.policy.recipe.laid import decided_over

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
    overlay = decided_over(policy, data_set).decisions
    return tuple(
        _row(
            overlay.get(element.start)
            or decide(policy, ElementRef(element.tag, meant_vr(element, data_set.syntax), path, sop_class, owner)),
            element,
            place,
        )
        for place, path, owner, element in _placed(data_set.elements, data_set.data)
        if wanted is None or element.tag == wanted
    )


def _row(decision: Decision, element: Element, place: str) -> Explanation:
    return Explanation(
        place=place,
        keyword=keyword(element.tag),
        vr=element.vr,
        action=decision.action.value,
        rule_id=decision.rule_id,
        why=decision.why,
    )


def _placed(
    elements: Sequence[Element], data: Buffer, before: str = "", path: tuple[int, ...] = ()
) -> Iterator[tuple[str, tuple[int, ...], str, Element]]:
    """Place, path, private creator and element; a creator is its own, whether or not anything of its block stays."""
    creators = private_creators(elements, data)
    for element in elements:
        place = before + tag_text(element.tag)
        owner = creators.get(element.tag if is_creator(element.tag) else block_of(element.tag), "")
        yield place, path, owner if is_private(element.tag) else "", element
        for number, item in enumerate(element.items or ()):
            yield from _placed(item.elements, data, f"{place}[{number}]/", (*path, element.tag))


def _tag(text: str) -> int:
    match = _TAG.fullmatch(text.strip())
    if match is not None:
        return int(match.group(1) + match.group(2), 16)
    try:
        return tag_of(text.strip())
    except KeyError:
        raise UsageError("no such tag or keyword; write (0010,0010), 00100010 or PatientName") from None
