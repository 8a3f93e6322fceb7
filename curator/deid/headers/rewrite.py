"""A data set rewritten by the policy's decisions.

Elements that stay are slices of the source; only what a rule touches is made anew; pixel bytes are spliced, never
copied. Sequences are entered at every depth, so a decision holds wherever its element stands.

The law: a value stays only where it is what its VR and its attribute promise; a data set in which an element stands
twice is refused, for readers differ in which of the two they believe.

Sources: DICOM PS3.15 E.1.1, E.1-1a; PS3.5 7.1 (order, even lengths), 7.5 (nesting).
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import attrgetter
from types import MappingProxyType

from curator.deid.headers import values
from curator.deid.headers.dummies import dummy
from curator.deid.headers.kept import Keeping
from curator.deid.headers.meant import meant_vr
from curator.deid.headers.private import UNFIT_RULE, safe_value
from curator.deid.headers.stated import moved, stated
from curator.deid.headers.terms import Terms
from curator.dicom import encode
from curator.dicom.dictionary import LONG_LENGTH_VRS, TEXT_VRS, dictionary_vr, tag_text
from curator.dicom.elements import DataSet, Element, Item
from curator.dicom.parse import items_in
from curator.dicom.private import block_of, is_creator, is_private, private_creators
from curator.errors import ItemError
from curator.model.decision import Action, Decision, ElementRef, ValueForm
from curator.model.identity import SubjectKey
from curator.model.quarantine import Reason

Chunk = bytes | memoryview
# Counted where a date should move and is none.
ILLEGAL_DATE_RULE = "dates/illegal-value"
_PATIENT_ID = 0x00100020
_PATIENT_NAME = 0x00100010
_DELIMITED_ITEM_END = (0xFFFE, 0xE00D, 0)
_DELIMITED_SEQUENCE_END = (0xFFFE, 0xE0DD, 0)
_UNDEFINED = 0xFFFFFFFF
_LONGEST_SHORT = 0xFFFF


class Rewriter:
    """Rewrites one data set.

    `set_elements` are top-level elements the policy states, encoded whole, by tag; they replace what the source has.
    `overlay` are decisions about single elements, by where they start, that stand before those of `decide`.
    `cleaned` is what cleaned elements hold, by the same, and `dropped` where the items start that go.
    `deny` says that every kept value is searched for the person's identifiers too: slower, and needed only where the
    first writing was found to hold one. After `chunks`, `applied` counts decisions by rule id and action.
    """

    def __init__(
        self,
        data_set: DataSet,
        terms: Terms,
        *,
        set_elements: Mapping[int, bytes],
        overlay: Mapping[int, Decision] = MappingProxyType({}),
        cleaned: Mapping[int, bytes] = MappingProxyType({}),
        dropped: Collection[int] = frozenset(),
        deny: bool = False,
    ) -> None:
        self.applied: Counter[tuple[str, Action]] = Counter()
        self._data = memoryview(data_set.data)
        self._data_set = data_set
        self._decide = terms.decide
        self._pseudonyms = terms.pseudonyms
        self._subject = terms.subject
        self._sop_class_uid = terms.sop_class_uid
        self._set = set_elements
        self._overlay = overlay
        self._cleaned = cleaned
        self._dropped = dropped
        self._keeping = Keeping(self._data, terms.subject.needles if deny else None, terms.pseudonyms)
        self._order = data_set.syntax.order

    def chunks(self) -> list[Chunk]:
        """The whole rewritten data set, in order.

        Raises:
            ItemError: MALFORMED, an element stands twice or cannot be written; RESIDUAL_IDENTIFIER, a UID that has to
                stay holds an identifier.
        """
        pending = sorted(self._set.items(), reverse=True)
        written: list[Chunk] = []
        left = [element for element in _in_order(self._data_set.elements) if element.tag not in self._set]
        for element, content in self._level(left, (), {}):
            while pending and pending[-1][0] < element.tag:
                written.append(pending.pop()[1])
            written += content
        return written + [content for _, content in reversed(pending)]

    def at_top(self, element: Element) -> Sequence[Chunk]:
        """What becomes of one element of the top level, whatever stands beside it; nothing for a removed one.

        Raises:
            ItemError: as `chunks`.
        """
        ((_, content),) = self._level((element,), (), {})
        return content

    def carried_out(self, element: Element, decision: Decision) -> Sequence[Chunk]:
        """What a decision makes of one element of the top level that has no items and a VR to be believed.

        Raises:
            ItemError: as `chunks`.
        """
        return self._carried_out(element, element.vr, decision, (), {})

    def _decided(self, element: Element, vr: str, path: tuple[int, ...], creator: str = "") -> Decision:
        decision = self._overlay.get(element.start)
        if decision is None:
            decision = self._decide(ElementRef(element.tag, vr, path, self._sop_class_uid, creator))
        self.applied[decision.rule_id, decision.action] += 1
        return decision

    def _level(
        self, elements: Sequence[Element], path: tuple[int, ...], codes: Mapping[int, str]
    ) -> Iterator[tuple[Element, Sequence[Chunk]]]:
        """The elements of one item by ascending tag, each with what becomes of it."""
        ordered = _in_order(elements)
        private = [element for element in ordered if is_private(element.tag)]
        made = self._private(private, path) if private else {}
        for element in ordered:
            yield element, made[element.tag] if element.tag in made else self._element(element, path, codes)

    def _private(self, elements: Sequence[Element], path: tuple[int, ...]) -> dict[int, Sequence[Chunk]]:
        """What becomes of the private elements of one item; a creator stays where something of its block does."""
        creators = private_creators(elements, self._data)
        made = {
            element.tag: self._private_element(element, path, creators.get(block_of(element.tag), ""))
            for element in elements
            if not is_creator(element.tag)
        }
        used = {block_of(tag) for tag, content in made.items() if content}
        for element in elements:
            if is_creator(element.tag):
                creator = creators.get(element.tag, "") if element.tag in used else ""
                decision = self._decided(element, "LO", path, creator)
                raw = self._data_set.raw(element).strip(b" \0")
                if element.start in self._overlay:
                    made[element.tag] = self._carried_out(element, "LO", decision, path, {})
                else:
                    made[element.tag] = () if decision.action is Action.REMOVE else (self._encoded(element, raw),)
        return made

    def _private_element(self, element: Element, path: tuple[int, ...], creator: str) -> Sequence[Chunk]:
        vr = meant_vr(element, self._data_set.syntax)
        decision = self._decided(element, vr, path, creator)
        if decision.action is Action.REMOVE:
            return ()
        if decision.form is None:
            return self._carried_out(element, vr, decision, path, {})
        if decision.form.vr == "SQ":
            items = items_in(self._data, element) if vr == "UN" and self._order == "<" else element.items
            return () if items is None else self._sequence(element._replace(items=items), Action.KEEP, path)
        value = self._private_value(element, decision, decision.form)
        if value is None:
            self.applied[UNFIT_RULE, Action.REMOVE] += 1
            return ()
        return (self._encoded(element, value),)

    def _private_value(self, element: Element, decision: Decision, form: ValueForm) -> bytes | None:
        raw = self._data[element.value : element.value + element.length]
        if form.vr == "UI":
            uids = values.kept_uids if decision.action is Action.KEEP else values.remapped_uids
            return uids(bytes(raw), self._pseudonyms)
        value = safe_value(element, raw, form, order=self._order)
        return None if value and self._keeping.is_denied(value, form.vr) else value

    def _element(self, element: Element, path: tuple[int, ...], codes: Mapping[int, str]) -> Sequence[Chunk]:
        if element.tag & 0xFFFF == 0:
            # Group lengths (retired) would no longer be true.
            return ()
        vr = meant_vr(element, self._data_set.syntax)
        decision = self._decided(element, vr, path)
        return self._carried_out(element, vr, decision, path, codes)

    def _carried_out(
        self, element: Element, vr: str, decision: Decision, path: tuple[int, ...], codes: Mapping[int, str]
    ) -> Sequence[Chunk]:
        action = decision.action
        if action is Action.REMOVE:
            return ()
        if vr == "SQ" or dictionary_vr(element.tag) == "SQ":
            return self._sequence(element, action, path) if vr == "SQ" else (self._encoded(element, b""),)
        value = self._value(element, vr, decision, codes)
        if isinstance(value, memoryview):
            return (value,)
        return (self._encoded(element, value or b""),)

    def _value(self, element: Element, vr: str, decision: Decision, codes: Mapping[int, str]) -> Chunk | None:
        raw = self._data[element.value : element.value + element.length]
        match decision.action:
            case Action.KEEP:
                return self._keeping.kept(element, vr)
            case Action.DUMMY:
                return values.remapped_uids(bytes(raw), self._pseudonyms) if vr == "UI" else dummy(vr, element.tag)
            case Action.REPLACE_UID:
                return values.remapped_uids(bytes(raw), self._pseudonyms)
            case Action.SET:
                return stated(decision, vr, subject=self._subject, order=self._order)
            case Action.SHIFT if decision.days is not None:
                return moved(bytes(raw), vr, days=decision.days, subject=self._subject)
            case Action.SHIFT if vr in ("DA", "DT"):
                moved_to = values.shifted(bytes(raw), vr, self._subject)
                if moved_to is None:
                    self.applied[ILLEGAL_DATE_RULE, Action.EMPTY] += 1
                return moved_to
            case Action.CLEAN if element.start in self._cleaned:
                return self._cleaned[element.start]
            case Action.CLEAN if vr == "AS":
                return values.capped_age(bytes(raw))
            case Action.PSEUDONYM:
                return self._pseudonym(element, bytes(raw))
            case Action.STANDARD_CODE:
                scheme, value = self._code_of(codes)
                code = values.standard_code(element.tag, bytes(raw), scheme=scheme, value=value)
                return dummy(vr) if self._keeping.is_denied(code, vr) else code
        # An action that has no meaning for this VR protects more than it was asked to.
        return None

    def _pseudonym(self, element: Element, raw: bytes) -> bytes:
        if element.tag in (_PATIENT_ID, _PATIENT_NAME):
            return self._subject.patient_code.encode()
        return self._pseudonyms.patient_code(SubjectKey(raw.decode("latin-1"))).encode()

    def _code_of(self, codes: Mapping[int, str]) -> tuple[str, str]:
        value = next((codes[tag] for tag in values.CODE_VALUE_TAGS if tag in codes), "")
        return codes.get(values.CODING_SCHEME_DESIGNATOR, ""), value

    def _sequence(self, element: Element, action: Action, path: tuple[int, ...]) -> Sequence[Chunk]:
        inner = (*path, element.tag)
        if action in (Action.KEEP, Action.CLEAN):
            content: list[Chunk] = []
            for item in element.items or ():
                if item.start not in self._dropped:
                    content += self._item(item, inner)
            return self._wrapped(element, content)
        if action is Action.DUMMY and element.items:
            # The first item with every text, name, date and code replaced: conformant, and nothing said.
            return self._wrapped(element, self._dummy_item(element.items[0], inner))
        return (self._encoded(element, b""),)

    def _item(self, item: Item, path: tuple[int, ...]) -> list[Chunk]:
        codes = self._codes_in(item)
        content: list[Chunk] = []
        for _, made in self._level(item.elements, path, codes):
            content += made
        length = _UNDEFINED if item.undefined else sum(map(len, content))
        head = struct.pack(self._order + "HHI", 0xFFFE, 0xE000, length)
        tail = [struct.pack(self._order + "HHI", *_DELIMITED_ITEM_END)] if item.undefined else []
        return [head, *content, *tail]

    def _codes_in(self, item: Item) -> dict[int, str]:
        wanted = (*values.CODE_VALUE_TAGS, values.CODING_SCHEME_DESIGNATOR)
        return {
            element.tag: self._data_set.raw(element).decode("latin-1").strip(" \0")
            for element in item.elements
            if element.tag in wanted
        }

    def _wrapped(self, element: Element, content: list[Chunk]) -> Sequence[Chunk]:
        length = _UNDEFINED if element.undefined else sum(map(len, content))
        # A sequence written as UN stays one: what is inside it is in implicit VR.
        head = encode.header(element.tag, element.vr, length, explicit=element.explicit, order=self._order)
        tail = [struct.pack(self._order + "HHI", *_DELIMITED_SEQUENCE_END)] if element.undefined else []
        return [head, *content, *tail]

    def _dummy_item(self, item: Item, path: tuple[int, ...]) -> list[Chunk]:
        content: list[Chunk] = []
        for element in _in_order(item.elements):
            vr = meant_vr(element, self._data_set.syntax)
            if vr in ("CS", "UI") or vr not in (*TEXT_VRS, "SQ"):
                content += self._element(element, path, {})
            elif self._decided(element, vr, path).action is not Action.REMOVE:
                content += self._replaced(element, vr, path)
        head = struct.pack(self._order + "HHI", 0xFFFE, 0xE000, sum(map(len, content)))
        return [head, *content]

    def _replaced(self, element: Element, vr: str, path: tuple[int, ...]) -> Sequence[Chunk]:
        if vr == "SQ":
            return self._sequence(element, Action.DUMMY, path)
        return (self._encoded(element, dummy(vr, element.tag) if element.length else b""),)

    def _encoded(self, element: Element, value: bytes) -> bytes:
        is_short = element.explicit and element.vr not in LONG_LENGTH_VRS
        if is_short and len(value) > _LONGEST_SHORT:
            raise ItemError(Reason.MALFORMED, f"{tag_text(element.tag)} has more values than can be replaced")
        return encode.element(element.tag, element.vr, value, explicit=element.explicit, order=self._order)


def _in_order(elements: Sequence[Element]) -> Sequence[Element]:
    """Elements by ascending tag, as the standard wants them.

    Raises:
        ItemError: MALFORMED, one stands twice.
    """
    ordered = sorted(elements, key=attrgetter("tag"))
    for one, next_one in pairwise(ordered):
        if one.tag == next_one.tag:
            raise ItemError(Reason.MALFORMED, f"{tag_text(one.tag)} stands twice")
    return ordered
