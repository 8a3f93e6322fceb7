"""A zone that went through bytes holds the same places, and other bytes are refused."""

from __future__ import annotations

import io

import numpy as np
import pytest

from curator.deid.faces.zone import Curtain, Zone
from curator.deid.faces.zone_file import joined, zone_bytes, zone_from
from curator.errors import ItemError
from curator.imaging.frame import Frame


def zone(seed: int) -> Zone:
    random = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3, :3] = np.linalg.qr(random.normal(size=(3, 3)))[0] * 2.0
    affine[:3, 3] = random.normal(size=3) * 20
    maps = (random.random((9, 7)).astype(np.float32) * scale for scale in (1.0, 5.0, 9.0, 3.0))
    return Zone((Curtain(Frame(affine, (9, 11, 7)), *maps),))


@pytest.mark.parametrize("seed", range(4))
def test_what_comes_back_holds_the_same_points(seed: int) -> None:
    one = joined((zone(seed), zone(seed + 10)))
    points = np.random.default_rng(seed).normal(size=(4000, 3)) * 15
    held = one.holds(points)
    assert 0 < held.sum() < len(points)
    np.testing.assert_array_equal(zone_from(zone_bytes(one)).holds(points), held)
    np.testing.assert_array_equal(held, zone(seed).holds(points) | zone(seed + 10).holds(points))


def test_a_curtain_that_zones_share_is_kept_once() -> None:
    one = zone(1)
    assert len(joined((one, one)).curtains) == 1


def test_other_bytes_are_refused_and_nothing_of_them_is_run() -> None:
    pickled = io.BytesIO()
    np.savez(pickled, curtains=np.array([object()], dtype=object))
    whole = zone_bytes(zone(1))
    for bad in (b"", b"zone", whole[:-30], pickled.getvalue()):
        with pytest.raises(ItemError):
            zone_from(bad)
