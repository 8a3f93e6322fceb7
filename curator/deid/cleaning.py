"""What the cleaning options make of one data set, decided before anything of it is rewritten.

Pure given its cleaner: it says for single elements, by where they start, what happens to them and what they then hold,
and which items go.

The law: nothing here keeps what the policy removes; it only carries out what the policy calls cleaning.

Sources: DICOM PS3.15 E.3.3, E.3.4, E.3.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from curator.deid.headers.codes import standard_meaning
from curator.deid.headers.meant import meant_vr
from curator.deid.structured.items import (
    ACQUISITION_CONTEXT,
    CODE_MEANING,
    CONTENT_SEQUENCE,
    STAND_INS,
    VALUE_TAGS,
    code_of,
    content_item,
    counts_items,
)
from curator.deid.text.encoding import cleaned_value
from curator.dicom.elements import DataSet, Element, Item
from curator.dicom.text import SPECIFIC_CHARACTER_SET, encodings_of
from curator.model.decision import Action, Decision, ElementRef
from curator.policy.structured import ContentRules

CLEANABLE_VRS = frozenset({"CS", "LO", "LT", "SH", "ST", "UC", "UT"})
_STAYING = (Action.KEEP, Action.CLEAN)
# What becomes of a sequence whose items have all gone; in every other one stand-ins take their places.
_MAY_END: Mapping[int, Action] = {CONTENT_SEQUENCE: Action.REMOVE, ACQUISITION_CONTEXT: Action.EMPTY}
_ENDED = "structured/no-item-left"
_NOTHING_LEFT = "cleaning left nothing"
_MEANING = "structured/code-meaning"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What cleaning says about one data set; all empty where it says nothing.

    `decisions` stand before the policy's, by where the element starts; `values` are what cleaned elements hold, by the
    same; `dropped` is why items go with all they hold, by where they start.
    """

    decisions: dict[int, Decision] = field(default_factory=dict)
    values: dict[int, bytes] = field(default_factory=dict, repr=False)
    dropped: dict[int, Decision] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an element stands: in which sequences and character sets, and whether one of the sequences is cleaned."""

    path: tuple[int, ...] = ()
    encodings: tuple[str, ...] = ()
    is_cleaned: bool = False


def prepare(
    data_set: DataSet,
    *,
    decide: Callable[[ElementRef], Decision],
    content: ContentRules,
    clean: Callable[[str], str],
    sop_class_uid: str,
) -> Prepared:
    """What the cleaning options make of a data set, where `clean` is what is left of a text."""
    prepared = Prepared()
    work = _Preparation(
        data_set=data_set,
        decide=decide,
        content=content,
        clean=clean,
        sop_class_uid=sop_class_uid,
        is_counted=counts_items(data_set.elements),
        prepared=prepared,
    )
    work.level(data_set.elements, _Place(encodings=encodings_of(b"")), {})
    return prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class _Preparation:
    """One data set at work; `is_counted` says that its items refer to each other by their places."""

    data_set: DataSet
    decide: Callable[[ElementRef], Decision]
    content: ContentRules
    clean: Callable[[str], str]
    sop_class_uid: str
    is_counted: bool
    prepared: Prepared

    def level(self, elements: Sequence[Element], place: _Place, stated: Mapping[int, Decision]) -> None:
        """Everything of one item; `stated` are decisions about its elements by tag."""
        declared = next((one for one in elements if one.tag == SPECIFIC_CHARACTER_SET), None)
        encodings = place.encodings if declared is None else encodings_of(self.data_set.raw(declared))
        place = replace(place, encodings=encodings)
        for element in elements:
            if not element.tag >> 16 & 1:
                self._element(element, place, stated.get(element.tag))

    def _element(self, element: Element, place: _Place, stated: Decision | None) -> None:
        vr = meant_vr(element, self.data_set.syntax)
        decision = stated or self._annotation(element, place)
        if decision is not None:
            self.prepared.decisions[element.start] = decision
        else:
            decision = self.decide(ElementRef(element.tag, vr, path=place.path, sop_class_uid=self.sop_class_uid))
        if vr == "SQ":
            if decision.action in _STAYING:
                self._sequence(element, place, is_cleaned=place.is_cleaned or decision.action is Action.CLEAN)
        elif decision.action is Action.CLEAN and vr in CLEANABLE_VRS:
            self._text(element, vr, place, decision)

    def _annotation(self, element: Element, place: _Place) -> Decision | None:
        return self.content.annotation if place.is_cleaned and element.tag in self.content.annotation_tags else None

    def _text(self, element: Element, vr: str, place: _Place, decision: Decision) -> None:
        if element.length == 0:
            return
        value = cleaned_value(self.data_set.raw(element), vr, place.encodings, clean=self.clean)
        if value is None:
            self.prepared.decisions[element.start] = Decision(decision.otherwise, decision.rule_id, _NOTHING_LEFT)
            return
        self.prepared.values[element.start] = value

    def _sequence(self, element: Element, place: _Place, *, is_cleaned: bool) -> None:
        inner = _Place((*place.path, element.tag), place.encodings, is_cleaned)
        for item in element.items or ():
            if is_cleaned:
                self._cleaned_item(item, inner, stand_ins=self.is_counted or element.tag not in _MAY_END)
            else:
                self.level(item.elements, inner, {})
        if element.items and all(item.start in self.prepared.dropped for item in element.items):
            action = _MAY_END.get(element.tag, Action.EMPTY)
            self.prepared.decisions[element.start] = Decision(action, _ENDED, "no item is left")

    def _cleaned_item(self, item: Item, place: _Place, *, stand_ins: bool) -> None:
        ref = content_item(self.data_set, item)
        self._meaning(item, place)
        if ref is None:
            self.level(item.elements, place, {})
            return
        decision = self.content.decide(ref)
        if decision.action is Action.CLEAN and decision.otherwise is Action.REMOVE and self._is_void(item, place):
            decision = Decision(Action.REMOVE, decision.rule_id, _NOTHING_LEFT)
        if decision.action is Action.REMOVE:
            stand_in = STAND_INS.get(ref.value_type, Action.DUMMY)
            if not stand_ins or (ref.value_type not in VALUE_TAGS and ref.value_type not in STAND_INS):
                self.prepared.dropped[item.start] = decision
                return
            decision = Decision(stand_in, decision.rule_id, "a stand-in, for items are counted")
        self.level(item.elements, place, dict.fromkeys(VALUE_TAGS.get(ref.value_type, ()), decision))

    def _is_void(self, item: Item, place: _Place) -> bool:
        texts = [element for element in item.elements if element.tag in VALUE_TAGS["TEXT"]]
        return not any(
            cleaned_value(self.data_set.raw(element), "UT", place.encodings, clean=self.clean) for element in texts
        )

    def _meaning(self, item: Item, place: _Place) -> None:
        """A code meaning of allowed words stays as it is; of one that the standard does not know, what is allowed."""
        for element in item.elements:
            if element.tag == CODE_MEANING:
                raw = self.data_set.raw(element)
                value = cleaned_value(raw, "LO", place.encodings, clean=self.clean)
                is_whole = value == raw.strip(b" \0")
                if value is not None and (is_whole or standard_meaning(*code_of(self.data_set, item)) is None):
                    self.prepared.decisions[element.start] = Decision(Action.CLEAN, _MEANING, "allowed words only")
                    self.prepared.values[element.start] = value
