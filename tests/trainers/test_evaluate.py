import math
import subprocess
import sys
from dataclasses import asdict, fields, replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.errors import ConfigurationError, IntegrityError, UsageError
from curator.model.evaluation import CaseScore
from curator.model.manifest import Split
from trainers.config import TrainConfig
from trainers.dataset import read_dataset, read_mask
from trainers.evaluate import bootstrap_interval, evaluate_run, group_scores, read_evaluation
from trainers.files import json_bytes, read_json, write_bytes
from trainers.plan import plan_for
from trainers.predictions import INDEX_NAME, nifti_bytes
from trainers.runs import begin_run


def predicted_run(folder, dataset_folder, change, *, split=Split.TEST):
    """A run whose predictions are the reference masks after `change(item, mask)`."""
    dataset, config = read_dataset(dataset_folder), TrainConfig()
    begin_run(folder, dataset, config, plan_for(dataset, config))
    items = dataset.members(split)
    for item in items:
        mask = change(item, read_mask(dataset, item))
        write_bytes(folder / "predictions" / f"{item.item_id}.nii.gz", nifti_bytes(mask, item))
    index = {"dataset": asdict(dataset.identity), "items": [item.item_id for item in items]}
    write_bytes(folder / "predictions" / INDEX_NAME, json_bytes(index))
    return folder


def as_drawn(_item, mask):
    return mask


def shifted(_item, mask):
    return np.roll(mask, 1, axis=2)


def without_liver(_item, mask):
    return np.where(mask == 1, 0, mask).astype(np.uint8)


def test_a_perfect_prediction(toy_dataset, tmp_path):
    result = evaluate_run(predicted_run(tmp_path / "run", toy_dataset, as_drawn), toy_dataset)
    assert result.mean_dice == 1.0
    assert [(case.item_id, case.label) for case in result.cases] == [
        (item, label) for item in ("item006", "item007") for label in ("liver", "spleen", "kidney")
    ]
    for case in result.cases:
        assert (case.dice, case.hd95_mm, case.split) == (1.0, 0.0, "test")
        assert case.reference_ml == case.predicted_ml > 0
    assert {(group.group_by, group.group) for group in result.groups} == {
        ("", ""), ("vendor", "alpha"), ("vendor", "beta"), ("centre_code", "C0"), ("centre_code", "C1"),
    }  # fmt: skip


def test_volumes_are_millilitres(toy_dataset, tmp_path):
    result = evaluate_run(predicted_run(tmp_path / "run", toy_dataset, as_drawn), toy_dataset)
    dataset = read_dataset(toy_dataset)
    item = next(item for item in dataset.items if item.item_id == "item006")
    liver = int((read_mask(dataset, item) == 1).sum())
    assert result.cases[0].reference_ml == pytest.approx(liver * 5.0 * 3.0 * 3.0 / 1000)


def test_a_shift_by_one_voxel_costs_three_millimetres(toy_dataset, tmp_path):
    result = evaluate_run(predicted_run(tmp_path / "run", toy_dataset, shifted), toy_dataset)
    assert {case.hd95_mm for case in result.cases} == {3.0}
    assert all(0.5 < case.dice < 1 for case in result.cases)


def test_each_author_is_a_reference_of_its_own(toy_dataset, tmp_path):
    """Author B draws everything one voxel to the side, as this prediction does."""
    run = predicted_run(tmp_path / "run", toy_dataset, shifted)
    groups = {
        (group.group, group.label): group
        for group in evaluate_run(run, toy_dataset, by=("author_code",)).groups
        if group.group_by == "author_code"
    }
    assert {key[0] for key in groups} == {"A", "B"}
    for label in ("liver", "spleen", "kidney"):
        assert groups["B", label].dice_mean == 1.0 > groups["A", label].dice_mean


def test_a_missed_organ_is_infinitely_far(toy_dataset, tmp_path):
    run = predicted_run(tmp_path / "run", toy_dataset, without_liver)
    result = evaluate_run(run, toy_dataset)
    liver = [case for case in result.cases if case.label == "liver"]
    assert {(case.dice, case.hd95_mm, case.predicted_ml) for case in liver} == {(0.0, math.inf, 0.0)}
    assert result.mean_dice == pytest.approx(2 / 3)
    assert read_evaluation(run) == result
    written = [row for row in read_json(run / "evaluation" / "evaluation.json")["groups"] if row["label"] == "liver"]
    assert {row["hd95_mm_median"] for row in written} == {None}


