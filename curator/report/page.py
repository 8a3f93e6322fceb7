"""The page itself: tiles, sections and limits put into the template.

The law: everything is inline and everything that is not ours is escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from curator.model.summary import JobSummary, RehearsalSummary, ReleaseSummary
from curator.report.drawing import Picture
from curator.report.limits import limits_of
from curator.report.sections import sections_of
from curator.report.words import decimal, percent

_FIRST_SCREEN = ("policy", "held")
GOOD, ATTENTION, BAD, PLAIN = "good", "attention", "bad", "plain"


@dataclass(frozen=True, slots=True)
class Tile:
    """One number of the first screen; `state` is how it is to be taken."""

    name: str
    value: str
    note: str = ""
    state: str = PLAIN


def render(summary: JobSummary) -> bytes:
    """The report of `summary` as UTF-8 HTML; a page with its limits only where the summary is empty."""
    folder = files("curator.report")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["coded"] = _coded
    template = environment.from_string(folder.joinpath("page.html.jinja").read_text(encoding="utf-8"))
    sections = sections_of(summary)
    page = template.render(
        title=summary.title,
        version=summary.curator_version,
        # The style sheet is ours; a `</style>` in it would be a defect that the tests see.
        style=Markup(folder.joinpath("page.css").read_text(encoding="utf-8")),
        verdict=verdict_of(summary),
        tiles=tiles_of(summary),
        first=[section for section in sections if section.anchor in _FIRST_SCREEN],
        rest=[section for section in sections if section.anchor not in _FIRST_SCREEN],
        limits=limits_of(summary),
        drawn=_drawn,
    )
    return page.encode("utf-8")


def _drawn(picture: Picture) -> Markup:
    """The figure's own markup: matplotlib has escaped every text in it."""
    return Markup(picture.svg)


def _coded(text: str) -> Markup:
    """Text with what stands between backticks set as code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(Markup("<code>%s</code>") % part if at % 2 else part for at, part in enumerate(parts))


def tiles_of(summary: JobSummary) -> list[Tile]:
    """The numbers of the first screen, as far as there are any."""
    tiles: list[Tile] = []
    if summary.release is not None:
        tiles += _release_tiles(summary.release)
    if summary.rehearsal is not None:
        tiles.append(_rehearsal_tile(summary.rehearsal))
    if summary.dataset is not None:
        note = f"{summary.dataset.patients} patients · {summary.dataset.name} {summary.dataset.version}"
        tiles.append(Tile("Volumes in the dataset", str(summary.dataset.items), note))
    if summary.evaluation is not None:
        note = f"{summary.evaluation.items} volumes · {', '.join(summary.evaluation.splits) or 'unnamed'} split"
        tiles.append(Tile("Mean Dice", decimal(summary.evaluation.mean_dice), note))
    elif summary.training is not None:
        tiles.append(Tile("Validation Dice", decimal(summary.training.dice_validation), "not evaluated yet"))
    return tiles


def _release_tiles(release: ReleaseSummary) -> list[Tile]:
    balance = "released + held back"
    if release.unaccounted:
        balance = f"{release.unaccounted} not accounted for"
    proof = "searched in each file's bytes at writing"
    if release.verification is not None:
        proof = f"{release.verification.files} files searched again after release"
    if release.withdrawn:
        proof += f"; {release.withdrawn} withdrawn"
    found = release.verification.residuals if release.verification is not None else 0
    return [
        Tile("Files in", str(release.files_in), balance, BAD if release.unaccounted else PLAIN),
        Tile(
            "Released",
            str(release.released),
            f"{percent(release.released, release.files_in)} · {release.patients} patients · {release.series} series",
        ),
        Tile(
            "Held back",
            str(release.held_count),
            f"{percent(release.held_count, release.files_in)} · {len({each.reason for each in release.held})} reasons",
            ATTENTION if release.held_count else PLAIN,
        ),
        Tile("Residual identifiers in released files", str(found), proof, BAD if found else GOOD),
    ]


def _rehearsal_tile(rehearsal: RehearsalSummary) -> Tile:
    note = f"{rehearsal.planted} planted, {rehearsal.files_searched} files searched"
    return Tile("Planted identifiers surviving", str(rehearsal.surviving), note, BAD if rehearsal.surviving else GOOD)


def verdict_of(summary: JobSummary) -> Tile:
    """One sentence over everything, `BAD` where something must not leave."""
    release, rehearsal = summary.release, summary.rehearsal
    if release is not None and release.verification is not None and release.verification.residuals:
        return Tile("", "Identifiers were found in released files. Nothing of this may leave.", state=BAD)
    if rehearsal is not None and rehearsal.surviving:
        return Tile("", "Planted identifiers survived. Do not use this on patients before it is understood.", state=BAD)
    if release is not None and release.unaccounted:
        return Tile("", "Not every file is accounted for: the job is not complete, or its ledger is not.", state=BAD)
    if release is not None:
        held = f"{release.held_count} held back, each with a reason" if release.held_count else "none held back"
        sentence = f"{release.released} of {release.files_in} files released, {held}; no residual identifier found."
        return Tile("", sentence, state=ATTENTION if release.held_count else GOOD)
    return Tile(
        "", "This report is about a dataset or a run; what was released before it is in the workspace's report."
    )
