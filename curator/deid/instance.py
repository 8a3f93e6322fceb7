"""One instance from source bytes to proven output bytes.

Pure: bytes in, bytes out; who reads and writes files is the caller's affair.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from curator.deid.cleaning import Prepared, prepare
from curator.deid.headers.events import event_elements
from curator.deid.headers.markers import IMPLEMENTATION, earlier_markers, marker_elements
from curator.deid.headers.rewrite import Chunk, Rewriter
from curator.deid.headers.stated import stated_elements
from curator.deid.headers.terms import Terms
from curator.deid.headers.values import kept_uid
from curator.deid.subject import Subject
from curator.deid.text.cleaner import Cleaner
from curator.deid.verify import residuals
from curator.dicom.dictionary import tag_of
from curator.dicom.elements import Buffer, DataSet, Element
from curator.dicom.encode import file_meta
from curator.dicom.parse import parse
from curator.dicom.private import is_private
from curator.dicom.syntax import TransferSyntax
from curator.dicom.text import encodings_at_top, text_of
from curator.errors import ItemError, UsageError
from curator.identity.pseudonyms import Pseudonyms
from curator.model.decision import Action, ElementRef
from curator.model.instance import ReleasedInstance, SourceInstance
from curator.model.quarantine import Reason
from curator.policy.header import HeaderPolicy, decide
from curator.policy.options import UNMODIFIED
from curator.policy.recipe.laid import allows_private as named_by_recipe
from curator.policy.recipe.laid import laid_over, said_of

CATALOGUED = (
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
)
"""What the catalogue knows of an instance as the written file says it."""


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A proven instance: its bytes, its catalogue record (without path and digest), and what was applied.

    `applied` counts elements by (rule id, action) when it is asked to. `bulk` is the large value that ends the
    written file as it stood in the source, empty where there is none or the whole file was rewritten;
    `has_plain_pixels` says that this is pixel data which holds nothing but its pixels.
    """

    chunks: tuple[Chunk, ...] = field(repr=False)
    record: ReleasedInstance
    count: Callable[[], Mapping[tuple[str, Action], int]] = field(repr=False)
    bulk: memoryview = field(repr=False, default=memoryview(b""))
    has_plain_pixels: bool = False

    @property
    def applied(self) -> Mapping[tuple[str, Action], int]:
        """How many elements each rule and action was applied to."""
        return self.count()


def deidentify(
    data: Buffer,
    source: SourceInstance,
    *,
    subject: Subject,
    policy: HeaderPolicy,
    pseudonyms: Pseudonyms,
    cleaner: Cleaner | None = None,
) -> Deidentified:
    """The de-identified instance, proven on the bytes it returns; `cleaner` is needed where the policy `cleans`.

    An identifier that a kept value carries is found by the proof; the header is then written once more with every kept
    value checked against the person's identifiers, and proven again.

    Raises:
        ItemError: the source cannot be parsed, or RESIDUAL_IDENTIFIER with the places where something survived.
        UsageError: the policy cleans and there is no cleaner.
    """
    data_set = parse(data)
    prepared = _prepared(data_set, source, subject=subject, policy=policy, cleaner=cleaner)
    overlay = laid_over(policy, data_set)
    markers = marker_elements(said_of(policy, overlay), data_set.syntax, earlier_markers(data_set, subject.needles))
    stated = stated_elements(overlay.added, data_set.syntax, subject)
    places: tuple[str, ...] = ()
    for deny in (False, True):
        rewriter = Rewriter(
            data_set,
            Terms(partial(decide, policy), pseudonyms, subject, source.SOPClassUID),
            set_elements=stated | markers | event_elements(data_set, subject),
            overlay={**prepared.decisions, **overlay.decisions},
            cleaned=prepared.values,
            dropped=prepared.dropped,
            deny=deny,
        )
        chunks = _file(data_set, rewriter.chunks(), source, uid_map(policy, pseudonyms)(source.SOPInstanceUID))
        written = b"".join(chunks)
        found = residuals(
            written,
            subject.needles,
            keeps_uid=partial(keeps_uid, policy),
            allows_private=partial(allows_private, policy),
        )
        if not found:
            record = record_of(said_by(parse(written)), source, subject=subject, pseudonyms=pseudonyms, policy=policy)
            return Deidentified(chunks, record, partial(dict, rewriter.applied))
        places = tuple(sorted({f"{residual.defect} in {residual.place}" for residual in found}))
    raise ItemError(Reason.RESIDUAL_IDENTIFIER, "; ".join(places))


