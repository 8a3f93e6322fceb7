"""A head is told from what is none by what a scan shows; the header is a hint that never decides alone (row F01)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from face_tools import SECRET, SMALL, THREE_MM, TWO_MM
from treated_heads import TOOLS, scan_of

from curator.deid.faces.scan import Scan
from curator.deid.faces.study import treat_study
from curator.deid.faces.tools import Wish
from curator.deid.faces.treated import Treated
from curator.deid.faces.view import view_of
from curator.deid.faces.whether import faceless, is_brain_alone
from curator.imaging.frame import patient_frame
from curator.model.faces import FaceStatus
from curator.testing.heads import Contrast, HeadPlan, Subject, make_head

STRIPPED = HeadPlan(spacing_mm=TWO_MM, is_stripped=True, field_of_view=SMALL)
HEAD = replace(STRIPPED, is_stripped=False)
BOTTLE = HeadPlan(spacing_mm=THREE_MM, subject=Subject.BOTTLE, contrast=Contrast.T2, field_of_view=SMALL)
LIMB = HeadPlan(spacing_mm=THREE_MM, subject=Subject.LIMB, field_of_view=SMALL)


def treated(scan: Scan) -> Treated:
    (one,) = treat_study([scan], TOOLS, wish=Wish(), secret=SECRET)
    return one


def test_F01_a_brain_alone_has_no_face_even_where_the_header_names_a_head() -> None:
    one = treated(scan_of(make_head(STRIPPED), names_head=True))
    assert one.outcome.status is FaceStatus.NOT_APPLICABLE
    assert one.outcome.why == "no skin surface outside the brain"
    assert one.filled is None
    assert one.zone is None


def test_F01_a_head_in_constant_air_is_no_brain_alone() -> None:
    """A volume whose background was set to one value still has skull and skin."""
    head = make_head(HEAD)
    stored = np.where(head.inside, head.volume.stored, np.int16(0))
    scan = scan_of(replace(head, volume=replace(head.volume, stored=stored)))
    view = view_of(scan, patient_frame(scan.volume, step_mm=2.0), TOOLS.resampler)
    brain = scan_of(make_head(STRIPPED))
    brain_view = view_of(brain, patient_frame(brain.volume, step_mm=2.0), TOOLS.resampler)
    assert is_brain_alone(brain, brain_view, TOOLS.rules.numbers)
    assert not is_brain_alone(scan, view, TOOLS.rules.numbers)
    assert faceless(scan, view, TOOLS.rules.numbers) is None


def test_F01_a_brain_in_noise_is_no_brain_alone() -> None:
    brain = make_head(STRIPPED)
    noise = np.random.default_rng(0).integers(0, 9, brain.volume.shape).astype(np.int16)
    scan = scan_of(replace(brain, volume=replace(brain.volume, stored=brain.volume.stored + noise)))
    view = view_of(scan, patient_frame(scan.volume, step_mm=2.0), TOOLS.resampler)
    assert not is_brain_alone(scan, view, TOOLS.rules.numbers)


@pytest.mark.parametrize("value", [0, 7])
def test_F01_one_value_everywhere_shows_no_face(value: int) -> None:
    volume = replace(make_head(BOTTLE).volume, stored=np.full((40, 40, 40), value, np.int16))
    one = treated(Scan(volume=volume, names_head=True))
    assert one.outcome.status is FaceStatus.NOT_APPLICABLE
    assert one.outcome.why == "all voxels are alike"
    assert one.filled is None


def test_F01_a_bottle_is_neither_face_nor_proof_and_is_held_uncut() -> None:
    one = treated(scan_of(make_head(BOTTLE)))
    assert one.outcome.status is FaceStatus.QUARANTINED
    assert one.filled is None
    assert one.outcome.numbers["before_hits"] == 0


@pytest.mark.parametrize("names_head", [False, None])
def test_F01_a_limb_is_never_cut(names_head: bool | None) -> None:
    one = treated(scan_of(make_head(LIMB), names_head=names_head))
    assert one.outcome.status is not FaceStatus.DEFACED
    assert one.filled is None
    if names_head is None:
        assert one.outcome.status is FaceStatus.QUARANTINED
