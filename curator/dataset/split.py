"""Places items in splits and folds so that no person is on both sides.

Items of one patient stay together, and so do patients who share anything that makes one item tell of the other, above
all a volume with the same bytes. Groups are placed largest first where they bring every stratum of every attribute
nearest to its share (least chi-square).

The law: no group is in two splits; each split overshoots its share by less than the largest group; the result depends
on the set of items and the seed only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from curator.dataset.canonical import seeded_order
from curator.errors import UsageError
from curator.model.manifest import Split, SplitRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeable:
    """What splitting needs of one item: its patient, its value of each attribute to stratify by, and `links`.

    Items that have a link in common stay together, whoever their patients are.
    """

    item_id: str
    patient_code: str
    strata: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


Part = TypeVar("Part", bound=Hashable)
Group = tuple[Placeable, ...]


def split(
    items: Sequence[Placeable], fractions: Sequence[tuple[Split, float]], *, folds: int = 1, seed: int = 0
) -> tuple[SplitRow, ...]:
    """One row for each item, sorted by `item_id`; none for no items.

    Folds part train and validation together, 0 to `folds - 1`; a test item has fold -1.

    Raises:
        UsageError: there are fewer groups of patients than splits or folds to fill.
    """
    groups = groups_of(items)
    splits = place(groups, dict(fractions), seed=seed)
    kept = [group for group in groups if splits[group[0].item_id] is not Split.TEST]
    fold_of = place(kept, dict.fromkeys(range(folds), 1.0 / folds), seed=seed)
    return tuple(
        SplitRow(
            item_id=item.item_id,
            patient_code=item.patient_code,
            split=splits[item.item_id],
            fold=fold_of.get(item.item_id, -1),
        )
        for item in sorted(items, key=lambda each: each.item_id)
    )


def groups_of(items: Sequence[Placeable]) -> list[Group]:
    """`items` in the smallest groups that share no patient and no link; sorted, as the items in each are."""
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(node: tuple[str, str]) -> tuple[str, str]:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for item in items:
        for link in item.links:
            parent[root(("link", link))] = root(("patient", item.patient_code))
    members: dict[tuple[str, str], list[Placeable]] = defaultdict(list)
    for item in sorted(items, key=lambda each: each.item_id):
        members[root(("patient", item.patient_code))].append(item)
    return sorted((tuple(group) for group in members.values()), key=lambda group: group[0].item_id)


def place(groups: Sequence[Group], shares: Mapping[Part, float], *, seed: int) -> dict[str, Part]:
    """The part that each item of `groups` goes to, by `item_id`; each part gets nearly its share of items and strata.

    Raises:
        UsageError: there are fewer groups than parts with a share; none at all is fine and gives nothing.
    """
    parts = [part for part, share in shares.items() if share > 0]
    if groups and len(groups) < len(parts):
        raise UsageError(
            f"{len(parts)} splits or folds need as many unrelated patients, and there are {len(groups)}; ask for fewer"
        )
    profiles = {group: _profile(group) for group in groups}
    totals: Counter[tuple[int, str]] = Counter()
    for profile in profiles.values():
        totals.update(profile)
    counts: dict[Part, Counter[tuple[int, str]]] = {part: Counter() for part in parts}
    order = seeded_order(seed, "split")
    placed: dict[str, Part] = {}
    remaining = len(groups)
    for group in sorted(groups, key=lambda each: (-len(each), order(each[0].item_id))):
        empty = [part for part in parts if not counts[part]]
        short = [part for part in parts if counts[part][_SIZE] < shares[part] * totals[_SIZE] - 1e-9]
        choices = empty if len(empty) == remaining else short
        best = min(choices, key=lambda part: _cost(profiles[group], counts[part], totals, shares[part]))
        counts[best].update(profiles[group])
        placed.update((item.item_id, best) for item in group)
        remaining -= 1
    return placed


_SIZE = (-1, "")


def _profile(group: Group) -> Counter[tuple[int, str]]:
    """How many items `group` brings, in all and to each stratum."""
    profile: Counter[tuple[int, str]] = Counter({_SIZE: len(group)})
    for item in group:
        profile.update(enumerate(item.strata))
    return profile


def _cost(
    profile: Mapping[tuple[int, str], int],
    counts: Mapping[tuple[int, str], int],
    totals: Mapping[tuple[int, str], int],
    share: float,
) -> float:
    """What placing `profile` adds to the part's chi-square distance from its share of every stratum."""
    cost = 0.0
    for feature, more in profile.items():
        target = share * totals[feature]
        cost += more * (2.0 * (counts[feature] - target) + more) / target
    return round(cost, 9)
