"""Make the frozen pictures of the text bench, once, or others with a seed of their own.

    PYTHONPATH=. PYTHON tests/bench/pixels_make.py tests/data/pixels
    PYTHONPATH=. PYTHON tests/bench/pixels_make.py OTHERS 20261130

PYTHON has OpenCV 4, whose stroke fonts devices of old use too and which OpenCV 5 no longer has, Pillow, SciPy,
matplotlib (for its fonts), PyArrow and what `curator.testing` imports. The set is frozen because other versions draw
other letters; a bench reads it and never makes it. Half A is for choosing thresholds, half B for reporting.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from curator.testing.captioned import HALVES, Captioned, make_picture, pictures_a_half
from curator.testing.people import cast
from curator.testing.picture_set import write_set

SEED = 20261121


def pictures(seed: int) -> Iterator[Captioned]:
    """All pictures of both halves."""
    people = cast(seed)
    for half in HALVES:
        for number in range(pictures_a_half()):
            yield make_picture(people, seed, half=half, number=number)


if __name__ == "__main__":
    write_set(Path(sys.argv[1]), pictures(int(sys.argv[2]) if len(sys.argv) > 2 else SEED))
