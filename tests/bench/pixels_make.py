"""Make the frozen pictures of the text bench, once.

    PYTHONPATH=. PYTHON tests/bench/pixels_make.py tests/data/pixels

PYTHON has OpenCV 4, whose stroke fonts devices of old use too and which OpenCV 5 no longer has, Pillow, SciPy,
matplotlib (for its fonts) and PyArrow. The set is frozen because other versions draw other letters; a bench reads it
and never makes it. Half A is for choosing thresholds, half B for reporting.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from curator.testing.captioned import HALVES, Captioned, make_picture, pictures_a_half
from curator.testing.people import cast
from curator.testing.picture_set import write_set

SEED = 20261121


def pictures() -> Iterator[Captioned]:
    """All pictures of both halves."""
    people = cast(SEED)
    for half in HALVES:
        for number in range(pictures_a_half()):
            yield make_picture(people, SEED, half=half, number=number)


if __name__ == "__main__":
    write_set(Path(sys.argv[1]), pictures())
