"""Who is in the hospital: patients, staff, centres and devices, none of whom ever lived.

The law: every name and number is unlike any word and long enough that finding its bytes in a file is no chance; no two
persons, centres or devices share one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from curator.testing.invented import KANA, KANJI, Words, random_stream

PATIENT_COUNT = 18


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name; the ideographic and phonetic parts are empty for most."""

    family: str = field(repr=False)
    given: str = field(repr=False)
    ideographic: tuple[str, str] | None = field(repr=False, default=None)
    phonetic: tuple[str, str] | None = field(repr=False, default=None)

    @property
    def dicom(self) -> str:
        """As a PN value."""
        groups = [(self.family, self.given), self.ideographic, self.phonetic]
        return "=".join("^".join(group) for group in groups if group)

    @property
    def parts(self) -> tuple[str, ...]:
        """Each part that a search looks for."""
        return (self.family, self.given, *(self.ideographic or ()), *(self.phonetic or ()))

    @property
    def plain(self) -> str:
        """As written in a sentence."""
        return f"{self.given} {self.family}"


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """A Specific Character Set and the Python codec it stands for."""

    terms: tuple[str, ...]
    codec: str


ASCII = CharacterSet((), "ascii")
LATIN_1 = CharacterSet(("ISO_IR 100",), "latin-1")
UTF_8 = CharacterSet(("ISO_IR 192",), "utf-8")
JAPANESE = CharacterSet(("", "ISO 2022 IR 87"), "iso2022_jp")
CYRILLIC = CharacterSet(("ISO_IR 144",), "iso8859_5")


@dataclass(frozen=True, slots=True)
class Device:
    """A scanner. `uid_root` begins every UID that it made."""

    modality: str
    manufacturer: str
    model: str
    serial: str = field(repr=False)
    station: str = field(repr=False)
    ae_title: str = field(repr=False)
    software: str
    uid_root: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Centre:
    """A hospital site and who works there."""

    index: int
    name: str = field(repr=False)
    street: str = field(repr=False)
    town: str = field(repr=False)
    department: str = field(repr=False)
    referring: Name
    performing: Name
    operator: Name
    reading: Name
    phone: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient with all that identifies one."""

    index: int
    name: Name
    birth_name: str = field(repr=False)
    mother: str = field(repr=False)
    record_number: str = field(repr=False)
    other_id: str = field(repr=False)
    insurance: str = field(repr=False)
    issuer: str = field(repr=False)
    birth_date: date = field(repr=False)
    sex: str
    street: str = field(repr=False)
    town: str = field(repr=False)
    phone: str = field(repr=False)
    occupation: str = field(repr=False)
    charset: CharacterSet
    centre: Centre
    study_date: date = field(repr=False)
    accession: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody. `devices[vendor][modality]` is the vendor's scanner of that kind; `authors` draw the masks."""

    patients: tuple[Patient, ...]
    centres: tuple[Centre, ...]
    devices: tuple[dict[str, Device], ...]
    authors: tuple[Name, ...]


# Manufacturer as real headers spell it, its model per modality, and the root its UIDs really have.
_VENDORS: tuple[tuple[tuple[str, ...], dict[str, str], str], ...] = (
    (
        ("SIEMENS", "Siemens Healthineers"),
        {"CT": "SOMATOM Force", "MR": "MAGNETOM Prisma", "PT": "Biograph128", "US": "ACUSON S3000", "DX": "Ysio Max"},
        "1.3.12.2.1107.5",
    ),
    (
        ("GE MEDICAL SYSTEMS", "GE Healthcare"),
        {
            "CT": "Revolution CT",
            "MR": "SIGNA Premier",
            "PT": "Discovery 690",
            "US": "LOGIQ E9",
            "DX": "Discovery XR656",
        },
        "1.2.840.113619.2",
    ),
    (
        ("Philips", "Philips Medical Systems"),
        {"CT": "IQon - Spectral CT", "MR": "Ingenia", "PT": "Vereos PET/CT", "US": "EPIQ 7C", "DX": "DigitalDiagnost"},
        "1.3.46.670589.33",
    ),
    (
        ("Canon Medical Systems", "TOSHIBA"),
        {"CT": "Aquilion ONE", "MR": "Vantage Galan 3T", "PT": "Celesteion", "US": "Aplio i800", "DX": "Radrex-i"},
        "1.2.392.200036.9116",
    ),
    (
        ("UIH", "United Imaging Healthcare"),
        {"CT": "uCT 780", "MR": "uMR 790", "PT": "uMI 550", "US": "Resona R9", "DX": "uDR 780i"},
        "1.2.156.112605.14038",
    ),
)
_CENTRE_COUNT = 4
_CHARSETS = {2: LATIN_1, 3: JAPANESE, 6: UTF_8, 9: CYRILLIC, 12: JAPANESE}


