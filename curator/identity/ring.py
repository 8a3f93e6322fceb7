"""What becomes of a key ring: made, rotated, parts of it destroyed. Pure.

The law: a secret leaves the ring only by being destroyed; an epoch's number and key id stay, so that no later epoch
takes its place.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

from curator.errors import RefusedError, UsageError
from curator.identity.pseudonyms import key_id_of
from curator.model.keys import Key, KeyRing, ShreddedEpoch, WrappingKey


def ring_of(key: Key) -> KeyRing:
    """The ring that a lone key stands for, as key files of format 1 hold one: the other secrets follow from it."""
    return KeyRing(
        keys=(key,), wrapping=(wrapping_key(_derived(key.secret, b"wrapping")),), check=_derived(key.secret, b"check")
    )


def wrapping_key(secret: bytes) -> WrappingKey:
    """A wrapping key under its public name.

    Raises:
        KeyMaterialError: the secret is shorter than 32 bytes.
    """
    return WrappingKey(key_id_of(secret), secret)


def rotated(ring: KeyRing, secret: bytes) -> KeyRing:
    """The ring with a new active key; the one before stays readable.

    Raises:
        KeyMaterialError: the secret is shorter than 32 bytes.
        UsageError: the secret is of the ring already.
    """
    key_id = key_id_of(secret)
    if key_id in ring.key_ids:
        raise UsageError("a rotation needs a new secret")
    return replace(ring, keys=(*ring.keys, Key(key_id, ring.active.domain, secret, ring.active.epoch + 1)))


def with_wrapping(ring: KeyRing, secret: bytes) -> KeyRing:
    """The ring with a new key to wrap data keys with; those before can still unwrap.

    Raises:
        KeyMaterialError: the secret is shorter than 32 bytes.
    """
    return replace(ring, wrapping=(*ring.wrapping, wrapping_key(secret)))


def with_newest_wrapping(ring: KeyRing) -> KeyRing:
    """The ring without the wrapping keys that have been replaced."""
    return replace(ring, wrapping=ring.wrapping[-1:])


def without_epoch(ring: KeyRing, epoch: int) -> KeyRing:
    """The ring without the secret of a retired epoch; unchanged where it was destroyed before.

    Raises:
        RefusedError: it is the active one.
        UsageError: there is no such epoch.
    """
    if any(one.epoch == epoch for one in ring.shredded):
        return ring
    key = ring.at(epoch)
    if key is None:
        raise UsageError("the key ring has no such epoch; see `curator keys list`")
    if key == ring.active:
        raise RefusedError("this is the active epoch; rotate first, then destroy the retired one")
    shredded = sorted((*ring.shredded, ShreddedEpoch(epoch, key.key_id)), key=lambda one: one.epoch)
    return replace(ring, keys=tuple(one for one in ring.keys if one != key), shredded=tuple(shredded))


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return hmac.new(secret, b"curator-ring-1\0" + purpose, hashlib.sha256).digest()
