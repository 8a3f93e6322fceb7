"""The quick way for files that are like their neighbours, which are nearly all of a release.

It remembers what became of elements (`headers.splice`) and what was found clean (`clean`), file after file of one
job. The law: what it gives is byte for byte what `deidentify` gives; what it does not take is for `deidentify`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Hashable, Mapping
from functools import partial
from typing import NamedTuple, TypeVar

from curator.deid.clean import CleanCheck, CleanLayouts, Noted
from curator.deid.headers.markers import Earlier, marker_elements
from curator.deid.headers.splice import Shared, Spliced, Splicer, is_spliceable
from curator.deid.headers.terms import Terms
from curator.deid.instance import CATALOGUED, Deidentified, keeps_uid, meta_of, record_of, uid_map
from curator.deid.person_search import PersonSearch, own_of
from curator.deid.pixels import quick
from curator.deid.subject import Subject
from curator.dicom.dictionary import tag_of
from curator.dicom.syntax import EXPLICIT
from curator.dicom.text import SPECIFIC_CHARACTER_SET, encodings_of, text_of
from curator.dicom.tokens import Stored
from curator.identity.pseudonyms import Pseudonyms
from curator.model.instance import SourceInstance
from curator.policy.header import HeaderPolicy, decide

_SOP_INSTANCE = tag_of("SOPInstanceUID")
# What the catalogue asks of an instance, but for its own name.
_NOTED = {tag_of(name): name for name in CATALOGUED if name != "SOPInstanceUID"}
_MOST_SAYINGS = 1 << 10
_MOST_PERSONS = 8
_LARGEST_HEAD = 1 << 20
_NOTHING = memoryview(b"")

Made = TypeVar("Made")


class Swift:
    """De-identifies one job's files, one after the other."""

    __slots__ = (
        "_check",
        "_markers",
        "_policy",
        "_pseudonyms",
        "_sayings",
        "_searches",
        "_shared",
        "_splicers",
        "_takes",
        "_uid",
    )

    def __init__(self, policy: HeaderPolicy, pseudonyms: Pseudonyms) -> None:
        self._policy = policy
        self._pseudonyms = pseudonyms
        self._takes = is_spliceable(policy)
        self._uid = uid_map(policy, pseudonyms)
        self._check = CleanCheck(
            keeps_uid=partial(keeps_uid, policy), noted=(SPECIFIC_CHARACTER_SET, *_NOTED, *quick.NOTED)
        )
        self._markers = marker_elements(policy, EXPLICIT, Earlier())
        self._shared: dict[str, Shared] = {}
        self._splicers: OrderedDict[Hashable, Splicer] = OrderedDict()
        self._searches: OrderedDict[Hashable, _Searched] = OrderedDict()
        self._sayings: dict[Hashable, Mapping[str, str]] = {}

    def deidentify(
        self, data: Stored, source: SourceInstance, *, subject: Subject, own: Collection[str]
    ) -> Deidentified | None:
        """The de-identified instance, proven on the bytes it returns; None where `deidentify` has to be asked.

        The needles of `subject` are the person's, `own` are further identifiers of this file: its UIDs.
        """
        uids = own_of(own)
        rewritten = self.rewritten(data, source, subject=subject) if uids is not None else None
        if uids is None or rewritten is None:
            return None
        head, bulk, spliced = rewritten
        searched = self._searched(subject)
        noted = self._check.noted(head, bulk, searched.layouts)
        if noted is None or not searched.search.is_free(head, bulk, uids):
            return None
        said = self._said(noted)
        record = record_of(said, source, subject=subject, pseudonyms=self._pseudonyms, policy=self._policy)
        applied = partial(getattr, spliced, "applied")
        has_plain_pixels = spliced.syntax == EXPLICIT and quick.is_plainly_native(noted, bulk)
        return Deidentified((head, bulk) if bulk else (head,), record, applied, bulk, has_plain_pixels)

    def rewritten(
        self, data: Stored, source: SourceInstance, *, subject: Subject
    ) -> tuple[bytes, memoryview, Spliced] | None:
        """A whole file that nothing was proven of yet: its header, the large value that ends it, and what was applied.

        None where it is not taken.
        """
        # How far from the event differs from file to file.
        is_taken = self._takes and subject.origin is None
        spliced = self._splicer(subject, source.SOPClassUID).spliced(data) if is_taken else None
        parts = None if spliced is None else _parts(spliced)
        if spliced is None or parts is None:
            return None
        head = meta_of(spliced.syntax, source, self._uid(source.SOPInstanceUID)) + parts[0]
        return head, parts[1], spliced

    def _splicer(self, subject: Subject, sop_class_uid: str) -> Splicer:
        key = (subject.patient_code, subject.shift_days, sop_class_uid)
        splicer = self._splicers.get(key)
        if splicer is None or splicer.subject != subject:
            splicer = Splicer(
                Terms(partial(decide, self._policy), self._pseudonyms, subject, sop_class_uid),
                markers=self._markers,
                shared=self._shared.setdefault(sop_class_uid, Shared()),
            )
            _remember(self._splicers, key, splicer)
        return splicer

    def _searched(self, subject: Subject) -> _Searched:
        known = self._searches.get(subject.patient_code)
        if known is None or known.subject.needles != subject.needles:
            known = _Searched(subject, PersonSearch(subject.needles), self._check.layouts())
            _remember(self._searches, subject.patient_code, known)
        return known

    def _said(self, noted: Noted) -> dict[str, str]:
        """What the noted elements say to the catalogue; instances of a series say the same but for their names."""
        key = tuple(map(noted.get, (SPECIFIC_CHARACTER_SET, *_NOTED)))
        known = self._sayings.get(key)
        encodings = encodings_of(_value(noted, SPECIFIC_CHARACTER_SET))
        if known is None:
            if len(self._sayings) >= _MOST_SAYINGS:
                self._sayings.clear()
            known = self._sayings[key] = {name: _text(noted, tag, encodings) for tag, name in _NOTED.items()}
        return {"SOPInstanceUID": _text(noted, _SOP_INSTANCE, encodings), **known}


class _Searched(NamedTuple):
    """A person, the search for what identifies them, and what their written files have in common."""

    subject: Subject
    search: PersonSearch
    layouts: CleanLayouts


def _value(noted: Noted, tag: int) -> bytes:
    return noted[tag][1] if tag in noted else b""


def _text(noted: Noted, tag: int, encodings: tuple[str, ...]) -> str:
    return text_of(noted[tag][1], noted[tag][0], encodings) if tag in noted else ""


def _parts(spliced: Spliced) -> tuple[bytes, memoryview] | None:
    """The header in one piece and the value behind it; None where something else is too large to be copied."""
    *others, last = spliced.chunks
    bulk = last if isinstance(last, memoryview) else _NOTHING
    chunks = others if bulk else [*others, last]
    if sum(map(len, chunks)) > _LARGEST_HEAD:
        return None
    return b"".join(chunks), bulk


def _remember(known: OrderedDict[Hashable, Made], key: Hashable, made: Made) -> None:
    known[key] = made
    known.move_to_end(key)
    if len(known) > _MOST_PERSONS:
        known.popitem(last=False)
