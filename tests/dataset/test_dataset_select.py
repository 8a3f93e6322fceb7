"""Selection: even, certified, order-free, and a reason for everyone."""

from __future__ import annotations

import itertools
import json
from collections import Counter

import pytest
from dataset_samples import VENDORS, catalogue, series_of, spec_of
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.dataset.diversity import effective_number
from curator.dataset.select import certificate_bytes, select
from curator.errors import UsageError
from curator.model.selection import LeftOutReason


def distance(chosen, candidates, attributes):
    """The L1 distance to even, from its definition."""
    total = 0.0
    for name in attributes:
        values = {getattr(series, name) for series in candidates}
        counts = Counter(getattr(series, name) for series in chosen)
        total += sum(abs(counts[value] - len(chosen) / len(values)) for value in values)
    return total


candidate_lists = st.lists(
    st.tuples(st.sampled_from(VENDORS), st.sampled_from(["C1", "C2", "C3"]), st.integers(0, 9)), min_size=1, max_size=9
).map(
    lambda rows: [
        series_of(n, vendor=vendor, centre_code=centre, patient_code=f"P{patient}")
        for n, (vendor, centre, patient) in enumerate(rows)
    ]
)


@settings(deadline=None, max_examples=60)
@given(candidate_lists, st.integers(1, 9), st.randoms())
def test_between_the_bound_and_little_above_the_best_of_all_choices(candidates, size, shuffler):
    spec = spec_of(size=size)
    selection = select(candidates, spec)
    assert len(selection.chosen) == min(size, len(candidates))
    assert selection.l1 == pytest.approx(distance(selection.chosen, candidates, spec.balance_by))
    best = min(
        distance(choice, candidates, spec.balance_by)
        for choice in itertools.combinations(candidates, len(selection.chosen))
    )
    assert selection.l1_bound <= best + 1e-6
    # A local optimum of single swaps; on these small cases it is never more than two moved series away.
    assert best - 1e-6 <= selection.l1 <= best + 4 + 1e-6
    shuffled = candidates.copy()
    shuffler.shuffle(shuffled)
    assert select(shuffled, spec) == selection


@settings(deadline=None, max_examples=60)
@given(candidate_lists, st.integers(1, 9))
def test_no_single_swap_would_help(candidates, size):
    spec = spec_of(size=size)
    selection = select(candidates, spec)
    chosen = list(selection.chosen)
    rest = [series for series in candidates if series not in chosen]
    for out, into in itertools.product(chosen, rest):
        swapped = [series for series in chosen if series is not out] + [into]
        assert distance(swapped, candidates, spec.balance_by) >= selection.l1 - 1e-6


def test_an_even_choice_is_found_and_proved():
    candidates = [series_of(n, vendor=VENDORS[min(n // 3, 3)]) for n in range(100)]
    selection = select(candidates, spec_of(size=12, balance_by=["vendor"]))
    assert selection.l1 == selection.l1_bound == 0.0
    assert {(s.value, s.wanted, s.got) for s in selection.strata} == {(vendor, 3.0, 3) for vendor in VENDORS}


def test_the_bound_sees_a_shortage():
    candidates = [series_of(n, vendor="GE" if n else "Canon") for n in range(40)]
    selection = select(candidates, spec_of(size=10, balance_by=["vendor"]))
    # 1 Canon and 9 GE, where 5 of each were even.
    assert (selection.l1, selection.l1_bound) == (8.0, 8.0)


def test_more_patients_rather_than_more_scans_of_one():
    candidates = [series_of(n, patient_code=f"P{n // 5}", vendor="GE") for n in range(50)]
    selection = select(candidates, spec_of(size=10, balance_by=["vendor"]))
    assert len({series.patient_code for series in selection.chosen}) == 10


def test_every_candidate_left_out_has_its_reason():
    candidates = [
        series_of(0),
        series_of(1, Modality="SEG"),
        series_of(2, BodyPartExamined="HEAD"),
        series_of(3, vendor="Elscint"),
        series_of(4, annotators=()),
        series_of(5, annotators=("A1",)),
        series_of(6),
    ]
    filters = {
        "Modality": ["CT"],
        "BodyPartExamined": ["ABDOMEN"],
        "vendor": list(VENDORS),
        "require_annotations": True,
        "minimum_annotators": 2,
    }
    selection = select(candidates, spec_of(filters=filters, size=1))
    reasons = {each.SeriesInstanceUID: each.reason for each in selection.left_out}
    assert [reasons.get(f"2.25.{n}") for n in range(2, 7)] == [
        LeftOutReason.MODALITY,
        LeftOutReason.BODY_PART,
        LeftOutReason.VENDOR,
        LeftOutReason.NOT_ANNOTATED,
        LeftOutReason.TOO_FEW_ANNOTATORS,
    ]
    assert LeftOutReason.BALANCE in reasons.values()
    assert len(reasons) + len(selection.chosen) == len(candidates)
    certificate = json.loads(certificate_bytes(selection))
    assert certificate["left_out"] == {uid: reason.value for uid, reason in reasons.items()}


def test_all_means_all_and_no_balance_means_any():
    candidates = catalogue()
    assert select(candidates, spec_of()).chosen == tuple(sorted(candidates, key=lambda s: s.SeriesInstanceUID))
    plain = select(candidates, spec_of(balance_by=[], size=5))
    assert (len(plain.chosen), plain.l1, plain.l1_bound, plain.strata) == (5, 0.0, 0.0, ())
    assert plain.chosen != select(candidates, spec_of(balance_by=[], size=5, seed=8)).chosen


def test_nothing_to_choose_from_is_said():
    with pytest.raises(UsageError, match="no series to choose from"):
        select([], spec_of())
    with pytest.raises(UsageError, match=r"leave none of 18 series \(18 by modality\)"):
        select(catalogue(), spec_of(filters={"Modality": ["PT"]}))
    with pytest.raises(UsageError, match="listed twice"):
        select([series_of(0), series_of(0)], spec_of())


def test_effective_number_of_equal_kinds_is_their_number():
    assert effective_number([5, 5, 5]) == pytest.approx(3.0)
    assert effective_number([9]) == pytest.approx(1.0)
    assert effective_number([]) == 0.0
