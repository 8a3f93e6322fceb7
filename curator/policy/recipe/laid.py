"""A recipe laid over a header policy.

The law: a policy with a recipe has a digest of its own; nothing of a recipe that cannot be carried out gets this far.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial

from curator.dicom.elements import DataSet
from curator.errors import ItemError
from curator.model.quarantine import Reason
from curator.policy.header import HeaderPolicy, decide
from curator.policy.options import MODIFIED
from curator.policy.recipe.filters import held_by
from curator.policy.recipe.judge import refusals, refuse
from curator.policy.recipe.lines import Recipe
from curator.policy.recipe.overlay import NOTHING, Overlay, overlay_of
from curator.policy.recipe.weaken import Weakening, weakenings

UNMODIFIED = "UNMODIFIED"


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


def weakened(policy: HeaderPolicy) -> tuple[Weakening, ...]:
    """What the policy's recipe lets stay that the policy would not; nothing without a recipe."""
    if policy.recipe is None:
        return ()
    return weakenings(policy.recipe, policy.standard, policy.identifiers, partial(decide, policy))
