"""The examples that rules carry, run.

The law: each example is a test; a rule that decides none of its own examples can never have been seen to work.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

from curator.model.decision import ElementRef
from curator.model.instance import PlaneGeometry, SourceInstance
from curator.policy import dates, dependents, events, structured, text
from curator.policy.faces.examples import face_examples
from curator.policy.gates import gate, load_gates, pixel_action
from curator.policy.header import HeaderPolicy, decide, identifier_kind, load_header_policy
from curator.policy.options import parse_options
from curator.policy.outcomes import ExampleOutcome, examples_in
from curator.policy.pixels.examples import pixel_examples
from curator.policy.tags import tag_of
from curator.strict import Table, read_bytes

_ELEMENT_KEYS = ("path", "sop_class", "private_creator")
_INSTANCE_KEYS = (
    "Modality",
    "BodyPartExamined",
    "BurnedInAnnotation",
    "ImageType",
    "descriptors",
    "has_pixel_data",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "BitsAllocated",
    "has_encapsulated_document",
    "field_of_view_mm",
    "tilt_deg",
)
_ELEMENT_RULES = (
    "header/unlisted.toml",
    "header/private.toml",
    "header/modified_dates.toml",
    "header/identifiers.toml",
)
_SIDE = 512
_OPTIONS = "header/options.toml"
_DEFACED = {True: "defaced", False: "not defaced"}
_STAYS = {True: "stays", False: "goes"}
PolicyFor = Callable[[tuple[str, ...]], HeaderPolicy]


def run_examples(folder: Path) -> Iterator[ExampleOutcome]:
    """Every example of the header, gate, pixel, face, dependent, date, text and content rules, in the files' order.

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
    for name in _ELEMENT_RULES:
        yield from _element_examples(folder, name, partial(policy, "basic"))
    yield from _gate_examples(folder)
    yield from pixel_examples(folder)
    yield from face_examples(folder)
    yield from _dependent_examples(folder)
    yield from _date_examples(folder)
    yield from _event_examples(folder)
    yield from _text_examples(folder)
    yield from _content_examples(folder)


def example_instance(table: Table) -> SourceInstance:
    """The instance that an example describes; what it leaves out is empty, but pixels are grey values of 16 bits.

    Raises:
        ConfigurationError: a key is unknown or malformed.
    """
    table.only(_INSTANCE_KEYS, required=("SOPClassUID",))
    plane = _plane(table)
    has_pixels = table.get("has_pixel_data", bool, False)
    return SourceInstance(
        reference="",
        content_id="",
        size_bytes=0,
        subject=None,
        StudyInstanceUID="",
        SeriesInstanceUID="",
        SOPInstanceUID="",
        TransferSyntaxUID="",
        SOPClassUID=table.get("SOPClassUID", str),
        Modality=table.get("Modality", str, ""),
        BodyPartExamined=table.get("BodyPartExamined", str, ""),
        BurnedInAnnotation=table.get("BurnedInAnnotation", str, ""),
        ImageType=table.texts("ImageType"),
        descriptors=table.texts("descriptors"),
        has_pixel_data=has_pixels,
        SamplesPerPixel=table.get("SamplesPerPixel", int, int(has_pixels)),
        PhotometricInterpretation=table.get("PhotometricInterpretation", str, "MONOCHROME2" if has_pixels else ""),
        BitsAllocated=table.get("BitsAllocated", int, 16 if has_pixels else 0),
        has_encapsulated_document=table.get("has_encapsulated_document", bool, False),
        Rows=_SIDE if plane else 0,
        Columns=_SIDE if plane else 0,
        plane=plane,
    )


def example_element(table: Table) -> ElementRef:
    """The element that an example describes.

    Raises:
        ConfigurationError: a key is unknown or malformed.
    """
    table.only(_ELEMENT_KEYS, required=("tag", "vr"))
    return ElementRef(
        tag=tag_of(table.get("tag", str), where=f"[{table.name}] tag"),
        vr=table.get("vr", str),
        path=tuple(tag_of(tag, where=f"[{table.name}] path") for tag in table.texts("path")),
        sop_class_uid=table.get("sop_class", str, ""),
        private_creator=table.get("private_creator", str, ""),
    )


def _plane(table: Table) -> PlaneGeometry | None:
    if "field_of_view_mm" not in table.values:
        return None
    sides = table.get("field_of_view_mm", list)
    if len(sides) != 2 or not all(type(side) in (int, float) for side in sides):
        raise table.wrong("field_of_view_mm", "must be two numbers")
    angle = math.radians(table.get("tilt_deg", float, 0.0))
    return PlaneGeometry(
        ImageOrientationPatient=(1.0, 0.0, 0.0, 0.0, math.cos(angle), -math.sin(angle)),
        ImagePositionPatient=(0.0, 0.0, 0.0),
        PixelSpacing=(float(sides[0]) / _SIDE, float(sides[1]) / _SIDE),
    )


