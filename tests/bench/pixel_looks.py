"""What curator makes of the frozen pictures: boxes found, boxes removed, and what scrubbing changes elsewhere."""

from __future__ import annotations

import math
import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pixel_files import dicom_file, identifiers_of
from pixel_scores import Score, mask_of, score
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from curator.adapters.rapid_text import RapidText
from curator.bundled import bundled_folder
from curator.deid.pixels.decide import decide
from curator.deid.pixels.file_image import stored
from curator.deid.pixels.find import find
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import pixel_module
from curator.deid.pixels.rebuilt import rebuilt
from curator.deid.pixels.scrub import grown, scrub
from curator.deid.pixels.verify import boxes_by_frame
from curator.deid.text.folding import Folding
from curator.deid.text.own_values import OwnValues
from curator.dicom.parse import parse
from curator.model.pixels import Judged, Verdict
from curator.policy.pixels.rules import PixelRules, load_pixel_rules
from curator.testing.captioned import Captioned
from curator.testing.picture_set import read_set

FROZEN = Path(__file__).resolve().parents[1] / "data" / "pixels"
_SYNTAXES = (ExplicitVRLittleEndian, RLELossless, JPEG2000Lossless, JPEGLSLossless)
_EVERY_SCRUBBED = 4
# Pictures of one task, and how far apart its tasks' pictures lie; a theme has six pictures and more.
_AT_ONCE = 5
_STRIDE = 13


@dataclass(frozen=True, slots=True)
class Look:
    """One picture: all that was found, what goes of it, whether a person has to judge it, CPU seconds.

    `changed_outside` counts the values that scrubbing changed outside its boxes, None where it was not tried.
    """

    number: int
    found: Score
    gone: Score
    is_held: bool
    seconds: float
    changed_outside: int | None


def looks_at(
    folder: Path, half: str, numbers: Sequence[int], *, hints: bool, workers: int = 1, until: float = math.inf
) -> list[Look]:
    """The pictures of a set in `folder` looked at, by number.

    Those not begun when the monotonic clock shows `until` are left out. Pictures are taken far from each other, so that
    a run cut short has some of all themes; `hints` puts the patient's values into the header.
    """
    order = [number for start in range(_STRIDE) for number in numbers[start::_STRIDE]]
    work = [(folder, half, order[start : start + _AT_ONCE], hints) for start in range(0, len(order), _AT_ONCE)]
    looks: list[Look] = []
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = [pool.submit(_some_looks, *few) for few in work]
        for future in waiting:
            if time.monotonic() >= until:
                future.cancel()
            if not future.cancelled():
                looks += future.result()
    return sorted(looks, key=lambda look: look.number)


def _some_looks(folder: Path, half: str, numbers: Sequence[int], hints: bool) -> list[Look]:
    reader = RapidText()
    # The first picture loads the networks, which counts for none.
    reader.read(np.zeros((64, 64), np.uint8))
    rules = load_pixel_rules(bundled_folder("rules"))
    return [_look(picture, reader, rules, hints) for picture in read_set(folder, half, numbers=numbers)]


def _look(picture: Captioned, reader: RapidText, rules: PixelRules, hints: bool) -> Look:
    is_scrubbed = picture.number % _EVERY_SCRUBBED == 0
    syntax = _SYNTAXES[picture.number // _EVERY_SCRUBBED % len(_SYNTAXES)] if is_scrubbed else ExplicitVRLittleEndian
    data_set = parse(dicom_file(picture, hints=hints, syntax=syntax))
    own = OwnValues(identifiers_of(picture.hints if hints else None), Folding(rules.confusables))
    before = time.process_time()
    frames = Frames(data_set, pixel_module(data_set))
    sightings = find(frames, reader).sightings
    judged = decide(sightings, data_set=data_set, module=frames.module, own=own, rules=rules)
    seconds = time.process_time() - before
    return Look(
        number=picture.number,
        found=score(picture, [rules.judging.grown(one.box) for one in sightings]),
        gone=score(picture, [one.box for one in judged if one.verdict is not Verdict.KEEP]),
        is_held=any(one.verdict is Verdict.REVIEW for one in judged),
        seconds=seconds,
        changed_outside=_changed_outside(picture, frames, judged) if is_scrubbed else None,
    )


def _changed_outside(picture: Captioned, frames: Frames, judged: Sequence[Judged]) -> int:
    """Values that differ outside the boxes after scrubbing, as pydicom reads them."""
    boxes = boxes_by_frame(judged)
    scrubbed = scrub(frames, boxes, scratch=tempfile.TemporaryFile)
    if not scrubbed.changed:
        return 0
    with tempfile.TemporaryFile() as file:
        file.write(stored(rebuilt(frames.data_set, scrubbed), tempfile.TemporaryFile))
        file.seek(0)
        after = pydicom.dcmread(file).pixel_array
    black = mask_of((grown(frames, 0, box) for box in boxes(0)), picture.marks.shape)
    return int(np.count_nonzero(after[~black] != picture.pixels[~black]))
