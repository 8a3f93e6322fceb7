import numpy as np
import pytest
import torch

from curator.errors import ItemError
from curator.model.annotation import Label
from curator.model.manifest import Split
from curator.model.quarantine import Reason
from trainers.augment import BatchChange, apply_change, draw_change
from trainers.config import TrainConfig
from trainers.data import (
    PatchSampler,
    class_indices,
    load_cases,
    normalise,
    resample,
    resample_classes,
    step_generator,
)
from trainers.dataset import read_dataset
from trainers.plan import Normalisation, plan_for

CPU = torch.device("cpu")
LABELS = (Label(3, "one"), Label(200, "two"))


def cases_of(folder, **settings):
    dataset = read_dataset(folder)
    plan = plan_for(dataset, TrainConfig(**settings))
    return load_cases(dataset, dataset.members(Split.TRAIN), plan, device=CPU), plan


def test_a_linear_ramp_stays_one():
    """Trilinear weights reproduce a linear function of millimetres exactly, at the new voxels' centres."""
    ramp = torch.arange(24.0)[None, None, None, :].expand(1, 4, 6, 24)
    for count in (12, 36, 48):
        got = resample(ramp, (4, 6, count))[0, 2, 3]
        wanted = (torch.arange(count) + 0.5) * 24 / count - 0.5
        inside = (wanted >= 0) & (wanted <= 23)
        torch.testing.assert_close(got[inside], wanted[inside])


def test_masks_keep_their_volume():
    mask = torch.zeros(20, 20, 20, dtype=torch.uint8)
    mask[4:16, 4:16, 4:16] = 2
    bigger = resample_classes(mask, (40, 30, 20), 3)
    assert set(bigger.unique().tolist()) == {0, 2}
    assert float((bigger == 2).float().mean()) == pytest.approx(0.6**3, rel=0.05)
    assert resample_classes(mask, (20, 20, 20), 3) is mask


def test_label_values_become_indices():
    mask = np.array([[[0, 3, 200]]], dtype=np.uint8)
    assert class_indices(mask, LABELS).tolist() == [[[0, 1, 2]]]
    with pytest.raises(ItemError) as caught:
        class_indices(mask + np.uint8(1), LABELS)
    assert caught.value.reason is Reason.ANNOTATION_INVALID


def test_normalisation():
    values = np.array([[[-1000.0, 0.0, 50.0, 100.0, 900.0]]], dtype=np.float32)
    fixed = Normalisation(per_case=False, low=0.0, high=100.0, mean=50.0, std=25.0)
    assert normalise(values, fixed).tolist() == [[[-2.0, -2.0, 0.0, 2.0, 2.0]]]
    own = Normalisation(per_case=True, low=0.0, high=0.0, mean=0.0, std=1.0)
    got = normalise(values, own)
    assert got.dtype == np.float32
    assert (got.mean(), got.std()) == (pytest.approx(0, abs=1e-6), pytest.approx(1, abs=1e-6))
    assert not normalise(np.full((2, 2, 2), 7, np.float32), own).any()


def test_cases_are_never_smaller_than_a_patch(toy_dataset):
    cases, plan = cases_of(toy_dataset, patch_size=(16, 32, 40))
    for case in cases:
        assert tuple(case.image.shape) == (1, 16, 32, 40) == (1, *case.classes.shape)
        assert set(case.classes.unique().tolist()) == {0, 1, 2, 3}
        assert len(case.centres) == 3
        for index, places in enumerate(case.centres, start=1):
            assert (case.classes[tuple(places.T)] == index).all()
    assert plan.patch_size == (16, 32, 40)


def test_foreground_patches_hold_foreground(toy_dataset):
    cases, plan = cases_of(toy_dataset, patch_size=(4, 8, 8))
    sampler = PatchSampler(cases=cases, patch_size=plan.patch_size, batch_size=64, foreground_fraction=1.0)
    image, classes = sampler.draw(step_generator(0, 0))
    assert tuple(image.shape) == (64, 1, 4, 8, 8) == tuple(classes.shape)
    assert classes.flatten(1).any(dim=1).all()
    seldom = PatchSampler(cases=cases, patch_size=plan.patch_size, batch_size=64, foreground_fraction=0.0)
    assert not seldom.draw(step_generator(0, 0))[1].flatten(1).any(dim=1).all()


def test_a_step_draws_the_same_whatever_came_before(toy_dataset):
    cases, plan = cases_of(toy_dataset, patch_size=(4, 8, 8))
    sampler = PatchSampler(cases=cases, patch_size=plan.patch_size, batch_size=4, foreground_fraction=0.5)
    sampler.draw(step_generator(1, 4))
    first, again, next_step, other_seed = (
        sampler.draw(step_generator(*at))[0] for at in ((1, 5), (1, 5), (1, 6), (2, 5))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, next_step) and not torch.equal(first, other_seed)


def still(count, **changed):
    rest = {
        "flips": torch.zeros(count, 3, dtype=torch.bool),
        "zooms": torch.ones(count),
        "gains": torch.ones(count),
        "offsets": torch.zeros(count),
        "noise_stds": torch.zeros(count),
        "seed": 0,
    }
    return BatchChange(**{**rest, **changed})


def batch():
    classes = (torch.rand(3, 1, 5, 6, 7, generator=torch.Generator().manual_seed(0)) * 4).to(torch.uint8)
    return classes.float(), classes


def test_no_change():
    image, classes = batch()
    got = apply_change(image, classes, still(3))
    assert torch.equal(got[0], image) and torch.equal(got[1], classes)


def test_flips_touch_only_the_chosen_sample_and_axis():
    image, classes = batch()
    flips = torch.tensor([[True, False, True], [False, False, False], [False, True, False]])
    moved, moved_classes = apply_change(image, classes, still(3, flips=flips))
    assert torch.equal(moved[0], image[0].flip(1, 3))
    assert torch.equal(moved[1], image[1])
    assert torch.equal(moved[2], image[2].flip(2))
    assert torch.equal(moved, moved_classes.float()), "image and classes move together"


@pytest.mark.parametrize("zoom", [0.85, 1.15])
def test_zoom_scales_a_ball(zoom):
    axis = torch.arange(48.0) - 23.5
    ball = (axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2 < 14**2).to(torch.uint8)[None, None]
    image, classes = apply_change(ball.float(), ball, still(1, zooms=torch.tensor([zoom])))
    assert float(classes.sum()) == pytest.approx(4 / 3 * np.pi * (14 * zoom) ** 3, rel=0.02)
    assert float(((image > 0.5) != (classes > 0)).float().mean()) < 0.01


def test_intensities_change_and_classes_do_not():
    image, classes = batch()
    change = still(3, gains=torch.tensor([2.0, 1, 1]), offsets=torch.tensor([0.0, 5, 0]))
    got, same = apply_change(image, classes, change)
    assert torch.equal(got[0], image[0] * 2) and torch.equal(got[1], image[1] + 5) and torch.equal(same, classes)
    noisy, _ = apply_change(torch.zeros(3, 1, 16, 16, 16), classes, still(3, noise_stds=torch.tensor([0.0, 0.1, 1])))
    assert [round(float(sample.std()), 1) for sample in noisy] == [0.0, 0.1, 1.0]


def test_drawn_changes_obey_the_plan():
    change = draw_change(500, (1,), step_generator(0, 0))
    assert not change.flips[:, [0, 2]].any()
    assert 0.4 < change.flips[:, 1].float().mean() < 0.6
    assert 0.85 <= float(change.zooms.min()) < 1 < float(change.zooms.max()) <= 1.15