def _element_examples(folder: Path, name: str, policy_for: PolicyFor) -> Iterator[ExampleOutcome]:
    for rule_id, number, example in examples_in(folder, name):
        example.only(("options",), required=("element", "expect"))
        policy = policy_for(example.texts("options"))
        element = example_element(example.table("element"))
        if name.endswith("identifiers.toml"):
            kind = identifier_kind(policy, element)
            actual, decided_by = (kind.value if kind else ""), rule_id
        else:
            decision = decide(policy, element)
            actual, decided_by = decision.action.value, decision.rule_id
        yield ExampleOutcome(name, rule_id, number, example.get("expect", str), actual, decided_by)


def _gate_examples(folder: Path) -> Iterator[ExampleOutcome]:
    gates = load_gates(folder)
    for name in ("pixels/gate.toml", "faces/gate.toml"):
        for rule_id, number, example in examples_in(folder, name):
            example.only(("action", "defaced"), required=("instance", "expect"))
            instance = example_instance(example.table("instance"))
            finding = gate(gates, instance)
            actual, decided_by = (finding.reason.value, finding.rule_id) if finding else ("", "")
            yield ExampleOutcome(name, rule_id, number, example.get("expect", str), actual, decided_by)
            if "action" in example.values:
                action = pixel_action(gates, instance)
                decided_by = action.finding.rule_id if action.finding else ""
                expected = example.get("action", str)
                yield ExampleOutcome(name, rule_id, number, expected, action.handling.value, decided_by)
            if "defaced" in example.values:
                action = pixel_action(gates, instance, faces=True)
                decided_by = action.finding.rule_id if action.finding else ""
                expected, actual = _DEFACED[example.get("defaced", bool)], _DEFACED[action.defaces]
                yield ExampleOutcome(name, rule_id, number, expected, actual, decided_by)


def _dependent_examples(folder: Path) -> Iterator[ExampleOutcome]:
    name = dependents.RULES.as_posix()
    classes = dependents.dependent_classes(folder)
    said = {True: "dependent", False: "not dependent"}
    for rule_id, number, example in examples_in(folder, name):
        example.only(required=("SOPClassUID", "dependent"))
        uid = example.get("SOPClassUID", str)
        expected, actual = said[example.get("dependent", bool)], said[uid in classes]
        yield ExampleOutcome(name, rule_id, number, expected, actual, classes.get(uid, ""))


def _date_examples(folder: Path) -> Iterator[ExampleOutcome]:
    name = dates.RULES.as_posix()
    shortest, longest = dates.shift_range_days(folder)
    for rule_id, number, example in examples_in(folder, name):
        example.only(required=("shift_days_at_least", "shift_days_at_most"))
        least, most = (example.number(f"shift_days_at_{end}", least=1) for end in ("least", "most"))
        yield ExampleOutcome(name, rule_id, number, f"{least} to {most} days", f"{shortest} to {longest} days", rule_id)


def _event_examples(folder: Path) -> Iterator[ExampleOutcome]:
    name = events.RULES.as_posix()
    epoch = events.event_epoch(folder)
    for rule_id, number, example in examples_in(folder, name):
        example.only(required=("event", "date", "expect"))
        moved = epoch + (events.day_of(example, "date") - events.day_of(example, "event"))
        yield ExampleOutcome(name, rule_id, number, example.get("expect", str), f"{moved:%Y%m%d}", rule_id)


def _text_examples(folder: Path) -> Iterator[ExampleOutcome]:
    rules = text.load_text_rules(folder)
    recognizers = {rule.id: rule for rule in rules.recognizers}
    for rule_id, number, example in examples_in(folder, text.RECOGNIZERS):
        example.only(required=("text", "expect"))
        said, wanted = example.get("text", str), example.texts("expect")
        found = {said[start:end] for start, end in recognizers[rule_id].find(said)}
        # Patterns of one rule may find more than one thing; what is expected has to be among it.
        actual = " | ".join(wanted if found.issuperset(wanted) else sorted(found))
        yield ExampleOutcome(text.RECOGNIZERS, rule_id, number, " | ".join(wanted), actual, rule_id)
    for rule_id, number, example in examples_in(folder, text.TECHNICAL):
        example.only(required=("text", "expect"))
        decided_by = rules.allows(example.get("text", str))
        expected, actual = _STAYS[example.get("expect", bool)], _STAYS[decided_by is not None]
        yield ExampleOutcome(text.TECHNICAL, rule_id, number, expected, actual, decided_by or rule_id)


def _content_examples(folder: Path) -> Iterator[ExampleOutcome]:
    name = structured.RULES
    option_rules = parse_options(read_bytes(folder / _OPTIONS, name=_OPTIONS), name=_OPTIONS)
    for rule_id, number, example in examples_in(folder, name):
        example.only(("options",), required=("value_type", "expect"))
        rules = structured.load_content_rules(folder, option_rules=option_rules, options=example.texts("options"))
        decision = rules.decide(structured.ContentItemRef(example.get("value_type", str)))
        yield ExampleOutcome(name, rule_id, number, example.get("expect", str), decision.action.value, decision.rule_id)
