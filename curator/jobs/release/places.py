"""Which item a released file belongs to.

The law: a released file is taken back with the item it came from, and only where no other item has a claim to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from curator.model.positions import Positions


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """The items of one scan: `items` are numbered, `paths` says which numbers would lie where.

    `path_of` says where the item with a number would lie, None where nothing of it can be released; `candidates` are
    the numbers of the items that this run may release.
    """

    items: Positions = field(repr=False)
    paths: Positions = field(repr=False)
    path_of: Callable[[int], str | None] = field(repr=False)
    candidates: bytearray = field(repr=False)

    def path(self, item_id: str) -> str | None:
        """Where an item would lie, None where it was not scanned or nothing of it can be released."""
        found = self.items.find(item_id)
        return self.path_of(found[0]) if found else None

    def is_candidate(self, item_id: str) -> bool:
        """Whether this run may release the item."""
        return any(self.candidates[number] for number in self.items.find(item_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Paths in the release folder by item.

    `earlier` is where each item lies that was released before. Of those the scan did not meet, `elsewhere` are the
    ones whose source still exists: another job's, whose claims stand. The source of every other one is gone.
    """

    scan: Scan
    earlier: Mapping[str, str]
    elsewhere: frozenset[str]
    _owners: Mapping[str, frozenset[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Turn the mapping round."""
        object.__setattr__(self, "_owners", owners_of(self.earlier))

    def left_by(self, item_id: str) -> frozenset[str]:
        """What has to be taken back where `item_id` is held: what it was released as, and what a killed run wrote."""
        own = {path for path in (self.earlier.get(item_id), self.scan.path(item_id)) if path is not None}
        return frozenset(path for path in own if self._belongs_to(path, item_id))

    def moved(self) -> frozenset[str]:
        """What has to be taken back because its item will lie elsewhere: its person or a UID of it was corrected."""
        return frozenset(
            path
            for item_id, path in self.earlier.items()
            if self.scan.is_candidate(item_id) and path != self.scan.path(item_id) and self._belongs_to(path, item_id)
        )

    def rivals(self, item_id: str) -> list[str]:
        """Items of other jobs that were released where `item_id` would lie, sorted."""
        return sorted(self._others(item_id) & self.elsewhere)

    def gone(self, item_id: str) -> list[str]:
        """Items without a source any more that were released where `item_id` would lie, sorted."""
        return sorted(one for one in self._others(item_id) - self.elsewhere if one not in self.scan.items)

    def _others(self, item_id: str) -> frozenset[str]:
        if not self._owners:
            return frozenset()
        return self._owners.get(self.scan.path(item_id) or "", frozenset()) - {item_id}

    def _belongs_to(self, path: str, item_id: str) -> bool:
        if any(number not in self.scan.items.find(item_id) for number in self._claimants(path)):
            return False
        others = self._owners.get(path, frozenset()) - {item_id}
        return not any(other in self.elsewhere or self.scan.is_candidate(other) for other in others)

    def _claimants(self, path: str) -> Iterator[int]:
        return (number for number in self.scan.paths.find(path) if self.scan.candidates[number])


def owners_of(earlier: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """Items by the path they were released at; nothing for none."""
    owners: dict[str, set[str]] = defaultdict(set)
    for item_id, path in earlier.items():
        owners[path].add(item_id)
    return {path: frozenset(items) for path, items in owners.items()}
