"""How well two heads lie on each other after one of them was moved.

The law: only what both scans saw is compared, and only by its outline, for a PET and a CT of a head have no more in
common.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curator.deid.faces.scan import Scan
from curator.deid.faces.tools import FaceTools
from curator.deid.faces.view import SKIN, View, body_of, view_of
from curator.imaging.frame import Frame
from curator.model.volume import Affine

_LEAST_SHARED = 1000


def overlap_of(fixed: Scan, moving: Scan, view: View, motion: Affine, tools: FaceTools) -> float:
    """The Dice coefficient of two heads where both scans were, 0 to 1; 0 where they hardly meet."""
    frame = Frame(np.linalg.inv(motion) @ view.frame.affine_lps, view.frame.shape)
    both = _is_scanned(fixed, frame, tools) & _is_scanned(moving, view.frame, tools)
    if both.sum() < _LEAST_SHARED:
        return 0.0
    one, other = _filled(view_of(fixed, frame, tools.resampler)) & both, _filled(view) & both
    total = int(one.sum()) + int(other.sum())
    return 2.0 * int((one & other).sum()) / total if total else 0.0


def _is_scanned(scan: Scan, frame: Frame, tools: FaceTools) -> NDArray[np.bool_]:
    """Where a frame lies in the field of view of a scan."""
    everywhere = np.ones(scan.volume.shape, np.uint8)
    indices = frame.indices_in(scan.volume.affine_lps)
    return np.asarray(tools.resampler.onto(everywhere, indices, frame.shape, outside=0.0) > 0.5, np.bool_)


def _filled(view: View) -> NDArray[np.bool_]:
    """The body in a view without its cavities: what a PET and a CT have in common of a head is its outline."""
    body = ndimage.binary_closing(body_of(view.even > SKIN), iterations=2)
    return np.stack([ndimage.binary_fill_holes(plane) for plane in body])
