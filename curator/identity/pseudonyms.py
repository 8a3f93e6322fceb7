"""Keyed pseudonyms for DICOM identifiers.

A pseudonym is a pure function of (key, domain, kind, original): the same in every process, order and machine, so that
studies stay linked without a table, and no one without the key can confirm a guessed original.

Normalisation of a Patient ID: NFKC, outer blanks and nulls removed, case folded. Two spellings that differ only so are
one person: joining them keeps a person on one side of a split, parting them would not.

Sources: DICOM PS3.15 E.1.1, E.3.6, E.3.9; PS3.5 B.2 (UUID-derived UIDs under 2.25); RFC 2104 (HMAC); RFC 9562 5.8
(UUIDv8).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
import uuid
from collections.abc import Iterable
from functools import lru_cache

from curator.errors import KeyMaterialError
from curator.model.identity import SubjectKey
from curator.model.keys import Key

SHORTEST_SECRET = 32
# Version of the derivation: it enters every frame, so a change can never collide with older codes.
_DERIVATION = b"curator-pseudonym-1"
# Crockford's alphabet: no letter that reads as a digit, no vowel to make words of.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH = 12
WELL_KNOWN_ROOT = "1.2.840.10008."
_DAYS_A_WEEK = 7
_LONGEST_UID = 64
_UID = re.compile(r"\d+(\.\d+)*", re.ASCII)
# The standard numbers its things with small numbers; a record number behind its root is not one of them.
_WELL_KNOWN = re.compile(r"1\.2\.840\.10008(\.\d{1,4}){1,10}", re.ASCII)


def is_uid(text: str) -> bool:
    """Whether a text is digits and single dots, 64 characters at most: nothing else may stand as a kept UID.

    Sources: DICOM PS3.5 9.1 (leading zeros, which the standard forbids and devices write, are let pass).
    """
    return len(text) <= _LONGEST_UID and _UID.fullmatch(text) is not None


def is_well_known(uid: str) -> bool:
    """Whether a UID is one of the standard's own, and so names a kind of thing and no source object."""
    return _WELL_KNOWN.fullmatch(uid) is not None


def normalized_id(text: str) -> str:
    """A Patient ID or issuer as compared: see the module."""
    return unicodedata.normalize("NFKC", text).strip(" \0\t\r\n").casefold()


def code_of(random: bytes) -> str:
    """12 characters that the first 60 bits of evenly spread bytes give; eight bytes are needed."""
    number = int.from_bytes(random[:8], "big")
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_CODE_LENGTH))


def shift_days_of(random: bytes, *, longest_weeks: int) -> int:
    """Whole weeks in days, 7 to `7 * longest_weeks`, that the first 16 of evenly spread bytes give."""
    return _DAYS_A_WEEK * (1 + int.from_bytes(random[:16], "big") % longest_weeks)


def normalized_subject(subject: SubjectKey) -> SubjectKey:
    """A person as compared: see the module."""
    return SubjectKey(normalized_id(subject.patient_id), normalized_id(subject.issuer))


def key_id_of(secret: bytes) -> str:
    """The public name of a secret: 16 hex digits that do not help to guess it.

    Raises:
        KeyMaterialError: the secret is shorter than 32 bytes.
    """
    if len(secret) < SHORTEST_SECRET:
        raise KeyMaterialError(f"a key needs {SHORTEST_SECRET} bytes of secret; make one with `curator keys new`")
    return hmac.new(secret, b"curator-key-id-1", hashlib.sha256).hexdigest()[:16]


