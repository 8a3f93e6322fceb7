"""A data set rewritten by the policy's decisions.

Elements that stay are slices of the source; only what a rule touches is made anew; pixel bytes are spliced, never
copied. Sequences are entered at every depth, so a decision holds wherever its element stands.

Sources: DICOM PS3.15 E.1.1, E.1-1a; PS3.5 7.5 (nesting).
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from curator.deid.headers import values
from curator.deid.headers.dummies import dummy
from curator.deid.subject import Subject
from curator.dicom import encode
from curator.dicom.dictionary import TEXT_VRS
from curator.dicom.elements import DataSet, Element, Item
from curator.identity.pseudonyms import Pseudonyms
from curator.identity.search import found_in
from curator.model.decision import Action, Decision, ElementRef
from curator.model.identity import SubjectKey

Chunk = bytes | memoryview
Decide = Callable[[ElementRef], Decision]
_PATIENT_ID = 0x00100020
_PATIENT_NAME = 0x00100010
_DELIMITED_ITEM_END = (0xFFFE, 0xE00D, 0)
_DELIMITED_SEQUENCE_END = (0xFFFE, 0xE0DD, 0)
_UNDEFINED = 0xFFFFFFFF


class Rewriter:
    """Rewrites one data set.

    `set_elements` are top-level elements the policy states, encoded whole, by tag; they replace what the source has.
    `deny` says that every kept value is searched for the person's identifiers too: slower, and needed only where the
    first writing was found to hold one. After `chunks`, `applied` counts decisions by rule id and action.
    """

    def __init__(
        self,
        data_set: DataSet,
        *,
        decide: Decide,
        pseudonyms: Pseudonyms,
        subject: Subject,
        sop_class_uid: str,
        set_elements: Mapping[int, bytes],
        deny: bool = False,
    ) -> None:
        self.applied: Counter[tuple[str, Action]] = Counter()
        self._data = memoryview(data_set.data)
        self._data_set = data_set
        self._decide = decide
        self._pseudonyms = pseudonyms
        self._subject = subject
        self._sop_class_uid = sop_class_uid
        self._set = set_elements
        self._deny = deny
        self._explicit = data_set.syntax.explicit
        self._order = data_set.syntax.order

    def chunks(self) -> list[Chunk]:
        """The whole rewritten data set, in order."""
        pending = sorted(self._set.items(), reverse=True)
        written: list[Chunk] = []
        for element in self._data_set.elements:
            while pending and pending[-1][0] < element.tag:
                written.append(pending.pop()[1])
            if element.tag not in self._set:
                written += self._element(element, (), {})
        return written + [content for _, content in reversed(pending)]

    def _element(self, element: Element, path: tuple[int, ...], codes: Mapping[int, str]) -> Sequence[Chunk]:
        if element.tag & 0xFFFF == 0:
            # Group lengths (retired) would no longer be true.
            return ()
        decision = self._decide(ElementRef(element.tag, element.vr, path=path, sop_class_uid=self._sop_class_uid))
        self.applied[decision.rule_id, decision.action] += 1
        match decision.action:
            case Action.REMOVE:
                return ()
            case Action.EMPTY:
                return (self._encoded(element, b""),)
            case Action.KEEP if element.vr == "SQ":
                return self._sequence(element, path)
            case Action.DUMMY if element.vr == "SQ":
                return self._dummy_sequence(element, path)
        value = self._value(element, decision.action, codes)
        if value is None:
            return (self._encoded(element, b""),)
        if isinstance(value, memoryview):
            return (value,)
        return (self._encoded(element, value),)

    def _value(self, element: Element, action: Action, codes: Mapping[int, str]) -> Chunk | None:
        raw = self._data[element.value : element.value + element.length]
        match action:
            case Action.KEEP:
                return self._kept(element)
            case Action.DUMMY:
                return self._dummy(element, bytes(raw))
            case Action.REPLACE_UID:
                return values.remapped_uids(bytes(raw), self._pseudonyms)
            case Action.SHIFT if element.vr in ("DA", "DT"):
                return values.shifted(bytes(raw), element.vr, self._subject)
            case Action.CLEAN if element.vr == "AS":
                return values.capped_age(bytes(raw))
            case Action.PSEUDONYM:
                return self._pseudonym(element, bytes(raw))
            case Action.STANDARD_CODE:
                scheme, value = self._code_of(codes)
                return values.standard_code(element.tag, bytes(raw), scheme=scheme, value=value)
        # An action that has no meaning for this VR protects more than it was asked to.
        return None

    def _kept(self, element: Element) -> Chunk | None:
        if element.vr in TEXT_VRS:
            raw = bytes(self._data[element.value : element.value + element.length])
            if not values.is_well_formed(raw, element.vr):
                return None
            if self._deny and found_in(self._subject.needles, raw):
                return dummy(element.vr)
        return self._data[element.start : element.end]

    def _dummy(self, element: Element, raw: bytes) -> bytes:
        if element.vr == "UI":
            return values.remapped_uids(raw, self._pseudonyms)
        return dummy(element.vr)

    def _pseudonym(self, element: Element, raw: bytes) -> bytes:
        if element.tag in (_PATIENT_ID, _PATIENT_NAME):
            return self._subject.patient_code.encode()
        return self._pseudonyms.patient_code(SubjectKey(raw.decode("latin-1"))).encode()

    def _code_of(self, codes: Mapping[int, str]) -> tuple[str, str]:
        value = next((codes[tag] for tag in values.CODE_VALUE_TAGS if tag in codes), "")
        return codes.get(values.CODING_SCHEME_DESIGNATOR, ""), value

    def _sequence(self, element: Element, path: tuple[int, ...]) -> Sequence[Chunk]:
        inner = (*path, element.tag)
        content: list[Chunk] = []
        for item in element.items or ():
            content += self._item(item, inner)
        return self._wrapped(element, content)

    def _item(self, item: Item, path: tuple[int, ...]) -> list[Chunk]:
        codes = self._codes_in(item)
        content: list[Chunk] = []
        for element in item.elements:
            content += self._element(element, path, codes)
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
        head = encode.header(element.tag, "SQ", length, explicit=self._explicit, order=self._order)
        tail = [struct.pack(self._order + "HHI", *_DELIMITED_SEQUENCE_END)] if element.undefined else []
        return [head, *content, *tail]

    def _dummy_sequence(self, element: Element, path: tuple[int, ...]) -> Sequence[Chunk]:
        """The first item with every text, name, date and code replaced: conformant, and nothing said."""
        if not element.items:
            return (self._encoded(element, b""),)
        return self._wrapped(element, self._dummy_item(element.items[0], (*path, element.tag)))

    def _dummy_item(self, item: Item, path: tuple[int, ...]) -> list[Chunk]:
        content: list[Chunk] = []
        for element in item.elements:
            decision = self._decide(ElementRef(element.tag, element.vr, path=path, sop_class_uid=self._sop_class_uid))
            if decision.action is Action.REMOVE:
                continue
            if element.vr == "SQ":
                content += self._dummy_sequence(element, path)
            elif element.vr in ("CS", "UI") or element.vr not in TEXT_VRS:
                content += self._element(element, path, {})
            else:
                content.append(self._encoded(element, dummy(element.vr) if element.length else b""))
        head = struct.pack(self._order + "HHI", 0xFFFE, 0xE000, sum(map(len, content)))
        return [head, *content]

    def _encoded(self, element: Element, value: bytes) -> bytes:
        return encode.element(element.tag, element.vr, value, explicit=self._explicit, order=self._order)
