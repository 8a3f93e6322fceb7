"""Faces in photographs: found in every frame, refused or made black, and looked for again.

A face becomes black, box and margin, and nothing of it is left to be computed back; a coarse mosaic would keep hair,
colours and proportions, and mosaics are matched to faces by networks made for it. Hair, ears, marks and surroundings
outside the box may still tell who it is: that is why rules/pixels/photographs.toml refuses by default.

The law: a face that is seen in one frame is black in all of them, and a picture that still shows one is not released.

Sources: DICOM PS3.15 E.3.2; McPherson et al. 2016 (mosaics and blur do not hide faces).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator

from curator.deid.pixels.appearance import appearance
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.render import views
from curator.errors import ItemError
from curator.model.pixels import Box, Judged, Route, Verdict
from curator.model.quarantine import Reason
from curator.ports.pixels import FaceFinder, Picture

FACE_RULE = "pixels/faces-in-photographs"
REFUSE, BLUR = "refuse", "blur"
# Detectors box brow to chin; ears, hairline and jaw lie outside, by about this share of the box.
_MARGIN = 0.35


def judged_faces(
    frames: Frames, finder: FaceFinder, *, policy: str, most_pictures: float = math.inf
) -> tuple[Judged, ...]:
    """The boxes to be made black so that no face is left, each for all frames; nothing where no face is seen.

    `policy` is `PixelRules.faces`: "refuse" or "blur".

    Raises:
        ItemError: FACE_POSSIBLE where a face is seen and the policy refuses, or more than `most_pictures` would have
            to be searched; a frame that cannot be decoded.
    """
    rows, columns = frames.module.rows, frames.module.columns
    boxes: set[Box] = set()
    for index, box in _faces(frames, finder, most_pictures):
        if policy != BLUR:
            raise ItemError(Reason.FACE_POSSIBLE, f"a face is seen in frame {index} of {len(frames)}")
        margin = round(_MARGIN * max(box.height, box.width))
        boxes.add(box.padded(margin).clipped(rows, columns))
    return tuple(Judged(box, Verdict.REDACT, FACE_RULE, Route.FACE) for box in sorted(boxes))


def refuse_faces_left(frames: Frames, finder: FaceFinder) -> None:
    """Nothing, where no frame of what would be written shows a face.

    Raises:
        ItemError: FACE_POSSIBLE with the frame; a frame that cannot be decoded.
    """
    for index, _ in _faces(frames, finder, math.inf):
        raise ItemError(Reason.FACE_POSSIBLE, f"a face is still seen in frame {index} of {len(frames)}")


def _faces(frames: Frames, finder: FaceFinder, most_pictures: float) -> Iterator[tuple[int, Box]]:
    """Each face with its frame; frames that are equal are looked at once."""
    shown = appearance(frames.data_set, frames.module, frames.photometric)
    seen: set[bytes] = set()
    for index in range(len(frames)):
        for picture in views(frames.decode(index), shown):
            digest = _digest(picture)
            if digest not in seen:
                if len(seen) >= most_pictures:
                    detail = f"more than {len(seen)} pictures to be searched for faces, of {len(frames)} frames"
                    raise ItemError(Reason.FACE_POSSIBLE, detail)
                seen.add(digest)
                yield from ((index, box) for box in finder.faces(picture))


def _digest(picture: Picture) -> bytes:
    return hashlib.blake2b(picture.tobytes(), digest_size=16).digest()
