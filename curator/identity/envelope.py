"""Text under a data key that belongs to one person, so that destroying the key destroys all that is known of them.

The law: what was sealed opens only under its own key and at its own place; an altered or moved value is found by its
tag.

Sources: NIST SP 800-38D (AES-GCM); NIST SP 800-57 1 5.3 (keys that encrypt keys).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from curator.errors import KeyMaterialError

DATA_KEY_BYTES = 32
_NONCE_BYTES = 12


def new_data_key() -> bytes:
    """32 bytes from the operating system's source of randomness."""
    return secrets.token_bytes(DATA_KEY_BYTES)


def framed(parts: Iterable[str | bytes]) -> bytes:
    """Length-framed concatenation: no two different part lists give the same bytes."""
    encoded = (part if isinstance(part, bytes) else part.encode("utf-8", "surrogateescape") for part in parts)
    return b"".join(len(part).to_bytes(8, "big") + part for part in encoded)


def tag_of(check: bytes, purpose: str, parts: Iterable[str | bytes]) -> bytes:
    """The 32 bytes of an HMAC-SHA256 over `parts`."""
    digest = hmac.new(check, framed((purpose,)), hashlib.sha256)
    for part in parts:
        digest.update(framed((part,)))
    return digest.digest()


class Envelope:
    """Seals and opens under one 32-byte key. A nonce is random: at most 2**32 values a key (SP 800-38D 8.3)."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, content: bytes, *, place: Iterable[str]) -> bytes:
        """`content` encrypted for its place; empty content gives a sealed empty content."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, framed(place))

    def open(self, sealed: bytes, *, place: Iterable[str]) -> bytes:
        """What was sealed for this place.

        Raises:
            KeyMaterialError: another key, another place, or altered bytes.
        """
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], framed(place))
        except (InvalidTag, ValueError):
            raise KeyMaterialError("sealed under another key, or altered") from None
