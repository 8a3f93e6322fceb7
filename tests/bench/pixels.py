"""Burned-in text: what curator finds and removes of the frozen pictures' letters, beside presidio with tesseract.

    uv run python tests/bench/pixels.py [--half B] [--limit N] [--workers 1] [--minutes M] [--hints] [--no-peer]
                                          [--pictures FOLDER]

Half A is for choosing thresholds, half B for reporting; more for choosing are made by `pixels_make.py` with another
seed. `--limit` takes pictures evenly over all themes. Neither is
given hints in the header unless they are asked for. What needs a person to judge counts as removed, and is counted.
CPU seconds leave out the time to load networks and models.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pixel_files import dicom_file
from pixel_looks import FROZEN, Look, looks_at
from pixel_scores import Score, chosen, misses, recall, score
from pixels_peer import PeerLook, presidio_looks, presidio_python

from curator.testing.captioned import HALVES, Captioned
from curator.testing.captions import Legibility
from curator.testing.picture_set import PICTURES_FILE, read_set, truth_of

_CLASSES = {
    "easy": ((Legibility.EASY,), "≥ 99.9 %"),
    "legible": ((Legibility.EASY, Legibility.LEGIBLE), "≥ 99.5 %"),
    "hard": ((Legibility.HARD,), "none"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One way to come to boxes: its score of each picture; `removes` counts only letters that have to go."""

    name: str
    scores: tuple[Score, ...]
    removes: bool


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    folder = arguments.pictures
    numbers = _numbers(folder, arguments.half, arguments.limit)
    until = time.monotonic() + 60 * arguments.minutes
    looks = looks_at(folder, arguments.half, numbers, hints=arguments.hints, workers=arguments.workers, until=until)
    pictures = list(read_set(folder, arguments.half, numbers=[look.number for look in looks]))
    _print_what(arguments, pictures, of=len(numbers))
    columns = [
        Column("curator finds", tuple(look.found for look in looks), False),
        Column("curator removes", tuple(look.gone for look in looks), True),
    ]
    peers = None if arguments.no_peer else _peer_looks(pictures, arguments)
    if peers is not None:
        columns += _peer_columns(pictures, peers)
    _print_recall(columns)
    _print_outside(pictures, columns)
    _print_rest(pictures, looks, peers)
    if arguments.misses is not None:
        arguments.misses.write_text(_misses_text(arguments.half, pictures, looks))