def cast(seed: int) -> Cast:
    """Everybody in the hospital of one seed."""
    words = Words(random_stream(seed, "people"))
    centres = tuple(_centre(words, index) for index in range(_CENTRE_COUNT))
    devices = tuple(_devices(words, vendor) for vendor in range(len(_VENDORS)))
    patients = tuple(_patient(words, index, centres[index % _CENTRE_COUNT]) for index in range(PATIENT_COUNT))
    authors = tuple(_name(words) for _ in range(3))
    return Cast(patients=patients, centres=centres, devices=devices, authors=authors)


def device_for(people: Cast, patient: Patient, modality: str) -> Device:
    """The scanner that took a patient's images: vendors and centres are crossed, so neither stands for the other."""
    return people.devices[patient.index % len(people.devices)][modality]


def spelling_for(people: Cast, patient: Patient) -> str:
    """The manufacturer as this patient's files spell it."""
    vendor = patient.index % len(people.devices)
    spellings = _VENDORS[vendor][0]
    return spellings[(patient.index // len(people.devices)) % len(spellings)]


def _name(words: Words) -> Name:
    return Name(words.word(), words.word(3))


def _centre(words: Words, index: int) -> Centre:
    return Centre(
        index=index,
        name=words.word(),
        street=words.word(3, "weg"),
        town=words.word(3, "stadt"),
        department=words.word(3, "station"),
        referring=_name(words),
        performing=_name(words),
        operator=_name(words),
        reading=_name(words),
        phone=words.phone(),
    )


def _devices(words: Words, vendor: int) -> dict[str, Device]:
    spellings, models, root = _VENDORS[vendor]
    made = {}
    for modality, model in models.items():
        serial = words.digits(8)
        made[modality] = Device(
            modality=modality,
            manufacturer=spellings[0],
            model=model,
            serial=serial,
            station=f"{modality}{words.word(4).upper()}"[:16],
            ae_title=f"AE{words.word(4).upper()}"[:16],
            software=f"VB{vendor + 1}0A",
            uid_root=f"{root}.{serial}",
        )
    return made


def _patient_name(words: Words, charset: CharacterSet) -> Name:
    plain = _name(words)
    if charset is JAPANESE:
        kanji = (words.signs(KANJI, 4), words.signs(KANJI, 4))
        return Name(plain.family, plain.given, kanji, (words.signs(KANA, 7), words.signs(KANA, 6)))
    if charset is CYRILLIC:
        return Name(words.cyrillic(), words.cyrillic())
    if charset in (LATIN_1, UTF_8):
        return Name(_with_umlaut(plain.family), _with_umlaut(plain.given))
    return plain


def _with_umlaut(part: str) -> str:
    return f"{part[:-1]}üß{part[-1]}"


def _patient(words: Words, index: int, centre: Centre) -> Patient:
    charset = _CHARSETS.get(index, ASCII)
    rng = words.rng
    return Patient(
        index=index,
        name=_patient_name(words, charset),
        birth_name=words.word(),
        mother=words.word(),
        record_number=words.digits(10, "1"),
        other_id=words.digits(11),
        insurance=f"{words.word(2, 'q').upper()}{words.digits(8)}",
        issuer=words.word(4, "reg").upper(),
        birth_date=date(1931, 1, 1) + timedelta(days=int(rng.integers(0, 39 * 365))),
        sex="FM"[index % 2],
        street=words.word(3, "gasse"),
        town=words.word(3, "dorf"),
        phone=words.phone(),
        occupation=words.word(3, "macher"),
        charset=charset,
        centre=centre,
        study_date=date(2015, 2, 3) + timedelta(days=int(rng.integers(0, 2900))),
        accession=f"A{words.digits(9)}",
    )
