"""Numbers and words of tables."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import agreement, evaluation

from curator.model.evaluation import GroupScore
from curator.model.summary import CountGrid
from curator.report.tables import HEAT_LEVELS, dice_table, gaps_table, grid_table, scores_table
from curator.report.words import decimal, percent


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_percent_never_claims_all_or_nothing_wrongly(part: int, whole: int) -> None:
    part = min(part, whole)
    text = percent(part, whole)
    assert (text == "0 %") == (part == 0)
    assert (text == "100 %") == (part == whole)


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (float("nan"), "–"), (float("inf"), "∞"), (0.12345, "0.123"), (0.0, "0.000")]
)
def test_a_number_that_is_none_is_not_zero(value: float | None, shown: str) -> None:
    assert decimal(value) == shown


@given(st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=1, max_size=5))
def test_a_grid_sums_up_and_darkens_with_its_counts(cells: list[list[int]]) -> None:
    grid = CountGrid(
        row_attribute="vendor",
        column_attribute="centre_code",
        rows=tuple(f"V{number}" for number in range(len(cells))),
        columns=("A", "B", "C"),
        cells=tuple(tuple(row) for row in cells),
    )
    table = grid_table(grid, "caption")
    shown = [[int(cell.text) for cell in row[1:]] for row in table.rows]
    assert [row[:-1] for row in shown[:-1]] == cells
    assert [row[-1] for row in shown[:-1]] == [sum(row) for row in cells]
    assert shown[-1] == [*(sum(column) for column in zip(*cells, strict=True)), sum(map(sum, cells))]
    darkness = sorted((int(cell.text), cell.heat) for row in table.rows[:-1] for cell in row[1:-1])
    assert [heat for _, heat in darkness] == sorted(heat for _, heat in darkness)
    assert all((count == 0) == (heat == 0) and 0 <= heat <= HEAT_LEVELS for count, heat in darkness)


def score(group: str, low: float, mean: float, high: float, cases: int = 5) -> GroupScore:
    return GroupScore(
        group_by="vendor",
        group=group,
        label="liver",
        cases=cases,
        dice_mean=mean,
        dice_low=low,
        dice_high=high,
        hd95_mm_median=1.0,
    )


@pytest.mark.parametrize(
    ("worst", "verdict"),
    [
        (score("B", 0.5, 0.6, 0.7), "apart"),
        (score("B", 0.5, 0.7, 0.85), "not told apart"),
        (score("B", 0.6, 0.6, 0.6, cases=1), "not told apart"),
    ],
)
def test_the_gap_is_between_best_and_worst(worst: GroupScore, verdict: str) -> None:
    best, middle = score("A", 0.8, 0.9, 0.95), score("C", 0.8, 0.85, 0.9)
    table = gaps_table([worst, best, middle], "vendor")
    (row,) = [[cell.text for cell in row] for row in table.rows]
    gap = f"{0.9 - worst.dice_mean:.3f}"
    assert row == ["liver", "A (5)", "0.900", f"B ({worst.cases})", f"{worst.dice_mean:.3f}", gap, verdict]


def test_one_group_has_no_gap() -> None:
    assert gaps_table([score("A", 0.8, 0.9, 0.95)], "vendor") is None


def test_what_was_not_compared_is_not_agreement() -> None:
    label = agreement().labels[0]
    label = replace(label, dice=((1.0, None, 0.8), (None, 1.0, None), (0.8, None, 1.0)), bias_ml=(None, 1.0, -1.0))
    first = [cell.text for cell in dice_table(label, agreement()).rows[0]]
    assert first == ["author 1", "·", "–", "0.800", "–"]


def test_scores_keep_their_infinite_distance() -> None:
    table = scores_table(evaluation().groups, "caption", "vendor")
    assert {row[-1].text for row in table.rows} >= {"∞", "4.2"}
