"""Files written byte by byte, with whatever is planted in them, and what the engine makes of them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom import Dataset, dcmread

from curator.bundled import bundled_folder
from curator.deid.instance import Deidentified, deidentify
from curator.deid.subject import Subject
from curator.dicom import encode
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms, key_id_of
from curator.identity.search import needles_of
from curator.ingest.facts import instance_facts
from curator.model.identity import Identifier, IdentifierKind, SubjectKey
from curator.model.keys import Key
from curator.policy.header import HeaderPolicy, load_header_policy

SECRET = bytes(range(32))
PSEUDONYMS = Pseudonyms(Key(key_id_of(SECRET), "release", SECRET))
CT = "1.2.840.10008.5.1.4.1.1.2"
COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
IMPLICIT, EXPLICIT, DEFLATED, BIG = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
)
SYNTAXES = (IMPLICIT, EXPLICIT, DEFLATED, BIG)
BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
# Every option that a steward may choose today, alone, and all that go together.
OPTIONS = (
    (),
    ("retain-safe-private",),
    ("retain-uids",),
    ("retain-device-identity",),
    ("retain-institution-identity",),
    ("retain-patient-characteristics",),
    ("retain-long-full-dates",),
    ("retain-long-modified-dates",),
)
MANY_OPTIONS = (
    "retain-safe-private",
    "retain-uids",
    "retain-device-identity",
    "retain-institution-identity",
    "retain-patient-characteristics",
    "retain-long-modified-dates",
)
PATIENT_ID, PATIENT_NAME = "PATID0815", "Zwetschge^Knoedel"


@cache
def policy(*options: str) -> HeaderPolicy:
    return load_header_policy(bundled_folder("rules"), options=options)


@dataclass(frozen=True)
class Writer:
    """Elements and items in one syntax."""

    syntax: str = EXPLICIT

    @property
    def order(self) -> str:
        return ">" if self.syntax == BIG else "<"

    @property
    def is_explicit(self) -> bool:
        return self.syntax != IMPLICIT

    def element(self, tag: int, vr: str, value: bytes) -> bytes:
        return encode.element(tag, vr, value, explicit=self.is_explicit, order=self.order)

    def sequence(self, tag: int, *items: bytes, vr: str = "SQ") -> bytes:
        return self.element(tag, vr, b"".join(self.item(item) for item in items))

    def item(self, content: bytes) -> bytes:
        return struct.pack(self.order + "HHI", 0xFFFE, 0xE000, len(content)) + content

    def open_sequence(self, tag: int, *items: bytes, vr: str = "SQ") -> bytes:
        """A sequence and items that end by delimiters."""
        head = encode.header(tag, vr, 0xFFFFFFFF, explicit=self.is_explicit, order=self.order)
        body = b"".join(
            struct.pack(self.order + "HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
            + item
            + struct.pack(self.order + "HHI", 0xFFFE, 0xE00D, 0)
            for item in items
        )
        return head + body + struct.pack(self.order + "HHI", 0xFFFE, 0xE0DD, 0)

    def nested(self, tags: Iterable[int], content: bytes) -> bytes:
        """`content` inside sequences of the tags, outermost first."""
        for tag in reversed(tuple(tags)):
            content = self.sequence(tag, content)
        return content

    def file(
        self,
        elements: dict[int, bytes],
        *,
        sop_class: str = CT,
        preamble: bytes = bytes(128),
        meta: bytes = b"",
        behind: bytes = b"",
        is_sorted: bool = True,
    ) -> bytes:
        """A whole file of one patient; `elements` are encoded ones by tag, and replace those that every file has."""
        whole = {
            0x00080016: self.element(0x00080016, "UI", sop_class.encode()),
            0x00080018: self.element(0x00080018, "UI", b"1.2.3.4.5"),
            0x00100010: self.element(0x00100010, "PN", PATIENT_NAME.encode()),
            0x00100020: self.element(0x00100020, "LO", PATIENT_ID.encode()),
            0x0020000D: self.element(0x0020000D, "UI", b"1.2.3.4.1"),
            0x0020000E: self.element(0x0020000E, "UI", b"1.2.3.4.2"),
        } | elements
        body = b"".join(whole[tag] for tag in (sorted(whole) if is_sorted else sorted(whole, reverse=True)))
        if self.syntax == DEFLATED:
            deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
            body = deflater.compress(body) + deflater.flush()
        plain = Writer()
        group = (
            plain.element(0x00020001, "OB", b"\0\1")
            + plain.element(0x00020002, "UI", sop_class.encode())
            + plain.element(0x00020003, "UI", b"1.2.3.4.5")
            + plain.element(0x00020010, "UI", self.syntax.encode())
            + meta
        )
        return (
            preamble + b"DICM" + plain.element(0x00020000, "UL", struct.pack("<I", len(group))) + group + body + behind
        )


def subject_of(patient_id: str = PATIENT_ID, *, identifiers: Iterable[Identifier] = ()) -> Subject:
    key = SubjectKey(patient_id)
    return Subject(
        patient_code=PSEUDONYMS.patient_code(key),
        shift_days=PSEUDONYMS.date_shift_days(key, longest_weeks=521),
        needles=needles_of(identifiers),
    )


def made(data: bytes, *options: str, identifiers: Iterable[Identifier] = ()) -> Deidentified:
    """What the engine makes of a file; its identifiers are those that a scan finds in it, and `identifiers`."""
    source = instance_facts(data, reference="source", content_id="", policy=policy(*options))
    person = source.subject or SubjectKey("nobody")
    subject = subject_of(person.patient_id, identifiers=source.identifiers | frozenset(identifiers))
    return deidentify(data, source, subject=subject, policy=policy(*options), pseudonyms=PSEUDONYMS)


def written(data: bytes, *options: str, identifiers: Iterable[Identifier] = ()) -> bytes:
    return b"".join(made(data, *options, identifiers=identifiers).chunks)


def read(data: bytes) -> Dataset:
    return dcmread(BytesIO(data), force=True)


def inflated(data: bytes) -> bytes:
    """The file with its data set inflated where it is deflated, to search in."""
    meta = dcmread(BytesIO(data), specific_tags=[]).file_meta
    if meta.TransferSyntaxUID != DEFLATED:
        return data
    # Group length element: 12 bytes behind the prefix, its value counts what follows.
    start = 132 + 12 + meta.FileMetaInformationGroupLength
    return data[:start] + zlib.decompress(data[start:], wbits=-zlib.MAX_WBITS)


def text(value: str) -> Identifier:
    return Identifier(IdentifierKind.TEXT, value)


@cache
def released_bundle() -> dict[str, tuple[bytes, bytes]]:
    """Source and output of every file that pydicom bundles and the engine takes, by its path there."""
    done = {}
    for path in sorted(BUNDLED.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            try:
                done[path.relative_to(BUNDLED).as_posix()] = data, written(data)
            except ItemError:
                continue
    return done