def _prepared(
    data_set: DataSet, source: SourceInstance, *, subject: Subject, policy: HeaderPolicy, cleaner: Cleaner | None
) -> Prepared:
    if policy.content is None:
        return Prepared()
    if cleaner is None:
        raise UsageError("the chosen options clean text, and no text engine was given")
    own = cleaner.own_values(subject.identifiers)
    return prepare(
        data_set,
        decide=partial(decide, policy),
        content=policy.content,
        clean=lambda text: cleaner.clean(text, own=own).text,
        sop_class_uid=source.SOPClassUID,
    )


def released_path(patient_code: str, study_uid: str, series_uid: str, instance_uid: str) -> str:
    """Where an instance goes, relative to the release folder: replacements only."""
    return f"{patient_code}/{study_uid}/{series_uid}/{instance_uid}.dcm"


def path_of(record: ReleasedInstance) -> str:
    """Where the instance of a record goes."""
    return released_path(record.patient_code, record.StudyInstanceUID, record.SeriesInstanceUID, record.SOPInstanceUID)


def with_file(record: ReleasedInstance, *, path: str, sha256: str, size_bytes: int) -> ReleasedInstance:
    """The record of an instance that has been written."""
    return replace(record, path=path, sha256=sha256, size_bytes=size_bytes)


def keeps_uid(policy: HeaderPolicy, element: Element) -> bool:
    """Whether the policy lets an element's UIDs stand as they are."""
    if is_private(element.tag):
        return "retain-uids" in policy.options
    if policy.content is not None and policy.content.keeps_uid(element.tag):
        return True
    return decide(policy, ElementRef(element.tag, "UI")).action is Action.KEEP


def allows_private(policy: HeaderPolicy, creator: str, tag: int) -> bool:
    """Whether a private element may be in what is written, by the table or the recipe, and not by what was decided."""
    is_safe = "retain-safe-private" in policy.options and policy.private.allows(creator, tag)
    return is_safe or named_by_recipe(policy, creator, tag)


def uid_map(policy: HeaderPolicy, pseudonyms: Pseudonyms) -> Callable[[str], str]:
    """What the policy makes of a UID: a replacement, or the same where UIDs are retained and it is one."""
    return partial(kept_uid, pseudonyms=pseudonyms) if "retain-uids" in policy.options else pseudonyms.uid


def said_by(written: DataSet) -> dict[str, str]:
    """What a written instance says of what the catalogue asks, by keyword; "" for what it does not say."""
    elements = {element.tag: element for element in written.elements}
    encodings = encodings_at_top(written)
    found = {name: elements.get(tag_of(name)) for name in CATALOGUED}
    return {
        name: "" if element is None else text_of(written.raw(element), element.vr, encodings)
        for name, element in found.items()
    }


def record_of(
    said: Mapping[str, str], source: SourceInstance, *, subject: Subject, pseudonyms: Pseudonyms, policy: HeaderPolicy
) -> ReleasedInstance:
    """What the catalogue may know of a written instance: keyed codes, and for the rest what it says itself."""
    known = dict(said)
    if policy.temporal != UNMODIFIED:
        known["StudyDate"] = ""
    return ReleasedInstance(
        SOPClassUID=source.SOPClassUID,
        TransferSyntaxUID=source.TransferSyntaxUID,
        patient_code=subject.patient_code,
        centre_code=pseudonyms.centre_code(source.InstitutionName),
        device_code=pseudonyms.device_code(source.Manufacturer, source.ManufacturerModelName, source.device),
        author_code=pseudonyms.author_code(source.author),
        Rows=source.Rows,
        Columns=source.Columns,
        NumberOfFrames=source.NumberOfFrames,
        references=tuple(sorted(uid_map(policy, pseudonyms)(uid) for uid in source.references)),
        path="",
        sha256="",
        size_bytes=0,
        policy_digest=policy.digest,
        **known,
    )


def meta_of(syntax: TransferSyntax, source: SourceInstance, sop_instance_uid: str) -> bytes:
    """Everything that stands before the data set of a written instance."""
    return file_meta(
        sop_class_uid=source.SOPClassUID,
        sop_instance_uid=sop_instance_uid,
        syntax_uid=syntax.uid,
        implementation=IMPLEMENTATION,
    )


def _file(data_set: DataSet, chunks: list[Chunk], source: SourceInstance, sop_instance_uid: str) -> tuple[Chunk, ...]:
    meta = meta_of(data_set.syntax, source, sop_instance_uid)
    if not data_set.syntax.deflated:
        return (meta, *chunks)
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    body = deflater.compress(b"".join(chunks)) + deflater.flush()
    # PS3.5 A.5: an odd number of bytes ends in a null.
    return (meta, body + bytes(len(body) % 2))
