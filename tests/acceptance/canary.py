"""One CT image with identifiers planted wherever a file can carry one, each spelt as nothing else is by chance.

Written byte by byte, so that it holds what no toolkit would write. Places that peers were seen to leak come first:
code meanings, unknown even groups, unknown UN elements, preamble, file meta, deep sequences, overlays, documents, bytes
behind the data set, private text and UIDs inside private UN.

Not planted, because nothing can tell it from what belongs there: a stranger's name in text that the standard keeps
(manufacturer, software, earlier methods of de-identification). There the patient's own names and numbers stand.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from canary_attributes import CHARACTER_SETS, DATES, DEVICE, INSTITUTION, NAMES, NUMBERS, TEXTS, UIDS, WHEREABOUTS

from curator.dicom import encode
from curator.dicom.dictionary import dictionary_vr, tag_of

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
FAMILY, GIVEN, PATIENT_ID = "Zwetschgenstein", "Quendolyna", "MRNQX081577"
LEVELS = 8
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
_REFERENCED_IMAGES, _REQUESTS, _ANATOMY = 0x00081140, 0x00400275, 0x00082218
_UID = "1.2.826.0.1.3680043.9.7731"
_SIDE = 48
_TRAILING = "behind the data set"


@dataclass(frozen=True, slots=True)
class Canary:
    """A file, and what is planted in it as bytes, by place."""

    data: bytes = field(repr=False)
    planted: dict[str, bytes] = field(repr=False)

    def survivors(self, written: bytes) -> list[str]:
        """The places whose planted bytes stand anywhere in what was written."""
        return [place for place, needle in self.planted.items() if needle in written]


def canary(*, syntax: str = EXPLICIT, with_document: bool = True, with_trailing: bool = True) -> Canary:
    """The file in a transfer syntax without compression.

    `with_document` puts an encapsulated document into it, `with_trailing` bytes behind the data set, on which pydicom
    and what is built on it stop.
    """
    built = _Builder(is_explicit=syntax == EXPLICIT).built(syntax, with_document=with_document)
    end = built.planted[_TRAILING]
    if with_trailing:
        return built
    return Canary(built.data.removesuffix(end), {name: value for name, value in built.planted.items() if value != end})


class _Builder:
    """Plants one place after the other, each with a spelling of its own."""

    def __init__(self, *, is_explicit: bool) -> None:
        self._is_explicit = is_explicit
        self._planted: dict[str, bytes] = {}
        self._elements: dict[int, bytes] = {}

    def built(self, syntax: str, *, with_document: bool) -> Canary:
        self._image()
        self._attributes()
        self._private()
        self._unlisted()
        self._kept()
        self._sequences()
        self._character_sets()
        self._deep()
        if with_document:
            self._put(0x00420011, "OB", self._token("EncapsulatedDocument") * 9)
        meta, preamble = self._meta(syntax), self._token("preamble").ljust(128, b"\0")
        body = b"".join(self._elements[tag] for tag in sorted(self._elements))
        return Canary(preamble + b"DICM" + meta + body + self._token(_TRAILING), self._planted)

    def _token(self, place: str) -> bytes:
        """A text of 16 bytes that stands for this place."""
        return self._plant(place, f"Wq{len(self._planted):03d}Zyxgronfels".encode())

    def _plant(self, place: str, value: bytes) -> bytes:
        if place in self._planted or value in self._planted.values():
            raise ValueError(f"{place} is planted twice")
        self._planted[place] = value
        return value

    def _element(self, tag: int, vr: str, value: bytes) -> bytes:
        return encode.element(tag, vr, value, explicit=self._is_explicit, order="<")

    def _put(self, tag: int, vr: str, value: bytes) -> None:
        if tag in self._elements:
            raise ValueError(f"{tag:08X} is there already")
        self._elements[tag] = self._element(tag, vr, value)

    def _named(self, keyword: str, value: bytes) -> None:
        tag = tag_of(keyword)
        self._put(tag, dictionary_vr(tag), value)

    def _image(self) -> None:
        self._named("SOPClassUID", CT.encode())
        self._put(0x00100010, "PN", self._plant("PatientName", f"{FAMILY}^{GIVEN}".encode()))
        self._put(0x00100020, "LO", self._plant("PatientID", PATIENT_ID.encode()))
        plain = {
            "Modality": "CT",
            "BodyPartExamined": "ABDOMEN",
            "PatientPosition": "FFS",
            "InstanceNumber": "1",
            "ImageOrientationPatient": r"1\0\0\0\1\0",
            "ImagePositionPatient": r"0\0\5",
            "PixelSpacing": r"8\8",
            "PhotometricInterpretation": "MONOCHROME2",
            "RescaleIntercept": "-1024",
            "RescaleSlope": "1",
            "PatientSex": "F",
        }
        for keyword, value in plain.items():
            self._named(keyword, value.encode())
        numbers = {"SamplesPerPixel": 1, "Rows": _SIDE, "Columns": _SIDE, "BitsAllocated": 16, "BitsStored": 16,
                   "HighBit": 15, "PixelRepresentation": 0}  # fmt: skip
        for keyword, number in numbers.items():
            self._named(keyword, struct.pack("<H", number))
        self._put(0x7FE00010, "OW", struct.pack("<H", 77) * (_SIDE * _SIDE))

    def _attributes(self) -> None:
        for keyword in (*NAMES, *NUMBERS, *WHEREABOUTS, *TEXTS, *DEVICE, *INSTITUTION):
            self._named(keyword, self._token(keyword))
        for number, keyword in enumerate(DATES):
            self._named(keyword, self._plant(keyword, f"1887{1 + number:02d}2{number % 9}".encode()))
        self._put(0x0008002A, "DT", self._plant("AcquisitionDateTime", b"18990417031747.731"))
        self._put(0x00080030, "TM", self._plant("StudyTime", b"031748.7319"))
        self._put(0x00100032, "TM", self._plant("PatientBirthTime", b"041759.7319"))
        for number, keyword in enumerate(UIDS):
            self._named(keyword, self._plant(keyword, f"{_UID}.1.{number}".encode()))
        self._put(0x00102160, "SH", self._token("EthnicGroup"))
        self._put(0x00101010, "AS", self._plant("PatientAge", b"097Y"))

    def _private(self) -> None:
        self._put(0x00090010, "LO", b"ZQ PRIVATE CODE")
        self._put(0x00110010, "LO", self._token("private creator"))
        self._put(0x70530010, "LO", b"Philips PET Private Group")
        self._put(0x00091001, "LO", self._token("private LO"))
        self._put(0x00091002, "UN", self._token("private UN"))
        self._put(0x00091003, "UN", self._plant("UID in private UN", f"{_UID}.2.1".encode()))
        self._put(0x00091004, "PN", self._token("private PN"))
        self._put(0x00091005, "OB", self._token("text in private OB"))
        inner = self._element(0x00101001, "PN", self._token("name in a private sequence"))
        self._elements[0x00091006] = self._sequence(0x00091006, inner)
        # CP-246: a UN of undefined length is an implicit VR sequence.
        implicit = encode.element(
            0x00101001, "PN", self._token("name in a private UN sequence"), explicit=False, order="<"
        )
        self._elements[0x00091007] = self._open_sequence(0x00091007, implicit, vr="UN")
        self._put(0x00091008, "OW", self._plant("UTF-16 in private OW", "Zyxgronfels-WQ16".encode("utf-16-le")))
        self._put(0x00111001, "LO", self._token("private LO under a creator that names"))
        self._put(0x00131001, "LO", self._token("private LO without creator"))
        # Table E.3.10-1 has (7053,xx00) as a number; text in it is none.
        self._put(0x70531000, "DS", self._token("text in a safe private number"))
        self._put(0x70531077, "LO", self._token("private LO beside a safe one"))

    def _unlisted(self) -> None:
        self._put(0x00089999, "LO", self._token("unknown even group (0008,9999)"))
        self._put(0x00104F00, "UN", self._token("unknown UN (0010,4F00)"))
        self._put(0x50002500, "LO", self._token("curve label"))
        self._put(0x50003000, "OW", self._token("curve data"))
        self._put(0x60000022, "LO", self._token("overlay description"))
        self._put(0x60001500, "LO", self._token("overlay label"))
        self._put(0x60003000, "OW", self._token("overlay data"))
        self._put(0x60004000, "LT", self._token("overlay comments"))
        self._put(0xFFFCFFFC, "OB", self._token("trailing padding"))
        self._put(0x04000100, "UI", self._plant("UID of a digital signature", f"{_UID}.3.1".encode()))
        self._put(0x00080000, "UL", self._plant("group length", b"Zqgl"))

    def _kept(self) -> None:
        """The person named in text and codes that stay, each time spelt in another way."""
        self._put(
            0x00080070, "LO", b"ACME for " + self._plant("Manufacturer names the patient", FAMILY.upper().encode())
        )
        self._put(0x00081090, "LO", self._plant("model names the patient", f"{GIVEN} {FAMILY}".encode()))
        self._put(0x00181020, "LO", b"V1 " + self._plant("software names the patient", FAMILY.lower().encode()))
        self._put(0x00181210, "SH", b"B30 " + self._plant("kernel names the patient", PATIENT_ID.lower().encode()))
        kind = self._plant("image type names the patient", GIVEN.upper().encode())
        self._put(0x00080008, "CS", rb"ORIGINAL\PRIMARY\AXIAL" + b"\\" + kind)
        self._put(0x00185101, "CS", b"AP\0" + self._token("behind a null in a code string"))
        method = self._plant("earlier method names the patient", FAMILY.swapcase().encode())
        number = self._plant("earlier method holds a number", b"0987-7731-5519")
        self._put(0x00120063, "LO", b"made by CTP for " + method + rb"\ask " + number)

    def _sequences(self) -> None:
        def put(tag: int, *parts: tuple[int, str, bytes]) -> None:
            self._elements[tag] = self._sequence(tag, b"".join(self._element(*part) for part in parts))

        put(
            _ANATOMY,
            (0x00080100, "SH", self._token("code value")),
            (0x00080102, "SH", b"99SITE"),
            (0x00080104, "LO", self._token("code meaning")),
            (0x00191001, "LO", self._token("private LO in a sequence")),
        )
        put(
            _REQUESTS,
            (0x00321060, "LO", self._token("description in a request")),
            (0x00400007, "LO", self._token("step description in a request")),
        )
        put(
            0x0040A730,
            (0x0040A040, "CS", b"TEXT"),
            (0x0040A123, "PN", self._token("person name of a report")),
            (0x0040A160, "UT", self._token("text of a report")),
        )
        put(0x00880200, (0x7FE00010, "OW", self._token("icon image")))
        put(0x00101002, (0x00100020, "LO", self._token("another patient ID in a sequence")))
        put(0x04000550, (0x00100010, "PN", self._token("modified attributes")))
        put(0x04000500, (0x04000520, "OB", self._token("encrypted content")))
        put(0x00081110, (0x00081155, "UI", self._plant("UID of a referenced study", f"{_UID}.4.1".encode())))
        put(0x00081115, (0x0020000E, "UI", self._plant("UID of a referenced series", f"{_UID}.4.2".encode())))
        put(0x00700001, (0x00700006, "ST", self._token("text of an annotation")))

    def _character_sets(self) -> None:
        items = []
        for name, (terms, codec, person) in CHARACTER_SETS.items():
            # What Python's codec announces at its beginning, an element does not carry.
            raw = person.encode(codec).removeprefix(b"\x1b$)C")
            family = person.split("^")[0].encode(codec).removeprefix(b"\x1b$)C")
            items.append(
                self._element(0x00080005, "CS", terms.encode())
                + self._element(
                    0x00080070, "LO", self._plant(f"{name}: manufacturer names a person", family + b" by ACME")
                )
                + self._element(0x00081030, "LO", self._plant(f"{name}: description", b"of " + family))
                + self._element(0x00101001, "PN", self._plant(f"{name}: person name", raw))
            )
        self._elements[0x00082112] = self._sequence(0x00082112, *items)

    def _deep(self) -> None:
        content = b""
        for level in range(LEVELS, 0, -1):
            uid = self._plant(f"level {level}: UID", f"{_UID}.5.{level}".encode())
            parts = (
                self._element(0x00081030, "LO", self._token(f"level {level}: description")),
                content,
                self._element(0x00081155, "UI", uid),
                self._element(0x00091001, "LO", self._token(f"level {level}: private")),
                self._element(0x00100010, "PN", self._token(f"level {level}: name")),
            )
            wrap = self._sequence if level % 2 else self._open_sequence
            content = wrap(_REFERENCED_IMAGES, b"".join(parts))
        self._elements[_REFERENCED_IMAGES] = content

    def _sequence(self, tag: int, *items: bytes) -> bytes:
        return self._element(tag, "SQ", b"".join(_item(item) for item in items))

    def _open_sequence(self, tag: int, *items: bytes, vr: str = "SQ") -> bytes:
        head = encode.header(tag, vr, _UNDEFINED, explicit=self._is_explicit, order="<")
        end = struct.pack("<HHI", *_ITEM_END, 0)
        body = b"".join(struct.pack("<HHI", *_ITEM, _UNDEFINED) + item + end for item in items)
        return head + body + struct.pack("<HHI", *_SEQUENCE_END, 0)

    def _meta(self, syntax: str) -> bytes:
        parts = (
            (0x00020001, "OB", b"\0\1"),
            (0x00020002, "UI", CT.encode()),
            (0x00020003, "UI", self._planted["SOPInstanceUID"]),
            (0x00020010, "UI", syntax.encode()),
            (0x00020012, "UI", self._plant("implementation class UID", f"{_UID}.6.1".encode())),
            (0x00020013, "SH", self._token("implementation version")),
            (0x00020016, "AE", self._token("AE title of the file meta")),
            (0x00020100, "UI", self._plant("creator of private information", f"{_UID}.6.2".encode())),
            (0x00020102, "OB", self._token("private information of the file meta")),
        )
        group = b"".join(encode.element(*part, explicit=True, order="<") for part in parts)
        return encode.element(0x00020000, "UL", struct.pack("<I", len(group)), explicit=True, order="<") + group


def _item(content: bytes) -> bytes:
    return struct.pack("<HHI", *_ITEM, len(content)) + content
