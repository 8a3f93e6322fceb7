"""Draws the README's figure from the numbers of a real demonstration.

    curator demo --out demo
    curator report demo/workspace --out demo/report.html --json > numbers.json
    python .github/readme_figure.py numbers.json

The law: every number in the picture is in the JSON (`JobSummary.to_json`); the same JSON gives the same bytes.
Widths of bands are proportional to files.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

PICTURE = Path(__file__).with_name("readme.svg")
WIDTH = 960
TOP, BAND_HEIGHT, BAR = 74, 210.0, 10
IN_X, OUT_X, SET_X, SCORE_X = 24, 300, 560, 760
SCORE_WIDTH = 130
SLOT, MOST_REASONS = 19.0, 9

STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1f2933; }
.big { font-size: 26px; font-weight: 600; } .small { font-size: 12px; fill: #5b6773; }
.head { font-size: 11.5px; fill: #5b6773; letter-spacing: .06em; } .proof { fill: #0e8a63; }
.in { fill: #5b6773; } .released { fill: #1f6fb2; } .held { fill: #c47a12; } .score { fill: #0e8a63; }
.flow { opacity: .22; } .track { fill: #5b6773; opacity: .2; } .line { stroke: #5b6773; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .small, .head { fill: #9aa7b4; } .proof { fill: #45c894; }
.in { fill: #9aa7b4; } .released { fill: #58a6e8; }
.held { fill: #e0a13c; } .score { fill: #45c894; } .flow { opacity: .3; }
.track { fill: #9aa7b4; } .line { stroke: #9aa7b4; }
}
"""


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """One line of text whose baseline is at `y`."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def bar(x: float, y: float, height: float, kind: str) -> str:
    """The upright end of a band."""
    return f'<rect x="{x}" y="{y:.1f}" width="{BAR}" height="{height:.1f}" rx="1.5" class="{kind}"/>'


def band(start: tuple[float, float], end: tuple[float, float], height: float, kind: str) -> str:
    """A band of one height from the right of a bar at `start` to the left of one at `end`, both top corners."""
    (left, y0), (right, y1) = (start[0] + BAR, start[1]), end
    middle, low0, low1 = (left + right) / 2, y0 + height, y1 + height
    upper = f"M{left:.1f} {y0:.1f}C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {right:.1f} {y1:.1f}"
    lower = f"V{low1:.1f}C{middle:.1f} {low1:.1f} {middle:.1f} {low0:.1f} {left:.1f} {low0:.1f}Z"
    return f'<path class="flow {kind}" d="{upper}{lower}"/>'


def held_by_reason(release: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Reasons in words with their counts, the most frequent first; the rare ones together at the end."""
    counts: dict[str, int] = {}
    for each in release["held"]:
        name = each["reason"].replace("_", " ")
        counts[name] = counts.get(name, 0) + each["count"]
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if len(ordered) <= MOST_REASONS:
        return ordered
    rest = ordered[MOST_REASONS - 1 :]
    return [*ordered[: MOST_REASONS - 1], ("of other reasons", sum(count for _, count in rest))]


def flows(release: Mapping[str, Any]) -> tuple[list[str], float, float]:
    """The bands from all files to the released and the held ones, where the released end, and the lowest point."""
    scale = BAND_HEIGHT / max(1, release["files_in"])
    released = release["released"] * scale
    drawn = [
        bar(IN_X, TOP, BAND_HEIGHT, "in"),
        bar(OUT_X, TOP, released, "released"),
        band((IN_X, TOP), (OUT_X, TOP), released, "released"),
    ]
    source, place = TOP + released, TOP + max(released, 44) + 26
    for name, count in held_by_reason(release):
        height = count * scale
        drawn += [
            band((IN_X, source), (OUT_X, place), height, "held"),
            bar(OUT_X, place, max(height, 1.5), "held"),
            text(OUT_X + BAR + 8, place + min(max(height, 1.5) / 2, 30) + 4, f"{count:,}  {name}"),
        ]
        source += height
        place += max(SLOT, height + 5)
    return drawn, released, max(place, TOP + BAND_HEIGHT)


