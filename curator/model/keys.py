"""Secrets and the public names they go by."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Key:
    """One master secret of at least 32 bytes.

    `key_id` is derived from the secret one way, so that outputs can name the key without helping to guess it;
    `domain` is the release it belongs to: the same patient under two domains gets unlinkable codes. `epoch` counts
    the keys of one ring from 1.
    """

    key_id: str
    domain: str
    secret: bytes = field(repr=False)
    epoch: int = 1


@dataclass(frozen=True, slots=True)
class WrappingKey:
    """A key that encrypts data keys and nothing else."""

    key_id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShreddedEpoch:
    """What is left of a key whose secret was destroyed."""

    epoch: int
    key_id: str


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key under the wrapping key of that id."""

    key_id: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """All keys of one release domain.

    `keys` are the epochs that can be read, oldest first; the last is the active one. Of `wrapping` the last is the one
    to wrap with: an earlier one is there only while data keys are being wrapped anew. `check` authenticates what the
    ring's owner writes: the key file itself and the escrow.
    """

    keys: tuple[Key, ...]
    wrapping: tuple[WrappingKey, ...]
    check: bytes = field(repr=False)
    shredded: tuple[ShreddedEpoch, ...] = ()

    @property
    def active(self) -> Key:
        """The key that new codes are made with."""
        return self.keys[-1]

    @property
    def retired(self) -> tuple[Key, ...]:
        """The keys that outputs were made with before, newest first."""
        return self.keys[-2::-1]

    @property
    def key_ids(self) -> frozenset[str]:
        """Every key that is or was of the ring."""
        return frozenset({key.key_id for key in self.keys} | {one.key_id for one in self.shredded})

    def at(self, epoch: int) -> Key | None:
        """The key of an epoch; None where there is none or it was destroyed."""
        return next((key for key in self.keys if key.epoch == epoch), None)
