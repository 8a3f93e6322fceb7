"""Search for identifiers in bytes, in every form they could be written in.

The law: an identifier that stands in the bytes in any of the encodings DICOM knows is found; what is too short to be
told from chance is searched only whole and only where text can stand.

Sources: DICOM PS3.5 6.1.2 (character repertoires), 6.2.1 (person names).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from functools import lru_cache

from curator.model.identity import Identifier, IdentifierKind

# The repertoires of PS3.3 C.12.1.1.2 as Python codecs, and UTF-16 for text that private blobs keep.
_CODECS = (
    "utf-8", "latin-1", "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8",
    "iso8859-9", "iso8859-15", "tis-620", "shift_jis", "iso2022_jp", "iso2022_jp_2", "euc_jp", "euc_kr", "iso2022_kr",
    "gb18030", "gb2312", "koi8-r", "cp1251", "utf-16-le", "utf-16-be",
)  # fmt: skip
# Below four characters a token meets by chance in any header; within bulk bytes six are needed.
SHORTEST = 4
SHORTEST_IN_BULK = 6
STAND_IN = "REMOVED"
"""What the engine writes for a removed value; a name that earlier tools had replaced by it identifies nobody."""
# Our own UIDs are digits of a keyed hash; a record number inside one is chance, never a leak. One in ten thousand
# million has fewer than 29 digits: whoever puts a record number behind 2.25 does not hide it.
# What the engine writes about itself, lower case.
OWN_METHOD = re.compile(rb"curator [\w.+]+; [\w-]+; ps3\.15 \d{4}[a-z]; [0-9a-f]{12}")
# The standard's root holds 10008, and our method text the year of an edition: both would meet short record numbers.
_NOT_SEARCHED_FOR_NUMBERS = re.compile(
    rb"2\.25\.\d{29,39}"
    rb"|(?<![\d.])1\.2\.840\.10008(?:\.\d{1,4}){1,10}(?![\d.])"
    rb"|" + OWN_METHOD.pattern
)
_NAME_PARTS = re.compile(r"[\s^=,;.\-_/\\]+")
_NUMERIC = b"0123456789+-.eE \\\0"
# What every codec writes as ASCII does; in some, backslash and tilde are other characters.
_ALIKE_EVERYWHERE = re.compile(r"[ -\[\]-}]*")
_ESCAPES = re.compile(rb"\x1b[\x20-\x2f]+[\x30-\x7e]")


@dataclass(frozen=True, slots=True)
class Needles:
    """Byte strings to search for, ASCII-folded to lower case.

    `digits` need a non-digit on either side. `bulk` are those of both that are long enough to mean something between
    pixels, `numbers` those that mean something as a whole number.
    """

    plain: tuple[bytes, ...] = field(repr=False)
    digits: tuple[bytes, ...] = field(repr=False)
    bulk: frozenset[bytes] = field(repr=False)
    numbers: frozenset[bytes] = field(repr=False)

    def __len__(self) -> int:
        return len(self.plain) + len(self.digits)


def needles_of(identifiers: Iterable[Identifier]) -> Needles:
    """What to search for; empty for no identifiers."""
    plain: set[bytes] = set()
    digits: set[bytes] = set()
    bulk: set[bytes] = set()
    numbers: set[bytes] = set()
    for token in {token for identifier in identifiers for token in _tokens(identifier)}:
        is_number = token.isascii() and token.isdigit()
        (digits if is_number else plain).update(_encoded(token))
        forms = _bulk_forms(token, is_number=is_number)
        bulk |= forms
        if is_number:
            numbers |= forms
    return Needles(tuple(sorted(plain)), tuple(sorted(digits)), frozenset(bulk), frozenset(numbers))


def found_in(needles: Needles, data: bytes | memoryview, *, bulk: bool = False) -> int:
    """How many needles stand in `data`; 0 for empty data. `bulk` says that the bytes are pixels or the like."""
    folded = bytes(data).lower()
    found = sum(1 for needle in needles.plain if (not bulk or needle in needles.bulk) and needle in folded)
    candidates = [needle for needle in needles.digits if (not bulk or needle in needles.bulk) and needle in folded]
    if not candidates:
        return found
    masked = _NOT_SEARCHED_FOR_NUMBERS.sub(b" ", folded)
    return found + sum(1 for needle in candidates if re.search(rb"(?<!\d)" + re.escape(needle) + rb"(?!\d)", masked))


def is_numeric(data: bytes) -> bool:
    """Whether the bytes are decimal numbers and what parts them, and nothing else; true for no bytes."""
    return not data.strip(_NUMERIC)


def numbers_found_in(needles: Needles, data: bytes) -> int:
    """How many needles are one of the decimal numbers in `data`, parted by backslashes; 0 for empty data.

    A coordinate or a rescale intercept that has the digits of a short record number is chance, and so are decimals.
    """
    if not needles.numbers:
        return 0
    return len(needles.numbers.intersection(map(_whole, data.split(b"\\"))))


def _whole(number: bytes) -> bytes:
    whole, _, decimals = number.strip(b" \0+-").partition(b".")
    return b"" if decimals.strip(b"0") else whole


def _bulk_forms(token: str, *, is_number: bool) -> Set[bytes]:
    """The forms that chance does not write between pixels."""
    if not is_number:
        return _encoded(token) if len(token) >= SHORTEST_IN_BULK or not token.isascii() else set()
    # Digits of one kind are a flat area of an 8-bit image; digits in UTF-16 are dark grey in a 16-bit one.
    return {token.encode()} if len(token) >= SHORTEST_IN_BULK and len(set(token)) > 1 else set()


def _tokens(identifier: Identifier) -> set[str]:
    value = identifier.value.strip(" \0")
    tokens = {value}
    if identifier.kind is IdentifierKind.PERSON_NAME:
        groups = [group.strip("^ ") for group in value.split("=")]
        tokens |= {*groups, *(group.replace("^", " ") for group in groups), *_NAME_PARTS.split(value)}
        tokens |= {spelling for group in groups for spelling in _spoken(group)}
    if identifier.kind is IdentifierKind.DATE and len(value) == 8 and value.isdigit():
        year, month, day = value[:4], value[4:6], value[6:]
        tokens |= {f"{year}-{month}-{day}", f"{day}.{month}.{year}", f"{month}/{day}/{year}", f"{day}/{month}/{year}"}
    return {token for token in tokens if _long_enough(token) and not _is_stand_in(token)}


def _spoken(group: str) -> Iterator[str]:
    """A name as people write it; short family and given names are found together where neither is alone."""
    family, *rest = (part.strip() for part in group.split("^"))
    given = next(iter(rest), "")
    if family and given and len(family) + len(given) >= SHORTEST:
        yield from (f"{given} {family}", f"{given}^{family}", f"{family}, {given}", f"{family},{given}")


def _is_stand_in(token: str) -> bool:
    return {part.upper() for part in _NAME_PARTS.split(token) if part} <= {STAND_IN}


def _long_enough(token: str) -> bool:
    # Two ideographs are a whole family name; two Latin letters are noise.
    return len(token) >= SHORTEST or (len(token) >= 2 and any(ord(character) > 0x2E80 for character in token))


# Persons of one archive share the names of its people and places.
@lru_cache(maxsize=1 << 10)
def _encoded(token: str) -> frozenset[bytes]:
    if _ALIKE_EVERYWHERE.fullmatch(token):
        folded = token.lower()
        forms = {folded.encode(codec) for codec in ("ascii", "utf-16-le", "utf-16-be")}
        return frozenset(form for form in forms if len(form) >= SHORTEST)
    return frozenset(_encoded_by_all(token))


def _encoded_by_all(token: str) -> set[bytes]:
    forms: set[bytes] = set()
    for spelling in {token, token.lower(), token.upper(), token.casefold()}:
        for codec in _CODECS:
            try:
                encoded = spelling.encode(codec)
            except UnicodeEncodeError:
                continue
            forms.add(_ESCAPES.sub(b"", encoded).lower() if b"\x1b" in encoded else encoded.lower())
    return {form for form in forms if len(form) >= SHORTEST}
