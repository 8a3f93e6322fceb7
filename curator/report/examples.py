"""Examples of a dataset: which slices of a volume to show, and the figure that shows them.

The law: pure; which volumes may be shown at all is decided by who calls this, never here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from curator.model.annotation import Label
from curator.model.summary import Example, ExampleSlice
from curator.report.drawing import WIDTH_IN, Picture, new_figure, plain_style, series_colour, short, svg_of
from curator.report.words import NOT_STATED

_MOST_PIXELS = 192
_PLACES = (0.35, 0.5, 0.65)
_FEWEST_IN_A_ROW = 3
_GREYS = ListedColormap([(value / 255,) * 3 for value in range(256)], name="greys")


def middle_slices(
    values: NDArray[np.generic],
    mask: NDArray[np.uint8],
    *,
    spacing_mm: tuple[float, float, float],
    window: tuple[float, float] | None,
) -> tuple[ExampleSlice, ...]:
    """Up to three slices from the middle of the labelled part of a volume; none where nothing is labelled.

    `values` and `mask` are `(Z, Y, X)`; `window` is which values become black and white, None for the 1st and 99th
    percentile of each slice. Slices larger than 192 pixels are thinned out to be at most that.
    """
    labelled = np.flatnonzero(mask.any(axis=(1, 2)))
    if not labelled.size:
        return ()
    chosen = sorted({int(labelled[round(place * (len(labelled) - 1))]) for place in _PLACES})
    step = max(1, -(-max(mask.shape[1:]) // _MOST_PIXELS))
    thin = (slice(None, None, step), slice(None, None, step))
    return tuple(
        ExampleSlice(
            grey=_grey(values[index][thin], window),
            mask=np.ascontiguousarray(mask[index][thin]),
            spacing_mm=(spacing_mm[1], spacing_mm[2]),
        )
        for index in chosen
    )


def _grey(values: NDArray[np.generic], window: tuple[float, float] | None) -> NDArray[np.uint8]:
    numbers = values.astype(np.float64)
    low, high = window if window is not None else (float(edge) for edge in np.percentile(numbers, (1, 99)))
    shown = (numbers - low) / max(high - low, 1e-9)
    grey: NDArray[np.uint8] = np.rint(shown.clip(0, 1) * 255).astype(np.uint8)
    return grey


def example_figure(example: Example, labels: Sequence[Label], *, name: str) -> Picture | None:
    """The slices of one volume side by side with the outlines of its mask; None for no slices."""
    if not example.slices:
        return None
    # A class has the same colour in every example, whether or not this one shows all of them.
    colours = {label.value: series_colour(index) for index, label in enumerate(labels)}
    shown = [label for label in labels if any((one.mask == label.value).any() for one in example.slices)]
    tallest = max(one.grey.shape[0] * one.spacing_mm[0] for one in example.slices)
    widest = max(one.grey.shape[1] * one.spacing_mm[1] for one in example.slices)
    panel_in = WIDTH_IN / max(_FEWEST_IN_A_ROW, len(example.slices))
    with plain_style():
        figure = new_figure(panel_in * len(example.slices), panel_in * tallest / widest + 0.3)
        grid = figure.subplots(1, len(example.slices), squeeze=False)[0]
        for axes, one in zip(grid, example.slices, strict=True):
            _outlined(axes, one, colours)
        if shown:
            handles = [Line2D([], [], color=colours[label.value], label=short(label.name)) for label in shown]
            figure.legend(handles=handles, loc="outside lower left", ncols=len(handles), fontsize=9)
        svg = svg_of(figure, name)
    facts = (example.Modality, example.BodyPartExamined, example.vendor, f"centre {example.centre_code or NOT_STATED}")
    where = ", ".join(fact or NOT_STATED for fact in facts)
    drawn = ", ".join(label.name for label in shown) or "none"
    split = f"; {example.split} split" if example.split else ""
    return Picture(svg, f"{len(example.slices)} slices of a volume ({where}); outlined: {drawn}.", f"{where}{split}")


def _outlined(axes: Axes, one: ExampleSlice, colours: dict[int, str]) -> None:
    height, width = one.grey.shape
    axes.imshow(
        one.grey, cmap=_GREYS, vmin=0, vmax=255, interpolation="none", aspect=one.spacing_mm[0] / one.spacing_mm[1]
    )
    rows, columns = np.arange(-1, height + 1), np.arange(-1, width + 1)
    for value, colour in colours.items():
        if (one.mask == value).any():
            # The margin closes an outline that would run off the slice.
            inside = np.pad((one.mask == value).astype(np.float64), 1)
            axes.contour(columns, rows, inside, levels=[0.5], colors=[colour], linewidths=1.6)
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_axis_off()
