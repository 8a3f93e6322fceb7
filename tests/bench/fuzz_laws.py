"""What has to hold for any bytes whatever: refused by `ItemError`, or released with every byte accounted for.

The laws: no other exception; no byte between two elements; the output is read alike by our parser and by pydicom, to
its last byte; no planted identifier in it; the quick way gives what the general one gives.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom import Dataset, dcmread
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "deid"))

from deid_samples import BUNDLED, MANY_OPTIONS, PSEUDONYMS, inflated, policy

from curator.bundled import bundled_folder
from curator.deid.instance import deidentify
from curator.deid.subject import Subject
from curator.deid.swift import Swift
from curator.dicom.elements import DataSet, Element
from curator.dicom.parse import looks_like_dicom, parse
from curator.errors import ItemError
from curator.identity.search import Needles, needles_of
from curator.ingest.facts import instance_facts
from curator.model.identity import Identifier, IdentifierKind, SubjectKey
from curator.model.instance import SourceInstance
from curator.policy.gates import gate, load_gates

PLANTED = {
    "PatientName": "Quarzbergle^Ottokarius",
    "PatientID": "MRNX0815QQ",
    "PatientBirthDate": "19310229",
    "AccessionNumber": "ACCNQ55081",
    "InstitutionName": "Kieselhausen",
    "OtherPatientNames": "Feldspatius^Berylla",
    "PatientAddress": "Geroellgasse 77",
    "StationName": "STATQ8871",
    "StudyID": "STUDQ4411",
}
TOKENS = ("Quarzbergle", "Ottokarius", "MRNX0815QQ", "ACCNQ55081", "Kieselhausen", "Feldspatius", "Berylla",
          "Geroellgasse 77", "STATQ8871", "STUDQ4411")  # fmt: skip
_PERSON = frozenset(
    Identifier(IdentifierKind.PERSON_NAME if "Name" in keyword and "^" in value else IdentifierKind.TEXT, value)
    for keyword, value in PLANTED.items()
    if keyword != "PatientBirthDate"
)
_KEY = SubjectKey(PLANTED["PatientID"])
# pydicom asks for Bits Allocated before it hands these out, and a damaged file may have none.
_NO_SEQUENCES = (0x7FE00010, 0x54001010)
_LARGEST_SEED = 48_000

pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE


class BrokenLawError(AssertionError):
    """A law does not hold; the message names the law and holds nothing of the file."""


def seeds() -> list[bytes]:
    """The files that pydicom bundles, as they are and, where pydicom can write them, with identifiers planted."""
    found = []
    for path in sorted(path for path in BUNDLED.rglob("*") if path.is_file()):
        data = path.read_bytes()
        if len(data) <= _LARGEST_SEED and looks_like_dicom(data[:132]):
            found += [data, *_planted(data)]
    return found


def _planted(data: bytes) -> Iterator[bytes]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data_set = dcmread(BytesIO(data))
            for keyword, value in PLANTED.items():
                setattr(data_set, keyword, value)
            target, deflated = BytesIO(), BytesIO()
            data_set.save_as(target)
            if data_set.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian:
                data_set.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
                data_set.save_as(deflated)
        except Exception:  # noqa: BLE001 - what pydicom cannot write is no seed
            return
    yield from filter(None, (target.getvalue(), deflated.getvalue()))


class Laws:
    """Holds what a worker of a job holds, and judges one file after the other."""

    def __init__(self) -> None:
        self.released = 0
        self.refused = 0
        self.quick = 0
        self._gates = load_gates(bundled_folder("rules"))
        self._swift = {options: Swift(policy(*options), PSEUDONYMS) for options in ((), MANY_OPTIONS)}
        self._needles = needles_of(_PERSON)

    def hold(self, data: bytes) -> None:
        """Raises whatever is wrong: BrokenLawError, or an exception that should have been an ItemError."""
        try:
            data_set = parse(data)
        except ItemError:
            self.refused += 1
            return
        _accounted(data_set, data)
        options = MANY_OPTIONS if sum(data[-64:]) & 1 else ()
        try:
            source = instance_facts(data, reference="source", content_id="", policy=policy(*options))
        except ItemError:
            self.refused += 1
            return
        gate(self._gates, source)
        slow = self._general(data, source, options)
        self._quick_agrees(data, source, options, slow)
        if slow is None:
            self.refused += 1
            return
        self.released += 1
        _judge(slow)

    def _general(self, data: bytes, source: SourceInstance, options: Sequence[str]) -> bytes | None:
        subject = self._subject(needles_of(source.identifiers | _PERSON))
        try:
            done = deidentify(data, source, subject=subject, policy=policy(*options), pseudonyms=PSEUDONYMS)
        except ItemError:
            return None
        return b"".join(done.chunks)

    def _quick_agrees(self, data: bytes, source: SourceInstance, options: tuple[str, ...], slow: bytes | None) -> None:
        own = {one for one in source.identifiers if one.kind is IdentifierKind.UID}
        rest = source.identifiers - own - _PERSON
        needles = needles_of(_PERSON | rest) if rest else self._needles
        quick = self._swift[options].deidentify(
            data, source, subject=self._subject(needles), own=[one.value for one in own]
        )
        if quick is not None:
            self.quick += 1
            if b"".join(quick.chunks) != slow:
                raise BrokenLawError("the quick way gives other bytes")

    @staticmethod
    def _subject(needles: Needles) -> Subject:
        return Subject(
            patient_code=PSEUDONYMS.patient_code(_KEY),
            shift_days=PSEUDONYMS.date_shift_days(_KEY, longest_weeks=521),
            needles=needles,
        )


def _judge(output: bytes) -> None:
    try:
        data_set = parse(output)
    except ItemError as error:
        raise BrokenLawError("the output is not read by our parser") from error
    _accounted(data_set, output)
    if data_set.trailing:
        raise BrokenLawError("bytes behind the output's data set")
    plain = inflated(output).lower() if data_set.syntax.deflated else output.lower()
    if any(token.lower().encode() in plain for token in TOKENS):
        raise BrokenLawError("a planted identifier in the output")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = dcmread(BytesIO(output))
        theirs = sorted(_tags_of(read))
    if theirs != sorted(_tags(data_set.elements)):
        raise BrokenLawError("pydicom reads other elements")


def _accounted(data_set: DataSet, data: bytes) -> None:
    """Elements lie one behind the other, from the file's first byte behind the prefix to its last, at every depth."""
    position = 132 if data[128:132] == b"DICM" else 0
    for element in data_set.meta:
        position = _next(element, position)
    if data_set.data is not data_set.meta_data:
        position = 0
    position = _tiles(data_set.elements, position)
    if position + data_set.trailing != len(data_set.data):
        raise BrokenLawError("bytes that belong to no element")


