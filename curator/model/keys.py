"""A secret and the public name it goes by."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Key:
    """One master secret of at least 32 bytes.

    `key_id` is derived from the secret one way, so that outputs can name the key without helping to guess it;
    `domain` is the release it belongs to: the same patient under two domains gets unlinkable codes.
    """

    key_id: str
    domain: str
    secret: bytes = field(repr=False)
