import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.errors import IntegrityError, UsageError
from curator.model.annotation import Label
from curator.model.manifest import Split
from trainers.config import TrainConfig
from trainers.dataset import read_dataset, read_image, read_mask
from trainers.plan import Plan, choose_patch, plan, plan_for, resampled_shape, step_bytes


def test_plan_follows_the_dataset(toy_dataset):
    made = plan(toy_dataset)
    assert made.dataset.name == "toy" and made.training_items == 4
    assert [label.name for label in made.labels] == ["liver", "spleen", "kidney"]
    assert made.spacing_mm == (5.0, 3.0, 3.0) and made.median_shape == (12, 32, 32)
    assert all(patch <= size for patch, size in zip(made.patch_size, made.median_shape, strict=True))
    assert plan(toy_dataset) == made == Plan.from_json(made.to_json())


def test_intensities_come_from_the_train_split_only(toy_dataset):
    dataset = read_dataset(toy_dataset)
    values = np.concatenate(
        [read_image(dataset, item)[read_mask(dataset, item) > 0] for item in dataset.members(Split.TRAIN)]
    )
    got = plan(toy_dataset).normalisation
    assert not got.per_case
    assert (got.low, got.high) == pytest.approx(tuple(np.percentile(values, (0.5, 99.5))))
    assert got.mean == pytest.approx(values.clip(got.low, got.high).mean())


def test_what_is_not_ct_is_standardised_per_image(make_dataset):
    assert plan(make_dataset("mr", Modality="MR")).normalisation.per_case


def test_the_configuration_wins(toy_dataset):
    config = TrainConfig(spacing_mm=(5.0, 6.0, 6.0), patch_size=(6, 12, 8), batch_size=3, channels=(4, 8, 16))
    made = plan(toy_dataset, config)
    assert (made.spacing_mm, made.patch_size, made.batch_size) == ((5.0, 6.0, 6.0), (6, 12, 8), 3)
    assert made.median_shape == (12, 16, 16)
    assert made.strides == ((1, 2, 2),) and made.channels == (4, 8), "a map of 4 is not halved again"


def test_sided_labels_forbid_mirroring_left_to_right(toy_dataset):
    dataset = read_dataset(toy_dataset)
    sided = replace(dataset, labels=(Label(1, "left kidney"), Label(2, "Right_kidney"), Label(5, "liver")))
    assert plan_for(dataset, TrainConfig()).flip_axes == (0, 1, 2)
    assert plan_for(sided, TrainConfig()).flip_axes == (0, 1)
    coronal = (0.0, 0.0, 5.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    turned = replace(sided, items=tuple(replace(item, affine_lps=coronal) for item in sided.items))
    assert plan_for(turned, TrainConfig()).flip_axes == (1, 2)


def test_nothing_to_learn_from(make_dataset, tmp_path):
    with pytest.raises(UsageError, match="train split"):
        plan(make_dataset("none", counts=(0, 1, 1)))
    with pytest.raises(UsageError, match="train split"):
        plan(make_dataset("bare", mask_path=""))
    with pytest.raises(IntegrityError):
        plan(tmp_path)
    with pytest.raises(IntegrityError):
        Plan.from_json({"labels": []})


def test_arrays_outside_the_dataset_are_not_opened(make_dataset):
    with pytest.raises(IntegrityError, match="not in the dataset"):
        plan(make_dataset("escaping", volume_path="../../elsewhere.b2nd"))
    with pytest.raises(IntegrityError, match="file name"):
        plan(make_dataset("climbing", item_id="../climbing"))


def test_arrays_off_their_grid_are_refused(toy_dataset):
    dataset = read_dataset(toy_dataset)
    item = replace(dataset.items[0], shape=(12, 32, 31))
    for read in (read_image, read_mask):
        with pytest.raises(IntegrityError, match="grid"):
            read(dataset, item)


sizes = st.tuples(*[st.integers(1, 300)] * 3)
lengths = st.tuples(*[st.floats(0.3, 8.0)] * 3)


@given(sizes, lengths, st.integers(1, 512))
@settings(max_examples=150, deadline=None)
def test_patches_fit(shape, spacing, mebibytes):
    channels, budget = (16, 32, 64, 128), mebibytes * 2**20
    patch, strides = choose_patch(shape, spacing, channels, budget)
    divisors = [math.prod(stride[axis] for stride in strides) for axis in range(3)]
    for axis in range(3):
        assert 1 <= patch[axis] <= shape[axis]
        assert patch[axis] % divisors[axis] == 0
        assert divisors[axis] == 1 or patch[axis] // divisors[axis] >= 4
    used = channels[: len(strides) + 1]
    smallest = all(patch[axis] <= 4 * divisors[axis] for axis in range(3))
    assert smallest or step_bytes(patch, used, strides) <= budget


@given(sizes, lengths, lengths)
@settings(max_examples=50, deadline=None)
def test_resampling_keeps_the_field_of_view(shape, spacing, target):
    for n, have, want, got in zip(shape, spacing, target, resampled_shape(shape, spacing, target), strict=True):
        assert got >= 1 and abs(got * want - n * have) <= max(want, 0.5 * want + 1e-6)