def _tiles(elements: Sequence[Element], position: int) -> int:
    for element in elements:
        position = _next(element, position)
        if element.items is None:
            continue
        inner = element.value
        for item in element.items:
            if item.start != inner:
                raise BrokenLawError("bytes before an item")
            inner = _tiles(item.elements, item.start + 8) + 8 * item.undefined
            if inner != item.end:
                raise BrokenLawError("bytes at the end of an item")
        # A sequence of known length may still end in a delimiter.
        if element.value + element.length - inner not in (0, 8):
            raise BrokenLawError("bytes behind the last item")
    return position


def _next(element: Element, position: int) -> int:
    if element.start != position or not element.start < element.value <= element.value + element.length <= element.end:
        raise BrokenLawError("bytes before an element")
    return element.end


def _tags(elements: Sequence[Element], depth: int = 0) -> Iterator[tuple[int, int]]:
    for element in elements:
        yield depth, element.tag
        for item in element.items or ():
            yield from _tags(item.elements, depth + 1)


def _tags_of(data_set: Dataset, depth: int = 0) -> Iterator[tuple[int, int]]:
    for tag in data_set.keys():  # noqa: SIM118 - iterating a Dataset itself converts every value
        yield depth, int(tag)
        if tag in _NO_SEQUENCES:
            continue
        element = data_set.get_item(tag)
        vr = element.VR
        if isinstance(element, RawDataElement) and vr in (None, "UN"):
            vr = _dictionary_vr(int(tag))
        if vr == "SQ":
            for item in data_set[tag].value or ():
                yield from _tags_of(item, depth + 1)


def _dictionary_vr(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"
