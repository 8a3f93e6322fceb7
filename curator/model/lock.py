"""What a frozen dataset says about itself: everything needed to make it again and to tell whether it is still whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from curator.model.annotation import Label


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetLock:
    """The content of `dataset.lock.json`.

    `files` maps each path of the dataset, but the lock and `SHA256SUMS`, to its SHA-256; `merkle_root` covers them.
    `catalogue_sha256` is the digest of all candidates that the selection saw. `counts` holds `items`, `patients`,
    `annotations` and one entry per split.
    """

    name: str
    version: str
    layout_version: int
    seed: int
    spec_sha256: str
    catalogue_sha256: str
    tools: Mapping[str, str]
    policy_digests: Mapping[str, str]
    labels: tuple[Label, ...]
    counts: Mapping[str, int]
    merkle_root: str
    files: Mapping[str, str] = field(repr=False)
