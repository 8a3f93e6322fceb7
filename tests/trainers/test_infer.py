from dataclasses import replace

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from curator.errors import IntegrityError, UsageError
from curator.model.manifest import Split
from trainers.dataset import read_dataset
from trainers.files import read_json
from trainers.fit import fit
from trainers.infer import predict
from trainers.predictions import nifti_bytes, read_prediction

TURN = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])


@pytest.fixture
def oblique(toy_dataset):
    """An item turned by 37 degrees, and a mask that is different under every flip and transposition."""
    item = read_dataset(toy_dataset).items[0]
    affine = np.eye(4)
    affine[:3, :3] = TURN @ np.diag([0.7, 0.9, 4.0])
    affine[:3, 3] = (-31.5, 12.25, 800.0)
    item = replace(item, affine_lps=tuple(affine.ravel()), shape=(3, 4, 5), spacing_mm=(4.0, 0.9, 0.7))
    return item, affine, np.arange(60, dtype=np.uint8).reshape(3, 4, 5)


def test_simpleitk_finds_every_voxel_where_the_manifest_puts_it(oblique, tmp_path):
    item, affine, mask = oblique
    path = tmp_path / "mask.nii.gz"
    path.write_bytes(nifti_bytes(mask, item))
    image = sitk.ReadImage(str(path))
    assert np.array_equal(sitk.GetArrayFromImage(image), mask)
    for index in ((0, 0, 0), (4, 0, 0), (0, 3, 0), (0, 0, 2), (4, 3, 2)):
        wanted = (affine @ [*index, 1])[:3]
        assert image.TransformIndexToPhysicalPoint(index) == pytest.approx(tuple(wanted), abs=1e-3)


def test_nibabel_reads_ras_millimetres(oblique, tmp_path):
    item, affine, mask = oblique
    path = tmp_path / "mask.nii.gz"
    path.write_bytes(nifti_bytes(mask, item))
    image = nibabel.load(path)
    np.testing.assert_allclose(image.affine, np.diag([-1, -1, 1, 1]) @ affine, atol=1e-4)
    np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=1e-4)
    assert image.header.get_xyzt_units()[0] == "mm"
    assert image.get_data_dtype() == np.uint8


def test_predictions_round_trip_and_repeat(oblique, tmp_path):
    item, _, mask = oblique
    content = nifti_bytes(mask, item)
    assert content == nifti_bytes(mask, item)
    path = tmp_path / f"{item.item_id}.nii.gz"
    with pytest.raises(UsageError, match="no prediction"):
        read_prediction(tmp_path, item)
    path.write_bytes(content)
    assert np.array_equal(read_prediction(tmp_path, item), mask)
    with pytest.raises(IntegrityError, match="grid"):
        read_prediction(tmp_path, replace(item, shape=(4, 3, 5)))
    path.write_bytes(content[:-20])
    with pytest.raises(IntegrityError, match="cannot be read"):
        read_prediction(tmp_path, item)


def test_masks_come_back_on_the_native_grid(toy_dataset, tmp_path, tiny):
    """Trained at another spacing, so that every prediction has to be resampled back."""
    run = tmp_path / "run"
    fit(toy_dataset, run, replace(tiny, spacing_mm=(7.0, 4.0, 4.0), patch_size=(8, 16, 16), steps=2))
    paths = predict(run, toy_dataset)
    dataset = read_dataset(toy_dataset)
    items = dataset.members(Split.TEST)
    assert paths == [run / "predictions" / f"{item.item_id}.nii.gz" for item in items]
    for item in items:
        got = read_prediction(run / "predictions", item)
        assert got.shape == item.shape == (12, 32, 32)
        assert set(np.unique(got).tolist()) <= {0, 1, 2, 5}
    index = read_json(run / "predictions" / "predictions.json")
    assert index["items"] == [item.item_id for item in items]
    assert index["dataset"]["merkle_root"] == dataset.identity.merkle_root

    before = [path.read_bytes() for path in paths]
    seen = []
    others = predict(run, toy_dataset, split=None, out=tmp_path / "all", progress=lambda *at: seen.append(at))
    assert len(others) == 8 and seen == [(n, 8) for n in range(1, 9)]
    assert [(tmp_path / "all" / path.name).read_bytes() for path in paths] == before


def test_no_run_no_prediction(toy_dataset, tmp_path):
    with pytest.raises(UsageError, match="no run here"):
        predict(tmp_path, toy_dataset)
