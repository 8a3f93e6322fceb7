"""The text of a key file.

The law: what was changed by anything but this program is refused, domain and epochs included. Format 1 held one key;
it is read as the ring that this key stands for, and written as format 2 with the first change.

    {"format": "curator-key/2", "domain": ..., "epochs": [{"epoch", "key_id", "secret" or null where destroyed}],
     "wrapping": [{"key_id", "secret"}], "check": ..., "seal": HMAC-SHA256 under `check` over all of it}
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json

from curator.errors import KeyMaterialError
from curator.identity.envelope import tag_of
from curator.identity.pseudonyms import SHORTEST_SECRET, key_id_of
from curator.identity.ring import ring_of
from curator.model.keys import Key, KeyRing, ShreddedEpoch, WrappingKey

_FIRST = "curator-key/1"
_SECOND = "curator-key/2"
_FIELDS = frozenset({"format", "domain", "epochs", "wrapping", "check", "seal"})


def written(ring: KeyRing) -> bytes:
    """The ring as format 2."""
    epochs: list[dict[str, object]] = [
        {"epoch": key.epoch, "key_id": key.key_id, "secret": _base64(key.secret)} for key in ring.keys
    ]
    epochs += [{"epoch": one.epoch, "key_id": one.key_id, "secret": None} for one in ring.shredded]
    content: dict[str, object] = {
        "format": _SECOND,
        "domain": ring.active.domain,
        "epochs": sorted(epochs, key=lambda one: str(one["epoch"]).zfill(12)),
        "wrapping": [{"key_id": key.key_id, "secret": _base64(key.secret)} for key in ring.wrapping],
        "check": _base64(ring.check),
    }
    content["seal"] = _seal(content, ring.check)
    return json.dumps(content, indent=1).encode("ascii") + b"\n"


def read(content: bytes) -> KeyRing:
    """The ring that was written.

    Raises:
        KeyMaterialError: it is no key file, of another version, or altered.
    """
    try:
        fields = json.loads(content)
        if fields["format"] == _FIRST:
            return ring_of(_checked(Key(fields["key_id"], fields["domain"], _secret(fields["secret"]))))
        if fields["format"] != _SECOND:
            raise KeyMaterialError("the key file is of another version")
        return _ring(fields)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, binascii.Error):
        # The cause may quote the content, and a traceback prints causes.
        raise KeyMaterialError("the key file is not a curator key") from None


def _ring(fields: dict[str, object]) -> KeyRing:
    check = _secret(fields["check"])
    seal = fields.pop("seal")
    if {*fields, "seal"} != _FIELDS or not hmac.compare_digest(str(seal), _seal(fields, check)):
        raise KeyMaterialError("the key file was altered")
    domain, epochs, wrapping = str(fields["domain"]), fields["epochs"], fields["wrapping"]
    if not isinstance(epochs, list) or not isinstance(wrapping, list):
        raise KeyMaterialError("the key file was altered")
    keys = [
        _checked(Key(one["key_id"], domain, _secret(one["secret"]), one["epoch"]))
        for one in epochs
        if one["secret"] is not None
    ]
    return KeyRing(
        keys=tuple(sorted(keys, key=lambda key: key.epoch)),
        shredded=tuple(ShreddedEpoch(one["epoch"], one["key_id"]) for one in epochs if one["secret"] is None),
        wrapping=tuple(WrappingKey(one["key_id"], _secret(one["secret"])) for one in wrapping),
        check=check,
    )


def _checked(key: Key) -> Key:
    if key_id_of(key.secret) != key.key_id:
        raise KeyMaterialError("the key file was altered: a secret does not fit its key id")
    return key


def _seal(content: dict[str, object], check: bytes) -> str:
    return tag_of(check, "key file", [json.dumps(content, sort_keys=True)]).hex()


def _secret(text: object) -> bytes:
    secret = base64.b64decode(str(text), validate=True)
    if len(secret) < SHORTEST_SECRET:
        raise KeyMaterialError(f"the key file holds a secret of fewer than {SHORTEST_SECRET} bytes")
    return secret


def _base64(secret: bytes) -> str:
    return base64.b64encode(secret).decode("ascii")
