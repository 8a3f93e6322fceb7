"""What becomes of single elements of the top level, remembered by their own bytes.

What a rule makes of every element of a kind is found without a look at its value; what it makes of a value is asked of
`Rewriter` once.

The law: a fate is what `Rewriter` gives for the element alone; an element that may not be judged alone has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from curator.deid.headers.rewrite import Chunk, Rewriter
from curator.deid.headers.terms import Terms
from curator.deid.headers.values import PLAIN_VRS, is_plainly_right
from curator.dicom.dictionary import dictionary_vr
from curator.dicom.elements import DataSet, Element
from curator.dicom.layout import LONGEST_COMPARED
from curator.dicom.parse import element_at
from curator.dicom.private import is_creator, is_private
from curator.dicom.syntax import EXPLICIT
from curator.dicom.tokens import LONG_HEADER, SHORT_HEADER, Stored, kind_of
from curator.model.decision import Action, Decision, ElementRef

_MOST_REMEMBERED = 1 << 11
_MOST_CHARACTER_SETS = 16
# What these make of a value depends on whose it is.
_PERSONAL = frozenset({Action.PSEUDONYM, Action.SHIFT, Action.SET})
# VRs that are written for one another: what is right as the one is right as the other.
_ALIKE = {"DS": ("IS",), "IS": ("DS",), "OB": ("OW",), "OW": ("OB",), "SS": ("US",), "US": ("SS",)}
_BLIND = frozenset({Action.REMOVE, Action.EMPTY, Action.DUMMY})

Applied = Mapping[tuple[str, Action], int]


class NotTakenError(Exception):
    """The data set is for `Rewriter`."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an element: its replacement, nothing for a removed one, None where it stays as it is."""

    instead: bytes | None = field(repr=False)
    applied: Applied


@dataclass(frozen=True, slots=True)
class Judged:
    """What the first six bytes of an element say, and what is decided by them alone.

    `fate` is that of every element of the kind, whatever its value; `decision` is asked what it makes of a value. Both
    are None where items, a private creator or a VR nobody vouches for have to be looked into. `stays` is the fate of
    those that are plainly right, None where such do not stay.
    """

    tag: int
    vr: str
    is_long: bool
    decision: Decision | None = None
    applied: Applied = field(default_factory=dict)
    fate: Fate | None = None
    stays: Fate | None = None


