"""The figures of a report, each from its own part of the summary.

The law: a figure shows what its table says and nothing else, so that whoever cannot see it misses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from curator.model.annotation import Label
from curator.model.evaluation import GroupScore
from curator.model.summary import (
    AgreementSummary,
    DiversitySummary,
    Example,
    ExampleSlice,
    TrainingSummary,
)
from curator.report.drawing import ACCENT, INK, LINE, MUTED, SERIES, new_figure, plain_style, quiet, svg_of
from curator.report.tables import NOT_STATED, attribute_name

_WIDTH_IN = 9.0
_BAR_IN = 0.24
_MOST_BARS = 12
_LONGEST_NAME = 26


@dataclass(frozen=True, slots=True)
class Picture:
    """An `<svg>` element and the words that stand for it where it is not seen."""

    svg: str
    alternative: str
    caption: str


def diversity_figure(summary: DiversitySummary) -> Picture | None:
    """How many series each vendor, model, centre, modality and body part has; None for no series."""
    shown = [each for each in summary.attributes if each.counts]
    if not shown:
        return None
    rows = (len(shown) + 1) // 2
    bars = max(min(len(each.counts), _MOST_BARS + 1) for each in shown)
    with plain_style():
        figure = new_figure(_WIDTH_IN, rows * (bars * _BAR_IN + 0.75))
        grid = figure.subplots(rows, 2, squeeze=False)
        for axes, each in zip(grid.flat, shown, strict=False):
            counts = [(tally.name or NOT_STATED, tally.count) for tally in each.counts[:_MOST_BARS]]
            rest = sum(tally.count for tally in each.counts[_MOST_BARS:])
            if rest:
                counts.append((f"{len(each.counts) - _MOST_BARS} others", rest))
            _bars(axes, counts, bars)
            axes.set_title(f"{attribute_name(each.attribute)} · as varied as {each.effective_number:.1f}")
        for axes in list(grid.flat)[len(shown) :]:
            axes.set_axis_off()
        svg = svg_of(figure, "diversity")
    words = "; ".join(
        f"{attribute_name(each.attribute)}: "
        + ", ".join(f"{tally.name or NOT_STATED} {tally.count}" for tally in each.counts[:_MOST_BARS])
        for each in shown
    )
    caption = (
        "Released series by attribute. “As varied as n” is the effective number: n equally frequent values would be "
        "as diverse."
    )
    return Picture(svg, words, caption)


def _bars(axes: Axes, counts: Sequence[tuple[str, int]], places: int) -> None:
    positions = np.arange(len(counts))
    axes.barh(positions, [count for _, count in counts], height=0.68, color=SERIES[0])
    axes.set_yticks(positions, [_short(name) for name, _ in counts], color=INK)
    # Bars of all panels are equally thick, however many each has.
    axes.set_ylim(places - 0.4, -0.6)
    axes.set_xlim(0, max(count for _, count in counts) * 1.15)
    for position, (_, count) in zip(positions, counts, strict=True):
        axes.annotate(str(count), (count, position), (4, 0), textcoords="offset points", va="center", color=MUTED)
    axes.set_xticks([])
    quiet(axes)
    axes.spines["bottom"].set_visible(False)


def bias_figure(summary: AgreementSummary) -> Picture | None:
    """By how much each author draws larger than the consensus, class by class; None where nothing was compared."""
    rows = [
        (label.label, [(index, bias) for index, bias in enumerate(label.bias_ml) if bias is not None])
        for label in summary.labels
    ]
    rows = [row for row in rows if row[1]]
    if not rows:
        return None
    names = author_names(summary)
    with plain_style():
        figure = new_figure(_WIDTH_IN, 1.1 + 0.42 * len(rows))
        axes = figure.subplots()
        axes.axvline(0, color=MUTED, linewidth=1)
        for position, (_, values) in enumerate(rows):
            for index, bias in values:
                axes.plot(bias, position, marker="os^Dv"[index % 5], color=_series(index), markersize=7, linestyle="")
        axes.set_yticks(range(len(rows)), [_short(label) for label, _ in rows], color=INK)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel("larger than the consensus by, mL (mean over images)")
        quiet(axes, grid="x")
        handles = [
            Line2D([], [], marker="os^Dv"[index % 5], color=_series(index), linestyle="", label=name)
            for index, name in enumerate(names)
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=min(4, len(handles)))
        svg = svg_of(figure, "bias")
    words = "; ".join(
        f"{label}: " + ", ".join(f"{names[index]} {bias:+.1f} mL" for index, bias in values) for label, values in rows
    )
    return Picture(svg, words, "Bias per author: right of zero draws larger than the consensus, left draws smaller.")


def author_names(summary: AgreementSummary) -> list[str]:
    """What each author is called in tables and figures: a number, the first digits of the code, the role."""
    return [
        f"author {number} · {each.author_code[:8]}" + (f" · {', '.join(each.roles)}" if any(each.roles) else "")
        for number, each in enumerate(summary.authors, start=1)
    ]


def training_figure(summary: TrainingSummary) -> Picture | None:
    """Loss and validation Dice over steps; None before the first validation."""
    if not summary.points:
        return None
    steps = [point.step for point in summary.points]
    scored = [point for point in summary.points if point.dice_validation is not None]
    with plain_style():
        figure = new_figure(_WIDTH_IN, 3.0)
        axes = figure.subplots(1, 2 if scored else 1, squeeze=False)[0]
        axes[0].plot(steps, [point.loss_train for point in summary.points], color=INK, marker="o", markersize=3)
        axes[0].set_title("Training loss")
        if scored:
            _dice_curves(axes[1], summary)
        for each in axes:
            each.set_xlabel("step")
            each.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            quiet(each, grid="y")
        svg = svg_of(figure, "training")
    words = f"Training loss went from {summary.points[0].loss_train:.3f} to {summary.points[-1].loss_train:.3f}"
    if scored:
        words += f"; validation Dice from {scored[0].dice_validation:.3f} to {scored[-1].dice_validation:.3f}"
    caption = "Loss is the mean since the validation before. Dice is on the plan's grid, means over validation images."
    return Picture(svg, f"{words} over {steps[-1]} steps.", caption)


def _dice_curves(axes: Axes, summary: TrainingSummary) -> None:
    scored = [point for point in summary.points if point.dice_validation is not None]
    labels = sorted({label for point in scored for label in point.dice_by_label})
    for index, label in enumerate(labels):
        drawn = [(point.step, point.dice_by_label[label]) for point in scored if label in point.dice_by_label]
        axes.plot(*zip(*drawn, strict=True), color=_series(index), linewidth=1.2, label=_short(label))
    axes.plot(
        [point.step for point in scored],
        [point.dice_validation or 0.0 for point in scored],
        color=INK,
        marker="o",
        markersize=3,
        label="mean",
    )
    if summary.best_step is not None:
        axes.axvline(summary.best_step, color=ACCENT, linewidth=1, linestyle="--", label="weights kept")
    axes.set_ylim(0, 1.02)
    axes.set_title("Validation Dice")
    axes.legend(loc="lower right", fontsize=9)


def evaluation_figure(groups: Sequence[GroupScore], title: str, name: str) -> Picture | None:
    """Mean Dice and interval of every group and class, one panel a class; None for no groups."""
    labels = sorted({group.label for group in groups})
    kinds = sorted({group.group for group in groups})
    if not labels:
        return None
    columns = min(len(labels), 3)
    rows = -(-len(labels) // columns)
    with plain_style():
        figure = new_figure(_WIDTH_IN, rows * (0.75 + 0.3 * len(kinds)))
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for index, axes in enumerate(grid.flat):
            if index < len(labels):
                _intervals(axes, [group for group in groups if group.label == labels[index]], kinds, _series(index))
                axes.set_title(_short(labels[index]))
            else:
                axes.set_axis_off()
        for axes in grid[:, 0]:
            axes.set_yticks(range(len(kinds)), [_short(kind or NOT_STATED) for kind in kinds], color=INK)
        svg = svg_of(figure, f"evaluation-{name}")
    words = "; ".join(
        f"{group.group or 'all'}, {group.label}: {group.dice_mean:.3f} ({group.dice_low:.3f} to {group.dice_high:.3f})"
        for group in groups
    )
    return Picture(svg, words, f"Mean Dice {title}, with its 95 % bootstrap interval.")


def _intervals(axes: Axes, groups: Sequence[GroupScore], kinds: Sequence[str], colour: str) -> None:
    for group in groups:
        position = kinds.index(group.group)
        axes.plot([group.dice_low, group.dice_high], [position, position], color=colour, linewidth=2.5)
        # An open dot has no interval: one case alone cannot give one.
        filled = {"markerfacecolor": colour if group.cases > 1 else "none"}
        axes.plot(group.dice_mean, position, marker="o", markersize=6, color=colour, **filled)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(len(kinds) - 0.5, -0.5)
    quiet(axes, grid="x")


def overall_figure(groups: Sequence[GroupScore]) -> Picture | None:
    """Mean Dice and interval of each class over all cases; None for no groups."""
    if not groups:
        return None
    labels = [group.label for group in groups]
    with plain_style():
        figure = new_figure(_WIDTH_IN, 0.8 + 0.34 * len(labels))
        axes = figure.subplots()
        for index, group in enumerate(groups):
            _intervals(axes, [group], [other.group for other in groups[: index + 1]], _series(index))
        # Every class is a group of its own here, so the dots above all lie on row 0: move each to its row.
        for index, group in enumerate(groups):
            for line in axes.lines[2 * index : 2 * index + 2]:
                line.set_ydata([index] * len(line.get_xdata()))
            axes.annotate(
                f"{group.dice_mean:.3f}",
                (group.dice_high, index),
                (8, 0),
                textcoords="offset points",
                va="center",
                color=MUTED,
            )
        axes.set_yticks(range(len(labels)), [_short(label) for label in labels], color=INK)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        svg = svg_of(figure, "evaluation-all")
    return Picture(svg, "", "")


def example_figure(example: Example, labels: Sequence[Label], name: str) -> Picture | None:
    """The slices of one volume side by side with the outlines of their masks; None for no slices."""
    if not example.slices:
        return None
    wanted = sorted({int(value) for one in example.slices for value in np.unique(one.mask) if value})
    names = {label.value: label.name for label in labels}
    heights = [one.grey.shape[0] * one.spacing_mm[0] for one in example.slices]
    widths = [one.grey.shape[1] * one.spacing_mm[1] for one in example.slices]
    width_each = _WIDTH_IN / max(3, len(example.slices))
    with plain_style():
        figure = new_figure(width_each * len(example.slices), width_each * max(heights) / max(widths) + 0.35)
        grid = figure.subplots(1, len(example.slices), squeeze=False)[0]
        for axes, one in zip(grid, example.slices, strict=True):
            _outlined(axes, one, wanted)
        handles = [
            Line2D([], [], color=_series(index), label=_short(names.get(value, str(value))))
            for index, value in enumerate(wanted)
        ]
        figure.legend(handles=handles, loc="outside lower left", ncols=max(1, len(handles)), fontsize=9)
        svg = svg_of(figure, name)
    where = f"{example.Modality} {example.BodyPartExamined}, {example.vendor}, centre {example.centre_code[:8]}"
    drawn = ", ".join(names.get(value, str(value)) for value in wanted)
    words = f"{len(example.slices)} slices of {where}, outlines: {drawn}"
    return Picture(svg, words, f"{where}; {example.split or 'no'} split.")


def _outlined(axes: Axes, one: ExampleSlice, wanted: Sequence[int]) -> None:
    height, width = one.grey.shape
    rows_mm, columns_mm = one.spacing_mm
    greys = ListedColormap(np.repeat(np.linspace(0, 1, 256)[:, np.newaxis], 3, axis=1).tolist())
    axes.imshow(one.grey, cmap=greys, vmin=0, vmax=255, interpolation="none", aspect=rows_mm / columns_mm)
    for index, value in enumerate(wanted):
        inside = one.mask == value
        if inside.any():
            # A margin closes outlines that run along the border of the slice.
            padded = np.pad(inside.astype(np.float64), 1)
            axes.contour(
                np.arange(-1, width + 1),
                np.arange(-1, height + 1),
                padded,
                levels=[0.5],
                colors=[_series(index)],
                linewidths=1.3,
            )
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_axis_off()


def _series(index: int) -> str:
    return SERIES[index % len(SERIES)]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
