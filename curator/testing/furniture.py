"""What stands on medical pictures and is no text: rulers, grids, traces, catheters and marks.

The law: nothing here is a letter or a digit; what is drawn is a pure function of its random stream.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from curator.testing.captions import Canvas

Mask = NDArray[np.uint8]


def furnish(canvas: Canvas, kind: str, rng: np.random.Generator) -> None:
    """Draw one piece into the canvas.

    Raises:
        KeyError: no such kind.
    """
    if kind == "colour bar":
        _colour_bar(canvas, rng)
        return
    mask = np.zeros(canvas.shape[:2], np.uint8)
    FURNITURE[kind](mask, rng)
    level = 0.08 if canvas.mean() > 0.55 else float(rng.uniform(0.6, 1.0))
    tint = np.array([1.0, 1.0, rng.choice([0.3, 1.0])], np.float32) if canvas.ndim == 3 else np.float32(1.0)
    share = mask.astype(np.float32) / np.float32(255)
    share = share[..., None] if canvas.ndim == 3 else share
    canvas[...] = canvas * (1 - share) + level * tint * share


def _line(mask: Mask, start: tuple[float, float], end: tuple[float, float], width: int = 1) -> None:
    """Between two points as (x, y)."""
    first, last = (round(start[0]), round(start[1])), (round(end[0]), round(end[1]))
    cv2.line(mask, first, last, 255, width, cv2.LINE_AA)


def _ruler(mask: Mask, rng: np.random.Generator) -> None:
    rows, columns = mask.shape
    x, pitch = columns - int(rng.integers(12, 24)), float(rng.uniform(6, 16))
    _line(mask, (x, 0.15 * rows), (x, 0.85 * rows))
    for tick in range(int(0.7 * rows / pitch) + 1):
        y = 0.15 * rows + tick * pitch
        _line(mask, (x - (10 if tick % 5 == 0 else 5), y), (x, y))


def _grid(mask: Mask, rng: np.random.Generator) -> None:
    pitch = int(rng.integers(24, 60))
    for y in range(pitch, mask.shape[0], pitch):
        _line(mask, (0, y), (mask.shape[1] - 1, y))
    for x in range(pitch, mask.shape[1], pitch):
        _line(mask, (x, 0), (x, mask.shape[0] - 1))


def _ecg(mask: Mask, rng: np.random.Generator) -> None:
    rows, columns = mask.shape
    beat = float(rng.uniform(60, 110))
    x = np.arange(columns)
    phase = (x % beat) / beat
    wave = 0.15 * np.exp(-(((phase - 0.2) / 0.03) ** 2)) + 0.25 * np.exp(-(((phase - 0.6) / 0.06) ** 2))
    wave += np.exp(-(((phase - 0.35) / 0.012) ** 2)) - 0.25 * np.exp(-(((phase - 0.39) / 0.015) ** 2))
    y = 0.9 * rows - 0.1 * rows * wave
    points = np.stack([x, y], axis=1).round().astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(mask, [points], False, 255, 1, cv2.LINE_AA)


def _circles(mask: Mask, rng: np.random.Generator) -> None:
    rows, columns = mask.shape
    for _ in range(int(rng.integers(1, 4))):
        centre = (int(rng.integers(columns // 4, 3 * columns // 4)), int(rng.integers(rows // 4, 3 * rows // 4)))
        cv2.circle(mask, centre, int(rng.integers(15, min(rows, columns) // 5)), 255, 1, cv2.LINE_AA)


def _catheter(mask: Mask, rng: np.random.Generator) -> None:
    rows, columns = mask.shape
    along = np.linspace(0, 1, 60)
    x = columns * (0.5 + 0.25 * np.sin(along * rng.uniform(2, 7) + rng.uniform(0, 6)))
    points = np.stack([x, rows * along], axis=1).round().astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(mask, [points], False, 230, int(rng.integers(2, 5)), cv2.LINE_AA)


def _fiducials(mask: Mask, rng: np.random.Generator) -> None:
    rows, columns = mask.shape
    reach = int(rng.integers(4, 9))
    for y in np.linspace(0.2, 0.8, 3) * rows:
        for x in np.linspace(0.2, 0.8, 3) * columns:
            _line(mask, (x - reach, y), (x + reach, y))
            _line(mask, (x, y - reach), (x, y + reach))


def _callipers(mask: Mask, rng: np.random.Generator) -> None:
    rows, columns = mask.shape
    start = (rng.uniform(0.25, 0.45) * columns, rng.uniform(0.3, 0.7) * rows)
    end = (rng.uniform(0.55, 0.75) * columns, rng.uniform(0.3, 0.7) * rows)
    for share in np.linspace(0, 1, 24):
        point = (round(start[0] + share * (end[0] - start[0])), round(start[1] + share * (end[1] - start[1])))
        cv2.circle(mask, point, 1, 255, -1)
    for x, y in (start, end):
        _line(mask, (x - 5, y), (x + 5, y))
        _line(mask, (x, y - 5), (x, y + 5))


def _frame(mask: Mask, rng: np.random.Generator) -> None:
    rows, columns = mask.shape
    edge = int(rng.integers(6, 18))
    cv2.rectangle(mask, (edge, edge), (columns - edge, rows - edge), 255, 1)


def _colour_bar(canvas: Canvas, rng: np.random.Generator) -> None:
    rows = canvas.shape[0]
    left, wide = int(rng.integers(6, 14)), int(rng.integers(8, 14))
    ramp = np.linspace(1, 0, rows // 2, dtype=np.float32)[:, None]
    bar = ramp if canvas.ndim == 2 else np.stack([ramp, ramp**2, 1 - ramp], axis=-1)
    canvas[rows // 4 : rows // 4 + rows // 2, left : left + wide] = bar


FURNITURE: dict[str, Callable[[Mask, np.random.Generator], None]] = {
    "ruler": _ruler,
    "grid": _grid,
    "ecg": _ecg,
    "circles": _circles,
    "catheter": _catheter,
    "fiducials": _fiducials,
    "callipers": _callipers,
    "frame": _frame,
}
KINDS = (*FURNITURE, "colour bar")
