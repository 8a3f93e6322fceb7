"""Why each element of a file is kept, changed or removed: the policy's own words, and never a value.

The law: what is said of an element is what becomes of it, be it for the sake of the sequence or of the content item
that it stands in. Two things the proof or the text engine may still change: a kept value that carries an identifier,
and a text of which cleaning leaves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from curator.deid.cleaning import Prepared, prepare
from curator.deid.headers.markers import Earlier, marker_elements
from curator.deid.headers.meant import meant_vr
from curator.dicom.dictionary import TEXT_VRS, keyword, tag_of, tag_text
from curator.dicom.elements import DataSet, Element, Item
from curator.dicom.parse import parse
from curator.dicom.private import block_of, is_creator, is_private, private_creators
from curator.errors import UsageError
from curator.model.decision import Action, Decision, ElementRef
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
    # What is left of a text nobody asks here, so no engine is needed: all of it.
    prepared = Prepared()
    if policy.content is not None:
        prepared = prepare(
            data_set, decide=partial(decide, policy), content=policy.content, clean=str, sop_class_uid=sop_class
        )
    marked = Decision(Action.SET, f"{policy.profile}/markers", "what every output says of its de-identification")
    work = _Explaining(
        policy=policy,
        data_set=data_set,
        sop_class=sop_class,
        stated={**prepared.decisions, **decided_over(policy, data_set).decisions},
        dropped=prepared.dropped,
        markers=dict.fromkeys(marker_elements(policy, data_set.syntax, Earlier()), marked),
    )
    return tuple(row for tag, row in work.rows(data_set.elements, "", ()) if wanted is None or tag == wanted)


@dataclass(frozen=True, slots=True)
class _Above:
    """What became of the sequence that an element stands in; `is_gone` where nothing of the item stays."""

    decision: Decision
    place: str
    is_gone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Explaining:
    """One data set being explained: what stands before the policy's decisions, by where elements and items start."""

    policy: HeaderPolicy
    data_set: DataSet
    sop_class: str
    stated: Mapping[int, Decision]
    dropped: Mapping[int, Decision]
    markers: Mapping[int, Decision]

    def rows(
        self, elements: Sequence[Element], before: str, path: tuple[int, ...], above: _Above | None = None
    ) -> Iterator[tuple[int, Explanation]]:
        """Tag and row of every element; a creator is its own, whether or not anything of its block stays."""
        creators = private_creators(elements, self.data_set.data)
        for element in elements:
            place = before + tag_text(element.tag)
            owner = creators.get(element.tag if is_creator(element.tag) else block_of(element.tag), "")
            decision = self._decided(element, path, owner if is_private(element.tag) else "", above)
            yield element.tag, _row(decision, element, place)
            for number, item in enumerate(element.items or ()):
                inside = self._inside(item, number, decision, place, above)
                yield from self.rows(item.elements, f"{place}[{number}]/", (*path, element.tag), inside)

    def _decided(self, element: Element, path: tuple[int, ...], owner: str, above: _Above | None) -> Decision:
        if not path and element.tag in self.markers:
            return self.markers[element.tag]
        vr = meant_vr(element, self.data_set.syntax)
        own = self.stated.get(element.start) or decide(
            self.policy, ElementRef(element.tag, vr, path, self.sop_class, owner)
        )
        if above is None:
            return own
        if above.is_gone:
            return Decision(Action.REMOVE, above.decision.rule_id, f"goes with {above.place}: {above.decision.why}")
        # Of a sequence that stays as a stand-in, codes of the standard's own and numbers keep their own decisions.
        if vr in ("CS", "UI") or vr not in (*TEXT_VRS, "SQ") or own.action is Action.REMOVE:
            return own
        return Decision(Action.DUMMY, above.decision.rule_id, f"{above.place} stays as a stand-in")

    def _inside(self, item: Item, number: int, decision: Decision, place: str, above: _Above | None) -> _Above | None:
        """What becomes of an item's elements for the sake of the item; None where each stands for itself."""
        if above is not None and above.is_gone:
            return above
        if item.start in self.dropped:
            return _Above(self.dropped[item.start], f"{place}[{number}]", is_gone=True)
        if decision.action in (Action.KEEP, Action.CLEAN):
            return None
        return _Above(decision, place, is_gone=decision.action is not Action.DUMMY or number > 0)


def _row(decision: Decision, element: Element, place: str) -> Explanation:
    return Explanation(
        place=place,
        keyword=keyword(element.tag),
        vr=element.vr,
        action=decision.action.value,
        rule_id=decision.rule_id,
        why=decision.why,
    )


def _tag(text: str) -> int:
    match = _TAG.fullmatch(text.strip())
    if match is not None:
        return int(match.group(1) + match.group(2), 16)
    try:
        return tag_of(text.strip())
    except KeyError:
        raise UsageError("no such tag or keyword; write (0010,0010), 00100010 or PatientName") from None
