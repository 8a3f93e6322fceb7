"""The command line: results on stdout, exit codes as promised, and the difference of two datasets."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from dataset_samples import annotations_of, catalogue, frozen_at, spec_of

from curator.cli.dataset import group
from curator.dataset.diff import diff
from curator.dataset.materialise import item_id_of


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two versions: one series gone, one come, one mask less, another seed."""
    candidates = catalogue()
    masks = annotations_of(candidates)
    masks[candidates[3].SeriesInstanceUID] = masks[candidates[3].SeriesInstanceUID][:1]
    first = frozen_at(tmp_path_factory.mktemp("a"), spec_of(), candidates[:-1])
    second = frozen_at(tmp_path_factory.mktemp("b"), spec_of(version="1.3.0", seed=8), candidates[1:], masks)
    return first.path, second.path


def test_verify_says_whole_and_names_what_is_not(pair, tmp_path):
    whole = CliRunner().invoke(group, ["verify", str(pair[0])])
    assert (whole.exit_code, whole.stdout) == (0, "")
    assert json.loads(CliRunner().invoke(group, ["verify", str(pair[0]), "--json"]).stdout) == []
    broken = CliRunner().invoke(group, ["verify", str(tmp_path), "--json"])
    assert broken.exit_code == 1
    assert {finding["fault"] for finding in json.loads(broken.stdout)} == {"missing", "lock"}
    assert "lock\tdataset.lock.json" in CliRunner().invoke(group, ["verify", str(tmp_path)]).stdout


def test_card_prints_the_counts(pair):
    card = CliRunner().invoke(group, ["card", str(pair[0])]).stdout
    assert card == (pair[0] / "README.md").read_text()
    assert card.startswith(
        "# abdomen 1.2.0\n\n17 volumes of 12 patients, 34 masks by 2 authors, consensus by majority."
    )
    assert "| vendor | train | validation | test |" in card
    assert "| 1 | liver | SCT 10200004 |" in card


def test_a_dataset_does_not_differ_from_itself(pair):
    assert diff(pair[0], pair[0]).is_empty
    same = CliRunner().invoke(group, ["diff", str(pair[0]), str(pair[0])])
    assert (same.exit_code, same.stdout) == (0, "")


def test_what_differs_is_named(pair):
    candidates = catalogue()
    difference = diff(*pair)
    assert difference.added == (item_id_of(candidates[-1].SeriesInstanceUID),)
    assert difference.removed == (item_id_of(candidates[0].SeriesInstanceUID),)
    (change,) = difference.changed
    assert change.item_id == item_id_of(candidates[3].SeriesInstanceUID)
    assert set(change.columns) == {"mask_path", "mask_sha256", "votes_path", "votes_sha256"}
    assert (len(difference.annotations_added), len(difference.annotations_removed)) == (2, 3)
    assert difference.moved
    text = CliRunner().invoke(group, ["diff", *map(str, pair)])
    assert text.exit_code == 1
    assert f"added\t{difference.added[0]}\n" in text.stdout
    machine = json.loads(CliRunner().invoke(group, ["diff", "--json", *map(str, pair)]).stdout)
    assert len(machine["moved"]) == len(difference.moved)
