"""References and identifiers that only the key holder can read.

AES-SIV is deterministic: the same reference seals to the same bytes, so a resumed job writes what an unbroken one
writes. What equality reveals (two rows name one source) the content id reveals anyway.

Sources: RFC 5297 (AES-SIV).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from curator.errors import KeyMaterialError
from curator.identity.pseudonyms import Pseudonyms


class Seal:
    """Seals text under one key; opens what it sealed, and what was sealed under a retired key."""

    __slots__ = ("_cipher", "_retired")

    def __init__(self, pseudonyms: Pseudonyms, *, retired: Iterable[Pseudonyms] = ()) -> None:
        self._cipher = AESSIV(pseudonyms.sealing_key())
        self._retired = tuple(AESSIV(one.sealing_key()) for one in retired)

    def seal(self, text: str, *, purpose: str) -> bytes:
        """`text` encrypted for `purpose`; empty text gives a sealed empty text."""
        # A null in front: AES-SIV refuses an empty plaintext.
        return self._cipher.encrypt(b"\0" + text.encode("utf-8", "surrogateescape"), [purpose.encode()])

    def open(self, sealed: bytes, *, purpose: str) -> str:
        """What was sealed for `purpose`.

        Raises:
            KeyMaterialError: another key, another purpose, or altered bytes.
        """
        for cipher in (self._cipher, *self._retired):
            with suppress(InvalidTag):
                return cipher.decrypt(sealed, [purpose.encode()])[1:].decode("utf-8", "surrogateescape")
        raise KeyMaterialError("sealed under another key, or altered")
