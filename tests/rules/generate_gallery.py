"""Writes the faces of nobody that ship as `rules/faces/gallery.csv`: embeddings of phantoms, among which one is ranked.

Run as `python tests/rules/generate_gallery.py rules/faces/gallery.csv`; it takes some minutes. The law: the same
phantoms and networks give the same rows to the fourth decimal, and each row is another person.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from curator.adapters.dlib_heads import DlibHeads
from curator.bundled import bundled_folder
from curator.deid.faces.find import clearest_sight
from curator.deid.faces.scan import Scan
from curator.deid.faces.view import head_frame, view_of
from curator.imaging.resample import CpuResampler
from curator.policy.faces.defacing import Numbers, load_face_rules
from curator.testing.heads import Contrast, HeadPlan, make_head

COLUMNS = ("person", "embedding")
PERSONS = 64
DECIMALS = 4
_SEED, _CONTRASTS, _EVERY_CHILD = 77, (Contrast.T1, Contrast.CT, Contrast.T2), 8
# Phantoms look straight ahead.
_YAWS_DEG, _PITCHES_DEG = (0.0,), (-10.0, 0.0, 10.0)


def plan_of(person: int) -> HeadPlan:
    """The phantom of a number: every other one differs strongly from the mean, one in eight is a child."""
    return HeadPlan(
        seed=_SEED,
        person=person,
        strength=1.7 if person % 2 else 1.0,
        contrast=_CONTRASTS[person % len(_CONTRASTS)],
        spacing_mm=(2.0, 2.0, 2.0),
        is_child=person % _EVERY_CHILD == _EVERY_CHILD - 1,
    )


def embedding_of(person: int) -> tuple[float, ...] | None:
    """The face of a phantom as 128 numbers; None where the detector sees none, and it has no place in a gallery."""
    judge, resampler = DlibHeads(), CpuResampler()
    scan = Scan(volume=make_head(plan_of(person)).volume)
    view = view_of(scan, head_frame(scan, resampler, judge), resampler)
    sight = clearest_sight(view, judge, resampler, _numbers())
    if sight is None or sight.score < 0:
        return None
    return tuple(float(value) for value in judge.embedding(sight.picture, sight.pixels))


def gallery_csv(persons: Iterator[int]) -> bytes:
    """The table of some phantoms."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for person in persons:
        values = embedding_of(person)
        if values is not None:
            writer.writerow((name_of(person), " ".join(f"{value:.{DECIMALS}f}" for value in values)))
    return stream.getvalue().encode("utf-8")


def name_of(person: int) -> str:
    """What a phantom is called in the table."""
    return f"phantom-{person}"


def _numbers() -> Numbers:
    shipped = load_face_rules(bundled_folder("rules")).numbers
    return replace(shipped, search_yaws_deg=_YAWS_DEG, search_pitches_deg=_PITCHES_DEG)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(gallery_csv(iter(range(PERSONS))))
