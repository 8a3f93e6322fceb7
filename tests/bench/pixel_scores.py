"""How much of known text a set of boxes covers, and how much else.

The law: a letter is covered where 95 % of its ink is. What lies no farther from a caption than half the height of its
capitals belongs to the caption: that is the room that any line of text has around it; the strict figure grants none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curator.model.pixels import Box
from curator.testing.captioned import Captioned
from curator.testing.captions import Caption, Legibility, Letter

COVERED = 0.95
_LEAST_ROOM = 4
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one letter."""

    legibility: Legibility
    identifies: bool
    is_covered: bool
    looks: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Score:
    """One picture under one set of boxes; the shares are of its area, 0 to 1."""

    fates: tuple[Fate, ...]
    black: float
    outside: float
    strictly_outside: float


def mask_of(boxes: Iterable[Box], shape: tuple[int, int]) -> Mask:
    """Which pixels lie in a box."""
    mask = np.zeros(shape, np.bool_)
    for box in boxes:
        inside = box.clipped(*shape)
        mask[inside.top : inside.bottom, inside.left : inside.right] = True
    return mask


def score(picture: Captioned, boxes: Iterable[Box]) -> Score:
    """What the boxes do to a picture."""
    rows, columns = picture.marks.shape
    black = mask_of(boxes, (rows, columns))
    captions = _captions(picture.letters)
    strict = mask_of((box for _, box in captions), (rows, columns))
    roomy = mask_of((box.padded(_room(caption)) for caption, box in captions), (rows, columns))
    return Score(
        fates=tuple(_fate(letter, black, picture) for letter in picture.letters),
        black=float(black.mean()),
        outside=float((black & ~roomy).mean()),
        strictly_outside=float((black & ~strict).mean()),
    )


def _room(caption: Caption) -> int:
    return max(_LEAST_ROOM, caption.height // 2)


def _captions(letters: Sequence[Letter]) -> list[tuple[Caption, Box]]:
    """Each caption with the box around its letters."""
    grouped: dict[int, list[Letter]] = {}
    for letter in letters:
        grouped.setdefault(id(letter.caption), []).append(letter)
    return [(group[0].caption, _around([letter.box for letter in group])) for group in grouped.values()]


def _around(boxes: Sequence[Box]) -> Box:
    return Box(
        min(box.top for box in boxes),
        min(box.left for box in boxes),
        max(box.bottom for box in boxes),
        max(box.right for box in boxes),
    )


def _fate(letter: Letter, black: Mask, picture: Captioned) -> Fate:
    box = letter.box
    under = black[box.top : box.bottom, box.left : box.right]
    share = np.count_nonzero(under & letter.ink) / np.count_nonzero(letter.ink)
    return Fate(letter.legibility, letter.caption.identifies, share >= COVERED, looks_of(letter.caption, picture))


def looks_of(caption: Caption, picture: Captioned) -> tuple[str, ...]:
    """What may make a caption hard to find, in words to count by."""
    height = caption.height
    size = "tiny" if height < 10 else "small" if height < 25 else "large" if height < 50 else "tall"
    turn = {0: "level", 90: "90 degrees", 180: "180 degrees", 270: "270 degrees"}.get(caption.degrees, "skewed")
    depth = "colour" if picture.pixels.ndim == 3 else "8 bits" if picture.bits_stored == 8 else "deep"
    return (
        f"theme {picture.theme}",
        f"size {size}",
        f"turn {'stacked' if caption.is_stacked else turn}",
        f"style {caption.style.value}",
        f"face {caption.face}",
        f"on {picture.kind}",
        f"depth {depth}",
    )


def recall(fates: Iterable[Fate]) -> tuple[int, int]:
    """How many letters are covered, and how many there are."""
    covered = Counter(fate.is_covered for fate in fates)
    return covered[True], covered.total()


def chosen(fates: Iterable[Fate], legibilities: Sequence[Legibility], *, identifying: bool = False) -> list[Fate]:
    """The letters of some classes; with `identifying` those alone that have to go."""
    return [fate for fate in fates if fate.legibility in legibilities and (fate.identifies or not identifying)]


def misses(fates: Iterable[Fate]) -> list[tuple[str, int, int]]:
    """Missed and all letters by look, those with the most misses first."""
    lost: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for fate in fates:
        seen.update(fate.looks)
        if not fate.is_covered:
            lost.update(fate.looks)
    return [(look, count, seen[look]) for look, count in lost.most_common()]
