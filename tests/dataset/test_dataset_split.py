"""Laws of splitting: nobody on two sides, everything placed, order-free, near the shares."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from curator.dataset.split import Placeable, groups_of, split
from curator.errors import UsageError
from curator.model.manifest import Split

SHARES = ((Split.TRAIN, 0.6), (Split.VALIDATION, 0.2), (Split.TEST, 0.2))


@st.composite
def placeables(draw: st.DrawFn) -> list[Placeable]:
    """Up to 60 items of up to 30 patients, some of whom share a volume."""
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 29), st.sampled_from("ABCD"), st.sampled_from("XY"), st.integers(0, 200)),
            min_size=12,
            max_size=60,
        )
    )
    return [
        Placeable(item_id=f"i{n:03}", patient_code=f"P{patient}", strata=(vendor, centre), links=(f"v{volume}",))
        for n, (patient, vendor, centre, volume) in enumerate(rows)
    ]


@settings(deadline=None, max_examples=150)
@given(placeables(), st.integers(0, 5), st.randoms())
def test_laws(items, seed, shuffler):
    groups = groups_of(items)
    if len(groups) < 5:
        return
    folds = 2
    rows = split(items, SHARES, folds=folds, seed=seed)
    # All are placed, once.
    assert [row.item_id for row in rows] == sorted(item.item_id for item in items)
    # No patient and no shared volume is in two splits or folds.
    where = {row.item_id: (row.split, row.fold) for row in rows}
    for attribute in ("patient_code", "links"):
        places: dict[object, set[object]] = {}
        for item in items:
            places.setdefault(getattr(item, attribute), set()).add(where[item.item_id])
        assert all(len(each) == 1 for each in places.values())
    # Folds are for train and validation, and all are used.
    assert {row.fold for row in rows if row.split is Split.TEST} <= {-1}
    assert {row.fold for row in rows if row.split is not Split.TEST} == set(range(folds))
    # Each split overshoots by less than the largest group; so none undershoots by more than the others' overshoot.
    largest = max(len(group) for group in groups)
    sizes = Counter(row.split for row in rows)
    for part, share in SHARES:
        assert sizes[part] >= 1
        assert -2 * largest < sizes[part] - share * len(items) < largest
    # The order in which items come does not matter.
    shuffled = items.copy()
    shuffler.shuffle(shuffled)
    assert split(shuffled, SHARES, folds=folds, seed=seed) == rows


def test_links_join_patients_through_others():
    def one(name: str, patient: str, *links: str) -> Placeable:
        return Placeable(item_id=name, patient_code=patient, links=links)

    chain = [one("a", "P1", "x"), one("b", "P2", "x", "y"), one("c", "P3", "y"), one("d", "P4", "z")]
    assert [{item.patient_code for item in group} for group in groups_of(chain)] == [{"P1", "P2", "P3"}, {"P4"}]


def test_a_link_is_no_patient_of_the_same_name():
    items = [Placeable(item_id="a", patient_code="same"), Placeable(item_id="b", patient_code="P", links=("same",))]
    assert len(groups_of(items)) == 2


def test_strata_of_two_attributes_keep_their_shares():
    draw = random.Random(3)
    items = [
        Placeable(
            item_id=f"i{n:04}",
            patient_code=f"P{n // 2}",
            strata=(draw.choices("ABC", (6, 3, 1))[0], draw.choices("XYZ", (5, 4, 1))[0]),
        )
        for n in range(2000)
    ]
    rows = split(items, SHARES, folds=5)
    split_of = {row.item_id: row.split for row in rows}
    fold_of = {row.item_id: row.fold for row in rows}
    for axis in (0, 1):
        totals = Counter(item.strata[axis] for item in items)
        got = Counter((item.strata[axis], split_of[item.item_id]) for item in items)
        for value, total in totals.items():
            for part, share in SHARES:
                assert abs(got[value, part] / total - share) < 0.01
        folded = Counter((item.strata[axis], fold_of[item.item_id]) for item in items)
        for value in totals:
            counts = [folded[value, fold] for fold in range(5)]
            assert max(counts) - min(counts) <= 0.1 * max(counts)


def test_another_seed_gives_another_split():
    items = [Placeable(item_id=f"i{n}", patient_code=f"P{n}") for n in range(50)]
    assert split(items, SHARES, seed=1) != split(items, SHARES, seed=2)


def test_a_share_of_nothing_gets_nothing():
    items = [Placeable(item_id=f"i{n}", patient_code=f"P{n}") for n in range(9)]
    rows = split(items, ((Split.TRAIN, 1.0), (Split.VALIDATION, 0.0), (Split.TEST, 0.0)), folds=3)
    assert {row.split for row in rows} == {Split.TRAIN}
    assert Counter(row.fold for row in rows) == {0: 3, 1: 3, 2: 3}


def test_too_few_patients_are_refused_and_none_are_fine():
    items = [Placeable(item_id=f"i{n}", patient_code=f"P{n % 2}") for n in range(9)]
    with pytest.raises(UsageError, match="3 splits or folds need as many unrelated patients, and there are 2"):
        split(items, SHARES)
    assert split([], SHARES, folds=5) == ()


def test_near_to_sklearn():
    draw = random.Random(0)
    items = [
        Placeable(item_id=f"i{n:04}", patient_code=f"P{draw.randrange(150)}", strata=(draw.choice("AAAB"),))
        for n in range(400)
    ]
    total = Counter(item.strata[0] for item in items)

    def worst(fold_of: dict[str, int]) -> float:
        counts = Counter((item.strata[0], fold_of[item.item_id]) for item in items)
        return max(abs(counts[value, fold] / total[value] - 0.2) for value in total for fold in range(5))

    ours = {row.item_id: row.fold for row in split(items, ((Split.TRAIN, 1.0),), folds=5)}
    parts = StratifiedGroupKFold(5).split(
        items, [item.strata[0] for item in items], [item.patient_code for item in items]
    )
    theirs = {items[index].item_id: fold for fold, (_, test) in enumerate(parts) for index in test}
    assert worst(ours) <= worst(theirs) + 0.01
