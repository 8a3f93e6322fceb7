"""Which item a released file belongs to. Pure.

The law: a released file is taken back with the item it came from, and only where no other item has a claim to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Paths in the release folder by item.

    `places` is where each scanned instance would lie, `candidates` are the items that this run may release, `earlier`
    is where each item lies that was released before. Of those the scan did not meet, `elsewhere` are the ones whose
    source still exists: another job's, whose claims stand. The source of every other one is gone.
    """

    scanned: frozenset[str]
    places: Mapping[str, str]
    candidates: frozenset[str]
    earlier: Mapping[str, str]
    elsewhere: frozenset[str]
    _owners: Mapping[str, frozenset[str]] = field(init=False, repr=False)
    _claimant: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Turn the mappings round."""
        object.__setattr__(self, "_owners", owners_of(self.earlier))
        object.__setattr__(self, "_claimant", {self.places[item_id]: item_id for item_id in self.candidates})

    def left_by(self, item_id: str) -> frozenset[str]:
        """What has to be taken back where `item_id` is held: what it was released as, and what a killed run wrote."""
        own = {path for path in (self.earlier.get(item_id), self.places.get(item_id)) if path is not None}
        return frozenset(path for path in own if self._belongs_to(path, item_id))

    def moved(self) -> frozenset[str]:
        """What has to be taken back because its item will lie elsewhere: its person or a UID of it was corrected."""
        pairs = ((item_id, self.earlier[item_id]) for item_id in self.candidates if item_id in self.earlier)
        return frozenset(
            path for item_id, path in pairs if path != self.places[item_id] and self._belongs_to(path, item_id)
        )

    def rivals(self, item_id: str) -> list[str]:
        """Items of other jobs that were released where `item_id` would lie, sorted."""
        return sorted(self._others(item_id) & self.elsewhere)

    def gone(self, item_id: str) -> list[str]:
        """Items without a source any more that were released where `item_id` would lie, sorted."""
        return sorted(self._others(item_id) - self.elsewhere - self.scanned)

    def _others(self, item_id: str) -> frozenset[str]:
        return self._owners.get(self.places.get(item_id, ""), frozenset()) - {item_id}

    def _belongs_to(self, path: str, item_id: str) -> bool:
        others = self._owners.get(path, frozenset()) - {item_id}
        return self._claimant.get(path, item_id) == item_id and others.isdisjoint(self.elsewhere | self.candidates)


def owners_of(earlier: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Items by the path they were released at; nothing for none."""
    owners: dict[str, set[str]] = defaultdict(set)
    for item_id, path in earlier.items():
        owners[path].add(item_id)
    return {path: frozenset(items) for path, items in owners.items()}
