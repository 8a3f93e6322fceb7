"""A second look, from near, at what was read doubtfully in a whole picture.

The law: text is read from near as it is from afar, and better; grain and folds that happened to look like letters do
not again once they are cut out and seen at other scales. What cannot be seen otherwise than before counts as text.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from curator.deid.pixels.appearance import appearance
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.render import views
from curator.model.pixels import Box, Sighting
from curator.ports.pixels import TextReader

# How much around a text is seen with it: so many times its height, and at least so many pixels.
_HEIGHTS, _LEAST_PIXELS = 3, 32
# A cut that is no smaller a part of its picture is the same look again.
_SAME_LOOK = 0.5


def is_seen_from_near(frames: Frames, one: Sighting, reader: TextReader, is_text: Callable[[Sighting], bool]) -> bool:
    """Whether a sighting in an image of one frame is seen again where its surroundings are read alone.

    True for images of more frames, where what was read need not be in one of them.

    Raises:
        ItemError: a frame that cannot be decoded.
    """
    module = frames.module
    cut = one.box.padded(max(_HEIGHTS * min(one.box.height, one.box.width), _LEAST_PIXELS))
    cut = cut.clipped(module.rows, module.columns)
    if len(frames) != 1 or cut.area >= _SAME_LOOK * module.rows * module.columns:
        return True
    place = Box(one.box.top - cut.top, one.box.left - cut.left, one.box.bottom - cut.top, one.box.right - cut.left)
    for picture in views(frames.decode(0), appearance(frames.data_set, module, frames.photometric)):
        near = np.ascontiguousarray(picture[cut.top : cut.bottom, cut.left : cut.right])
        if any(is_text(seen) and seen.box.meets(place) for seen in reader.read(near, watchful=True)):
            return True
    return False
