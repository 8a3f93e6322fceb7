"""The quick way for files that are like their neighbours, which are nearly all of a release.

It remembers what became of elements (`headers.splice`) and what was found clean (`clean`), file after file of one
job. The law: what it gives is byte for byte what `deidentify` gives; what it does not take is for `deidentify`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Hashable
from functools import partial
from typing import TypeVar

from curator.deid.clean import CleanCheck, PersonSearch, own_of
from curator.deid.headers.markers import Earlier, marker_elements
from curator.deid.headers.splice import Shared, Spliced, Splicer, is_spliceable
from curator.deid.instance import Deidentified, keeps_uid, meta_of, record_of, uid_map
from curator.deid.subject import Subject
from curator.dicom.dictionary import tag_of
from curator.dicom.syntax import EXPLICIT
from curator.dicom.text import SPECIFIC_CHARACTER_SET
from curator.dicom.tokens import Stored
from curator.identity.pseudonyms import Pseudonyms
from curator.model.instance import SourceInstance
from curator.policy.header import HeaderPolicy, decide

# What `record_of` asks the written header for.
_NOTED = (
    SPECIFIC_CHARACTER_SET,
    *map(
        tag_of,
        (
            "SOPInstanceUID",
            "SeriesInstanceUID",
            "StudyInstanceUID",
            "FrameOfReferenceUID",
            "Modality",
            "BodyPartExamined",
            "Manufacturer",
            "ManufacturerModelName",
            "PatientSex",
            "PatientAge",
            "EthnicGroup",
            "PatientWeight",
            "PatientSize",
            "StudyDate",
        ),
    ),
)
_MOST_PERSONS = 64
_LARGEST_HEAD = 1 << 20
_NOTHING = memoryview(b"")

Made = TypeVar("Made")


class Swift:
    """De-identifies one job's files, one after the other."""

    __slots__ = ("_check", "_markers", "_policy", "_pseudonyms", "_searches", "_shared", "_splicers", "_takes", "_uid")

    def __init__(self, policy: HeaderPolicy, pseudonyms: Pseudonyms) -> None:
        self._policy = policy
        self._pseudonyms = pseudonyms
        self._takes = is_spliceable(policy)
        self._uid = uid_map(policy, pseudonyms)
        self._check = CleanCheck(keeps_uid=partial(keeps_uid, policy), noted=_NOTED)
        self._markers = marker_elements(policy, EXPLICIT, Earlier())
        self._shared: dict[str, Shared] = {}
        self._splicers: OrderedDict[Hashable, Splicer] = OrderedDict()
        self._searches: OrderedDict[Hashable, tuple[Subject, PersonSearch]] = OrderedDict()

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
        written = self._check.proven(head, bulk, search=self._search(subject), own=uids)
        if written is None:
            return None
        record = record_of(written, source, subject=subject, pseudonyms=self._pseudonyms, policy=self._policy)
        return Deidentified((head, bulk) if bulk else (head,), record, partial(getattr, spliced, "applied"))

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
                decide=partial(decide, self._policy),
                pseudonyms=self._pseudonyms,
                subject=subject,
                sop_class_uid=sop_class_uid,
                markers=self._markers,
                shared=self._shared.setdefault(sop_class_uid, Shared()),
            )
            _remember(self._splicers, key, splicer)
        return splicer

    def _search(self, subject: Subject) -> PersonSearch:
        known = self._searches.get(subject.patient_code)
        if known is None or known[0].needles != subject.needles:
            known = (subject, PersonSearch(subject.needles))
            _remember(self._searches, subject.patient_code, known)
        return known[1]


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
