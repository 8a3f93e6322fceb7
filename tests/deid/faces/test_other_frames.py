"""Scans of one head in several frames of reference, and a PET on its CT, lose the same anatomy (row F03)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from face_tools import SECRET, centres_of
from treated_heads import TOOLS

from curator.adapters.rigid_registration import SimpleItkRegistrar
from curator.deid.faces.scan import Scan
from curator.deid.faces.study import treat_study
from curator.deid.faces.tools import Wish
from curator.deid.faces.treated import Treated
from curator.model.faces import FaceStatus
from curator.testing.heads import Contrast, Head, HeadPlan, make_head
from curator.testing.heads.studies import StudyPart, lps_between, multi_contrast, pet_ct

PERSON = HeadPlan(seed=5)
WITH_REGISTRAR = replace(TOOLS, registrar=SimpleItkRegistrar())


@dataclass(frozen=True)
class Lost:
    """A study, its heads and what became of each; the first leads."""

    parts: tuple[StudyPart, ...]
    heads: tuple[Head, ...]
    done: tuple[Treated, ...]

    def mask(self, number: int) -> np.ndarray:
        filled = self.done[number].filled
        assert filled is not None
        return filled.mask

    def share(self, number: int) -> float:
        """How much of what the lead lost, where scan `number` has it too, is lost there, by the phantom's motion."""
        lead, head = self.heads[0], self.heads[number]
        motion = lps_between(lead.plan, head.plan)
        lost = centres_of(lead.volume, self.mask(0)) @ motion[:3, :3].T + motion[:3, 3]
        back = np.linalg.inv(head.volume.affine_lps)
        at = np.rint(lost @ back[:3, :3].T + back[:3, 3]).astype(int)[:, ::-1]
        is_scanned = ((at >= 0) & (at < head.volume.stored.shape)).all(axis=1)
        assert is_scanned.mean() > 0.5
        return float(self.mask(number)[tuple(at[is_scanned].T)].mean())


def lost(parts: tuple[StudyPart, ...]) -> Lost:
    heads = tuple(make_head(part.plan) for part in parts)
    scans = [
        Scan(
            volume=head.volume, frame_of_reference=str(part.series.frame), modality=part.plan.contrast.modality,
            lowest=0, highest=32767,
        )
        for head, part in zip(heads, parts, strict=True)
    ]  # fmt: skip
    return Lost(parts, heads, treat_study(scans, WITH_REGISTRAR, wish=Wish(), secret=SECRET))


def t1_and_flair() -> tuple[StudyPart, ...]:
    t1, _, flair = multi_contrast(PERSON, coarse=2.0)
    return t1, flair


STUDIES = {
    "T1 and a FLAIR after the head moved": t1_and_flair,
    "PET on its CT": lambda: pet_ct(PERSON, coarse=1.4),
}


@pytest.fixture(scope="module", params=STUDIES)
def study(request: pytest.FixtureRequest) -> Lost:
    return lost(STUDIES[request.param]())


def test_F03_all_scans_of_a_study_lose_the_same_anatomy(study: Lost) -> None:
    assert [one.outcome.status for one in study.done] == [FaceStatus.DEFACED] * 2
    is_carried = study.done[1].outcome.numbers["carried"]
    # Where voxels are as thick as this PET's, what is taken over may not reach all old skin: then its own zone does.
    assert is_carried == 1.0 or study.parts[1].plan.contrast is Contrast.PET
    assert study.share(1) > 0.9


def test_F03_the_brain_is_the_same_in_all(study: Lost) -> None:
    for number, head in enumerate(study.heads):
        assert head.brain.sum() > 10_000
        assert not (study.mask(number) & head.brain).any()


def test_F03_what_was_laid_over_says_how_well(study: Lost) -> None:
    numbers = study.done[1].outcome.numbers
    is_other = study.parts[0].series.frame != study.parts[1].series.frame
    assert ("overlap" in numbers) is is_other
    assert not is_other or numbers["overlap"] > 0.95


def test_F03_a_scan_that_lies_over_no_other_is_judged_by_itself() -> None:
    """Somebody else's head does not take over a zone; it has a face of its own."""
    plans = [HeadPlan(seed=5, spacing_mm=(3.0, 3.0, 3.0)), HeadPlan(seed=6, person=3, spacing_mm=(3.0, 3.0, 3.0))]
    heads = [make_head(replace(plans[0], contrast=Contrast.T1)), make_head(replace(plans[1], is_child=True))]
    scans = [
        Scan(volume=head.volume, frame_of_reference=str(number), modality="MR", lowest=0, highest=32767)
        for number, head in enumerate(heads)
    ]
    one, other = treat_study(scans, WITH_REGISTRAR, wish=Wish(), secret=SECRET)
    assert one.outcome.status is other.outcome.status is FaceStatus.DEFACED
    assert "carried" not in other.outcome.numbers