@dataclass(slots=True)
class Everybody:
    """What does not depend on the person: kinds, and by character set the fates of elements by their bytes."""

    kinds: dict[bytes, Judged] = field(default_factory=dict, repr=False)
    fates: dict[bytes, dict[bytes, Fate]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """Fates by the bytes of elements under one character set, which says what they mean: everybody's, the person's."""

    everybodys: dict[bytes, Fate] = field(repr=False)
    persons: dict[bytes, Fate] = field(default_factory=dict, repr=False)


class Fates:
    """Judges elements of one person's files of one SOP Class; `own_tags` are those that something else decides."""

    __slots__ = (
        "_data",
        "_everybody",
        "_known",
        "_own_tags",
        "_rewriter",
        "_terms",
    )

    def __init__(
        self,
        terms: Terms,
        *,
        own_tags: Collection[int],
        everybody: Everybody,
    ) -> None:
        self._terms = terms
        self._own_tags = own_tags
        self._everybody = everybody
        self._known: dict[bytes, Known] = {}
        self._data: Stored = b""
        self._rewriter = self._rewriter_of(b"")

    def known_under(self, character_set: bytes) -> Known:
        """What was met under a character set, as it stands in the file."""
        if len(self._known) > _MOST_CHARACTER_SETS:
            self._known.clear()
        known = self._known.get(character_set)
        if known is None:
            known = self._known[character_set] = Known(self._everybody.fates.setdefault(character_set, {}))
        for remembered in (known.persons, known.everybodys):
            if len(remembered) > _MOST_REMEMBERED:
                remembered.clear()
        return known

    def kind(self, key: bytes) -> Judged:
        """What the first six bytes of an element say.

        Raises:
            NotTakenError: they are no element's, or something else decides.
        """
        known = self._everybody.kinds.get(key)
        if known is None:
            known = self._everybody.kinds[key] = self._kind(key)
        return known

    def fate(self, data: Stored, kind: Judged, start: int, end: int, known: Known) -> Fate:
        """What becomes of the element of `data` that begins at `start`, of `kind`, remembered where it is short.

        Raises:
            ItemError: as `Rewriter.chunks`.
            NotTakenError: it runs past the end.
        """
        if kind.fate is not None:
            return kind.fate
        if kind.stays is not None and end <= len(data) and is_plainly_right(data, kind.vr, start, end):
            return kind.stays
        if end - start > LONGEST_COMPARED:
            return self._judged(data, kind, start, end)
        written = data[start:end]
        fate = known.persons.get(written)
        if fate is None:
            fate = known.everybodys.get(written)
            if fate is None:
                fate = self._judged(data, kind, start, end)
                if _PERSONAL.isdisjoint(action for _, action in fate.applied):
                    known.everybodys[written] = fate
            known.persons[written] = fate
        return fate

    def forget_file(self) -> None:
        """Hold nothing of the file that was judged last."""
        self._data, self._rewriter = b"", self._rewriter_of(b"")

    def _kind(self, key: bytes) -> Judged:
        kind = kind_of(key)
        if kind is None or kind.tag in self._own_tags:
            raise NotTakenError
        if kind.vr in ("SQ", "UN"):
            return Judged(*kind)
        if kind.tag & 0xFFFF == 0 and not is_private(kind.tag):
            return Judged(*kind, fate=Fate(b"", {}))
        vr = "LO" if is_private(kind.tag) and is_creator(kind.tag) else kind.vr
        decision = self._terms.decide(ElementRef(kind.tag, vr, (), self._terms.sop_class_uid, ""))
        applied = {(decision.rule_id, decision.action): 1}
        if decision.action is Action.REMOVE:
            return Judged(*kind, fate=Fate(b"", applied))
        if is_private(kind.tag):
            return Judged(*kind)
        fate = None
        if decision.action in _BLIND and kind.vr != "UI":
            head = LONG_HEADER if kind.is_long else SHORT_HEADER
            empty = Element(kind.tag, kind.vr, 0, head, 0, head, None, False, True)
            fate = Fate(b"".join(self._rewriter_of(bytes(head)).carried_out(empty, decision)), applied)
        is_plain = kind.vr in PLAIN_VRS and dictionary_vr(kind.tag) in (kind.vr, *_ALIKE.get(kind.vr, ()))
        stays = Fate(None, applied) if decision.action is Action.KEEP and is_plain else None
        return Judged(*kind, decision, applied, fate, stays)

    def _judged(self, data: Stored, kind: Judged, start: int, end: int) -> Fate:
        if end > len(data):
            raise NotTakenError
        if data is not self._data:
            self._data, self._rewriter = data, self._rewriter_of(data)
        rewriter = self._rewriter
        rewriter.applied = Counter()
        element = self._element(data, kind, start, end)
        if kind.decision is None:
            return Fate(_instead(data, element, rewriter.at_top(element)), rewriter.applied)
        content = rewriter.carried_out(element, kind.decision)
        applied = kind.applied
        if rewriter.applied:
            applied = rewriter.applied + Counter(applied)
        return Fate(_instead(data, element, content), applied)

    def _element(self, data: Stored, kind: Judged, start: int, end: int) -> Element:
        if kind.is_long:
            return element_at(memoryview(data), start)
        value = start + SHORT_HEADER
        return Element(kind.tag, kind.vr, start, value, end - value, end, None, False, True)

    def _rewriter_of(self, data: Stored) -> Rewriter:
        view = memoryview(data)
        return Rewriter(DataSet(EXPLICIT, (), view, (), view, 0), self._terms, set_elements={})


def _instead(data: Stored, element: Element, chunks: Sequence[Chunk]) -> bytes | None:
    size = element.end - element.start
    if len(chunks) == 1 and isinstance(chunks[0], memoryview) and len(chunks[0]) == size:
        return None
    written = b"".join(chunks)
    return None if written == data[element.start : element.end] else written
