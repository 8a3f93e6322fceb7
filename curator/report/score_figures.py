"""Figures of an evaluation: mean Dice and its interval, by class and by group."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from curator.model.evaluation import GroupScore
from curator.report.drawing import (
    INK,
    MUTED,
    WIDTH_IN,
    Picture,
    new_figure,
    plain_style,
    quiet,
    series_colour,
    short,
    svg_of,
)
from curator.report.words import NOT_STATED

_PANELS_IN_A_ROW = 3
_CAPTION = (
    "Dot: mean Dice; line: central 95 % of the bootstrap over cases. An open dot is a single case, without interval."
)


def overall_figure(groups: Sequence[GroupScore], labels: Sequence[str]) -> Picture | None:
    """Every class over all cases, colours by place in `labels`; None for no scores."""
    if not groups:
        return None
    with plain_style():
        figure = new_figure(WIDTH_IN, 0.6 + 0.36 * len(groups))
        axes = figure.subplots()
        for row, group in enumerate(groups):
            _interval(axes, group, row, series_colour(labels.index(group.label)))
            beside = (group.dice_low, row)
            axes.annotate(
                f"{group.dice_mean:.3f}",
                beside,
                (-9, 0),
                textcoords="offset points",
                va="center",
                ha="right",
                color=MUTED,
            )
        _rows(axes, [short(group.label) for group in groups])
        svg = svg_of(figure, "scores-overall")
    words = "; ".join(f"{group.label} {group.dice_mean:.3f}" for group in groups)
    return Picture(svg, f"Mean Dice by class: {words}.", _CAPTION)


def group_figure(groups: Sequence[GroupScore], labels: Sequence[str], *, kind: str, name: str) -> Picture | None:
    """Every group of one kind ("vendor"), one panel a class of `labels`; None for no scores.

    `name` tells the figures of one page apart.
    """
    kinds = sorted({group.group for group in groups})
    if not kinds:
        return None
    columns = min(len(labels), _PANELS_IN_A_ROW)
    rows = -(-len(labels) // columns)
    with plain_style():
        figure = new_figure(WIDTH_IN, rows * (0.65 + 0.3 * len(kinds)))
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for index, axes in enumerate(grid.flat):
            if index >= len(labels):
                axes.set_axis_off()
                continue
            for group in groups:
                if group.label == labels[index]:
                    _interval(axes, group, kinds.index(group.group), series_colour(index))
            axes.set_title(short(labels[index]))
            _rows(axes, [short(each or NOT_STATED) for each in kinds])
        svg = svg_of(figure, f"scores-{name}")
    words = f"Mean Dice of {len(labels)} classes by {kind}, {len(kinds)} groups; the table below has the numbers."
    return Picture(svg, words, _CAPTION)


def _interval(axes: Axes, group: GroupScore, row: int, colour: str) -> None:
    if group.cases > 1:
        axes.plot([group.dice_low, group.dice_high], [row, row], color=colour, linewidth=2.5)
    fill = colour if group.cases > 1 else "none"
    axes.plot(group.dice_mean, row, marker="o", markersize=6, color=colour, markerfacecolor=fill)


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names, color=INK)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xticks((0.0, 0.25, 0.5, 0.75, 1.0), ("0", "", "0.5", "", "1"))
    quiet(axes, grid="x")
