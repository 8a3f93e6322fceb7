"""The conformance statement of a policy.

The law: every sentence is counted or read from the policy that runs; nothing is claimed that is not applied.

Sources: DICOM PS3.15 2026d E.1.3 (what a conformance statement must say), (c) NEMA.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from curator.model.decision import Action, ElementRef
from curator.policy.header import HeaderPolicy, decide
from curator.policy.private import OPTION as PRIVATE_OPTION
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


_INSERTED = {
    "PatientIdentityRemoved": "YES",
    "DeidentificationMethod": "program, profile, edition and policy digest, after what earlier tools said",
    "DeidentificationMethodCodeSequence": "the codes above, after those of earlier tools",
    "LongitudinalTemporalInformationModified": "as above",
    "LongitudinalTemporalOffsetFromEvent": "days from the person's event, where a job names a file of events",
    "LongitudinalTemporalEventType": "what the event was, where a job names a file of events",
    "file meta information": "written anew; the preamble is zeros, private information and AE titles are dropped",
}
_STAND_INS = (
    "- One constant a VR, legal in it and plainly artificial: REMOVED, 19000101, 000000, 000Y, 0, urn:removed; zeros "
    "for binary values. Where the standard lists the values, one of those.",
    "- A sequence that has to stay keeps its first item, every text, name, date and code in it replaced.",
    "- PatientName and PatientID are one keyed code; UIDs become 2.25 UIDs from a keyed hash, the same for the same.",
)
_INTEGRITY = (
    "- Under one key and epoch the same person, UID and date shift come out the same in every file, run and process, "
    "so that references, frames of reference and intervals stay whole, also to what is released later.",
    "- Between keys or release domains nothing is linked.",
)


def table_actions(policy: HeaderPolicy) -> Counter[Action]:
    """How many rows of Table E.1-1 get which action at the top level of an object of unknown class."""
    return Counter({action: len(names) for action, names in rows_by_action(policy).items()})


def rows_by_action(policy: HeaderPolicy) -> dict[Action, list[str]]:
    """The names of the rows of Table E.1-1 by what happens to them there, in the order of the table."""
    names: dict[Action, list[str]] = defaultdict(list)
    for row in policy.standard.rows.values():
        tag = 0x00091001 if row.tag == PRIVATE_ROW else int(row.tag.replace("x", "0"), 16)
        names[decide(policy, ElementRef(tag, row.vr or "UN")).action].append(row.keyword or row.tag)
    return names


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
    lines = [
        *_claimed(policy),
        *_of_table(policy),
        "## Attributes outside the table",
        "",
        *(f"- `{rule.id}`: {rule.why}" for rule in (*policy.first_rules, *policy.last_rules)),
        "",
        *_private(policy),
        "## Attributes inserted or replaced at the top level",
        "",
        *(f"- {keyword}: {what}" for keyword, what in _INSERTED.items()),
        *(
            f"- {keyword}: {value}, in instances of which it was proven; removed from all others"
            for option in policy.chosen
            for keyword, value in option.verified.items()
        ),
        "",
        "## How stand-ins are made",
        "",
        *_STAND_INS,
        "",
        "## Referential integrity",
        "",
        *_INTEGRITY,
        "",
        *_restrictions(policy),
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


def _claimed(policy: HeaderPolicy) -> list[str]:
    """Title, edition and method codes, ending in an empty line."""
    return [
        f"# De-identification conformance statement: {policy.title}",
        "",
        f"By {policy.citation}, Table E.1-1 ({len(policy.standard.rows)} rows). Policy digest `{policy.digest}`.",
        "",
        "## Claimed, and written to De-identification Method Code Sequence (0012,0064)",
        "",
        *(
            f"- {method.code_value} {method.coding_scheme} {method.code_meaning} ({method.section})"
            for method in policy.methods
        ),
        "",
        f"Longitudinal Temporal Information Modified (0028,0303) is {policy.temporal}; Patient Identity Removed "
        "(0012,0062) is YES.",
        "",
    ]


def _of_table(policy: HeaderPolicy) -> list[str]:
    """What happens to the table's attributes, ending in an empty line."""
    names = rows_by_action(policy)
    return [
        "## Attributes of the table",
        "",
        "At the top level of an object of unknown SOP Class; compound codes follow the Type in the object's IOD.",
        "",
        "| what happens | rows |",
        "|---|---|",
        *(f"| {said} | {len(names[action])} |" for action, said in _CARRIED_OUT.items() if names.get(action)),
        "",
        *(f"- {said}: {', '.join(names[action])}" for action, said in _CARRIED_OUT.items() if names.get(action)),
        "",
    ]


def _restrictions(policy: HeaderPolicy) -> list[str]:
    """What is not claimed and under which conditions the rest holds."""
    not_built = [option for option in policy.listed.option_rules.options.values() if not option.available]
    return [
        "## Restrictions",
        "",
        *_of_pixels(policy),
        "- Replacement values are keyed: the same person and UID give the same value everywhere under one key.",
        f"- `{policy.listed.type_one.id}`: {policy.listed.type_one.why}",
        *(f"- Option `{option.name}` is applied: {option.why}" for option in policy.chosen if option.cleaning),
        *(f"- Option `{option.name}`: {option.why}" for option in not_built),
    ]


def _of_pixels(policy: HeaderPolicy) -> list[str]:
    """What is said of burned-in text and of faces, which no header rule can judge."""
    said = []
    for option in policy.listed.option_rules.options.values():
        if not option.verified:
            continue
        code = policy.standard.methods[option.name]
        states = " and ".join(f"{keyword} {value}" for keyword, value in option.verified.items())
        if option in policy.chosen:
            said.append(
                f"- Option `{option.name}`: {option.why} {code.code_value} {code.coding_scheme} {code.code_meaning} "
                f"({code.section}) and {states} stand only in instances that were proven so; in all others neither "
                "does."
            )
        else:
            said.append(
                f"- Option `{option.name}` is not chosen: instances that would need it are held back, and neither "
                f"{code.code_value} nor {states} is claimed."
            )
    return said


def _private(policy: HeaderPolicy) -> list[str]:
    """What happens to private attributes, ending in an empty line."""
    lines = ["## Private attributes", ""]
    if PRIVATE_OPTION not in policy.options:
        return [*lines, "- All are removed, with their creators.", ""]
    lines.append(
        f"- Of Table E.3.10-1 ({len(policy.private.rows)} rows), by the creator's exact spelling, the group and the "
        "place in the block, for any block. All others are removed; what a file declares safe itself is not believed."
    )
    lines += [f"- `{rule.id}`: {rule.why}" for rule in policy.private.rules]
    lines += [
        f"- Bytes that were reviewed: {creator} ({group:04X},xx{low:02X})"
        for creator, group, low in sorted(policy.private.reviewed)
    ]
    return [*lines, ""]


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
