"""Data sets in the making, which note every identifier as it is written.

The law: nothing that identifies is written except through `plant`, so the answer key cannot forget it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

from pydicom import dcmwrite
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ExplicitVRLittleEndian

from curator.testing.answer_key import AnswerKey, MadeFile, Plant, PlantKind
from curator.testing.people import ASCII, CharacterSet, Name

IMPLEMENTATION_CLASS_UID = "1.2.40.0.13.1.3"


@dataclass(frozen=True, slots=True)
class Seed:
    """A plant that has no file yet."""

    value: str = field(repr=False)
    kind: PlantKind
    place: str
    searchable: bool = True
    encoding: str = "ascii"


@dataclass(slots=True)
class Page:
    """A data set, or an item of a sequence in it, that is being written; `place` is the path to it."""

    dataset: Dataset
    seeds: list[Seed] = field(default_factory=list)
    charset: CharacterSet = ASCII
    place: str = ""

    def put(self, element: str | int, value: object, vr: str = "") -> None:
        """Write a value that identifies nobody."""
        tag = _tag(element)
        self.dataset[tag] = DataElement(tag, vr or dictionary_VR(tag), value)

    def plant(
        self,
        element: str | int,
        value: object,
        *searched: str,
        kind: PlantKind = PlantKind.TEXT,
        vr: str = "",
        searchable: bool = True,
    ) -> None:
        """Write `value` and note each of `searched` in it; without any, the value itself is what is searched."""
        self.put(element, value, vr)
        self.note(str(_tag(element)), *(searched or (str(value),)), kind=kind, searchable=searchable)

    def note(
        self, place: str, *searched: str, kind: PlantKind = PlantKind.TEXT, searchable: bool = True, codec: str = ""
    ) -> None:
        """Note values that stand at `place` of this page."""
        for value in searched:
            encoding = codec or ("ascii" if value.isascii() else self.charset.codec)
            self.seeds.append(Seed(value, kind, self.place + place, searchable, encoding))

    def name(self, element: str | int, *names: Name) -> None:
        """Write one or more person names."""
        parts = [part for name in names for part in name.parts]
        values = [name.dicom for name in names]
        self.plant(element, values if len(values) > 1 else values[0], *parts, kind=PlantKind.PERSON_NAME, vr="PN")

    def item(self, element: str | int, vr: str = "") -> Page:
        """A new item at the end of a sequence."""
        tag = _tag(element)
        if tag not in self.dataset:
            self.dataset[tag] = DataElement(tag, vr or "SQ", Sequence())
        items = self.dataset[tag].value
        items.append(Dataset())
        return Page(items[-1], self.seeds, self.charset, f"{self.place}{tag}[{len(items) - 1}]/")

    def code(self, element: str | int, value: str, scheme: str, meaning: str) -> Page:
        """A new item that holds a code."""
        page = self.item(element)
        page.put("CodeValue", value)
        page.put("CodingSchemeDesignator", scheme)
        page.put("CodeMeaning", meaning)
        return page

    def copy(self) -> Page:
        """A page with the same elements and notes; elements are shared, so replace them and never change them."""
        duplicate = Dataset()
        duplicate.update({element.tag: element for element in self.dataset})
        return Page(duplicate, list(self.seeds), self.charset, self.place)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What surrounds the data set in its file."""

    transfer_syntax: str = ExplicitVRLittleEndian
    preamble: bytes = field(repr=False, default=b"\0" * 128)
    source_ae_title: str = field(repr=False, default="")
    private_information: bytes = field(repr=False, default=b"")
    trailing: bytes = field(repr=False, default=b"")
    is_undefined_length: bool = False
    seeds: tuple[Seed, ...] = field(repr=False, default=())


@dataclass(slots=True)
class Hospital:
    """The folder being filled, and its answer key so far."""

    root: Path
    seed: int
    files: list[MadeFile] = field(default_factory=list)
    plants: list[Plant] = field(default_factory=list)

    def write_dicom(self, page: Page, made: MadeFile, *, envelope: Envelope | None = None) -> None:
        """Write one instance and enter its plants, those of its file name included."""
        envelope = envelope or Envelope()
        self.write(made, _encode(page, envelope), [*page.seeds, *envelope.seeds])

    def write(self, made: MadeFile, content: bytes, seeds: list[Seed]) -> None:
        """Write any file and enter its plants."""
        path = self.root / made.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.files.append(made)
        self.plants.extend(
            Plant(seed.value, seed.kind, seed.place, made.file, seed.searchable, seed.encoding) for seed in seeds
        )

    def key(self) -> AnswerKey:
        """The answer key."""
        return AnswerKey(seed=self.seed, files=tuple(self.files), plants=tuple(self.plants))


def file_name_seeds(*parts: str) -> list[Seed]:
    """What a file's own path gives away."""
    return [Seed(part, PlantKind.FILE_NAME, "file_name", encoding="utf-8") for part in parts]


def with_preamble(envelope: Envelope, text: str, *searched: str) -> Envelope:
    """The envelope with `text` in its 128-byte preamble."""
    seeds = tuple(Seed(value, PlantKind.TEXT, "preamble") for value in searched)
    return replace(envelope, preamble=text.encode("ascii").ljust(128, b"\0")[:128], seeds=envelope.seeds + seeds)


def with_meta(envelope: Envelope, ae_title: str, text: str, *searched: str) -> Envelope:
    """The envelope with an AE title and private information in its file meta group."""
    seeds = (
        Seed(ae_title, PlantKind.TEXT, "(0002,0016)"),
        *(Seed(value, PlantKind.TEXT, "(0002,0102)") for value in searched),
    )
    information = text.encode("ascii")
    return replace(envelope, source_ae_title=ae_title, private_information=information, seeds=envelope.seeds + seeds)


def with_trailing(envelope: Envelope, text: str, *searched: str) -> Envelope:
    """The envelope with bytes behind the last element, shaped as an element so that readers get past them."""
    content = text.encode("ascii")
    content += b" " * (len(content) % 2)
    element = struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, len(content)) + content
    seeds = tuple(Seed(value, PlantKind.TEXT, "trailing") for value in searched)
    return replace(envelope, trailing=element, seeds=envelope.seeds + seeds)


def _tag(element: str | int) -> BaseTag:
    if isinstance(element, int):
        return Tag(element)
    found = tag_for_keyword(element)
    if found is None:
        raise KeyError(element)
    return Tag(found)


def _encode(page: Page, envelope: Envelope) -> bytes:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = page.dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = page.dataset.SOPInstanceUID
    meta.TransferSyntaxUID = envelope.transfer_syntax  # type: ignore[assignment]  # pydicom makes a UID of a str
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID  # type: ignore[assignment]
    meta.ImplementationVersionName = "PHANTOM_1"
    if envelope.source_ae_title:
        meta.SourceApplicationEntityTitle = envelope.source_ae_title
    if envelope.private_information:
        meta.PrivateInformationCreatorUID = IMPLEMENTATION_CLASS_UID  # type: ignore[assignment]
        meta.PrivateInformation = envelope.private_information
    if envelope.is_undefined_length:
        _open_sequences(page.dataset)
    buffer = BytesIO()
    dataset = FileDataset(buffer, page.dataset, preamble=envelope.preamble, file_meta=meta)
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue() + envelope.trailing


def _open_sequences(dataset: Dataset) -> None:
    """Let every sequence and item end by a delimiter instead of a length."""
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
                _open_sequences(item)
