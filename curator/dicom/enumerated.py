"""Words that the standard enumerates for an attribute, so that they say nothing of anybody.

The law: only attributes with Enumerated Values are here, and of those every value: another word there is a person's.

Sources: DICOM PS3.3 C.17.3.2.1 (Value Type), C.17.3.2.4 (Relationship Type), C.18.8 (Continuity of Content).
"""

from __future__ import annotations

from collections.abc import Mapping

from curator.dicom.dictionary import tag_of

_WORDS: Mapping[str, str] = {
    "ValueType": "CODE|COMPOSITE|CONTAINER|DATE|DATETIME|IMAGE|NUM|PNAME|SCOORD|SCOORD3D|TABLE|TCOORD|TEXT|TIME|UIDREF|"
    "WAVEFORM",
    "RelationshipType": "CONTAINS|HAS ACQ CONTEXT|HAS CONCEPT MOD|HAS OBS CONTEXT|HAS PROPERTIES|INFERRED FROM|"
    "SELECTED FROM",
    "ContinuityOfContent": "CONTINUOUS|SEPARATE",
}
_BY_TAG = {tag_of(name): frozenset(words.encode().split(b"|")) for name, words in _WORDS.items()}


def is_enumerated(tag: int, raw: bytes) -> bool:
    """Whether a raw value is one of the words that the standard enumerates for the attribute."""
    words = _BY_TAG.get(tag)
    return words is not None and raw.strip(b" \0") in words
