import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from curator.cli import evaluate, predict, train
from curator.errors import ConfigurationError, UsageError

CONFIG = """
[train]
patch_size = [8, 16, 16]
channels = [4, 8]
batch_size = 2
steps = 40
validate_every_steps = 2
device = "cpu"
"""


def call(group, *arguments):
    result = CliRunner().invoke(group, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def tree(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "train.toml"
    file.write_text(CONFIG)
    return file


def test_the_journey(toy_dataset, tmp_path, config):
    run = tmp_path / "run"
    done = call(train.group, "fit", toy_dataset, "--out", run, "--config", config, "--steps", 4, "--seed", 3, "--json")
    assert json.loads(done.stdout)["steps"] == 4
    assert "fit        4/4" in done.stderr and "ETA" in done.stderr
    settings = json.loads((run / "config.json").read_text())
    assert (settings["steps"], settings["seed"], settings["batch_size"]) == (4, 3, 2)
    assert "best_step" in call(train.group, "resume", run).stdout

    told = json.loads(call(predict.group, run, "--dataset", toy_dataset, "--json").stdout)
    assert told["predictions"] == [str(run / "predictions" / f"item00{n}.nii.gz") for n in (6, 7)]
    shown = call(evaluate.group, run, "--dataset", toy_dataset, "--by", "Manufacturer,site,author").stdout
    for word in ("vendor alpha", "centre_code C1", "author_code B", "mean Dice"):
        assert word in shown
    told = json.loads(call(evaluate.group, run, "--dataset", toy_dataset, "--json").stdout)
    assert {row["group_by"] for row in told["groups"]} == {"", "vendor", "centre_code"}


def test_what_if_writes_nothing(toy_dataset, tmp_path, config):
    run, plan_file = tmp_path / "run", tmp_path / "plan.json"
    before = tree(tmp_path)
    for arguments in (
        ("plan", toy_dataset, "--out", plan_file, "--what-if"),
        ("fit", toy_dataset, "--out", run, "--config", config, "--what-if"),
    ):
        assert f"would write {tmp_path}" in call(train.group, *arguments).stdout
    assert tree(tmp_path) == before

    call(train.group, "fit", toy_dataset, "--out", run, "--config", config, "--steps", 1)
    before = tree(tmp_path)
    assert "would write" in call(train.group, "resume", run, "--what-if").stdout
    assert "2 predictions would be written" in call(predict.group, run, "--dataset", toy_dataset, "--what-if").stdout
    assert tree(tmp_path) == before
    call(predict.group, run, "--dataset", toy_dataset)
    before = tree(tmp_path)
    assert "would write" in call(evaluate.group, run, "--dataset", toy_dataset, "--what-if").stdout
    assert tree(tmp_path) == before


def test_plan(toy_dataset, tmp_path):
    out = tmp_path / "plan.json"
    told = call(train.group, "plan", toy_dataset, "--out", out, "--json")
    assert json.loads(told.stdout) == json.loads(out.read_text())
    assert json.loads(told.stdout)["spacing_mm"] == [5.0, 3.0, 3.0]
    assert "liver, spleen, kidney" in call(train.group, "plan", toy_dataset).stdout


def test_unknown_groupings_are_named(toy_dataset, tmp_path):
    with pytest.raises(ConfigurationError, match="'Manufacturr'; did you mean 'manufacturer'"):
        call(evaluate.group, tmp_path, "--dataset", toy_dataset, "--by", "site,Manufacturr")


def test_a_folder_without_a_run(toy_dataset, tmp_path):
    for what_if in ((), ("--what-if",)):
        with pytest.raises(UsageError, match="no run here"):
            call(train.group, "resume", tmp_path, *what_if)
        with pytest.raises(UsageError, match="no run here"):
            call(predict.group, tmp_path, "--dataset", toy_dataset, *what_if)


def test_help_loads_no_network_code():
    program = (
        "import sys, curator.cli.train, curator.cli.predict, curator.cli.evaluate;"
        "sys.exit(bool({'torch', 'monai', 'numpy', 'trainers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
