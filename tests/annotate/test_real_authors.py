"""Ten masks an image by five people with two tools (BU-BIL 1): the figures measured beside the data must come out."""

import matplotlib.image
import numpy as np
import pytest

from curator.annotate.agreement import dice_matrix, fleiss_kappa, krippendorff_alpha
from curator.annotate.consensus import Method, joined
from curator.annotate.votes import joint_votes
from curator.errors import ItemError
from curator.model.quarantine import Reason


@pytest.fixture
def folder(shared):
    return shared / "multi_author" / "bu_bil_1"


def read(path):
    """`(1, Y, X)`; these files have 0 for the cell and 1 for the background, some of them in three equal channels."""
    values = matplotlib.image.imread(path)
    return (values.reshape(*values.shape[:2], -1)[:, :, 0] == 0).astype(np.uint8)[np.newaxis]


def people(folder, name):
    return [read(author / name) for author in sorted((folder / "ExpertsAnnotations").iterdir())]


@pytest.mark.parametrize("name", ["seg_B01.png", "seg_B17.png"])
def test_experts_agree_as_measured(folder, name):
    masks = people(folder, name)
    assert len(masks) == 10
    dice = dice_matrix(*table([read(folder / "GoldStandard" / name), *masks]), label=1)[0, 1:]
    assert 0.594 <= dice.min() <= dice.max() == 1  # one person's mask is the gold standard itself
    assert 0.8 < np.mean(dice) < 0.95
    experts = joint_votes(masks)
    kappa = fleiss_kappa(experts.palette, experts.counts)
    assert 0.5 < kappa < 0.99
    assert krippendorff_alpha(experts.palette, experts.counts) == pytest.approx(kappa, abs=1e-4)
    for method in Method:
        consensus = joined(experts, method).mask
        to_consensus = dice_matrix(*table([consensus, *masks]), label=1)[0, 1:]
        between = dice_matrix(*table(masks), label=1)[np.triu_indices(len(masks), 1)]
        assert to_consensus.mean() > between.mean()


def table(masks):
    votes = joint_votes(masks)
    return votes.palette, votes.counts


def test_crowd_masks_of_another_size_are_refused(folder):
    crowd = read(next((folder / "CrowdsourcedAnnotations").rglob("seg_B01.png")))
    with pytest.raises(ItemError) as caught:
        joint_votes([*people(folder, "seg_B01.png"), crowd])
    assert caught.value.reason is Reason.GEOMETRY_MISMATCH
