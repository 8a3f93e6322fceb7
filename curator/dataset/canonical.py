"""One way to write a value down, and one seeded order.

The law: equal values give equal bytes on every machine, so a digest of them means something.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from curator.model.series import CatalogSeries


def canonical_json(value: object) -> bytes:
    """`value` as UTF-8 JSON: keys sorted, two spaces of indent, one newline at the end.

    Raises:
        ValueError: it holds a NaN or an infinity.
    """
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=2, separators=(",", ": "))
    return text.encode() + b"\n"


def sha256_hex(content: bytes | memoryview) -> str:
    """SHA-256 of `content`, 64 lower-case hex digits."""
    return hashlib.sha256(content).hexdigest()


def catalogue_sha256(candidates: Sequence[CatalogSeries]) -> str:
    """Digest of a catalogue snapshot, whatever the order of its records."""
    ordered = sorted(candidates, key=lambda series: series.SeriesInstanceUID)
    return sha256_hex(canonical_json([asdict(series) for series in ordered]))


def seeded_order(seed: int, purpose: str) -> Callable[[str], bytes]:
    """A sort key that orders texts at random, the same way for the same `seed` and `purpose` everywhere."""
    key = hashlib.sha256(f"{purpose}\0{seed}".encode()).digest()

    def order(text: str) -> bytes:
        return hashlib.blake2b(text.encode(), key=key, digest_size=16).digest()

    return order
