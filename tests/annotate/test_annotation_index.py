from dataclasses import replace

import numpy as np
import pytest

from curator.annotate.readers.index import read_index
from curator.annotate.readers.labels import read_labels
from curator.annotate.readers.listed import read_annotation
from curator.errors import ConfigurationError, ItemError
from curator.imaging.grid import reoriented
from curator.imaging.nifti import nifti_bytes
from curator.model.annotation import Label
from curator.model.quarantine import Reason

HEADER = "path,SeriesInstanceUID,author,role,tool\n"


def index(tmp_path, text):
    (tmp_path / "index.csv").write_text(text, encoding="utf-8")
    return read_index(tmp_path / "index.csv")


def test_rows_with_quotes_byte_order_mark_and_other_column_order(tmp_path):
    (entry,) = index(tmp_path, '\ufeffauthor,path,tool,role,SeriesInstanceUID\n"Doe, J",m/1.nii.gz,,reader,1.2.3\n\n')
    assert (entry.path, entry.author, entry.role, entry.tool) == (tmp_path / "m/1.nii.gz", "Doe, J", "reader", "")
    assert entry.SeriesInstanceUID == "1.2.3"
    for secret in ("Doe", "1.2.3", "1.nii"):
        assert secret not in repr(entry)


def test_a_header_alone_is_no_rows(tmp_path):
    assert index(tmp_path, HEADER) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEADER.replace("author", "autor"), "no column 'autor'; did you mean 'author'?"),
        (HEADER.replace(",tool", ""), "each of the columns"),
        (HEADER.replace("tool", "role"), "each of the columns"),
        ("", "each of the columns"),
        (HEADER + "a.nii,1.2,Doe,x\n", "row 2 .* 4 values for 5"),
        (HEADER + "a.nii,1.2,Doe,x,y,z\n", "row 2 .* 6 values for 5"),
        (HEADER + "a.nii,1.2,Doe,,\nb.nii,1.2,  ,,\n", "row 3 .* no author"),
        (HEADER + "a.nii,,Doe,,\n", "row 2 .* no SeriesInstanceUID"),
        (HEADER + "a.nii,1.2,Doe,,\na.nii,1.3,Doe,,\n", "row 3 .* repeats the path"),
        (HEADER + '"a.nii,1.2,Doe,,\n', "no CSV"),
    ],
)
def test_a_wrong_index_is_refused_without_naming_anybody(tmp_path, text, words):
    with pytest.raises(ConfigurationError, match=words) as caught:
        index(tmp_path, text)
    assert "Doe" not in str(caught.value)


def test_a_missing_index(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_index(tmp_path / "absent.csv")


LABELS = """
[[label]]
value = 2
name = "spleen"
[[label]]
value = 1
name = "liver"
code_value = "10200004"
coding_scheme = "SCT"
"""


def labels(tmp_path, text):
    (tmp_path / "labels.toml").write_text(text)
    return read_labels(tmp_path / "labels.toml")


def test_labels(tmp_path):
    table = labels(tmp_path, LABELS)
    assert table.labels == (Label(1, "liver", "10200004", "SCT"), Label(2, "spleen"))
    assert not table.higher_value_wins
    assert labels(tmp_path, 'overlap = "higher_value"' + LABELS).higher_value_wins


def test_code_before_name_and_name_among_equal_codes(tmp_path):
    kidneys = "".join(
        f'[[label]]\nvalue = {value}\nname = "{side} kidney"\ncode_value = "64033007"\ncoding_scheme = "SCT"\n'
        for value, side in ((3, "left"), (4, "right"))
    )
    table = labels(tmp_path, LABELS + kidneys)
    liver, spleen = table.labels[:2]
    assert table.meant_by(["spleen"], code_value="10200004", coding_scheme="SCT") == liver
    assert table.meant_by([" Spleen "], code_value="78961009", coding_scheme="SCT") == spleen
    assert table.meant_by(["RIGHT kidney"], code_value="64033007", coding_scheme="SCT").value == 4
    assert table.meant_by(["liver"], code_value="64033007", coding_scheme="SCT") is None
    assert table.meant_by(["liver"], code_value="28273000", coding_scheme="SCT") is None
    assert table.meant_by(["liver"], code_value="T-62000", coding_scheme="SRT") == liver
    assert table.meant_by(["other"], code_value="", coding_scheme="") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least one"),
        (LABELS.replace("name", "nam", 1), "no key 'nam'; did you mean 'name'?"),
        ('overlaps = "x"' + LABELS, "no key 'overlaps'; did you mean 'overlap'?"),
        ('overlap = "lower"' + LABELS, "overlap"),
        (LABELS.replace("value = 2", "value = 1", 1), "same value twice"),
        (LABELS.replace("spleen", "LIVER"), "same name twice"),
        (LABELS.replace("value = 2", "value = 256", 1), "between 1 and 255"),
        (LABELS.replace("value = 2", "value = 0", 1), "between 1 and 255"),
        (LABELS.replace('coding_scheme = "SCT"', ""), "come together"),
        (LABELS.replace('"spleen"', '" "'), "must not be empty"),
    ],
)
def test_wrong_labels_are_refused(tmp_path, text, words):
    with pytest.raises(ConfigurationError, match=words):
        labels(tmp_path, text)


