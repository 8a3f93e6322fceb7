"""What a worker needs for a job, made once a process: rules, storage, and what looks at pixels.

The law: everything here follows from the settings of the job, so that every worker has the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from curator.adapters.local_disk import LocalDisk
from curator.deid.swift import Swift
from curator.deid.text.cleaner import Cleaner
from curator.deid.text.engine import load_cleaner
from curator.dicom.tokens import Stored
from curator.identity.pseudonyms import Pseudonyms
from curator.jobs.release.looking import FACE_OPTION, PIXEL_OPTION, load_bare_file, load_pixel_cleaner
from curator.model.decision import Action
from curator.model.faces import AS_USUAL, FaceWish
from curator.model.keys import Key
from curator.policy.header import HeaderPolicy, proven_of
from curator.policy.recipe.laid import load_policy
from curator.policy.recipe.lines import Recipe

if TYPE_CHECKING:
    from curator.deid.pixels.clean import PixelCleaner

_MOST_COUNTS = 256

Rows = tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSettings:
    """What all instances of one job share."""

    key: Key
    rules: Path
    profile: str
    options: tuple[str, ...]
    released: Path = field(repr=False)
    longest_shift_weeks: int
    recipe: Recipe | None = field(repr=False, default=None)
    faces: FaceWish = AS_USUAL


@dataclass(frozen=True, slots=True)
class Way:
    """How headers are written that claim the same."""

    policy: HeaderPolicy
    swift: Swift


class Counts:
    """What was applied, as the ledger takes it: files of a series have one and the same count, and so the same rows."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, tuple[Mapping[tuple[str, Action], int], Rows]] = {}

    def rows(self, applied: Mapping[tuple[str, Action], int]) -> Rows:
        """Rule id, action and count, sorted; nothing for nothing."""
        known = self._known.get(id(applied))
        if known is None:
            if len(self._known) >= _MOST_COUNTS:
                self._known.clear()
            rows = tuple(sorted((rule_id, action.value, count) for (rule_id, action), count in applied.items()))
            # The count is kept, so that nothing else gets its identity.
            known = self._known[id(applied)] = (applied, rows)
        return known[1]


@dataclass(frozen=True, slots=True)
class Equipment:
    """`ways` are by what was proven of an instance; `pixels` is None where they are not cleaned."""

    pseudonyms: Pseudonyms
    storage: LocalDisk
    cleaner: Cleaner | None
    ways: Mapping[frozenset[str], Way]
    pixels: PixelCleaner | None
    counts: Counts


def policy_of(settings: ReleaseSettings) -> HeaderPolicy:
    """The policy that all instances of a job are judged by.

    Raises:
        ConfigurationError, RuleError, IntegrityError: as `load_policy`.
    """
    return load_policy(settings.rules, profile=settings.profile, options=settings.options, recipe=settings.recipe)


@lru_cache(maxsize=1)
def equipment(settings: ReleaseSettings) -> Equipment:
    """The equipment for a job.

    Raises:
        ConfigurationError, RuleError, IntegrityError: as `load_policy`, or what looks at pixels is not there.
    """
    policy = policy_of(settings)
    pseudonyms = Pseudonyms(settings.key)
    return Equipment(
        pseudonyms=pseudonyms,
        storage=LocalDisk(settings.released),
        cleaner=load_cleaner(settings.rules) if policy.cleans else None,
        ways={proven: Way(one, Swift(one, pseudonyms)) for proven, one in _proven_ways(policy).items()},
        pixels=load_pixel_cleaner(settings.rules) if PIXEL_OPTION in policy.options else None,
        counts=Counts(),
    )


def _proven_ways(policy: HeaderPolicy) -> dict[frozenset[str], HeaderPolicy]:
    """The policy by what may be proven of an instance: each option by itself, all, and none."""
    ways = {frozenset[str](): policy}
    for option in (PIXEL_OPTION, FACE_OPTION):
        if option in policy.options:
            ways |= {proven | {option}: proven_of(one, option) for proven, one in ways.items()}
    return ways


@lru_cache(maxsize=1)
def bare_file(rules: Path) -> Callable[[Stored], Stored]:
    """What takes out of a file what stands beside its pixels; see `load_bare_file`."""
    return load_bare_file(rules)
