"""Data keys wrapped under the keys of a key file.

The law: what wraps a data key follows from a wrapping key and from the secret of an epoch together. Replacing the
wrapping key wraps data keys anew and touches no value; destroying an epoch's secret ends all data keys of that epoch,
copies in backups included.
"""

from __future__ import annotations

from curator.errors import KeyMaterialError
from curator.identity.envelope import Envelope, tag_of
from curator.model.keys import KeyRing, Wrapped

_PURPOSE = "data key"


class RingEncryption:
    """The `KeyEncryption` that is a key ring."""

    __slots__ = ("_ring",)

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    @property
    def current(self) -> str:
        """The id of the newest wrapping key."""
        return self._ring.wrapping[-1].key_id

    def wrap(self, data_key: bytes, *, epoch: int, place: str) -> Wrapped:
        """See `KeyEncryption.wrap`."""
        envelope = self._envelope(self.current, epoch)
        return Wrapped(self.current, envelope.seal(data_key, place=(_PURPOSE, str(epoch), place)))

    def unwrap(self, wrapped: Wrapped, *, epoch: int, place: str) -> bytes:
        """See `KeyEncryption.unwrap`."""
        return self._envelope(wrapped.key_id, epoch).open(wrapped.content, place=(_PURPOSE, str(epoch), place))

    def _envelope(self, key_id: str, epoch: int) -> Envelope:
        wrapping = next((key for key in self._ring.wrapping if key.key_id == key_id), None)
        key = self._ring.at(epoch)
        if wrapping is None or key is None:
            raise KeyMaterialError("the key ring lacks the key that this was sealed under: an older copy of the file?")
        return Envelope(tag_of(wrapping.secret, "wrapping", [key.secret]))