def codes():
    return {"uid": lambda uid: f"new-{uid}", "author_code": lambda name: f"code-{len(name)}"}


@pytest.fixture
def write_mask(tmp_path, image):
    def write(mask):
        (tmp_path / "m.nii.gz").write_bytes(nifti_bytes(replace(image, stored=mask)))
        (entry,) = index(tmp_path, HEADER + "m.nii.gz,1.2.3,Doe,reader,editor\n")
        return entry

    return write


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64])
def test_a_nifti_mask_becomes_an_annotation_without_its_source(write_mask, image, table, dtype):
    drawn = np.zeros(image.shape, dtype)
    drawn[1, 2, 3], drawn[4, 5, 7] = 1, 7
    annotation = read_annotation(write_mask(drawn), image=image, table=table, **codes())
    np.testing.assert_array_equal(annotation.mask, drawn)
    assert annotation.mask.dtype == np.uint8
    assert (annotation.SeriesInstanceUID, annotation.author_code) == ("new-1.2.3", "code-3")
    assert (annotation.role, annotation.tool, annotation.labels) == ("reader", "editor", table.labels)


def test_a_mask_in_another_orientation_is_turned(tmp_path, write_mask, image, table):
    drawn = np.zeros(image.shape, np.uint8)
    drawn[1, 2, 3] = 2
    entry = write_mask(drawn)
    turned = reoriented(replace(image, stored=drawn), axes_xyz=(2, 0, 1), reversed_xyz=(True, False, True))
    entry.path.write_bytes(nifti_bytes(turned))
    np.testing.assert_array_equal(read_annotation(entry, image=image, table=table, **codes()).mask, drawn)


@pytest.mark.parametrize("value", [3, 0.5, -1, 256, np.nan, np.inf])
def test_values_that_no_label_declares_are_refused(write_mask, image, table, value):
    drawn = np.zeros(image.shape, np.float32)
    drawn[0, 0, 0] = value
    with pytest.raises(ItemError) as caught:
        read_annotation(write_mask(drawn), image=image, table=table, **codes())
    assert caught.value.reason is Reason.ANNOTATION_INVALID


def test_a_mask_elsewhere_is_refused(write_mask, image, table):
    entry = write_mask(np.zeros(image.shape, np.uint8))
    image.affine_lps[0, 3] += 5
    with pytest.raises(ItemError) as caught:
        read_annotation(entry, image=image, table=table, **codes())
    assert caught.value.reason is Reason.GEOMETRY_MISMATCH


def test_an_absent_mask_is_unreadable(write_mask, image, table):
    entry = write_mask(np.zeros(image.shape, np.uint8))
    entry.path.unlink()
    with pytest.raises(ItemError) as caught:
        read_annotation(entry, image=image, table=table, **codes())
    assert caught.value.reason is Reason.UNREADABLE
