"""Boxes drawn on a picture, for a person who asks what would become of an image.

The law: a box has the colour of its verdict; the picture itself is not changed under it.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from curator.deid.pixels.appearance import appearance
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.render import views
from curator.model.pixels import Judged, Verdict
from curator.ports.pixels import Picture

# Blue, green, red, as OpenCV draws.
_COLOURS = {Verdict.REDACT: (40, 40, 230), Verdict.REVIEW: (0, 200, 255), Verdict.KEEP: (60, 180, 60)}


def drawn(frames: Frames, judged: Iterable[Judged], *, frame: int) -> bytes:
    """A PNG of one frame with the boxes of its verdicts: red goes, yellow is for a person, green stays.

    Raises:
        ItemError: the frame cannot be decoded.
    """
    shown = appearance(frames.data_set, frames.module, frames.photometric)
    picture = _in_colour(views(frames.decode(frame), shown)[0])
    for one in judged:
        if one.frames is None or frame in one.frames:
            box = one.box
            cv2.rectangle(picture, (box.left, box.top), (box.right - 1, box.bottom - 1), _COLOURS[one.verdict], 1)
    done, coded = cv2.imencode(".png", picture)
    if not done:
        raise RuntimeError("this build of OpenCV writes no PNG")
    return coded.tobytes()


def _in_colour(picture: Picture) -> Picture:
    """A new picture, blue, green, red."""
    if picture.ndim == 2:
        return np.repeat(picture[:, :, np.newaxis], 3, axis=2)
    return np.ascontiguousarray(picture[:, :, ::-1])
