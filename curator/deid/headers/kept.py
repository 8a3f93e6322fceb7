"""Values that stay: byte for byte where they may, and never where they hold what has to go.

The law: a value stays only where it is what its VR and its attribute promise.

Sources: DICOM PS3.15 E.1-1a (K); PS3.5 6.2, 7.1.2 (even lengths, reserved bytes).
"""

from __future__ import annotations

from curator.deid.headers import values
from curator.deid.headers.dummies import dummy
from curator.dicom.dictionary import LONG_LENGTH_VRS, TEXT_VRS, dictionary_vr, tag_text
from curator.dicom.elements import Element
from curator.dicom.enumerated import is_enumerated
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms
from curator.identity.search import Needles, found_in, is_numeric, numbers_found_in
from curator.model.quarantine import Reason

_SINGLE_VALUED = frozenset({"LT", "ST", "UR", "UT"})
# A stand-in would be read as a measurement or a day; nothing is read as nothing.
_EMPTIED_WHERE_DENIED = frozenset({"AS", "DA", "DS", "DT", "IS", "TM"})


class Keeping:
    """What may stay of the values of one buffer; `denied` are identifiers to look for in them, None for a first try."""

    __slots__ = ("_data", "_denied", "_pseudonyms")

    def __init__(self, data: memoryview, denied: Needles | None, pseudonyms: Pseudonyms) -> None:
        self._data = data
        self._denied = denied
        self._pseudonyms = pseudonyms

    def kept(self, element: Element, vr: str) -> bytes | memoryview | None:
        """A view of the whole element where it stays as it is, else a value to write, None for nothing of it.

        Raises:
            ItemError: RESIDUAL_IDENTIFIER, a UID that has to stay holds an identifier.
        """
        raw = self._data[element.value : element.value + element.length]
        if vr in TEXT_VRS:
            text = self._kept_text(element, vr, bytes(raw))
            if text is None or text != raw:
                return text
        elif not values.is_numbers(raw, vr, element.tag):
            return None
        return self._data[element.start : element.end] if self._is_plain(element) else raw.tobytes()

    def is_denied(self, text: bytes, vr: str) -> bool:
        """Whether a value holds an identifier that is looked for."""
        if self._denied is None:
            return False
        search = numbers_found_in if vr in ("DS", "IS") and is_numeric(text) else found_in
        return search(self._denied, text) > 0

    def _kept_text(self, element: Element, vr: str, raw: bytes) -> bytes | None:
        if vr == "UI" and (uids := values.kept_uids(raw, self._pseudonyms)) != raw.rstrip(b" \0"):
            return uids
        # What is written as text in a date's place has to be a date all the same.
        text = values.well_formed(raw, vr) and values.well_formed(raw, dictionary_vr(element.tag))
        if text and not is_enumerated(element.tag, text) and self.is_denied(text, vr):
            return self._instead(element, vr, text)
        return text

    def _is_plain(self, element: Element) -> bool:
        """Whether the element can stay byte for byte: an even length, and nothing in the reserved bytes."""
        reserved = self._data[element.start + 6 : element.start + 8]
        has_reserved = element.explicit and element.vr in LONG_LENGTH_VRS
        return element.undefined or (element.length % 2 == 0 and not (has_reserved and any(reserved)))

    def _instead(self, element: Element, vr: str, text: bytes) -> bytes | None:
        if vr == "UI":
            # Replaced in this one file, it would break the links that it was to keep.
            raise ItemError(Reason.RESIDUAL_IDENTIFIER, f"identifier in {tag_text(element.tag)}, a UID that is kept")
        if vr in _EMPTIED_WHERE_DENIED:
            return None
        # The other values of an Image Type stay where they were.
        parts = [text] if vr in _SINGLE_VALUED else text.split(b"\\")
        return b"\\".join(dummy(vr) if self.is_denied(part, vr) else part for part in parts)
