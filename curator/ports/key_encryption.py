"""Who wraps data keys: a key file here; a key management service or a PKCS#11 token would be other adapters."""

from __future__ import annotations

from typing import Protocol

from curator.model.keys import Wrapped


class KeyEncryption(Protocol):
    """Wraps data keys under a key that the caller never sees."""

    @property
    def current(self) -> str:
        """The id of the key that `wrap` wraps with."""
        ...

    def wrap(self, data_key: bytes, *, epoch: int, place: str) -> Wrapped:
        """A data key that only this keystore opens, at this place, as long as the epoch's key exists.

        Raises:
            KeyMaterialError: the epoch's key was destroyed or never was.
        """
        ...

    def unwrap(self, wrapped: Wrapped, *, epoch: int, place: str) -> bytes:
        """The data key.

        Raises:
            KeyMaterialError: the key is gone or another one, the place is another one, or the bytes were altered.
        """
        ...