class Pseudonyms:
    """All codes that one key gives within its release domain.

    Raises:
        KeyMaterialError: the key's secret is shorter than 32 bytes or does not fit its key id.
    """

    __slots__ = ("_secret", "key")

    def __init__(self, key: Key) -> None:
        if key_id_of(key.secret) != key.key_id:
            raise KeyMaterialError("the key does not match its key id; the key file was altered or mixed up")
        self.key = key
        self._secret = hmac.new(key.secret, _frame((b"domain", key.domain.encode())), hashlib.sha256).digest()

    def __repr__(self) -> str:
        return f"Pseudonyms(key_id={self.key.key_id!r}, domain={self.key.domain!r})"

    def patient_code(self, subject: SubjectKey) -> str:
        """`P-` and 12 characters (60 bits) for one person."""
        return "P-" + self._code("patient", normalized_id(subject.patient_id), normalized_id(subject.issuer))

    def centre_code(self, institution: str) -> str:
        """`C-` and 12 characters for an institution's name, "" for none."""
        return self._named("C-", "centre", institution)

    def device_code(self, *parts: str) -> str:
        """`D-` and 12 characters for what identifies a device (serial number, station), "" where all are empty."""
        return "D-" + self._code("device", *map(normalized_id, parts)) if any(parts) else ""

    def author_code(self, name: str) -> str:
        """`A-` and 12 characters for an annotator's name, "" for none; a PN and its plain form are one author."""
        words = " ".join(sorted(normalized_id(name.replace("^", " ")).split()))
        return self._named("A-", "author", words)

    def uid(self, original: str) -> str:
        """A UUIDv8 under root 2.25, 44 characters at most; well-known and empty UIDs come back as they are."""
        if not original or is_well_known(original):
            return original
        return self._uid(original)

    def date_shift_days(self, subject: SubjectKey, *, longest_weeks: int) -> int:
        """By how many days all dates of one person move back: whole weeks, 7 to `7 * longest_weeks`, never 0."""
        digest = self._digest("date", normalized_id(subject.patient_id), normalized_id(subject.issuer))
        return shift_days_of(digest, longest_weeks=longest_weeks)

    def content_id(self, chunks: Iterable[bytes | memoryview]) -> str:
        """A keyed SHA-256 of a file's bytes, 64 hex digits: tells equal files without letting a guess be confirmed."""
        digest = hmac.new(self._secret, _frame((_DERIVATION, b"content")), hashlib.sha256)
        for chunk in chunks:
            digest.update(chunk)
        return digest.hexdigest()

    def item_id(self, reference: str) -> str:
        """A keyed name of a source reference, 32 hex digits."""
        return self._digest("item", reference).hex()[:32]

    def relief_secret(self, study_uid: str) -> bytes:
        """32 bytes from which the skin that takes the place of a face gets its relief, for one study alone."""
        return self._digest("relief", study_uid)

    def sealing_key(self) -> bytes:
        """64 bytes for `sealing`: a key of its own, from which no pseudonym follows."""
        return b"".join(self._digest("seal", part) for part in ("mac", "cipher"))

    def _named(self, prefix: str, kind: str, name: str) -> str:
        normalized = " ".join(normalized_id(name).split())
        return prefix + self._code(kind, normalized) if normalized else ""

    @lru_cache(maxsize=4096)  # noqa: B019 - one instance a process, and every file repeats its study's UIDs
    def _uid(self, original: str) -> str:
        digest = bytearray(self._digest("uid", original)[:16])
        digest[6] = digest[6] & 0x0F | 0x80
        digest[8] = digest[8] & 0x3F | 0x80
        return f"2.25.{uuid.UUID(bytes=bytes(digest)).int}"

    @lru_cache(maxsize=4096)  # noqa: B019 - as above: every file repeats its device, centre and author
    def _code(self, kind: str, *parts: str) -> str:
        return code_of(self._digest(kind, *parts))

    def _digest(self, kind: str, *parts: str) -> bytes:
        frame = _frame((_DERIVATION, kind.encode(), *(part.encode("utf-8", "surrogatepass") for part in parts)))
        return hmac.new(self._secret, frame, hashlib.sha256).digest()


def _frame(parts: Iterable[bytes]) -> bytes:
    """Length-framed concatenation: no two different part lists give the same bytes."""
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)
