"""One make-believe head through a whole job with everything real: found, removed, attacked, written, read again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from archive_samples import rows
from head_samples import Heads
from pydicom import dcmread

from curator.imaging.series import read_series
from curator.testing.heads import HeadPlan, make_head, start_visit, write_series


def test_F02_a_head_goes_without_its_face_and_all_else_bit_for_bit(
    tmp_path: Path, run_curator: Callable[..., Any]
) -> None:
    heads = Heads(tmp_path, run_curator)
    head = make_head(HeadPlan(spacing_mm=(2.5, 2.5, 2.5), person=1))
    write_series(start_visit(heads.source, patient=1), head)
    assert run_curator("init", heads.workspace, "--keys", tmp_path / "keys" / "key.json").code == 0
    done = heads.run()
    assert (done.code, done.json()["quarantined"]) == (0, {}), done.err
    released = read_series(sorted(heads.out.rglob("*.dcm")))
    (zone,) = (heads.workspace / "faces").rglob("*.dcm")
    kept = dcmread(zone)
    mask = np.zeros(head.volume.shape, bool)
    origin, step = head.volume.affine_lps[2, 3], head.volume.affine_lps[2, 2]
    for frame, groups in zip(kept.pixel_array, kept.PerFrameFunctionalGroupsSequence, strict=True):
        z = round((groups.PlanePositionSequence[0].ImagePositionPatient[2] - origin) / step)
        mask[z] = frame > 0
    assert np.array_equal(released.stored[~mask], head.volume.stored[~mask])
    # The brain is known to the phantom and to nothing that removes faces.
    assert not (mask & head.brain).any()
    skin = mask & head.inside
    assert np.mean(released.stored[skin] == head.volume.stored[skin]) < 0.05
    (said,) = {text for (text,) in rows(heads.workspace, "SELECT evidence FROM pixel_evidence")}
    (stack,) = json.loads(said)["faces"]["stacks"]
    numbers = stack["numbers"]
    assert (stack["status"], numbers["before_hits"] > 0, numbers["after_hits"]) == ("defaced", True, 0)
    assert numbers["after_best"] <= -0.3
    assert numbers["rank"] > 1
