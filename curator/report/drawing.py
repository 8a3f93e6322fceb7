"""Turns a matplotlib figure into SVG that stands inside a page: deterministic, in the page's own colours.

The law: equal figures under equal names give equal bytes in every process; nothing in them points outside. Colours are
placeholders that become the page's CSS variables, so one picture serves light, dark and paper.

Sources: matplotlib `svg.hashsalt`, `svg.fonttype`.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

INK, MUTED, LINE, ACCENT, PAPER = "#010101", "#010102", "#010103", "#010104", "#010105"
SERIES = ("#010201", "#010202", "#010203", "#010204", "#010205", "#010206")
WIDTH_IN = 9.0
_LONGEST_NAME = 26
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    LINE: "--line",
    ACCENT: "--accent",
    PAPER: "--paper",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, start=1)},
}
# What a hostile or careless matplotlibrc says must not reach a report.
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "curator",
    "svg.fonttype": "none",
    "svg.image_inline": True,
    "font.family": "sans-serif",
    "font.size": 10.0,
    "text.usetex": False,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "lines.linewidth": 1.8,
}
_NO_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_STYLE = re.compile(r"\s*<style type=\"text/css\">[^<]*</style>")
_FONT_FAMILY = re.compile(r" font-family: [^;\"]*;")
_IDS = re.compile(r"(\bid=\"|xlink:href=\"#|url\(#)")
_EMBEDDED = re.compile(r'"data:image/png;base64,([^"]*)"')
_SIZE = re.compile(r'<svg([^>]*?) (?:width|height)="[\d.]+pt"([^>]*?) (?:width|height)="[\d.]+pt"')


@dataclass(frozen=True, slots=True)
class Picture:
    """An `<svg>` element and the words that stand for it where it is not seen."""

    svg: str
    alternative: str
    caption: str


@contextmanager
def plain_style() -> Iterator[None]:
    """Our settings and no others, whatever the user's own are; they are back afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def new_figure(width_in: float, height_in: float) -> Figure:
    """An empty figure without background; use it inside `plain_style`."""
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    figure.patch.set_visible(False)
    return figure


def quiet(axes: Axes, *, grid: str = "") -> None:
    """No background, thin ticks, and grid lines along the axis named `grid` ("x", "y" or "")."""
    axes.patch.set_visible(False)
    axes.tick_params(length=0)
    if grid:
        axes.grid(visible=True, axis="x" if grid == "x" else "y")


def series_colour(index: int) -> str:
    """The colour of the `index`-th class or author, the same in every figure of a page; they repeat after six."""
    return SERIES[index % len(SERIES)]


def short(name: str) -> str:
    """A name cut to what fits beside an axis; the tables have it whole."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def svg_of(figure: Figure, name: str) -> str:
    """The figure as one `<svg>` element; `name` makes its ids its own among the figures of a page."""
    sink = io.StringIO()
    figure.savefig(sink, format="svg", metadata=_NO_METADATA)
    text = sink.getvalue()
    text = text[text.index("<svg") :].strip()
    start, end = text.find("<metadata>"), text.find("</metadata>")
    if start >= 0:
        text = text[:start].rstrip() + text[end + len("</metadata>") :]
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    text = _EMBEDDED.sub(lambda found: _spelt_out(found[1]), text)
    text = _IDS.sub(rf"\g<1>{name}-", text)
    text = _SIZE.sub(r"<svg\1\2", text, count=1)
    return _FONT_FAMILY.sub("", _STYLE.sub("", text, count=1))


def _spelt_out(encoded: str) -> str:
    """The same grey image as an address in percent encoding.

    Base64 is long runs of letters, in which a search of the page for somebody's name finds short ones by chance.
    """
    sink = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        image.convert("L").save(sink, "png", optimize=True)
    return '"data:image/png,' + "".join(f"%{byte:02X}" for byte in sink.getvalue()) + '"'
