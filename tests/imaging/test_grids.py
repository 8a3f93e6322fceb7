from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from curator.errors import ItemError
from curator.imaging.grid import onto_grid, reoriented, same_grid
from curator.model.quarantine import Reason
from curator.model.volume import Volume

TURNS = list(product(permutations(range(3)), product([False, True], repeat=3)))


def oblique_volume(angles=(17, -28, 63), shape=(3, 4, 5), origin=(-31.0, 12.0, 900.0)):
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * (0.5, 0.7, 2.5)
    affine[:3, 3] = origin
    return Volume(stored=np.arange(np.prod(shape), dtype=np.uint8).reshape(shape), affine_lps=affine)


def at(volume, point_mm):
    """The stored value of the voxel whose centre is `point_mm`."""
    x, y, z = np.rint(np.linalg.solve(volume.affine_lps, [*point_mm, 1])[:3]).astype(int)
    return volume.stored[z, y, x]


@given(st.sampled_from(TURNS), st.tuples(*[st.floats(-180, 180)] * 3))
def test_every_turn_comes_back_and_moves_no_voxel(turn, angles):
    image = oblique_volume(angles)
    turned = reoriented(image, axes_xyz=turn[0], reversed_xyz=turn[1])
    for x, y, z in [(0, 0, 0), (4, 3, 2), (1, 2, 0)]:
        assert at(turned, (image.affine_lps @ [x, y, z, 1])[:3]) == image.stored[z, y, x]
    np.testing.assert_array_equal(onto_grid(turned, image), image.stored)


def test_a_grid_within_rounding_is_the_same_and_half_a_voxel_is_not():
    image = oblique_volume()
    nudge, half = image.affine_lps.copy(), image.affine_lps.copy()
    nudge[:3, 3] += 0.01
    half[:3, 3] += 0.5 * image.affine_lps[:3, 0]
    assert same_grid(image, replace(image, affine_lps=nudge))
    assert not same_grid(image, replace(image, affine_lps=half))


def test_spacing_that_drifts_by_less_than_a_voxel_in_all_is_still_another_grid():
    image = oblique_volume(shape=(3, 200, 200))
    scaled = image.affine_lps.copy()
    scaled[:3, 0] *= 1.002
    assert not same_grid(image, replace(image, affine_lps=scaled))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda v: replace(v, stored=v.stored[1:]),
        lambda v: oblique_volume(angles=(20, -28, 63)),
        lambda v: oblique_volume(angles=(17 + 45, -28 + 45, 63 + 10)),
        lambda v: oblique_volume(origin=(-31.0, 12.0, 903.0)),
    ],
)
def test_other_grids_are_refused(spoil):
    image = oblique_volume()
    with pytest.raises(ItemError) as caught:
        onto_grid(spoil(image), image)
    assert caught.value.reason is Reason.GEOMETRY_MISMATCH


def test_the_made_up_thickness_of_one_slice_matters_not():
    image = oblique_volume(shape=(1, 4, 5))
    thicker = image.affine_lps.copy()
    thicker[:3, 2] *= 4
    np.testing.assert_array_equal(onto_grid(replace(image, affine_lps=thicker), image), image.stored)
