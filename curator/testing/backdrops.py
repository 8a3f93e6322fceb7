"""Make-believe pictures as medical devices show them, without any text.

The law: a picture is a pure function of its random stream; levels are 0 to 1 of what can be stored; nothing in it is a
letter, though rulers, traces and catheters may look like some.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from curator.testing.abdomen import PROTOCOLS, make_abdomen
from curator.testing.captions import Canvas
from curator.testing.head import MR_LEVELS, make_head

Field = NDArray[np.float32]
_SEED = 20261121
_PEOPLE = 3


def backdrop(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> Canvas:
    """`(Y, X)` grey or `(Y, X, 3)` RGB for `endoscopy`, `skin`, `doppler` and `fusion`; float32, 0 to 1.

    Raises:
        KeyError: no such kind.
    """
    return np.clip(BACKDROPS[kind](shape, rng), 0.0, 1.0).astype(np.float32)


def _grid(shape: tuple[int, int]) -> tuple[Field, Field]:
    """Height and width as shares of the picture."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32)
    return y / shape[0], x / shape[1]


def _speckle(shape: tuple[int, int], rng: np.random.Generator, *, grain: float, levels: int) -> Field:
    """Rayleigh speckle of mean 1 with grains of a few pixels, in few levels so that it packs small."""
    small = (round(shape[0] / grain) + 1, round(shape[1] / grain) + 1)
    field = cv2.resize(rng.rayleigh(0.8, small).astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.rint(field * levels) / levels, np.float32)


def _clouds(shape: tuple[int, int], rng: np.random.Generator, *, size: float) -> Field:
    """Smooth patches of mean 0 and spread 1, about `size` pixels wide."""
    small = (int(shape[0] / size) + 3, int(shape[1] / size) + 3)
    field = cv2.resize(rng.normal(0, 1, small).astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-6), np.float32)


