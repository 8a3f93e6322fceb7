from __future__ import annotations

import math
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curator.catalog.diversity import ATTRIBUTES, cross_table, diversity, entropy_nats, report
from curator.model.series import CatalogSeries

_BLANK = {field.name: "" for field in fields(CatalogSeries) if field.type == "str"}


def _series(**facts: str) -> CatalogSeries:
    return CatalogSeries(**_BLANK | facts, instance_count=1, paths=("a",), sha256s=("b",))


def _of(*vendors: str) -> list[CatalogSeries]:
    return [_series(vendor=vendor) for vendor in vendors]


@pytest.mark.parametrize("values", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("each", [1, 5])
def test_equal_shares_count_as_many_as_there_are(values: int, each: int) -> None:
    collection = _of(*(f"v{number}" for number in range(values) for _ in range(each)))
    found = diversity(collection, "vendor")
    assert found.effective_number == pytest.approx(values, rel=1e-12)
    assert found.entropy_nats == pytest.approx(math.log(values), abs=1e-12)
    assert found.evenness == pytest.approx(1.0)
    assert found.counts == tuple(sorted((f"v{number}", each) for number in range(values)))


def test_unequal_shares_by_hand() -> None:
    found = diversity(_of("a", "a", "a", "b"), "vendor")
    entropy = 0.75 * math.log(4 / 3) + 0.25 * math.log(4)
    assert found.counts == (("a", 3), ("b", 1))
    assert found.entropy_nats == pytest.approx(entropy)
    assert found.evenness == pytest.approx(entropy / math.log(2))
    assert found.effective_number == pytest.approx(4 / 3**0.75)


def test_nothing_is_not_diverse() -> None:
    empty = report([])
    assert (empty.series, empty.patients) == (0, 0)
    assert [one.attribute for one in empty.attributes] == list(ATTRIBUTES)
    for one in empty.attributes:
        assert (one.counts, one.entropy_nats, one.evenness, one.effective_number) == ((), 0.0, 0.0, 0.0)
    assert (empty.vendor_by_centre.rows, empty.vendor_by_centre.cells) == ((), ())
    assert empty.vendor_by_centre.shared_information == 0.0


@given(counts=st.lists(st.integers(1, 50), min_size=1, max_size=8), seed=st.randoms(use_true_random=False))
def test_the_measures_depend_on_counts_alone_and_keep_their_bounds(counts: list[int], seed) -> None:
    names = [f"v{number}" for number in range(len(counts))]
    collection = _of(*(name for name, count in zip(names, counts, strict=True) for _ in range(count)))
    shuffled = list(collection)
    seed.shuffle(shuffled)
    found = diversity(collection, "vendor")
    assert diversity(shuffled, "vendor") == found
    assert entropy_nats(dict(zip(names[::-1], counts, strict=True))) == found.entropy_nats
    assert 0.0 <= found.entropy_nats <= math.log(len(counts)) + 1e-12
    assert 0.0 <= found.evenness <= 1.0
    assert 1.0 <= found.effective_number <= len(counts) * (1 + 1e-12)


@given(counts=st.lists(st.integers(1, 50), min_size=1, max_size=8))
def test_doubling_a_collection_changes_no_measure(counts: list[int]) -> None:
    collection = _of(*(f"v{number}" for number, count in enumerate(counts) for _ in range(count)))
    once, twice = diversity(collection, "vendor"), diversity(collection * 2, "vendor")
    assert twice.entropy_nats == pytest.approx(once.entropy_nats, abs=1e-12)
    assert twice.effective_number == pytest.approx(once.effective_number)


def test_one_vendor_to_a_centre_shares_all_information() -> None:
    collection = [_series(vendor=vendor, centre_code=f"C{vendor}") for vendor in "aaabbc"]
    table = cross_table(collection, "vendor", "centre_code")
    assert (table.rows, table.columns) == (("a", "b", "c"), ("Ca", "Cb", "Cc"))
    assert table.cells == ((3, 0, 0), (0, 2, 0), (0, 0, 1))
    assert table.shared_information == pytest.approx(1.0)


def test_every_vendor_at_every_centre_shares_none() -> None:
    collection = [_series(vendor=vendor, centre_code=centre) for vendor in "aab" for centre in "XY"]
    table = cross_table(collection, "vendor", "centre_code")
    assert table.cells == ((2, 2), (1, 1))
    assert table.shared_information == pytest.approx(0.0, abs=1e-12)
    assert cross_table(collection[:1], "vendor", "centre_code").shared_information == 0.0


def test_a_report_counts_patients_once() -> None:
    collection = [_series(patient_code="p", vendor="a"), _series(patient_code="p", vendor="b")]
    found = report(collection)
    assert (found.series, found.patients) == (2, 1)
    assert found.attributes[0].effective_number == pytest.approx(2.0)
