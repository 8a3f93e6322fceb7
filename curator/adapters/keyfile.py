"""A secret in a file that only its owner may read.

The law: the file is made once, never overwritten, never where data may leave, and refused when others can read it.

Sources: open(2) (O_EXCL, O_NOFOLLOW); DICOM PS3.15 E.1.1 (keep the means of re-identification apart).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from curator.errors import KeyMaterialError, KeyPlacementError
from curator.identity.pseudonyms import SHORTEST_SECRET, key_id_of
from curator.model.keys import Key

_FORMAT = "curator-key/1"
_OWNER_ONLY = 0o600


class Keyfile:
    """The keystore that is one JSON file."""

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return "Keyfile()"

    def load(self) -> Key:
        """The key in the file.

        Raises:
            KeyMaterialError: it is missing, readable by others, weak or altered.
        """
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as error:
            raise KeyMaterialError(f"the key file cannot be opened: {error.strerror}") from error
        with os.fdopen(descriptor, "rb") as stream:
            if stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & 0o077:
                raise KeyMaterialError("the key file can be read by others; chmod 600 it")
            return _key(stream.read())

    def create(self, *, domain: str, secret: bytes | None = None) -> Key:
        """A new key in a new file, 0600; `secret` is given by tests and rehearsals only.

        Raises:
            KeyMaterialError: the file exists already, or cannot be made.
        """
        secret = secrets.token_bytes(SHORTEST_SECRET) if secret is None else secret
        key = Key(key_id_of(secret), domain, secret)
        content = {
            "format": _FORMAT,
            "key_id": key.key_id,
            "domain": domain,
            "secret": base64.b64encode(secret).decode("ascii"),
        }
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _OWNER_ONLY)
        except FileExistsError as error:
            raise KeyMaterialError("the key file exists already; a key is never overwritten") from error
        except OSError as error:
            raise KeyMaterialError(f"the key file cannot be made: {error.strerror}") from error
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            json.dump(content, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        return key


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


def _key(content: bytes) -> Key:
    try:
        fields = json.loads(content)
        secret = base64.b64decode(fields["secret"], validate=True)
        key = Key(fields["key_id"], fields["domain"], secret)
    except (ValueError, KeyError, TypeError, binascii.Error):
        # The cause may quote the content, and a traceback prints causes.
        raise KeyMaterialError("the key file is not a curator key") from None
    if fields.get("format") != _FORMAT or key_id_of(secret) != key.key_id:
        raise KeyMaterialError("the key file was altered, or is of another version")
    return key
