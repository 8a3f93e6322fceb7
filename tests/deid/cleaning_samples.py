"""A text engine for a whole test run, and files cleaned with it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from deid_samples import PSEUDONYMS, policy

from curator.bundled import bundled_folder
from curator.deid.instance import Deidentified, deidentify
from curator.deid.subject import Subject
from curator.deid.text.cleaner import Cleaner
from curator.deid.text.engine import load_cleaner
from curator.deid.text.own_values import OwnValues
from curator.identity.search import needles_of
from curator.ingest.facts import instance_facts
from curator.model.identity import Identifier, IdentifierKind, SubjectKey

SHIFT_DAYS = 70


@cache
def cleaner() -> Cleaner:
    return load_cleaner(bundled_folder("rules"))


def own(*identifiers: Identifier) -> OwnValues:
    return cleaner().own_values(frozenset(identifiers))


def name(value: str) -> Identifier:
    return Identifier(IdentifierKind.PERSON_NAME, value)


def number(value: str) -> Identifier:
    return Identifier(IdentifierKind.ID, value)


def born(value: str) -> Identifier:
    return Identifier(IdentifierKind.DATE, value)


def clean(text: str, *identifiers: Identifier) -> str:
    return cleaner().clean(text, own=own(*identifiers)).text


def cleaned_file(data: bytes, *options: str, identifiers: Iterable[Identifier] = ()) -> Deidentified:
    """What the engine makes of a file under cleaning options."""
    source = instance_facts(data, reference="source", content_id="", policy=policy(*options))
    person = source.subject or SubjectKey("nobody")
    everything = source.identifiers | frozenset(identifiers)
    subject = Subject(
        patient_code=PSEUDONYMS.patient_code(person),
        shift_days=SHIFT_DAYS,
        needles=needles_of(everything),
        identifiers=everything,
    )
    return deidentify(data, source, subject=subject, policy=policy(*options), pseudonyms=PSEUDONYMS, cleaner=cleaner())


def cleaned_bytes(data: bytes, *options: str, identifiers: Iterable[Identifier] = ()) -> bytes:
    return b"".join(cleaned_file(data, *options, identifiers=identifiers).chunks)