def _grains(shape: tuple[int, int], rng: np.random.Generator, spread: float) -> Field:
    """Noise in grains of two pixels, which packs smaller than one of single pixels."""
    small = rng.normal(0.0, spread, (shape[0] // 2 + 1, shape[1] // 2 + 1)).astype(np.float32)
    return np.asarray(np.kron(small, np.ones((2, 2), np.float32))[: shape[0], : shape[1]], np.float32)


def _ellipse(y: Field, x: Field, centre: tuple[float, float], radii: tuple[float, float]) -> NDArray[np.bool_]:
    return np.asarray(((y - centre[0]) / radii[0]) ** 2 + ((x - centre[1]) / radii[1]) ** 2 < 1.0)


def _black(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    return np.full(shape, float(rng.choice([0.0, 0.0, 0.04, 0.1])), np.float32)


def _ultrasound(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    y, x = _grid(shape)
    tip = float(rng.uniform(0.02, 0.2))
    radius, angle = np.hypot(x - 0.5, y + tip), np.abs(np.arctan2(x - 0.5, y + tip))
    fan = (radius > tip + 0.12) & (radius < 0.75) & (angle < rng.uniform(0.5, 0.7))
    echo = 0.25 + 0.1 * np.sin(rng.uniform(12, 25) * radius) + 0.05 * _clouds(shape, rng, size=40)
    for _ in range(int(rng.integers(1, 4))):
        cyst = _ellipse(y, x, (rng.uniform(0.3, 0.6), rng.uniform(0.35, 0.65)), (0.05, 0.07))
        echo = np.where(cyst, 0.03, echo)
    return np.asarray(np.where(fan, echo * _speckle(shape, rng, grain=3.0, levels=8), 0.0), np.float32)


def _doppler(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    grey = _ultrasound(shape, rng)
    y, x = _grid(shape)
    colour = np.stack([grey, grey, grey * 0.92], axis=-1)
    box = _ellipse(y, x, (0.45, 0.5), (0.14, 0.1))
    flow = _clouds(shape, rng, size=25)
    strength = np.rint(np.clip(np.abs(flow), 0, 1) * 12)[..., None] / 12
    tint = np.where(flow[..., None] > 0, np.array([0.9, 0.25, 0.1], np.float32), np.array([0.1, 0.3, 0.9], np.float32))
    return np.asarray(np.where((box & (np.abs(flow) > 0.4))[..., None], tint * strength, colour), np.float32)


def _chest(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    y, x = _grid(shape)
    picture = 0.62 + 0.1 * (y - 0.5) + 0.02 * _clouds(shape, rng, size=60)
    for side in (0.3, 0.7):
        lung = ((y - 0.48) / 0.34) ** 2 + ((x - side) / 0.17) ** 2
        picture -= 0.38 / (1.0 + np.exp(12.0 * np.clip(lung - 1.0, None, 4.0)))
    for rib in range(9):
        for side, way in ((0.3, 1.0), (0.7, -1.0)):
            line = y - (0.16 + 0.075 * rib) - 0.6 * (x - side) ** 2 - way * 0.12 * (x - side)
            picture += 0.05 * np.exp(-((line / 0.012) ** 2)) * (np.abs(x - side) < 0.19)
    picture += 0.14 * np.exp(-(((x - 0.5) / 0.05) ** 2))
    return np.asarray(picture * np.clip(np.minimum(x, 1 - x) * 12, 0, 1) + _grains(shape, rng, 0.004), np.float32)


def _limb(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    y, x = _grid(shape)
    bend = 0.06 * np.sin(3.0 * y + rng.uniform(0, 6))
    flesh = 0.25 / (1.0 + np.exp((np.abs(x - 0.5 - bend) - 0.28) * 60))
    picture = np.asarray(flesh, np.float32)
    for offset, width in ((-0.09, 0.05), (0.1, 0.035)):
        gap = np.abs(x - 0.5 - bend - offset) / width
        picture += 0.35 * np.exp(-(gap**6)) + 0.2 * np.exp(-(((gap - 0.85) / 0.15) ** 2))
    return np.asarray(picture + 0.01 * _clouds(shape, rng, size=30) * (flesh > 0.1), np.float32)


def _breast(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    y, x = _grid(shape)
    inside = 1.0 - np.hypot((y - 0.5) / 0.42, x / 0.62)
    tissue = 0.3 + 0.12 * _clouds(shape, rng, size=35) + 0.05 * _clouds(shape, rng, size=8)
    return np.asarray(np.where(inside > 0, tissue * np.clip(inside * 6, 0, 1), 0.0), np.float32)


@lru_cache(maxsize=8)
def _abdomen_slices(person: int) -> NDArray[np.int16]:
    return make_abdomen(_SEED, person, protocol=PROTOCOLS[person % len(PROTOCOLS)]).hounsfield


@lru_cache(maxsize=8)
def _head_slices(person: int) -> NDArray[np.int16]:
    return make_head(_SEED, person, levels=MR_LEVELS)


def _ct(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    volume = _abdomen_slices(int(rng.integers(_PEOPLE)))
    piece = volume[int(rng.integers(volume.shape[0] // 4, 3 * volume.shape[0] // 4))].astype(np.float32)
    large = cv2.resize(piece, shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray((np.rint(large / 4) * 4 + 200.0) / 500.0, np.float32)


def _mr(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    volume = _head_slices(int(rng.integers(_PEOPLE)))
    piece = volume[int(rng.integers(volume.shape[0] // 3, 4 * volume.shape[0] // 5))].astype(np.float32)
    side = int(0.8 * min(shape))
    large = cv2.resize(piece, (round(side * 0.8), side), interpolation=cv2.INTER_LINEAR)
    picture = np.zeros(shape, np.float32)
    top, left = (shape[0] - large.shape[0]) // 2, (shape[1] - large.shape[1]) // 2
    picture[top : top + large.shape[0], left : left + large.shape[1]] = large
    return np.asarray(np.clip(np.rint(picture / 6) * 6 - 12, 0, None) / 420.0, np.float32)


def _page(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """A dose report's dark table."""
    picture = np.full(shape, 0.08, np.float32)
    pitch = int(rng.integers(22, 34))
    picture[pitch::pitch] = 0.3
    for column in rng.integers(shape[1] // 5, shape[1], 3):
        picture[pitch:, column : column + 1] = 0.3
    return picture


def _paper(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    """A scanned sheet."""
    picture = 0.93 + 0.01 * _clouds(shape, rng, size=120)
    picture[shape[0] // 8 : shape[0] // 8 + 2] = 0.4
    return np.asarray(picture, np.float32)


def _fluoroscopy(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    y, x = _grid(shape)
    aperture = np.hypot(y - 0.5, (x - 0.5) * shape[1] / shape[0]) < 0.47
    picture = 0.55 + 0.08 * _clouds(shape, rng, size=70) + _grains(shape, rng, 0.006)
    for disc in range(6):
        picture -= 0.1 * np.exp(-((((y - 0.14 - 0.15 * disc) / 0.05) ** 4) + ((x - 0.55) / 0.08) ** 4))
    return np.asarray(np.where(aperture, picture, 0.0), np.float32)


def _skin(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    y, x = _grid(shape)
    base = np.array([0.82, 0.6, 0.5], np.float32) + 0.015 * _clouds(shape, rng, size=14)[..., None]
    mole = np.hypot(y - 0.5, x - 0.5) + 0.02 * _clouds(shape, rng, size=30)
    share = (1.0 / (1.0 + np.exp((mole - 0.2) * 60)))[..., None]
    return np.asarray(base * (1 - share) + np.array([0.32, 0.18, 0.12], np.float32) * share, np.float32)


def _endoscopy(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    y, x = _grid(shape)
    radius = np.hypot(y - 0.5, x - 0.62)
    folds = 0.5 + 0.3 * np.sin(40 * radius + 2 * _clouds(shape, rng, size=80))
    light = (folds * np.clip(radius * 3, 0.1, 1.0))[..., None] * np.array([0.95, 0.45, 0.35], np.float32)
    return np.asarray(np.where((radius < 0.46)[..., None], light, 0.0), np.float32)


def _fusion(shape: tuple[int, int], rng: np.random.Generator) -> Field:
    grey = _ct(shape, rng)
    y, x = _grid(shape)
    hot = np.exp(-(((y - rng.uniform(0.4, 0.6)) / 0.08) ** 2 + ((x - rng.uniform(0.35, 0.65)) / 0.1) ** 2))[..., None]
    hot = np.rint(hot * 24) / 24
    return np.asarray(grey[..., None] * (1 - hot) + np.array([1.0, 0.7, 0.1], np.float32) * hot, np.float32)


BACKDROPS: dict[str, Callable[[tuple[int, int], np.random.Generator], Field]] = {
    "black": _black,
    "ultrasound": _ultrasound,
    "doppler": _doppler,
    "chest": _chest,
    "limb": _limb,
    "breast": _breast,
    "ct": _ct,
    "mr": _mr,
    "page": _page,
    "paper": _paper,
    "fluoroscopy": _fluoroscopy,
    "skin": _skin,
    "endoscopy": _endoscopy,
    "fusion": _fusion,
}
IN_COLOUR = frozenset({"doppler", "skin", "endoscopy", "fusion"})
