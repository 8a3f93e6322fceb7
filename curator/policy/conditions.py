"""What a gate rule can ask of an instance.

The law: a condition is a pure question about one instance; where the instance does not say, the answer is the one that
holds it back.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from curator.model.instance import SourceInstance
from curator.policy.words import WordList, folded
from curator.strict import Table

Value = bool | float | str | frozenset[str]
_GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})
_NO_LETTERS = re.compile(r"[^A-Z0-9]")


@dataclass(frozen=True, slots=True)
class SopClass:
    """The family a SOP Class belongs to, and the modalities it is for (empty: any)."""

    family: str
    modalities: frozenset[str]


@dataclass(frozen=True, slots=True)
class GateTables:
    """What conditions look up."""

    classes: Mapping[str, SopClass]
    words: Mapping[str, WordList]
    body_parts: Mapping[str, frozenset[str]]
    next_to_neck: frozenset[str]

    def family(self, instance: SourceInstance) -> str:
        """The family of the instance's SOP Class, "" for one that is not listed."""
        found = self.classes.get(instance.SOPClassUID)
        return found.family if found else ""


@dataclass(frozen=True, slots=True)
class Condition:
    """The name of a question and what the rule compares the answer with."""

    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class Question:
    """How a condition is written (`kind`) and when it holds."""

    kind: type
    holds: Callable[[SourceInstance, Value, GateTables], bool]


def field_of_view_mm(instance: SourceInstance) -> float:
    """The shorter side of the image, millimetres; 0.0 where rows, columns or spacing are unknown."""
    if instance.plane is None:
        return 0.0
    row_spacing, column_spacing = instance.plane.PixelSpacing
    shorter = min(instance.Rows * row_spacing, instance.Columns * column_spacing)
    return shorter if math.isfinite(shorter) and shorter > 0 else 0.0


def tilt_deg(instance: SourceInstance) -> float:
    """The angle between the image plane and one across the body, 0 to 90 degrees; 90.0 where it is unknown."""
    if instance.plane is None:
        return 90.0
    row_x, row_y, row_z, column_x, column_y, column_z = instance.plane.ImageOrientationPatient
    normal = (
        row_y * column_z - row_z * column_y,
        row_z * column_x - row_x * column_z,
        row_x * column_y - row_y * column_x,
    )
    length = math.hypot(*normal)
    if not math.isfinite(length) or length == 0:
        return 90.0
    return math.degrees(math.acos(min(1.0, abs(normal[2]) / length)))


def body_part_term(instance: SourceInstance) -> str:
    """Body Part Examined in upper case without blanks and punctuation; "" where it is missing."""
    return _NO_LETTERS.sub("", folded(instance.BodyPartExamined).upper())


def is_monochrome(instance: SourceInstance) -> bool:
    """Whether the instance says that its pixels are one grey value each; False where it does not say."""
    return instance.SamplesPerPixel == 1 and instance.PhotometricInterpretation.strip().upper() in _GREY


def spoken_of(instance: SourceInstance) -> tuple[str, ...]:
    """All texts of an instance that may name a part of the body."""
    return (*instance.descriptors, instance.BodyPartExamined, *instance.ImageType)


def _names(value: Value) -> frozenset[str]:
    return cast("frozenset[str]", value)


def _modality_fits(instance: SourceInstance, value: Value, tables: GateTables) -> bool:
    found = tables.classes.get(instance.SOPClassUID)
    fits = found is not None and (not found.modalities or instance.Modality in found.modalities)
    return fits is value


CONDITIONS: Mapping[str, Question] = {
    "has_encapsulated_document": Question(bool, lambda i, value, _: i.has_encapsulated_document is value),
    "has_pixel_data": Question(bool, lambda i, value, _: i.has_pixel_data is value),
    "families": Question(list, lambda i, value, tables: tables.family(i) in _names(value)),
    "families_not": Question(list, lambda i, value, tables: tables.family(i) not in _names(value)),
    "modalities": Question(list, lambda i, value, _: i.Modality.upper() in _names(value)),
    "modality_fits": Question(bool, _modality_fits),
    "burned_in_annotation": Question(list, lambda i, value, _: i.BurnedInAnnotation.strip().upper() in _names(value)),
    "image_type_any": Question(
        list, lambda i, value, _: not _names(value).isdisjoint(entry.strip().upper() for entry in i.ImageType)
    ),
    "image_type_1_not": Question(
        list, lambda i, value, _: not i.ImageType or i.ImageType[0].strip().upper() not in _names(value)
    ),
    "image_type_2_not": Question(
        list, lambda i, value, _: len(i.ImageType) < 2 or i.ImageType[1].strip().upper() not in _names(value)
    ),
    "monochrome": Question(bool, lambda i, value, _: is_monochrome(i) is value),
    "bits_allocated_at_most": Question(float, lambda i, value, _: i.BitsAllocated <= cast("float", value)),
    "words": Question(str, lambda i, value, tables: tables.words[str(value)].find(spoken_of(i)) is not None),
    "body_part_not": Question(str, lambda i, value, tables: body_part_term(i) not in tables.body_parts[str(value)]),
    "next_to_neck": Question(bool, lambda i, value, tables: (body_part_term(i) in tables.next_to_neck) is value),
    "field_of_view_below_mm": Question(float, lambda i, value, _: field_of_view_mm(i) < cast("float", value)),
    "tilt_above_deg": Question(float, lambda i, value, _: tilt_deg(i) > cast("float", value)),
}


def parse_condition(rule: Table, name: str, *, tables: GateTables) -> Condition:
    """The condition of a rule that is called `name`.

    Raises:
        ConfigurationError: its value is not of the kind the question asks for, or names a table or family that is not
            there.
    """
    kind = CONDITIONS[name].kind
    if kind is list:
        families = {found.family for found in tables.classes.values()} if name.startswith("families") else None
        return Condition(name, frozenset(rule.texts(name, families)))
    if name == "words":
        return Condition(name, rule.one_of(name, tables.words))
    if name == "body_part_not":
        return Condition(name, rule.one_of(name, tables.body_parts))
    return Condition(name, cast("Value", rule.get(name, kind)))