def _numbers(folder: Path, half: str, limit: int | None) -> list[int]:
    numbers = [row["number"] for row in truth_of(folder / PICTURES_FILE, half)]
    step = 1 if limit is None else max(1, -(-len(numbers) // limit))
    return numbers[::step]


def _peer_looks(pictures: Sequence[Captioned], arguments: argparse.Namespace) -> list[PeerLook] | None:
    python = presidio_python(arguments.peers)
    if python is None:
        _say("presidio-image-redactor or tesseract cannot be had here: no comparison")
        return None
    with tempfile.TemporaryDirectory(prefix="curator-bench-") as scratch:
        files = []
        for picture in pictures:
            file = Path(scratch) / f"{picture.number:03d}.dcm"
            file.write_bytes(dicom_file(picture, hints=arguments.hints))
            files.append((file, bool(arguments.hints)))
        return presidio_looks(python, files)


def _peer_columns(pictures: Sequence[Captioned], peers: Sequence[PeerLook]) -> list[Column]:
    pairs = list(zip(pictures, peers, strict=True))
    return [
        Column("presidio removes", tuple(score(picture, peer.redacted) for picture, peer in pairs), True),
        Column("its tesseract reads", tuple(score(picture, peer.read) for picture, peer in pairs), False),
    ]


def _print_what(arguments: argparse.Namespace, pictures: Sequence[Captioned], *, of: int) -> None:
    letters = sum(len(picture.letters) for picture in pictures)
    free = sum(not picture.letters for picture in pictures)
    hints = "hints in the header" if arguments.hints else "no hints in the header"
    _say(f"Half {arguments.half}: {len(pictures)} of {of} pictures, {free} without text, {letters:,} letters; {hints}.")


def _print_recall(columns: Sequence[Column]) -> None:
    _heading("letters covered", columns)
    for name, (classes, goal) in _CLASSES.items():
        cells = []
        for column in columns:
            fates = [fate for each in column.scores for fate in each.fates]
            covered, total = recall(chosen(fates, classes, identifying=column.removes))
            cells.append(f"{covered / total:.2%}, {total - covered} of {total:,} lost" if total else "-")
        _row(name, goal, cells)


def _print_outside(pictures: Sequence[Captioned], columns: Sequence[Column]) -> None:
    _heading("black outside the text, share of the area", columns)
    with_text = [bool(picture.letters) for picture in pictures]
    measures = {
        "pictures with text": ("≤ 1 %", True, lambda each: each.outside),
        "the same, no room around captions": ("none", True, lambda each: each.strictly_outside),
        "pictures without text": ("≤ 3 %", False, lambda each: each.black),
    }
    for name, (goal, wanted, share) in measures.items():
        cells = []
        for column in columns:
            shares = [share(each) for each, has in zip(column.scores, with_text, strict=True) if has is wanted]
            cells.append(f"{np.mean(shares):.2%}, worst {max(shares):.1%}" if shares else "-")
        _row(name, goal, cells)


def _print_rest(pictures: Sequence[Captioned], looks: Sequence[Look], peers: Sequence[PeerLook] | None) -> None:
    changed = [look.changed_outside for look in looks if look.changed_outside is not None]
    held = [bool(picture.letters) for picture, look in zip(pictures, looks, strict=True) if look.is_held]
    _say(f"\nValues changed outside the boxes: {sum(changed)} in {len(changed)} scrubbed pictures (goal 0).")
    _say(f"For a person to judge: {held.count(True)} pictures with text, {held.count(False)} without.")
    _say(f"CPU seconds a picture: curator {np.mean([look.seconds for look in looks]):.2f}.")
    if peers is not None:
        failed = sum(bool(peer.error) for peer in peers)
        _say(
            f"presidio with tesseract {np.mean([peer.seconds for peer in peers]):.2f}; "
            f"failed on {failed} pictures (spaCy pipeline blank, no model)."
        )


def _heading(what: str, columns: Sequence[Column]) -> None:
    _say(f"\n| {what} | goal | " + " | ".join(column.name for column in columns) + " |")
    _say("|---" * (len(columns) + 2) + "|")


def _row(name: str, goal: str, cells: Sequence[str]) -> None:
    _say(f"| {name} | {goal} | " + " | ".join(cells) + " |")


def _misses_text(half: str, pictures: Sequence[Captioned], looks: Sequence[Look]) -> str:
    """Letters that nothing found, by look, and the pictures to look at."""
    lines = [f"# Letters not found in half {half}, by look: easy and legible, then hard\n"]
    fates = [fate for look in looks for fate in look.found.fates]
    for name in ("legible", "hard"):
        lines.append(f"\n## {name}\n\n| look | lost | of |\n|---|---|---|\n")
        lines += [f"| {look} | {lost} | {all_} |\n" for look, lost, all_ in misses(chosen(fates, _CLASSES[name][0]))]
    lines.append("\n## Pictures: number, theme, on what, legible letters not found, black outside\n\n")
    for picture, look in zip(pictures, looks, strict=True):
        covered, total = recall(chosen(look.found.fates, _CLASSES["legible"][0]))
        if covered < total or look.found.outside > 0.01:
            line = f"- {picture.number} {picture.theme}, {picture.kind}: {total - covered} of {total}"
            lines.append(f"{line}, {look.found.outside:.1%} outside\n")
    return "".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=HALVES, default="B")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=math.inf, help="look at no further picture after so long")
    parser.add_argument("--hints", action="store_true")
    parser.add_argument("--pictures", type=Path, default=FROZEN, help="another set than the frozen one")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--peers", type=Path, default=Path(tempfile.gettempdir()) / "curator-bench-peers")
    parser.add_argument("--misses", type=Path, default=None, help="write what was missed, by look, into this file")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
