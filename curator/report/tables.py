"""Tables of a report.

The law: every table has a caption and a heading for each row and column; a number stands in a table before it stands in
a figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from curator.model.evaluation import GroupScore
from curator.model.quarantine import REMEDY, Reason
from curator.model.summary import (
    AgreementSummary,
    CountGrid,
    Distribution,
    HeldItem,
    LabelAgreementSummary,
    ReasonCount,
    RuleCount,
    Tally,
)
from curator.report.words import NOT_STATED, attribute_name, decimal, percent

HEAT_LEVELS = 6
_MOST_ROWS = 50
_WORST_DICE_SHOWN = 0.5


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell; `heat` is 0 to `HEAT_LEVELS`, None for a plain one; `share` is in [0, 1] and draws a bar."""

    text: str
    heat: int | None = None
    share: float | None = None
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table whose rows begin with their heading; `columns` is empty where names and values need none."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def _texts(*values: str) -> tuple[Cell, ...]:
    return tuple(Cell(value) for value in values)


def _numbers(*values: str) -> tuple[Cell, ...]:
    return tuple(Cell(value, is_number=True) for value in values)


def reasons_table(caption: str, held: Sequence[ReasonCount], whole: int) -> ReportTable:
    """Every reason that holds something of `whole` back, the most frequent first, with what a steward can do."""
    counts: dict[str, int] = {}
    stages: dict[str, set[str]] = {}
    reasons = {each.reason.value: each.reason for each in held}
    for each in held:
        counts[each.reason.value] = counts.get(each.reason.value, 0) + each.count
        stages.setdefault(each.reason.value, set()).add(each.stage)
    most = max(counts.values(), default=1)
    ordered = sorted(counts, key=lambda code: (-counts[code], code))
    rows = [
        (
            Cell(code),
            Cell(str(counts[code]), is_number=True, share=counts[code] / most),
            Cell(percent(counts[code], whole), is_number=True),
            Cell(", ".join(sorted(stages[code]))),
            Cell(_remedy(reasons[code])),
        )
        for code in ordered
    ]
    return ReportTable(
        caption,
        ("reason", "count", "of all", "stage", "what it means and what to do"),
        tuple(rows),
    )


def _remedy(reason: Reason) -> str:
    remedy = REMEDY[reason]
    return f"{remedy}; the next run tries again" if reason.is_environmental and "again" not in remedy else remedy


def distribution_table(distributions: Iterable[Distribution]) -> ReportTable:
    """Kinds, effective kinds and evenness of each attribute."""
    rows = [
        (
            Cell(attribute_name(each.attribute)),
            *_numbers(str(len(each.counts)), decimal(each.effective_number, 1), decimal(each.evenness, 2)),
            Cell(", ".join(f"{tally.name or NOT_STATED} {tally.count}" for tally in each.counts)),
        )
        for each in distributions
    ]
    return ReportTable(
        "Diversity of the released series",
        ("attribute", "values", "as varied as", "evenness", "series by value"),
        tuple(rows),
        "Evenness is 1 where all values are equally frequent.",
    )


def grid_table(grid: CountGrid, caption: str, note: str = "") -> ReportTable:
    """Counts of two attributes together, darker where there are more, with totals."""
    most = max((count for row in grid.cells for count in row), default=0)
    rows = [
        (
            Cell(name or NOT_STATED),
            *(Cell(str(count), heat=_level(count / most if most else 0.0), is_number=True) for count in counts),
            Cell(str(sum(counts)), is_number=True),
        )
        for name, counts in zip(grid.rows, grid.cells, strict=True)
    ]
    totals = [sum(column) for column in zip(*grid.cells, strict=True)]
    rows.append((Cell("all"), *_numbers(*map(str, totals), str(sum(totals)))))
    head = f"{attribute_name(grid.row_attribute)} \\ {attribute_name(grid.column_attribute)}".casefold()
    return ReportTable(caption, (head, *(name or NOT_STATED for name in grid.columns), "all"), tuple(rows), note)


def authors_table(summary: AgreementSummary) -> ReportTable:
    """Who drew: codes, never names."""
    rows = [
        (
            Cell(f"author {number}"),
            *_texts(each.author_code or NOT_STATED, ", ".join(each.roles), ", ".join(each.tools)),
            *_numbers(str(each.masks)),
        )
        for number, each in enumerate(summary.authors, start=1)
    ]
    return ReportTable("Authors of masks", ("author", "code", "role as declared", "tool", "masks"), tuple(rows))


