from dataclasses import replace

import pytest
import torch

from curator.errors import IntegrityError, ItemError, UsageError
from curator.model.quarantine import Reason
from trainers.config import TrainConfig
from trainers.files import read_json
from trainers.fit import fit, resume
from trainers.runs import FILE_NAMES
from trainers.weights import load_model, read_state, resolve_device


class Interrupted(BaseException):
    """Stands for the process's death: nothing in the engine may catch it."""


def interrupt_at(step):
    def progress(done, _total):
        if done == step:
            raise Interrupted

    return progress


def contents(run):
    return {name: (run / name).read_bytes() for name in FILE_NAMES}


@pytest.fixture(scope="module")
def unbroken(toy_dataset, tmp_path_factory):
    """A finished tiny run; compare with runs in a sibling folder, as `run.json` holds the way to the dataset."""
    config = TrainConfig(
        patch_size=(8, 16, 16), batch_size=2, channels=(4, 8), steps=6, validate_every_steps=2, device="cpu", seed=7
    )
    folder = tmp_path_factory.mktemp("unbroken")
    result = fit(toy_dataset, folder / "run", config)
    return config, result, contents(folder / "run")


def test_a_run_says_what_it_is(unbroken, toy_dataset):
    _, result, files = unbroken
    run = read_json(result.run / "run.json")
    assert run["dataset"]["name"] == "toy" and run["dataset"]["version"] == "1.0.0"
    assert run["dataset"]["merkle_root"] == read_json(toy_dataset / "dataset.lock.json")["merkle_root"]
    assert run["result"] == {"steps": 6, "best_step": result.best_step, "dice_validation": result.dice_validation}
    assert files["metrics.jsonl"].count(b"\n") == 3
    assert not list(result.run.glob(".partial*"))


@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_an_interrupted_run_ends_with_the_same_bytes(unbroken, toy_dataset, tmp_path_factory, step):
    config, _, wanted = unbroken
    run = tmp_path_factory.mktemp("broken") / "run"
    with pytest.raises(Interrupted):
        fit(toy_dataset, run, config, progress=interrupt_at(step))
    assert read_json(run / "run.json")["result"] is None
    with (run / "metrics.jsonl").open("ab") as stream:
        stream.write(b'{"step": 99, "died": "before its checkpoint"')
    result = resume(run)
    assert result.resumed_at_step == step // 2 * 2
    assert contents(run) == wanted


def test_seeds_decide(unbroken, toy_dataset, tmp_path_factory):
    config, _, wanted = unbroken
    torch.rand(5)
    again = tmp_path_factory.mktemp("again") / "run"
    fit(toy_dataset, again, config)
    assert contents(again) == wanted
    other = tmp_path_factory.mktemp("other") / "run"
    fit(toy_dataset, other, replace(config, seed=8))
    assert contents(other)["model.pt"] != wanted["model.pt"]


def test_the_caller_keeps_its_own_randomness(toy_dataset, tmp_path, tiny):
    torch.manual_seed(3)
    wanted = torch.rand(4)
    torch.manual_seed(3)
    fit(toy_dataset, tmp_path / "run", replace(tiny, steps=1))
    assert torch.equal(torch.rand(4), wanted)
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_finished_run_is_not_trained_again(unbroken, toy_dataset):
    config, result, wanted = unbroken
    assert fit(toy_dataset, result.run, config, progress=interrupt_at(1)) == result
    assert contents(result.run) == wanted


def test_a_run_belongs_to_its_configuration_and_dataset(unbroken, toy_dataset, make_dataset):
    config, result, wanted = unbroken
    with pytest.raises(UsageError, match="another configuration"):
        fit(toy_dataset, result.run, replace(config, steps=7))
    other = make_dataset("other", seed=5)
    with pytest.raises(UsageError, match="another dataset"):
        resume(result.run, other)
    assert contents(result.run) == wanted


def test_a_moved_dataset_is_named(make_dataset, tmp_path, tiny):
    dataset = make_dataset("here")
    with pytest.raises(Interrupted):
        fit(dataset, tmp_path / "run", tiny, progress=interrupt_at(3))
    dataset.rename(tmp_path / "there")
    with pytest.raises(IntegrityError):
        resume(tmp_path / "run")
    assert resume(tmp_path / "run", tmp_path / "there").steps == 6


def test_the_best_weights_are_kept(toy_dataset, tmp_path, tiny):
    """A learning rate far too high for one step in three: the last weights are seldom the best."""
    result = fit(toy_dataset, tmp_path / "run", replace(tiny, steps=12, learning_rate=0.3))
    lines = [line.split(b'"dice_validation": ')[1] for line in (result.run / "metrics.jsonl").read_bytes().splitlines()]
    scores = [float(line.split(b",")[0]) for line in lines]
    assert result.dice_validation == max(scores)
    assert result.best_step == 2 * (scores.index(max(scores)) + 1)


def test_without_validation_items_the_last_weights_are_kept(make_dataset, tmp_path, tiny):
    result = fit(make_dataset("lone", counts=(2, 0, 1)), tmp_path / "run", tiny)
    assert (result.dice_validation, result.best_step) == (None, 6)


def test_it_learns(toy_dataset, tmp_path):
    config = TrainConfig(steps=120, batch_size=2, channels=(16, 32), validate_every_steps=40, device="cpu")
    assert fit(toy_dataset, tmp_path / "run", config).dice_validation > 0.8


def test_divergence_is_told(toy_dataset, tmp_path, tiny):
    with pytest.raises(UsageError, match="learning_rate"):
        fit(toy_dataset, tmp_path / "run", replace(tiny, optimizer="sgd", learning_rate=1e30))


def test_an_undeclared_label_is_refused(make_dataset, tmp_path, tiny):
    dataset = make_dataset("undeclared", labels_in_lock=2)
    with pytest.raises(ItemError) as caught:
        fit(dataset, tmp_path / "run", tiny)
    assert caught.value.reason is Reason.ANNOTATION_INVALID


def test_an_unwritable_output_is_told(toy_dataset, tmp_path, tiny):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ItemError) as caught:
        fit(toy_dataset, tmp_path / "file" / "run", tiny)
    assert caught.value.reason is Reason.OUTPUT_UNWRITABLE


def test_damaged_weights_are_refused(unbroken, tmp_path):
    _, result, _ = unbroken
    cpu = resolve_device("cpu")
    whole = (result.run / "model.pt").read_bytes()
    (tmp_path / "model.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(IntegrityError):
        load_model(tmp_path, cpu)
    with pytest.raises(UsageError, match="no checkpoint"):
        read_state(tmp_path / "checkpoint.pt", cpu)