def test_files(toy_dataset, tmp_path):
    run = predicted_run(tmp_path / "run", toy_dataset, shifted)
    assert evaluate_run(run, toy_dataset, write=False).cases
    assert not (run / "evaluation").exists()
    with pytest.raises(UsageError, match="not evaluated"):
        read_evaluation(run)
    result = evaluate_run(run, toy_dataset)
    assert read_evaluation(run) == result
    first = {path.name: path.read_bytes() for path in (run / "evaluation").iterdir()}
    assert set(first) == {"cases.parquet", "evaluation.json"}
    evaluate_run(run, toy_dataset)
    assert {path.name: path.read_bytes() for path in (run / "evaluation").iterdir()} == first
    assert pq.read_table(run / "evaluation" / "cases.parquet").column_names == [f.name for f in fields(CaseScore)]
    (run / "evaluation" / "cases.parquet").write_bytes(b"PAR1")
    with pytest.raises(IntegrityError):
        read_evaluation(run)


def test_refusals(toy_dataset, make_dataset, tmp_path):
    run = predicted_run(tmp_path / "run", toy_dataset, as_drawn)
    with pytest.raises(ConfigurationError, match="'vendr'"):
        evaluate_run(run, toy_dataset, by=("vendr",))
    with pytest.raises(UsageError, match="another dataset"):
        evaluate_run(run, make_dataset("other", seed=3))
    (run / "predictions" / "item006.nii.gz").unlink()
    with pytest.raises(UsageError, match="item006 has no prediction"):
        evaluate_run(run, toy_dataset)
    (run / "predictions" / INDEX_NAME).unlink()
    with pytest.raises(UsageError, match="no predictions"):
        evaluate_run(run, toy_dataset)
    bare = make_dataset("bare", counts=(1, 0, 0))
    with pytest.raises(UsageError, match="no predicted item"):
        evaluate_run(predicted_run(tmp_path / "bare_run", bare, as_drawn), bare)


def case(item, dice, hd95_mm=1.0, vendor="alpha"):
    return CaseScore(
        item_id=item,
        label="liver",
        dice=dice,
        hd95_mm=hd95_mm,
        reference_ml=1.0,
        predicted_ml=1.0,
        vendor=vendor,
        centre_code="C",
        split="test",
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.randoms())
def test_groups_do_not_depend_on_order(scores, random):
    rows = [("vendor", "alpha", case(f"i{number}", dice)) for number, dice in enumerate(scores)]
    mixed = rows.copy()
    random.shuffle(mixed)
    (group,) = group_scores(rows)
    assert group_scores(mixed) == (group,)
    assert group.cases == len(scores)
    assert min(scores) - 1e-12 <= group.dice_low <= group.dice_high <= max(scores) + 1e-12
    assert group.dice_mean == pytest.approx(np.mean(scores))
    if len(scores) == 1:
        assert group.dice_low == group.dice_mean == group.dice_high


def test_intervals_stand_on_their_own():
    alpha = [("vendor", "alpha", case(f"i{n}", n / 10)) for n in range(8)]
    beta = [("vendor", "beta", case(f"i{n}", 0.5)) for n in range(3)]
    assert group_scores(alpha)[0] in group_scores(alpha + beta)
    assert group_scores([]) == ()


def test_the_median_distance_may_be_infinite():
    near, far = case("a", 1.0, 2.0), case("b", 0.0, math.inf)
    assert group_scores([("", "", near), ("", "", replace(near, item_id="c")), ("", "", far)])[0].hd95_mm_median == 2.0
    assert group_scores([("", "", near), ("", "", far)])[0].hd95_mm_median == math.inf


def test_the_interval_is_the_means_own_spread():
    """For many draws of a normal variable the interval is the mean and 1.96 standard errors."""
    values = np.random.default_rng(0).normal(0.8, 0.1, 400)
    low, high = bootstrap_interval(values, seed=1)
    assert (low, high) == bootstrap_interval(values, seed=1) != bootstrap_interval(values, seed=2)
    error = values.std() / 20
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.25 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.25 * error)


def test_reading_scores_loads_no_network_code():
    program = "import sys, trainers.evaluate; sys.exit(bool({'torch', 'monai'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