def dataset_words(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is said of the dataset, with the kind of each line."""
    dataset, agreement = summary["dataset"], summary["agreement"]
    yield f"{dataset['items']} volumes", "big"
    yield f"of {dataset['patients']} patients", ""
    if agreement:
        yield f"{dataset['annotations']} masks by {len(agreement['authors'])} authors", ""
    grid = dataset["by_split"][0]
    totals = [sum(row[place] for row in grid["cells"]) for place in range(len(grid["columns"]))]
    yield " · ".join(f"{total} {name}" for total, name in zip(totals, grid["columns"], strict=True)), "small"
    yield f"{len(grid['rows'])} vendors, {len(dataset['by_split'][1]['rows'])} centres", "small"
    yield f"sealed: {dataset['merkle_root'][:12]}…", "small"


def scores(evaluation: Mapping[str, Any]) -> Iterator[str]:
    """Mean Dice, and each class with its interval."""
    yield text(SCORE_X, TOP + 20, f"{evaluation['mean_dice']:.2f}", "big")
    yield text(SCORE_X + 72, TOP + 20, f"mean Dice, {evaluation['items']} volumes", "small")
    overall = [group for group in evaluation["groups"] if not group["group_by"]]
    overall.sort(key=lambda group: evaluation["labels"].index(group["label"]))
    for row, group in enumerate(overall):
        y = TOP + 44 + 34 * row
        middle = y + 13
        low, high = (SCORE_X + SCORE_WIDTH * group[name] for name in ("dice_low", "dice_high"))
        yield text(SCORE_X, y, group["label"])
        yield text(SCORE_X + SCORE_WIDTH + 10, middle + 4, f"{group['dice_mean']:.2f}")
        yield f'<rect x="{SCORE_X}" y="{middle - 3:.1f}" width="{SCORE_WIDTH}" height="6" rx="3" class="track"/>'
        width = SCORE_WIDTH * group["dice_mean"]
        yield f'<rect x="{SCORE_X}" y="{middle - 3:.1f}" width="{width:.1f}" height="6" rx="3" class="score"/>'
        yield f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle + 6:.1f}" y2="{middle + 6:.1f}" class="line"/>'


def proof(summary: Mapping[str, Any]) -> tuple[str, str]:
    """The number that matters most, and what it counts."""
    rehearsal, release = summary["rehearsal"], summary["release"]
    if rehearsal:
        counted = f"of {rehearsal['planted']:,} planted identifiers survived in anything written"
        return str(rehearsal["surviving"]), counted
    if release["verification"]:
        found = release["verification"]
        return str(found["residuals"]), f"residual identifiers in {found['files']:,} released files"
    return "0", f"of {release['released']:,} released files went out without a search for identifiers"


def picture(summary: Mapping[str, Any]) -> str:
    """The whole figure as SVG."""
    release = summary["release"]
    drawn, released, lowest = flows(release)
    drawn += [
        text(IN_X, 24, "FILES IN", "head"),
        text(IN_X, 56, f"{release['files_in']:,}", "big"),
        text(OUT_X, 24, "RELEASED, DE-IDENTIFIED", "head"),
        text(OUT_X, 56, f"{release['released']:,}", "big"),
        text(OUT_X, TOP + max(released, 44) + 14, f"HELD BACK, {sum(e['count'] for e in release['held']):,}", "head"),
    ]
    if summary["dataset"]:
        y = TOP + 20.0
        drawn.append(text(SET_X, 24, "FROZEN DATASET", "head"))
        drawn.append(band((OUT_X, TOP), (SET_X - 12, TOP), min(released, 128), "released"))
        for words, kind in dataset_words(summary):
            drawn.append(text(SET_X, y, words, kind))
            y += 22 if kind == "big" else 20
    if summary["evaluation"]:
        drawn.append(text(SCORE_X, 24, "MODEL, TEST SPLIT", "head"))
        drawn += scores(summary["evaluation"])
    found, counted = proof(summary)
    y = TOP + BAND_HEIGHT + 44
    drawn += [text(SET_X, y, found, "big proof"), text(SET_X + 12 + 16 * len(found), y - 2, counted)]
    height = max(lowest, y) + 16
    title = "Files in, released and held back by reason, the frozen dataset, and the model's Dice"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n" + "\n".join(drawn) + "\n</svg>\n"
    )


def main() -> None:
    """Write the picture beside this script from the JSON file named on the command line."""
    if len(sys.argv) != 2:
        sys.exit("usage: readme_figure.py SUMMARY.json")
    summary = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if not summary.get("release"):
        sys.exit("the summary is not of a workspace: it has no release")
    PICTURE.write_text(picture(summary), encoding="utf-8")


if __name__ == "__main__":
    main()
