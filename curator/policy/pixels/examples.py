"""The examples that rules about pixels carry, run.

The law: a layout's example is asked of that layout alone, so that it shows what this rule does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from curator.model.pixels import Box
from curator.policy.outcomes import ExampleOutcome, examples_in
from curator.policy.pixels.allowed import ALLOWED
from curator.policy.pixels.encoders import ENCODERS
from curator.policy.pixels.judging import EFFECTS, JUDGING, Judging
from curator.policy.pixels.layouts import LAYOUTS, Layouts, box_of, example_values
from curator.policy.pixels.places import Header, known_places
from curator.policy.pixels.rules import PHOTOGRAPHS, PixelRules, load_pixel_rules
from curator.strict import Table

_STAYS = {True: "stays", False: "goes"}
_SIDE = 512


def pixel_examples(folder: Path) -> Iterator[ExampleOutcome]:
    """Every example of the rules about texts, layouts and photographs under `folder`/pixels.

    Raises:
        ConfigurationError: a rule file is missing or malformed.
    """
    rules = load_pixel_rules(folder)
    for rule_id, number, example in examples_in(folder, ALLOWED):
        example.only(required=("text", "expect"))
        decided_by = rules.allowed.allows(example.get("text", str))
        expected, actual = _STAYS[example.get("expect", bool)], _STAYS[decided_by is not None]
        yield ExampleOutcome(ALLOWED, rule_id, number, expected, actual, decided_by or rule_id)
    for rule_id, number, example in examples_in(folder, ENCODERS):
        example.only(required=("comment", "expect"))
        found = rules.encoder_comments.fullmatch(example.get("comment", str).encode())
        expected, actual = _STAYS[example.get("expect", bool)], _STAYS[found is not None]
        yield ExampleOutcome(ENCODERS, rule_id, number, expected, actual, rule_id)
    for rule_id, number, example in examples_in(folder, JUDGING):
        example.only(required=("given", "expect"))
        expected, actual = str(example.values["expect"]), str(_effect(rules.judging, rule_id, example))
        yield ExampleOutcome(JUDGING, rule_id, number, expected, actual, rule_id)
    for rule_id, number, example in examples_in(folder, LAYOUTS):
        example.only(("regions", "found"), required=("header", "expect"))
        expected, actual = _places(rules, rule_id, example)
        yield ExampleOutcome(LAYOUTS, rule_id, number, expected, actual, rule_id)
    for rule_id, number, example in examples_in(folder, PHOTOGRAPHS):
        example.only(required=("expect",))
        yield ExampleOutcome(PHOTOGRAPHS, rule_id, number, example.get("expect", str), rules.faces, rule_id)


def _effect(judging: Judging, rule_id: str, example: Table) -> bool | int:
    name = next(name for name, known in judging.ids.items() if known == rule_id)
    return EFFECTS[name](float(getattr(judging, name)), example.get("given", float))


def _places(rules: PixelRules, rule_id: str, example: Table) -> tuple[str, str]:
    """What a layout is expected to give for a header, and what it gives."""
    header = example.table("header")
    values = example_values(header)
    rows, columns = (header.number(side, _SIDE, least=1) for side in ("Rows", "Columns"))
    regions, found, expected = ([box_of(box) for box in example.tables(key)] for key in ("regions", "found", "expect"))
    alone = Layouts(tuple(one for one in rules.layouts.layouts if one.id == rule_id))
    asked = Header(values.get, lambda _: regions)
    places = known_places(alone, asked, rows=rows, columns=columns, found=found)
    return _written(expected), _written([place.box for place in places])


def _written(boxes: list[Box]) -> str:
    return ", ".join(f"{box.left}+{box.width} x {box.top}+{box.height}" for box in sorted(boxes)) or "nowhere"
