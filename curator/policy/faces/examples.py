"""The examples that rules about defacing carry, run.

The law: an example says what its number does to a value beside it, so that one which was turned round is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from curator.policy.faces.defacing import DEFACING, EFFECTS, LADDER, FaceRules, load_face_rules, within
from curator.policy.outcomes import ExampleOutcome, examples_in
from curator.strict import Table


def face_examples(folder: Path) -> Iterator[ExampleOutcome]:
    """Every example of the numbers of defacing and of its ladder under `folder`/faces.

    Raises:
        ConfigurationError: a rule file is missing or malformed.
    """
    rules = load_face_rules(folder)
    for rule_id, number, example in examples_in(folder, DEFACING):
        example.only(required=("given", "expect"))
        expected, actual = str(example.get("expect", bool)), str(_effect(rules, rule_id, example))
        yield ExampleOutcome(DEFACING, rule_id, number, expected, actual, rule_id)
    windows = {rung.id: rung.window for rung in rules.ladder}
    for rule_id, number, example in examples_in(folder, LADDER):
        example.only(required=("expect",))
        yield ExampleOutcome(LADDER, rule_id, number, example.get("expect", str), windows[rule_id], rule_id)


def _effect(rules: FaceRules, rule_id: str, example: Table) -> bool:
    """What a number says of what is given; a list says whether it is one of its members."""
    setting = next(name for name, known in rules.ids.items() if known == rule_id)
    value, given = getattr(rules.numbers, setting), example.get("given", float)
    if isinstance(value, tuple):
        return given in value
    return EFFECTS.get(setting, within)(value, given)
