"""The figures of a report, each from its own part of the summary.

The law: a figure shows what its table says and nothing else, so that whoever cannot see it misses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from curator.model.summary import AgreementSummary, DiversitySummary, TrainingSummary
from curator.report.drawing import (
    ACCENT,
    INK,
    MUTED,
    SERIES,
    WIDTH_IN,
    Picture,
    new_figure,
    plain_style,
    quiet,
    series_colour,
    short,
    svg_of,
)
from curator.report.words import NOT_STATED, attribute_name, author_names

_BAR_IN = 0.24
_TITLE_IN = 0.5
_MOST_BARS = 12
_MARKERS = "os^Dv"


def diversity_figure(summary: DiversitySummary) -> Picture | None:
    """How many series each vendor, model, centre, modality and body part has; None for no series."""
    shown = [each for each in summary.attributes if each.counts]
    if not shown:
        return None
    # Bars of all panels are equally thick: a row is as high as its fuller panel needs.
    bars = [
        max(min(len(each.counts), _MOST_BARS + 1) for each in pair)
        for pair in (shown[at : at + 2] for at in range(0, len(shown), 2))
    ]
    heights = [_TITLE_IN + count * _BAR_IN for count in bars]
    with plain_style():
        figure = new_figure(WIDTH_IN, sum(heights))
        grid = figure.subplots(len(bars), 2, squeeze=False, gridspec_kw={"height_ratios": heights})
        for place, (axes, each) in enumerate(zip(grid.flat, shown, strict=False)):
            counts = [(tally.name or NOT_STATED, tally.count) for tally in each.counts[:_MOST_BARS]]
            rest = sum(tally.count for tally in each.counts[_MOST_BARS:])
            if rest:
                counts.append((f"{len(each.counts) - _MOST_BARS} others", rest))
            _bars(axes, counts, bars[place // 2])
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
    axes.set_yticks(positions, [short(name) for name, _ in counts], color=INK)
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
        figure = new_figure(WIDTH_IN, 1.1 + 0.42 * len(rows))
        axes = figure.subplots()
        axes.axvline(0, color=MUTED, linewidth=1)
        for position, (_, values) in enumerate(rows):
            for index, bias in values:
                axes.plot(
                    bias,
                    position,
                    marker=_MARKERS[index % len(_MARKERS)],
                    color=series_colour(index),
                    markersize=7,
                    linestyle="",
                )
        axes.set_yticks(range(len(rows)), [short(label) for label, _ in rows], color=INK)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlabel("larger than the consensus by, mL (mean over images)")
        quiet(axes, grid="x")
        handles = [
            Line2D([], [], marker=_MARKERS[index % len(_MARKERS)], color=series_colour(index), linestyle="", label=name)
            for index, name in enumerate(names)
        ]
        figure.legend(handles=handles, loc="outside upper left", ncols=min(3, len(handles)))
        svg = svg_of(figure, "bias")
    words = "; ".join(
        f"{label}: " + ", ".join(f"{names[index]} {bias:+.1f} mL" for index, bias in values) for label, values in rows
    )
    return Picture(svg, words, "Bias per author: right of zero draws larger than the consensus, left draws smaller.")


def training_figure(summary: TrainingSummary) -> Picture | None:
    """Loss and validation Dice over steps; None before the first validation."""
    if not summary.points:
        return None
    steps = [point.step for point in summary.points]
    scored = [point for point in summary.points if point.dice_validation is not None]
    with plain_style():
        figure = new_figure(WIDTH_IN, 3.0)
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
    for index, label in enumerate(summary.labels):
        drawn = [(point.step, point.dice_by_label[label]) for point in scored if label in point.dice_by_label]
        axes.plot(*zip(*drawn, strict=True), color=series_colour(index), linewidth=1.2, label=short(label))
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
