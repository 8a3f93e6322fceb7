"""What lies in a scanner and is no human head: an animal, a bottle, a limb, a trunk.

The law: none of them has a face, whatever the contrast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from curator.testing.heads.plan import Subject
from curator.testing.heads.shapes import Block, Capsule, Ellipsoid, Field, Shape, Step, fold
from curator.testing.heads.tissues import Kinds, Mask, Tissue

Filled = tuple[Kinds, Mask, Mask]
_NOTHING: tuple[Step, ...] = ()


def _animal(block: Block) -> Filled:
    """A head with a long snout, upright ears and eyes at its sides, and a brain the size of a fist."""
    steps = [
        Step(Capsule((0, -20, -5), (0, -118, -42), (42, 21)), 25),
        Step(Capsule((0, 30, -20), (0, 60, -150), (50, 58)), 25),
        Step(Ellipsoid((0, -132, -34), (12, 8, 8)), 6),
    ]
    for side in (-1, 1):
        steps.append(Step(Capsule((36 * side, 22, 40), (58 * side, 30, 105), (14, 4)), 10))
        steps.append(Step(Ellipsoid((40 * side, -38, 12), (10, 10, 10)), 4))
    skin = _surface(block, Ellipsoid((0, 10, 0), (58, 66, 55)), steps)
    kinds = _layers(skin, bone_mm=9.0)
    brain: Mask = (_distance(block, Ellipsoid((0, 18, 8), (33, 42, 30))) < 0) & (skin < -14.0)
    _put(kinds, Tissue.GREY, brain)
    _put(kinds, Tissue.WHITE, (_distance(block, Ellipsoid((0, 18, 8), (26, 35, 23))) < 0) & brain)
    _put(kinds, Tissue.AIR, (_distance(block, Capsule((0, -40, -15), (0, -115, -36), (9, 7))) < 0) & (skin < -6.0))
    return kinds, brain, skin < 0


def _bottle(block: Block) -> Filled:
    """A cylinder of water under a neck with a cap."""
    space = block.whole
    away = np.hypot(space.x, space.y)
    body = np.maximum(away - 75.0, np.abs(space.z + 10.0) - 95.0)
    neck = np.maximum(away - 22.0, np.abs(space.z - 95.0) - 22.0)
    shape = np.broadcast_to(np.minimum(body, neck), block.shape)
    kinds = np.zeros(block.shape, np.uint8)
    _put(kinds, Tissue.PLASTIC, shape < 0)
    _put(kinds, Tissue.FLUID, shape < -2.5)
    return kinds, np.zeros(block.shape, np.bool_), shape < 0


def _limb(block: Block) -> Filled:
    """A bent knee: two bones, a kneecap, and flesh around them."""
    skin = _surface(
        block,
        Capsule((0, 20, 130), (0, -20, 0), (68, 56)),
        [Step(Capsule((0, -20, 0), (0, 10, -160), (54, 44)), 20), Step(Ellipsoid((0, -68, 2), (24, 14, 26)), 18)],
    )
    kinds = _layers(skin, bone_mm=None)
    bones = (
        Capsule((0, 20, 140), (0, -14, 18), (15, 22)),
        Capsule((0, -14, -22), (0, 10, -170), (24, 14)),
        Ellipsoid((0, -62, 2), (20, 9, 22)),
    )
    for bone in bones:
        _put(kinds, Tissue.BONE, (_distance(block, bone) < 0) & (skin < -3.0))
    return kinds, np.zeros(block.shape, np.bool_), skin < 0


def _trunk(block: Block) -> Filled:
    """A chest with lungs and a spine, wider than any head."""
    space = block.whole
    across, back = space.x / np.float32(165.0), space.y / np.float32(105.0)
    shape = np.broadcast_to((np.sqrt(across**2 + back**2) - 1.0) * 105.0, block.shape).astype(np.float32)
    kinds = _layers(shape, bone_mm=None)
    for side in (-1, 1):
        _put(kinds, Tissue.AIR, (_distance(block, Ellipsoid((75 * side, 0, 0), (58, 75, 140))) < 0) & (shape < -20.0))
    _put(kinds, Tissue.FLUID, _distance(block, Ellipsoid((18, -35, -20), (45, 45, 55))) < 0)
    _put(kinds, Tissue.BONE, _distance(block, Capsule((0, 65, 200), (0, 65, -200), (18, 18))) < 0)
    return kinds, np.zeros(block.shape, np.bool_), shape < 0


SUBJECTS: Mapping[Subject, Callable[[Block], Filled]] = {
    Subject.ANIMAL: _animal,
    Subject.BOTTLE: _bottle,
    Subject.LIMB: _limb,
    Subject.TRUNK: _trunk,
}
"""What fills a block with each: tissues, brain and what is inside, each `(Z, Y, X)`."""


def _surface(block: Block, first: Shape, steps: list[Step]) -> Field:
    return fold(_distance(block, first).copy(), steps, block)


def _distance(block: Block, shape: Shape) -> Field:
    return np.broadcast_to(shape.distance(block.whole), block.shape)


def _layers(skin: Field, *, bone_mm: float | None) -> Kinds:
    """Skin over muscle, with a shell of bone at a depth."""
    kinds = np.zeros(skin.shape, np.uint8)
    _put(kinds, Tissue.SKIN, skin < 0)
    _put(kinds, Tissue.MUSCLE, skin < -4.0)
    if bone_mm is not None:
        _put(kinds, Tissue.BONE, (skin < -bone_mm) & (skin > -bone_mm - 5.0))
    return kinds


def _put(kinds: Kinds, tissue: Tissue, where: Mask) -> None:
    np.copyto(kinds, np.uint8(tissue), where=where)
