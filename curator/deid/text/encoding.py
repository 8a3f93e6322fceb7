"""Element values decoded, cleaned and encoded again.

The law: what is written can be read with the character sets that the data set declares; what cannot be is not written.

Sources: DICOM PS3.5 6.1 (character sets), 6.2, 6.4 (multiplicity); PS3.3 C.12.1.1.2.
"""

from __future__ import annotations

from collections.abc import Callable

from curator.dicom import charsets
from curator.dicom.text import text_of

_SINGLE_VALUED = frozenset({"LT", "ST", "UT"})


def cleaned_value(raw: bytes, vr: str, encodings: tuple[str, ...], *, clean: Callable[[str], str]) -> bytes | None:
    """The raw value with each of its values cleaned in its place; None where nothing is left.

    `encodings` are the codecs in force where the element stands.
    """
    # Decoded before it is parted: in some character sets a backslash is half of a letter.
    text = text_of(raw, vr, encodings)
    values = [text] if vr in _SINGLE_VALUED else text.split("\\")
    cleaned = [clean(value) for value in values]
    if not any(cleaned):
        return None
    return encoded("\\".join(cleaned), vr, encodings)


def encoded(text: str, vr: str, encodings: tuple[str, ...]) -> bytes | None:
    """A text in the codecs in force, None where they have no such characters."""
    if text.isascii():
        return text.encode("ascii")
    written = charsets.encoded(text, encodings)
    return written if written is not None and text_of(written, vr, encodings) == text else None
