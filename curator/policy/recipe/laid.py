"""A recipe laid over a header policy.

The law: a policy with a recipe has a digest of its own; nothing of a recipe that cannot be carried out gets this far.
A process makes one policy of the same rules and choices, however many of its parts ask for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from curator.dicom.elements import DataSet
from curator.dicom.private import is_creator
from curator.errors import ItemError
from curator.model.quarantine import Reason
from curator.policy.header import HeaderPolicy, decide, load_header_policy
from curator.policy.options import MODIFIED, UNMODIFIED
from curator.policy.recipe.expand import field_at, matches
from curator.policy.recipe.filters import held_by
from curator.policy.recipe.judge import refusals, refuse
from curator.policy.recipe.lines import Recipe, RecipeAction
from curator.policy.recipe.overlay import NOTHING, Overlay, overlay_of
from curator.policy.recipe.weaken import Weakening, weakenings
from curator.strict import read_bytes

# Where rules lie that a header policy is made of.
_FOLDERS = ("header", "profiles", "structured", "text")
# As many as a job has at once: with and without a recipe.
_MOST_SHARED = 2
_FIRST_OWNED = 0x1000
_BLOCK = 0x100


def load_policy(
    folder: Path, *, profile: str = "basic", options: Collection[str] = (), recipe: Recipe | None = None
) -> HeaderPolicy:
    """The policy that `rules/` and the chosen options make, with a recipe over it where there is one.

    Raises:
        ConfigurationError, IntegrityError: as `load_header_policy`.
        RuleError: as `load_header_policy`; or a line of the recipe cannot be carried out.
    """
    return _shared(folder, profile, tuple(options), recipe, _state_of(folder))


@lru_cache(maxsize=_MOST_SHARED)
def _shared(folder: Path, profile: str, options: tuple[str, ...], recipe: Recipe | None, _state: bytes) -> HeaderPolicy:
    """Making one takes a tenth of a second and five megabytes."""
    return with_recipe(load_header_policy(folder, profile=profile, options=options), recipe)


def _state_of(folder: Path) -> bytes:
    """A digest of what the rules say now: a steward edits them while a process lives."""
    digest = hashlib.sha256()
    for path in sorted(path for name in _FOLDERS for path in (folder / name).rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        content = read_bytes(path, name=name)
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.digest()


def with_recipe(policy: HeaderPolicy, recipe: Recipe | None) -> HeaderPolicy:
    """The policy with a recipe over it, the policy itself without one.

    Raises:
        RuleError: a line cannot be carried out; every such line is named.
    """
    if recipe is None:
        return policy
    refuse(list(refusals(recipe, named=policy.identifiers.by_tag)))
    digest = hashlib.sha256(f"{policy.digest}\nrecipe {recipe.digest}\n".encode()).hexdigest()
    return replace(policy, recipe=recipe, digest=digest)


def laid_over(policy: HeaderPolicy, data_set: DataSet) -> Overlay:
    """What the policy's recipe makes of a file; nothing without a recipe.

    Raises:
        ItemError: HELD_BY_RECIPE, one of its filters holds the instance back.
    """
    if policy.recipe is None:
        return NOTHING
    holding = held_by(policy.recipe.filters, data_set)
    if holding is not None:
        raise ItemError(Reason.HELD_BY_RECIPE, f"%filter {holding.group} {holding.label}".rstrip())
    return decided_over(policy, data_set)


def decided_over(policy: HeaderPolicy, data_set: DataSet) -> Overlay:
    """What the policy's recipe decides about a file, whether a filter holds it or not; nothing without a recipe."""
    return overlay_of(policy.recipe, data_set, named=policy.identifiers.by_tag) if policy.recipe else NOTHING


def said_of(policy: HeaderPolicy, overlay: Overlay) -> HeaderPolicy:
    """The policy with Longitudinal Temporal Information Modified as it is true of the file the overlay is of."""
    if overlay.keeps_dates:
        return replace(policy, temporal=UNMODIFIED)
    if overlay.moves_dates and policy.temporal != UNMODIFIED:
        return replace(policy, temporal=MODIFIED)
    return policy


def allows_private(policy: HeaderPolicy, creator: str, tag: int) -> bool:
    """Whether a line of the recipe, by what it says and not by what was decided, lets a private element stand.

    A creator may stand where anything of its block may.
    """
    if policy.recipe is None:
        return False
    if not is_creator(tag):
        return _names(policy.recipe, creator, tag)
    group = tag & 0xFFFF0000
    return _names(policy.recipe, creator, tag) or any(
        _names(policy.recipe, creator, group | _FIRST_OWNED | low) for low in range(_BLOCK)
    )


@lru_cache(maxsize=1 << 14)
def _names(recipe: Recipe, creator: str, tag: int) -> bool:
    field = field_at(tag, "UN", number=0, private_creator="" if is_creator(tag) else creator)
    return any(line.action is not RecipeAction.REMOVE and matches(line.expression, field) for line in recipe.lines)


def weakened(policy: HeaderPolicy) -> tuple[Weakening, ...]:
    """What the policy's recipe lets stay that the policy would not; nothing without a recipe."""
    if policy.recipe is None:
        return ()
    return weakenings(policy.recipe, policy.standard, policy.identifiers, partial(decide, policy))
