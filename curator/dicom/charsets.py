"""Character sets: which codec each of the standard's terms means, and text in them both ways.

The law: what pydicom reads and writes is read and written here alike, and bytes that a declared character set cannot
explain are decoded byte for byte (Latin-1), so that a search for identifiers still sees them.

pydicom does the work where character sets are switched within a value; it is loaded, with all the decoders that it
brings along, only when a file says or holds such a thing.

Sources: DICOM PS3.5 6.1 (character sets); PS3.3 C.12.1.1.2 (defined terms).
"""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

_PYDICOM = "pydicom.charset"
_DEFAULT = "iso8859"
_ESCAPE = b"\x1b"
# CR, LF, TAB and FF end what an escape sequence began.
_DELIMITERS = {0x0D, 0x0A, 0x09, 0x0C}
# The names of codecs are pydicom's, which knows its escape sequences by them.
_CODECS = {
    "": _DEFAULT,
    "ISO_IR 6": _DEFAULT,
    "ISO_IR 100": "latin_1",
    "ISO_IR 101": "iso8859_2",
    "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4",
    "ISO_IR 126": "iso_ir_126",
    "ISO_IR 127": "iso_ir_127",
    "ISO_IR 138": "iso_ir_138",
    "ISO_IR 144": "iso_ir_144",
    "ISO_IR 148": "iso_ir_148",
    "ISO_IR 166": "iso_ir_166",
    "ISO_IR 192": "UTF8",
    "GB18030": "GB18030",
    "GBK": "GBK",
}
_PLAIN = frozenset(_CODECS.values())


def codecs_of(terms: list[str]) -> tuple[str, ...]:
    """The codec of each term; those of ASCII's superset Latin-1 for an unknown one.

    Raises:
        LookupError, ValueError: pydicom can make nothing of them.
    """
    if len(terms) == 1 and terms[0] in _CODECS:
        return (_CODECS[terms[0]],)
    with warnings.catch_warnings():
        # pydicom warns of misspelt terms it repairs; the bytes it then reads are checked by the search anyway.
        warnings.simplefilter("ignore")
        return tuple(_pydicom().convert_encodings(terms))


def decoded(raw: bytes, codecs: tuple[str, ...]) -> str:
    """The text that bytes stand for; Latin-1 where the codecs cannot explain them."""
    try:
        if _ESCAPE not in raw:
            return raw.decode(codecs[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text: str = _pydicom().decode_bytes(raw, list(codecs), _DELIMITERS)
            return text
    except (UnicodeDecodeError, LookupError):
        return raw.decode("latin-1")


def encoded(text: str, codecs: tuple[str, ...]) -> bytes | None:
    """The bytes for a text; None where the codecs have no such characters."""
    try:
        if codecs[0] in _PLAIN:
            return text.encode(codecs[0])
    except (UnicodeEncodeError, LookupError):
        if len(codecs) == 1:
            return None
    with warnings.catch_warnings():
        # pydicom warns and writes question marks instead; reading it back tells.
        warnings.simplefilter("ignore")
        try:
            written: bytes = _pydicom().encode_string(text, list(codecs))
        except (UnicodeEncodeError, LookupError):
            return None
    return written


def _pydicom() -> ModuleType:
    return importlib.import_module(_PYDICOM)