def dice_table(label: LabelAgreementSummary, summary: AgreementSummary) -> ReportTable:
    """One class: Dice between every two authors, and each author's bias."""
    names = [f"author {number}" for number in range(1, len(summary.authors) + 1)]
    rows = [
        (
            Cell(name),
            *(
                Cell("·" if row == column else decimal(value, 3), heat=_dice_heat(value, row == column), is_number=True)
                for column, value in enumerate(label.dice[row])
            ),
            Cell("–" if label.bias_ml[row] is None else f"{label.bias_ml[row]:+.1f}", is_number=True),
        )
        for row, name in enumerate(names)
    ]
    return ReportTable(f"Dice between authors: {label.label}", ("", *names, "bias, mL"), tuple(rows))


def _dice_heat(value: float | None, is_diagonal: bool) -> int | None:
    if value is None or is_diagonal:
        return None
    return _level((value - _WORST_DICE_SHOWN) / (1 - _WORST_DICE_SHOWN))


def _level(share: float) -> int:
    """How dark: 0 for nothing, at least 1 for something."""
    return 0 if share <= 0 else max(1, min(HEAT_LEVELS, round(share * HEAT_LEVELS)))


def tally_table(caption: str, head: tuple[str, str], tallies: Sequence[Tally]) -> ReportTable:
    """A plain count by name."""
    rows = tuple((Cell(tally.name or NOT_STATED), *_numbers(str(tally.count))) for tally in tallies)
    return ReportTable(caption, head, rows)


def scores_table(groups: Sequence[GroupScore], caption: str, head: str) -> ReportTable:
    """Every score as it was measured."""
    rows = [
        (
            Cell(group.group or ("all" if not group.group_by else NOT_STATED)),
            Cell(group.label),
            *_numbers(
                str(group.cases),
                decimal(group.dice_mean),
                _interval(group),
                decimal(group.hd95_mm_median, 1),
            ),
        )
        for group in groups
    ]
    columns = (head, "class", "cases", "mean Dice", "95 % interval", "median HD95, mm")
    return ReportTable(caption, columns, tuple(rows))


def _interval(group: GroupScore) -> str:
    """The interval as text; one case has none, whatever its bounds say."""
    return f"{decimal(group.dice_low)} – {decimal(group.dice_high)}" if group.cases > 1 else "one case, none"


def gaps_table(groups: Sequence[GroupScore], kind: str) -> ReportTable | None:
    """Best and worst group of each class and how far they are apart; None where there is one group only."""
    rows = []
    for label in dict.fromkeys(group.label for group in groups):
        mine = sorted((each for each in groups if each.label == label), key=lambda each: (-each.dice_mean, each.group))
        if len(mine) < 2:
            continue
        best, worst = mine[0], mine[-1]
        separate = worst.dice_high < best.dice_low and min(best.cases, worst.cases) > 1
        rows.append(
            (
                Cell(label),
                Cell(f"{best.group or NOT_STATED} ({best.cases})"),
                Cell(decimal(best.dice_mean), is_number=True),
                Cell(f"{worst.group or NOT_STATED} ({worst.cases})"),
                Cell(decimal(worst.dice_mean), is_number=True),
                Cell(decimal(best.dice_mean - worst.dice_mean), is_number=True),
                Cell("apart" if separate else "not told apart"),
            )
        )
    if not rows:
        return None
    columns = ("class", "best (cases)", "Dice", "worst (cases)", "Dice", "gap", "intervals")
    return ReportTable(f"Gap between the best and the worst {kind}", columns, tuple(rows))


def rules_table(caption: str, actions: Sequence[RuleCount], files: int) -> ReportTable:
    """How often each rule was applied, most often first, as many as a reader reads; the JSON has all."""
    ordered = sorted(actions, key=lambda each: (-each.count, each.rule_id, each.action))
    rows = [
        (Cell(each.rule_id), Cell(each.action), Cell(str(each.count), is_number=True)) for each in ordered[:_MOST_ROWS]
    ]
    left = len(ordered) - len(rows)
    note = f"{caption}, {files} files" + (f"; the {_MOST_ROWS} most frequent, {left} more in the JSON" if left else "")
    return ReportTable(note, ("rule", "action", "elements"), tuple(rows))


def items_table(caption: str, items: Sequence[HeldItem]) -> ReportTable:
    """Items by their opaque names, as many as a reader reads; the JSON has all."""
    rows = [(Cell(each.item_id), Cell(each.reason.value), Cell(each.stage)) for each in items[:_MOST_ROWS]]
    left = len(items) - len(rows)
    return ReportTable(
        caption + (f"; {left} more in the JSON" if left else ""), ("item", "reason", "stage"), tuple(rows)
    )


def facts_table(caption: str, facts: Sequence[tuple[str, str]]) -> ReportTable:
    """Names and values that belong together."""
    return ReportTable(caption, (), tuple(_texts(name, value) for name, value in facts))
