"""Where a picture may hold text, at a chosen scale, however large the picture is.

The law: memory is bounded by a tile, not by the picture; what is even, and so holds no letter, costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from curator.adapters.text_lines import Chances
from curator.adapters.text_models import TextModels
from curator.model.pixels import Box
from curator.ports.pixels import Picture

BORDER = 24
_TILE = 960
_AROUND = 64
_BLOCK = 16
# Blocks whose greatest and least value differ by no more hold no letter that anybody sees.
_EVEN = 3


def chances(models: TextModels, picture: Picture, scale: float) -> Chances:
    """The map of an RGB picture `(Y, X, 3)` at `scale`, with a border of `BORDER` fine pixels around it."""
    rows, columns = (max(1, round(side * scale)) for side in picture.shape[:2])
    found = np.zeros((rows + 2 * BORDER, columns + 2 * BORDER), dtype=np.uint8)
    tiles = list(_busy_tiles(picture, scale, rows=rows, columns=columns))
    for start in range(0, len(tiles), models.at_once):
        cut = [_cut(picture, tile, scale) for tile in tiles[start : start + models.at_once]]
        maps = models.text_maps([fine for _, fine in cut])
        for ((top, left), _), seen in zip(cut, maps, strict=True):
            # Tiles overlap by what is around them: the surer of two looks counts.
            target = found[top : top + seen.shape[0], left : left + seen.shape[1]]
            np.maximum(target, seen[: target.shape[0], : target.shape[1]], out=target)
    return found


def _busy_tiles(picture: Picture, scale: float, *, rows: int, columns: int) -> Iterator[Box]:
    """The parts of all tiles that are not even, in fine pixels."""
    busy = _busy(picture)
    for top in range(0, rows, _TILE):
        for left in range(0, columns, _TILE):
            tile = Box(top, left, min(top + _TILE, rows), min(left + _TILE, columns))
            kept = _busy_part(busy, tile, scale)
            if kept.area:
                yield kept


def _cut(picture: Picture, tile: Box, scale: float) -> tuple[tuple[int, int], Picture]:
    """A tile with what is around it and a border, fine, and where in the map it lies."""
    rows, columns = picture.shape[:2]
    coarse = Box(*(round(side / scale) for side in (tile.top, tile.left, tile.bottom, tile.right)))
    around = coarse.padded(max(1, round(_AROUND / scale))).clipped(rows, columns)
    cut = picture[around.top : around.bottom, around.left : around.right]
    size = (max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale)))
    fine = cut if scale == 1 else cv2.resize(cut, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    framed = cv2.copyMakeBorder(fine, BORDER, BORDER, BORDER, BORDER, cv2.BORDER_REPLICATE)
    return (round(around.top * scale), round(around.left * scale)), np.asarray(framed, dtype=np.uint8)


def _busy(picture: Picture) -> Picture:
    """Blocks that are not even, and their neighbours, 1 where so, `(Y / 16, X / 16)` rounded up."""
    rows, columns = picture.shape[:2]
    padded = np.pad(picture, ((0, -rows % _BLOCK), (0, -columns % _BLOCK), (0, 0)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // _BLOCK, _BLOCK, padded.shape[1] // _BLOCK, _BLOCK, 3)
    uneven = (blocks.max(axis=(1, 3)).astype(np.int16) - blocks.min(axis=(1, 3)) > _EVEN).any(axis=2)
    return np.asarray(cv2.dilate(uneven.astype(np.uint8), np.ones((3, 3), dtype=np.uint8)), dtype=np.uint8)


def _busy_part(busy: Picture, tile: Box, scale: float) -> Box:
    """The part of a tile that holds all of its busy blocks; an empty box where it has none."""
    block = _BLOCK * scale
    first_row, first_column = int(tile.top // block), int(tile.left // block)
    inside = busy[first_row : int(-(-tile.bottom // block)), first_column : int(-(-tile.right // block))]
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return Box(0, 0, 0, 0)
    return Box(
        max(tile.top, round((first_row + rows[0]) * block)),
        max(tile.left, round((first_column + columns[0]) * block)),
        min(tile.bottom, round((first_row + rows[-1] + 1) * block)),
        min(tile.right, round((first_column + columns[-1] + 1) * block)),
    )
