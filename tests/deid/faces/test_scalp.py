"""What belongs to a head: its largest part, and a scalp before it that a dark skull parts from it."""

from __future__ import annotations

import numpy as np
import pytest

from curator.deid.faces.view import head_of

SIZE = 60
Z, Y, X = np.indices((SIZE, SIZE, SIZE)) - SIZE / 2
FROM_MIDDLE = np.sqrt(Z * Z + Y * Y + X * X)
BRAIN = FROM_MIDDLE < 18
SCALP = (FROM_MIDDLE > 22) & (FROM_MIDDLE < 24)
TABLE = Y > 26
UNDER_A_FACE = (Y < -26) & (Y > -29)
TUBE = (np.abs(X - 5) < 2) & (Y < -25)


def _shell_up_to(share: float) -> np.ndarray:
    """The front of a scalp before so much of the brain's breadth."""
    return SCALP & (Y < -4) & (-18 + 36 * share > X)


@pytest.mark.parametrize(
    ("beside", "belongs"),
    [(SCALP, True), (_shell_up_to(1.0), True), (_shell_up_to(0.7), True), (_shell_up_to(0.3), False), (TABLE, False),
     (UNDER_A_FACE, False),
     (np.abs(Y + 26 - X * X / 90) < 1.5, False),
     (TUBE, False), (SCALP & (Y > 4), False)],
    ids=["scalp", "its front", "most of its front", "a patch of it", "table", "table under a face",
         "couch under a face", "tube", "its back"],
)  # fmt: skip
def test_what_covers_most_of_the_largest_part_from_the_front_belongs_to_it(beside: np.ndarray, belongs: bool) -> None:
    np.testing.assert_array_equal(head_of(BRAIN | beside), BRAIN | beside if belongs else BRAIN)


def test_two_pieces_of_a_scalp_belong_to_a_head_though_neither_would() -> None:
    cut = SCALP & (Y < -4) & (np.abs(X) > 1)
    np.testing.assert_array_equal(head_of(BRAIN | cut), BRAIN | cut)
    np.testing.assert_array_equal(head_of(BRAIN | (cut & (X > 5))), BRAIN)


def test_nothing_is_no_head() -> None:
    assert not head_of(np.zeros((3, 4, 5), np.bool_)).any()
