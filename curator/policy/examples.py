"""The examples that rules carry, run.

The law: each example is a test; a rule that decides none of its own examples can never have been seen to work.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import cast

from curator.model.decision import ElementRef
from curator.model.instance import PlaneGeometry, SourceInstance
from curator.policy import reading
from curator.policy.gates import gate, load_gates
from curator.policy.header import HeaderPolicy, decide, identifier_kind, load_header_policy

_ELEMENT_KEYS = ("vr", "path", "sop_class", "private_creator")
_INSTANCE_KEYS = (
    "SOPClassUID",
    "Modality",
    "BodyPartExamined",
    "BurnedInAnnotation",
    "ImageType",
    "descriptors",
    "has_pixel_data",
    "has_encapsulated_document",
    "field_of_view_mm",
    "tilt_deg",
)
_SIDE = 512
PolicyFor = Callable[[tuple[str, ...]], HeaderPolicy]


@dataclass(frozen=True, slots=True)
class ExampleOutcome:
    """What an example expects and what came out; `decided_by` is the id of the rule that decided, "" for none."""

    where: str
    rule_id: str
    number: int
    expected: str
    actual: str
    decided_by: str

    @property
    def is_met(self) -> bool:
        """Whether the outcome is the expected one."""
        return self.expected == self.actual

    @property
    def is_own(self) -> bool:
        """Whether the rule that carries the example decided it."""
        return self.decided_by == self.rule_id or self.decided_by.startswith(f"{self.rule_id}/")


def run_examples(folder: Path) -> Iterator[ExampleOutcome]:
    """Every example of the header and gate rules under `rules/`, in the order of the files.

    Raises:
        ConfigurationError: a rule file is missing or malformed.
        RuleError: an example names options that cannot be chosen.
        IntegrityError: a table of the standard was altered.
    """

    @cache
    def policy(profile: str, options: tuple[str, ...]) -> HeaderPolicy:
        return load_header_policy(folder, profile=profile, options=options)

    for path in sorted((folder / "profiles").glob("*.toml")):
        yield from _element_examples(folder, f"profiles/{path.name}", partial(policy, path.stem))
    for name in ("header/unlisted.toml", "header/identifiers.toml"):
        yield from _element_examples(folder, name, partial(policy, "basic"))
    yield from _gate_examples(folder)


def example_instance(table: reading.Table, *, where: str) -> SourceInstance:
    """The instance that an example describes; what it leaves out is empty.

    Raises:
        ConfigurationError: a key is unknown or malformed.
    """
    reading.only(table, where=where, required=("SOPClassUID",), optional=_INSTANCE_KEYS)
    plane = _plane(table, where=where)
    return SourceInstance(
        reference="",
        content_id="",
        size_bytes=0,
        subject=None,
        StudyInstanceUID="",
        SeriesInstanceUID="",
        SOPInstanceUID="",
        TransferSyntaxUID="",
        SOPClassUID=reading.text(table, "SOPClassUID", where=where),
        Modality=reading.text(table, "Modality", where=where),
        BodyPartExamined=reading.text(table, "BodyPartExamined", where=where),
        BurnedInAnnotation=reading.text(table, "BurnedInAnnotation", where=where),
        ImageType=reading.texts(table, "ImageType", where=where),
        descriptors=reading.texts(table, "descriptors", where=where),
        has_pixel_data=reading.truth(table, "has_pixel_data", where=where) is True,
        has_encapsulated_document=reading.truth(table, "has_encapsulated_document", where=where) is True,
        Rows=_SIDE if plane else 0,
        Columns=_SIDE if plane else 0,
        plane=plane,
    )


def example_element(table: reading.Table, *, where: str) -> ElementRef:
    """The element that an example describes.

    Raises:
        ConfigurationError: a key is unknown or malformed.
    """
    reading.only(table, where=where, required=("tag", "vr"), optional=_ELEMENT_KEYS)
    return ElementRef(
        tag=reading.tag_of(reading.text(table, "tag", where=where), where=where),
        vr=reading.text(table, "vr", where=where),
        path=tuple(reading.tag_of(tag, where=where) for tag in reading.texts(table, "path", where=where)),
        sop_class_uid=reading.text(table, "sop_class", where=where),
        private_creator=reading.text(table, "private_creator", where=where),
    )


def _plane(table: reading.Table, *, where: str) -> PlaneGeometry | None:
    sides = table.get("field_of_view_mm")
    tilt = table.get("tilt_deg", 0.0)
    if sides is None:
        return None
    if not isinstance(sides, list) or len(sides) != 2 or not isinstance(tilt, float):
        raise reading.wrong('"field_of_view_mm" must be two numbers and "tilt_deg" a decimal one', where=where)
    angle = math.radians(tilt)
    return PlaneGeometry(
        ImageOrientationPatient=(1.0, 0.0, 0.0, 0.0, math.cos(angle), -math.sin(angle)),
        ImagePositionPatient=(0.0, 0.0, 0.0),
        PixelSpacing=(float(sides[0]) / _SIDE, float(sides[1]) / _SIDE),
    )


def _rules_in(folder: Path, name: str) -> Iterator[tuple[str, int, reading.Table]]:
    table = reading.parse_toml(reading.read_bytes(folder / name), where=name)
    rules = list(reading.subtables(table, "rule", where=name))
    if isinstance(table.get("type_1"), dict):
        rules.append(cast("reading.Table", table["type_1"]))
    for rule in rules:
        rule_id = reading.text(rule, "id", where=name)
        for number, example in enumerate(
            reading.subtables(rule, "example", where=f'{name}: rule "{rule_id}"'), start=1
        ):
            yield rule_id, number, example


def _element_examples(folder: Path, name: str, policy_for: PolicyFor) -> Iterator[ExampleOutcome]:
    for rule_id, number, example in _rules_in(folder, name):
        where = f'{name}: rule "{rule_id}", example {number}'
        reading.only(example, where=where, required=("element", "expect"), optional=("options",))
        policy = policy_for(reading.texts(example, "options", where=where))
        element = example_element(cast("reading.Table", example["element"]), where=where)
        decision = decide(policy, element)
        if name.endswith("identifiers.toml"):
            kind = identifier_kind(policy, element)
            actual, decided_by = (kind.value if kind else ""), rule_id
        else:
            actual, decided_by = decision.action.value, decision.rule_id
        yield ExampleOutcome(name, rule_id, number, reading.text(example, "expect", where=where), actual, decided_by)


def _gate_examples(folder: Path) -> Iterator[ExampleOutcome]:
    gates = load_gates(folder)
    for name in ("pixels/gate.toml", "faces/gate.toml"):
        for rule_id, number, example in _rules_in(folder, name):
            where = f'{name}: rule "{rule_id}", example {number}'
            reading.only(example, where=where, required=("instance", "expect"))
            finding = gate(gates, example_instance(cast("reading.Table", example["instance"]), where=where))
            expected = reading.text(example, "expect", where=where)
            actual, decided_by = (finding.reason.value, finding.rule_id) if finding else ("", "")
            yield ExampleOutcome(name, rule_id, number, expected, actual, decided_by)
