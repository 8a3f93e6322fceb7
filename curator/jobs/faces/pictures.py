"""Pictures of heads as an attacker would render them, for the key holder alone.

The law: nothing is drawn for who does not hold the workspace's key, and nothing where data may leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from curator.adapters.local_disk import LocalDisk
from curator.bundled import bundled_folder
from curator.deid.faces.scan import Scan
from curator.deid.faces.sides import sides_of
from curator.deid.faces.tools import FaceTools
from curator.deid.faces.view import SKIN, head_frame, view_of
from curator.errors import RefusedError
from curator.identity.pseudonyms import Pseudonyms
from curator.jobs.faces.asked import asked_about, each_scan
from curator.jobs.faces.tools import face_tools
from curator.jobs.progress import Report
from curator.jobs.workspace import open_workspace

_SIDES_DEG = (-50.0, 0.0, 50.0)


def draw_heads(paths: Sequence[Path], *, out: Path, workspace: Path, report: Report) -> int:
    """Draw every volume under some paths as it is, from the front and two sides, into `out`; how many were drawn.

    Raises:
        RefusedError: the workspace's key cannot be used, or `out` lies where data may leave.
        UsageError: a path does not exist.
    """
    opened = open_workspace(workspace)
    key = opened.load_key()
    target = out.resolve()
    if any(target.is_relative_to(one.resolve()) for one in (opened.released, opened.datasets, *paths)):
        raise RefusedError("pictures of faces do not go where data is released or read; choose another --png")
    folder, tools = LocalDisk(out), face_tools(bundled_folder("rules"))
    drawn = 0
    for row, scan in each_scan(asked_about(paths, Pseudonyms(key))):
        if scan is not None and not scan.is_flat:
            folder.write(f"{row.study}-{row.series}-{row.part}.png", [_png(scan, tools)])
            drawn += 1
            report(f"draw       {drawn} volumes")
    return drawn


def _png(scan: Scan, tools: FaceTools) -> bytes:
    view = view_of(scan, head_frame(scan, tools.resampler, tools.judge), tools.resampler)
    sides = sides_of(view.even, [(yaw, 0.0) for yaw in _SIDES_DEG], (SKIN,), tools.resampler, around=0.0)
    picture = np.concatenate([side.picture for side in sides], axis=1)
    return bytes(cv2.imencode(".png", picture)[1].tobytes())
