"""The conformance statement of a policy.

The law: every sentence is counted or read from the policy that runs; nothing is claimed that is not applied.

Sources: DICOM PS3.15 2026d E.1.3 (what a conformance statement must say), (c) NEMA.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from curator.model.decision import Action, ElementRef
from curator.policy.header import HeaderPolicy, decide
from curator.policy.recipe.laid import weakened
from curator.policy.standard import PRIVATE_ROW

_CARRIED_OUT = {
    Action.REMOVE: "removed",
    Action.EMPTY: "emptied",
    Action.DUMMY: "replaced by a stand-in",
    Action.REPLACE_UID: "replaced by a keyed UID",
    Action.PSEUDONYM: "replaced by a keyed pseudonym",
    Action.SHIFT: "moved by the person's date shift",
    Action.CLEAN: "cleaned",
    Action.STANDARD_CODE: "kept where the standard confirms it",
    Action.SET: "set by the policy",
    Action.KEEP: "kept (sequences: cleaned inside)",
}


def table_actions(policy: HeaderPolicy) -> Counter[Action]:
    """How many rows of Table E.1-1 get which action at the top level of an object of unknown class."""
    counted: Counter[Action] = Counter()
    for row in policy.standard.rows.values():
        tag = 0x00091001 if row.tag == PRIVATE_ROW else int(row.tag.replace("x", "0"), 16)
        counted[decide(policy, ElementRef(tag, row.vr or "UN")).action] += 1
    return counted


def recipe_sentences(policy: HeaderPolicy, *, most: int | None = None) -> tuple[str, ...]:
    """What the policy's recipe lets stay that the policy would not, a sentence for each line that does.

    A sentence names `most` attributes and counts the others, where it is given.
    """
    names: dict[tuple[int, str], list[str]] = {}
    for one in weakened(policy):
        instead = f" (else {_CARRIED_OUT[one.instead_of]})" if one.instead_of is not None else ""
        names.setdefault((one.line, one.written), []).append(f"{one.keyword or 'what a file has'}{instead}")
    return tuple(f"line {line}, `{written}`: {_listed(told, most)}" for (line, written), told in names.items())


def _listed(told: Sequence[str], most: int | None) -> str:
    more = len(told) - most if most is not None else 0
    return ", ".join(told[:most]) + (f" and {more} more" if more > 0 else "")


def conformance(policy: HeaderPolicy) -> str:
    """The statement as Markdown, ending in a newline."""
    counted = table_actions(policy)
    not_built = [option for option in policy.listed.option_rules.options.values() if not option.available]
    methods = [
        f"- {method.code_value} {method.coding_scheme} {method.code_meaning} ({method.section})"
        for method in policy.methods
    ]
    lines = [
        f"# De-identification conformance statement: {policy.title}",
        "",
        f"By {policy.citation}, Table E.1-1 ({len(policy.standard.rows)} rows). Policy digest `{policy.digest}`.",
        "",
        "## Claimed, and written to De-identification Method Code Sequence (0012,0064)",
        "",
        *methods,
        "",
        f"Longitudinal Temporal Information Modified (0028,0303) is {policy.temporal}; Patient Identity Removed "
        "(0012,0062) is YES.",
        "",
        "## Attributes of the table",
        "",
        "At the top level of an object of unknown SOP Class; compound codes follow the Type in the object's IOD.",
        "",
        "| what happens | rows |",
        "|---|---|",
        *(f"| {sentence} | {counted[action]} |" for action, sentence in _CARRIED_OUT.items() if counted[action]),
        "",
        "## Attributes outside the table",
        "",
        *(f"- `{rule.id}`: {rule.why}" for rule in (*policy.first_rules, *policy.last_rules)),
        "",
        "## Restrictions",
        "",
        "- Instances that may carry burned-in text or show a face are held back; neither option is claimed.",
        "- Replacement values are keyed: the same person and UID give the same value everywhere under one key.",
        f"- `{policy.listed.type_one.id}`: {policy.listed.type_one.why}",
        *(f"- Option `{option.name}` is applied: {option.why}" for option in policy.chosen if option.cleaning),
        *(f"- Option `{option.name}`: {option.why}" for option in not_built),
    ]
    if policy.recipe is not None:
        lines += ["", "## The recipe over it", "", *_of_recipe(policy)]
    if policy.conflicts:
        lines += ["", "## Where options disagree, the most protective action wins", ""]
        lines += [
            f"- {conflict.keyword} ({conflict.tag}): {', '.join(f'{name} {cell}' for name, cell in conflict.wanted)}; "
            f"{_CARRIED_OUT[conflict.applied]}"
            for conflict in policy.conflicts
        ]
    return "\n".join(lines) + "\n"


def _of_recipe(policy: HeaderPolicy) -> list[str]:
    told = recipe_sentences(policy)
    lines = len(policy.recipe.lines) if policy.recipe is not None else 0
    return [
        f"{lines} lines in the deid package's format decide before the profile. Identity, UIDs and these markers are "
        "the engine's own, and no name, UID or listed identifier is kept by a recipe.",
        "",
        *(f"- Weaker than the profile: {sentence}" for sentence in told),
        *(["- Nowhere weaker than the profile."] if not told else []),
    ]
