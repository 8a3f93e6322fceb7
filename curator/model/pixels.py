"""What is found in an image and what is to become of it.

The law: a text that was read is patient data: it stands in no `repr`, log or ledger; places, sizes and reasons may.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A rectangle in pixels of the stored frame: columns `left` to `right - 1`, rows `top` to `bottom - 1`."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def area(self) -> int:
        """Pixels; 0 for an empty box."""
        return max(0, self.height) * max(0, self.width)

    def padded(self, pixels: int) -> Box:
        """The box grown on all sides; it may reach beyond the frame."""
        return Box(self.top - pixels, self.left - pixels, self.bottom + pixels, self.right + pixels)

    def clipped(self, rows: int, columns: int) -> Box:
        """The part inside a frame; `area` is 0 where nothing is."""
        return Box(
            min(max(self.top, 0), rows),
            min(max(self.left, 0), columns),
            min(max(self.bottom, 0), rows),
            min(max(self.right, 0), columns),
        )

    def meets(self, other: Box) -> bool:
        """Whether the two share a pixel."""
        return (
            self.top < other.bottom and other.top < self.bottom and self.left < other.right and other.left < self.right
        )


class Route(StrEnum):
    """What led to a box."""

    DETECTED = "detected"
    TALL = "tall"
    LAYOUT = "layout"
    REGION = "region"
    FACE = "face"


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that looks like text: where, what was read ("" where nothing was) and how sure the reader is, 0 to 1.

    `frames` are the frames that it was seen in, None for all of them.
    """

    box: Box
    text: str = field(repr=False)
    confidence: float
    route: Route
    frames: tuple[int, ...] | None = None


class Verdict(StrEnum):
    """What becomes of a box."""

    KEEP = "keep"
    REDACT = "redact"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Judged:
    """A box with its verdict and the id of the rule that gave it; `frames` as in `Sighting`."""

    box: Box
    verdict: Verdict
    rule_id: str
    route: Route
    frames: tuple[int, ...] | None = None
