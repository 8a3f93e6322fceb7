"""Which rays of a camera meet the cut end of a scan: ends of closed form, tilted so little that they are grazed."""

from __future__ import annotations

import numpy as np
import pytest

from curator.deid.faces.levels import Levels
from curator.deid.faces.open_ends import cut_open
from curator.deid.faces.view import View
from curator.deid.faces.zone import Window
from curator.imaging.frame import Frame
from curator.model.volume import Volume

SHAPE = HEIGHT, DEPTH, WIDTH = 90, 120, 60
FRONT, CUT_Z, SPACING_MM = 20.0, 30.0, 2.0
WINDOW = Window(x=30.0, z=60.0, half_x=30.0, half_z=60.0, eye_z=70.0, brow_z=80.0)
EMPTY = np.zeros(SHAPE, np.float32)
VIEW = View(Frame(np.eye(4), SHAPE), Levels(air=0.0, tissue=1.0, threshold=0.5, noise=0.0), EMPTY, EMPTY)


def block(facing: float) -> tuple[np.ndarray, Volume]:
    """The surface `(Z, X)` of a block with a flat front and a cut lower end, and the scan that ends there.

    `facing` is how much of the end's outward direction points to the camera.
    """
    up = np.sqrt(1 - facing**2)
    affine = np.eye(4)
    # Columns x, y, z of the scan in the frame; the last leads upwards, away from the lower end.
    affine[:3, 0] = SPACING_MM, 0, 0
    affine[:3, 1] = 0, SPACING_MM * up, -SPACING_MM * facing
    affine[:3, 2] = 0, SPACING_MM * facing, SPACING_MM * up
    # The middles of the lowest voxels lie half a voxel above the cut, which leaves the front at CUT_Z.
    affine[:3, 3] = np.array([-30.0, FRONT, CUT_Z]) + (affine[:3, 1] + affine[:3, 2]) / 2
    volume = Volume(stored=np.zeros((60, 80, 60), np.int16), affine_lps=affine)
    z = np.arange(HEIGHT, dtype=np.float32)[:, None]
    cut = FRONT + (CUT_Z - z) * up / facing
    skin = np.where(z >= CUT_Z, FRONT, cut).astype(np.float32)
    skin = np.where(skin < DEPTH, skin, np.nan)
    return np.broadcast_to(skin, (HEIGHT, WIDTH)).copy(), volume


@pytest.mark.parametrize("facing", [0.02, 0.05, 0.09, 0.11, 0.3])
def test_a_lower_end_is_open_however_little_it_faces_the_camera(facing: float) -> None:
    skin, volume = block(facing)
    is_open, _ = cut_open(skin, WINDOW, VIEW, volume)
    is_cut = np.isfinite(skin) & (skin > FRONT + 1)
    # An edge is told from what is grazed by the ray on either side of it.
    inner = is_cut & np.roll(is_cut, 1, axis=0)
    assert is_cut.any()
    assert is_open[inner].all()


@pytest.mark.parametrize("facing", [0.02, 0.05, 0.09])
def test_skin_beside_an_end_that_is_grazed_is_skin(facing: float) -> None:
    skin, volume = block(facing)
    is_open, _ = cut_open(skin, WINDOW, VIEW, volume)
    assert not is_open[skin == FRONT].any()


def test_what_is_met_behind_the_dark_of_a_skull_that_was_cut_is_no_skin() -> None:
    skin, volume = block(0.3)
    is_cut = skin > FRONT + 8
    behind = is_cut.copy()
    behind[:, :25] = behind[:, 33:] = False
    is_open, _ = cut_open(np.where(behind, skin + 12, skin), WINDOW, VIEW, volume)
    assert behind.any()
    assert is_open[behind].all()
