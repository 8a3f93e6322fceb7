"""Secrets in a file that only its owner may read.

The law: the file is made once, never where data may leave, and refused when others can read it. It changes in one step
and loses nothing but what was to be destroyed.

Destroying writes zeros over the bytes that held the old content before they are given back to the disk. Copy-on-write
file systems, flash storage and backups keep copies that no program reaches: who needs certainty keeps the key file on a
volume that can be destroyed, or the secret in a hardware module.

Sources: open(2) (O_EXCL, O_NOFOLLOW); DICOM PS3.15 E.1.1 (keep the means of re-identification apart).
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from curator.adapters import key_format
from curator.errors import KeyMaterialError, KeyPlacementError
from curator.identity.pseudonyms import SHORTEST_SECRET, key_id_of
from curator.identity.ring import wrapping_key
from curator.model.keys import Key, KeyRing

OWNER_ONLY = 0o600
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_PARTIAL_SUFFIX = ".partial"


class Keyfile:
    """The keystore that is one JSON file."""

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return "Keyfile()"

    def load(self) -> Key:
        """The active key in the file.

        Raises:
            KeyMaterialError: it is missing, readable by others, weak or altered.
        """
        return self.ring().active

    def ring(self) -> KeyRing:
        """All keys in the file.

        Raises:
            KeyMaterialError: it is missing, readable by others, weak or altered.
        """
        return key_format.read(read_private(self.path, name="the key file"))

    def create(self, *, domain: str, secret: bytes | None = None) -> Key:
        """A new key in a new file, 0600; `secret` is given by tests and rehearsals only.

        Raises:
            KeyMaterialError: the file exists already, or cannot be made.
        """
        secret = new_secret() if secret is None else secret
        key = Key(key_id_of(secret), domain, secret)
        ring = KeyRing(keys=(key,), wrapping=(wrapping_key(new_secret()),), check=new_secret())
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path, _NEW, OWNER_ONLY)
        except FileExistsError as error:
            raise KeyMaterialError("the key file exists already; a key is never overwritten") from error
        except OSError as error:
            raise KeyMaterialError(f"the key file cannot be made: {error.strerror}") from error
        try:
            _fill(descriptor, key_format.written(ring))
        except OSError as error:
            # Half a key would be in the way of the next attempt.
            self.path.unlink(missing_ok=True)
            raise KeyMaterialError(f"the key file cannot be made: {error.strerror}") from error
        return key

    def replace(self, ring: KeyRing) -> None:
        """Write another state of the ring in the place of the one in the file, whose bytes are overwritten.

        Raises:
            KeyMaterialError: the file cannot be written, or another change of it is under way.
        """
        partial = self.path.with_name(self.path.name + _PARTIAL_SUFFIX)
        try:
            old = os.open(self.path, os.O_RDWR | os.O_NOFOLLOW)
        except OSError as error:
            raise KeyMaterialError(f"the key file cannot be changed: {error.strerror}") from error
        try:
            _replace(self.path, partial, key_format.written(ring))
            # The old content has no name any more; the descriptor still reaches it.
            os.pwrite(old, bytes(os.fstat(old).st_size), 0)
            os.fsync(old)
        except FileExistsError:
            raise KeyMaterialError("the key file is being changed, or a change was cut off: see `*.partial`") from None
        except OSError as error:
            raise KeyMaterialError(f"the key file cannot be changed: {error.strerror}") from error
        finally:
            os.close(old)


def new_secret() -> bytes:
    """32 bytes from the operating system's source of randomness."""
    return secrets.token_bytes(SHORTEST_SECRET)


def read_private(path: Path, *, name: str) -> bytes:
    """The bytes of a file that nobody but its owner may read, called `name` in errors.

    Raises:
        KeyMaterialError: it is missing, a symbolic link, or others may read it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise KeyMaterialError(f"{name} cannot be opened: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as stream:
        if stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & 0o077:
            raise KeyMaterialError(f"{name} can be read by others; chmod 600 it")
        return stream.read()


def refuse_placement(path: Path, *, forbidden: Iterable[Path]) -> None:
    """Refuse a key file inside a forbidden folder or a git checkout, symbolic links resolved.

    Raises:
        KeyPlacementError: it lies there.
    """
    resolved = path.resolve()
    for folder in forbidden:
        if resolved.is_relative_to(folder.resolve()):
            raise KeyPlacementError("the key file may not lie in a workspace or an output: who gets those gets it")
    if any((parent / ".git").exists() for parent in resolved.parents):
        raise KeyPlacementError("the key file may not lie in a git checkout: choose another place with --keys")


def _replace(path: Path, partial: Path, content: bytes) -> None:
    descriptor = os.open(partial, _NEW, OWNER_ONLY)
    try:
        _fill(descriptor, content)
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _fill(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
