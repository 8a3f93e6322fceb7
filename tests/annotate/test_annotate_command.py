import json

import numpy as np
import pytest
from click.testing import CliRunner

from curator.cli.annotate import group
from curator.errors import ItemError, UsageError
from curator.imaging.nifti import nifti_bytes, read_nifti
from curator.model.volume import Volume


@pytest.fixture
def masks(tmp_path):
    """Three authors, the third of whom draws too much."""
    paths = []
    for author, upper in enumerate((5, 5, 8)):
        mask = np.zeros((10, 10, 10), np.uint8)
        mask[2:upper, 2:6, 2:6] = 1
        paths.append(tmp_path / f"doe_{author}.nii.gz")
        affine = np.diag([1.0, 1.0, 2.0, 1.0])
        paths[-1].write_bytes(nifti_bytes(Volume(stored=mask, affine_lps=affine)))
    return paths


def run(*arguments):
    return CliRunner().invoke(group, [str(argument) for argument in arguments], catch_exceptions=False)


def test_agreement_shows_the_biased_author(masks):
    record = json.loads(run("agreement", *masks, "--json").stdout)
    (label,) = record["labels"]
    assert label["bias_ml"] == [0, 0, pytest.approx(3 * 16 * 2 / 1000)]
    assert label["dice"][0][2] == pytest.approx(2 * 48 / (48 + 96))
    assert record["authors"] == 3
    assert record["fleiss_kappa"] < 1
    text = run("agreement", *masks).stdout
    assert "author 3" in text
    assert "doe" not in text


@pytest.mark.parametrize("method", ["majority", "staple"])
def test_consensus_writes_the_mask_on_the_first_grid(tmp_path, masks, method):
    out = tmp_path / "made" / "c.nii.gz"
    what_if = run("consensus", *masks, "--out", out, "--method", method, "--what-if", "--json")
    assert not out.exists()
    written = run("consensus", *masks, "--out", out, "--method", method, "--json")
    assert json.loads(what_if.stdout) | {"written": True} == json.loads(written.stdout)
    volume, first = read_nifti(out), read_nifti(masks[0])
    np.testing.assert_array_equal(volume.affine_lps, first.affine_lps)
    np.testing.assert_array_equal(volume.stored, first.stored)
    assert json.loads(written.stdout)["voxels"] == {"0": 952, "1": 48}
    before = out.read_bytes()
    run("consensus", *masks, "--out", out, "--method", method)
    assert out.read_bytes() == before


def test_a_source_is_never_written_to(masks):
    before = masks[1].read_bytes()
    with pytest.raises(UsageError, match="never written"):
        run("consensus", *masks, "--out", masks[1])
    with pytest.raises(UsageError, match=r"\.nii\.gz"):
        run("consensus", *masks, "--out", "c.nrrd")
    assert masks[1].read_bytes() == before


def test_a_broken_mask_is_named_by_its_number(masks):
    masks[1].write_bytes(b"broken")
    with pytest.raises(ItemError, match="mask 2 of 3") as caught:
        run("agreement", *masks)
    assert "doe" not in str(caught.value)


def test_one_mask_has_nobody_to_agree_with(masks):
    with pytest.raises(UsageError, match="two authors"):
        run("agreement", masks[0])
