"""What heads are treated with in these tests: the shipped rules, fewer looks, and the later rungs first.

All looks are from one height, so that a head takes ten seconds instead of fifty; every limit is the shipped one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from curator.adapters.dlib_heads import DlibHeads
from curator.bundled import bundled_folder
from curator.deid.faces.scan import Scan
from curator.deid.faces.tools import FaceTools
from curator.imaging.resample import CpuResampler
from curator.model.volume import Volume
from curator.policy.faces.defacing import FaceRules, load_face_rules
from curator.testing.heads import FieldOfView

SECRET = b"derived for one study alone"
TWO_MM, THREE_MM = (2.0, 2.0, 2.0), (3.0, 3.0, 3.0)
# All of a face, and as little around it as will do.
SMALL = FieldOfView(bottom_mm=-104.0, top_mm=104.0, front_mm=-128.0, back_mm=70.0, side_mm=78.0)


def few_looks() -> FaceRules:
    """The shipped rules with fewer sides and thresholds, and the rungs of the whole front."""
    rules = load_face_rules(bundled_folder("rules"))
    numbers = replace(
        rules.numbers,
        search_yaws_deg=(-10.0, 10.0),
        search_pitches_deg=(0.0,),
        attack_yaws_deg=(-15.0, 0.0, 15.0),
        attack_aside_deg=(-40.0,),
        attack_pitches_deg=(0.0,),
        attack_levels=rules.numbers.attack_levels[:2],
        attack_bright=rules.numbers.attack_bright[:2],
    )
    return replace(rules, numbers=numbers, ladder=tuple(rung for rung in rules.ladder if rung.window == "front"))


@dataclass(frozen=True)
class Blind(DlibHeads):
    """Sees no face anywhere."""

    def seen(self, picture, *, least):
        return ()

    def network(self, picture):
        return 0.0


def tools_of(judge: DlibHeads) -> FaceTools:
    return FaceTools(rules=few_looks(), judge=judge, resampler=CpuResampler())


def with_stored(scan: Scan, stored: np.ndarray) -> Scan:
    return replace(scan, volume=replace(scan.volume, stored=stored))


def centres_of(volume: Volume, mask: np.ndarray) -> np.ndarray:
    """The centres of the voxels of a mask, `(N, 3)` in patient mm."""
    indices = np.argwhere(mask)[:, ::-1]
    return indices @ volume.affine_lps[:3, :3].T + volume.affine_lps[:3, 3]
