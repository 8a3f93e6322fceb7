"""Equal values mean the same before masks are compared."""

from __future__ import annotations

import numpy as np
import pytest
from dataset_samples import LIVER, SPLEEN, annotation_of, annotations_of, catalogue, frozen_at, series_of, spec_of

from curator.dataset.labels import harmonised, table_of
from curator.dataset.read import read_annotations, read_array, read_items
from curator.errors import ItemError, UsageError
from curator.model.annotation import Annotation, Label
from curator.model.quarantine import Reason

TABLE = [
    {"value": 1, "name": "liver", "code_value": "10200004", "coding_scheme": "SCT"},
    {"value": 2, "name": "spleen"},
]


def annotation(mask: list[int], *labels: Label) -> Annotation:
    voxels = np.array(mask, np.uint8).reshape(1, 1, -1)
    return Annotation(SeriesInstanceUID="1", author_code="A", role="r", tool="t", labels=labels, mask=voxels)


def test_values_are_brought_to_the_table_by_code_then_by_name():
    given = annotation([0, 7, 3, 9], Label(7, "Leber", "10200004", "SCT"), Label(3, "Spleen"), Label(9, "kidney"))
    same = harmonised(given, (LIVER, SPLEEN))
    assert same.mask.ravel().tolist() == [0, 1, 2, 0]
    assert same.labels == (LIVER, SPLEEN)


def test_other_codes_are_other_classes_even_under_one_name():
    given = annotation([5], Label(5, "liver", "123", "99LOCAL"))
    assert harmonised(given, (LIVER,)).mask.ravel().tolist() == [0]


def test_a_swap_of_two_values_is_no_chain():
    given = annotation([1, 2], Label(1, "spleen"), Label(2, "liver"))
    assert harmonised(given, (LIVER, SPLEEN)).mask.ravel().tolist() == [2, 1]


@pytest.mark.parametrize("table", [(), (LIVER,)])
def test_a_value_without_a_label_is_refused(table):
    with pytest.raises(ItemError) as caught:
        harmonised(annotation([0, 1, 4], LIVER), table)
    assert caught.value.reason is Reason.ANNOTATION_INVALID
    assert harmonised(annotation([0, 0]), table).labels == ()


def test_a_declared_background_is_no_class():
    given = annotation([0, 1], Label(0, "liver"), LIVER)
    assert harmonised(given, ()).labels == (LIVER,)
    assert harmonised(given, (LIVER,)).mask.ravel().tolist() == [0, 1]


def test_tables_that_agree_become_one():
    assert table_of([SPLEEN, LIVER, LIVER, Label(1, "Liver")]) in ((Label(1, "Liver"), SPLEEN), (LIVER, SPLEEN))
    assert table_of([]) == ()


@pytest.mark.parametrize("other", [Label(1, "kidney"), Label(2, "liver"), Label(3, "LIVER", "10200004", "SCT")])
def test_tables_that_contradict_are_refused(other):
    with pytest.raises(UsageError, match="disagree on label values"):
        table_of([LIVER, other])


def test_authors_with_other_tables_meet_in_the_frozen_masks(tmp_path):
    candidates = catalogue()
    masks = annotations_of(candidates)
    swapped = np.array([0, 2, 1], np.uint8)
    for series in candidates:
        mine, theirs = masks[series.SeriesInstanceUID]
        other = annotation_of(series, "A2", 5)
        object.__setattr__(other, "mask", swapped[theirs.mask])
        object.__setattr__(other, "labels", (Label(2, "LIVER"), Label(1, "spleen")))
        masks[series.SeriesInstanceUID] = [mine, other]
    spec = spec_of(labels=TABLE)
    one = frozen_at(tmp_path / "one", spec, candidates, masks)
    two = frozen_at(tmp_path / "two", spec, candidates)
    assert one.lock.files["manifest/items.parquet"] == two.lock.files["manifest/items.parquet"]
    assert {row.label_names for row in read_annotations(one.path)} == {("liver", "spleen")}
    with pytest.raises(UsageError, match=r"state the table as \[\[dataset.labels\]\]"):
        frozen_at(tmp_path / "three", spec_of(), candidates, masks)


def test_what_the_table_lacks_is_background(tmp_path):
    frozen = frozen_at(tmp_path, spec_of(labels=TABLE[:1]), [*catalogue(), series_of(50)])
    assert {int(v) for i in read_items(frozen.path) for v in np.unique(read_array(frozen.path / i.mask_path))} == {0, 1}
    assert frozen.lock.labels == (LIVER,)
