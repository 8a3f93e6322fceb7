"""The numbers by which texts in pixels are judged: `rules/pixels/judging.toml` read.

The law: each number is one rule, and says by its example which way it counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

from curator.model.pixels import Box
from curator.policy.numbers import parse_numbers
from curator.strict import Table

JUDGING = "pixels/judging.toml"


@dataclass(frozen=True, slots=True)
class Judging:
    """The numbers, and by `ids` the rule that each comes from; gaps and margins count in heights of a text's box.

    `least_left_...` are for what is still seen after scrubbing, `least_moving_confidence` for what is seen in
    pictures of many frames; `most_pictures` bounds one look at an instance.
    """

    least_confidence: float
    least_similarity_percent: float
    largest_share: float
    least_lone_confidence: float
    margin_share: float
    line_gap: float
    word_gap: float
    least_left_confidence: float
    least_left_letters: float
    least_moving_confidence: float
    most_pictures: float
    ids: Mapping[str, str]

    def grown(self, box: Box) -> Box:
        """The box with the margin that its letters need; it may reach beyond the frame."""
        return box.padded(margin_of(self.margin_share, thickness(box)))


def thickness(box: Box) -> int:
    """The height of the letters in a box, whichever way they stand: its shorter side, pixels."""
    return min(box.height, box.width)


def margin_of(share: float, height: float) -> int:
    """Whole pixels around letters of a height; none for a share of 0."""
    return math.ceil(share * height - 1e-9)


Effect = Callable[[float, float], bool | int]
# What a number does to what it is compared with, for examples.
EFFECTS: Mapping[str, Effect] = {
    "least_confidence": lambda value, given: given < value,
    "least_similarity_percent": lambda value, given: given >= value,
    "largest_share": lambda value, given: given > value,
    "least_lone_confidence": lambda value, given: given < value,
    "margin_share": margin_of,
    "line_gap": lambda value, given: given <= value,
    "word_gap": lambda value, given: given <= value,
    "least_left_confidence": lambda value, given: given < value,
    "least_left_letters": lambda value, given: given < value,
    "least_moving_confidence": lambda value, given: given < value,
    "most_pictures": lambda value, given: given > value,
}


def parse_judging(document: Table) -> Judging:
    """The numbers that a file of rules sets.

    Raises:
        ConfigurationError: a rule is malformed, or a number is missing, unknown, negative or set twice.
    """
    known = [one.name for one in fields(Judging) if one.name != "ids"]
    numbers = parse_numbers(document, single=known)
    return Judging(**numbers.values, ids=numbers.ids)
