"""The memory that a cine of 2 GB takes while its pixels are cleaned.

    uv run python tests/bench/pixels_cine.py [--gigabytes 2] [--folder FOLDER]

A grey cine of 1024 x 1024, native, whose organ moves and whose caption stands still, is written into a scratch
folder and cleaned in a process of its own. Printed are the most memory resident at once (with the pages of the mapped
file that happen to be resident), the most of its own without them, and CPU seconds; the goal is 1 GB.
"""

from __future__ import annotations

import argparse
import json
import mmap
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pixel_files import dicom_file, identifiers_of

from curator.bundled import bundled_folder
from curator.deid.pixels.clean import PixelCleaner
from curator.deid.pixels.evidence import PixelsHeldError
from curator.jobs.release.pixel_tools import make_pixel_cleaner
from curator.model.pixels import Verdict
from curator.policy.gates import Handling
from curator.testing.backdrops import backdrop
from curator.testing.captioned import Captioned, hints_of, stored
from curator.testing.captions import Caption, Paint, burn
from curator.testing.invented import random_stream
from curator.testing.people import Patient, cast

_SIDE = 1024
_PHASES = 8
_SEED = 20261121
_GOAL_MB = 1000


def main() -> None:
    """Make, clean elsewhere, print."""
    arguments = _arguments()
    if arguments.clean is not None:
        sys.stdout.write(json.dumps(_clean(arguments.clean)))
        return
    scratch = Path(tempfile.mkdtemp(prefix="curator-bench-", dir=arguments.folder))
    try:
        file = scratch / "cine.dcm"
        frames = _write(file, round(arguments.gigabytes * 1e9 / _SIDE**2))
        sys.stdout.write(f"{file.stat().st_size / 1e9:.2f} GB in {frames} frames\n")
        command = [sys.executable, __file__, "--clean", str(file)]
        answer = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        verdict = "met" if answer["peak_mb"] <= _GOAL_MB else "missed"
        sys.stdout.write(
            f"peak resident {answer['peak_mb']:.0f} MB (goal {_GOAL_MB}, {verdict}), of its own "
            f"{answer['own_mb']:.0f} MB; {answer['seconds']:.0f} CPU s; {answer['outcome']}\n"
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _patient() -> Patient:
    return cast(_SEED).patients[0]


def _write(file: Path, frames: int) -> int:
    """The cine; how many frames it has."""
    phases = [frame.tobytes() for frame in _phases()]
    first = Captioned("A", 0, "cine", "mr", 8, np.zeros((_SIDE, _SIDE), np.uint8),
                      np.zeros((_SIDE, _SIDE), np.uint8), (), hints_of(_patient()))  # fmt: skip
    whole = dicom_file(first, hints=True)
    data = pydicom.dcmread(pydicom.filebase.DicomBytesIO(whole))
    data.NumberOfFrames = frames
    del data.PixelData
    with file.open("wb") as target:
        data.save_as(target, enforce_file_format=True)
        target.write(b"\xe0\x7f\x10\x00OB\0\0" + (frames * _SIDE**2).to_bytes(4, "little"))
        for index in range(frames):
            target.write(phases[index % _PHASES])
    return frames


def _phases() -> list[NDArray[np.uint8] | NDArray[np.uint16]]:
    patient = _patient()
    frames = []
    for phase in range(_PHASES):
        canvas = backdrop("mr", (_SIDE, _SIDE), random_stream(_SEED, "cine"))
        canvas = np.roll(canvas, 3 * phase, axis=0)
        for row, text in enumerate((patient.name.plain, patient.record_number)):
            caption = Caption(text, "sans", 18)
            burn(canvas, caption, Paint((0.9,)), line=caption.line(), corner=(20 + 40 * row, 20), step=1 / 255)
        frames.append(stored(canvas, 8))
    return frames


def _clean(file: Path) -> dict[str, object]:
    """The file cleaned in this process, and what that took."""
    scratch = partial(tempfile.TemporaryFile, dir=file.parent)
    cleaner = make_pixel_cleaner(bundled_folder("rules"), scratch=scratch)
    watch = _Watch()
    watch.start()
    with file.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as data:
        outcome = _outcome(cleaner, data)
    watch.is_over.set()
    return {
        "peak_mb": _status("VmHWM:") / 1024,
        "own_mb": watch.most / 1024,
        "seconds": time.process_time(),
        "outcome": outcome,
    }


def _outcome(cleaner: PixelCleaner, data: mmap.mmap) -> str:
    try:
        cleaned = cleaner.clean(data, handling=Handling.LOOK, identifiers=identifiers_of(hints_of(_patient())))
    except PixelsHeldError as held:
        return f"held: {held.reason.value}: {held.detail}"
    if cleaned.evidence is None:
        return "not looked at"
    gone = cleaned.evidence.count(Verdict.REDACT)
    return f"{gone} boxes, {cleaned.evidence.changed} frames changed, proven: {cleaned.is_proven}"


class _Watch(threading.Thread):
    """Samples the memory that belongs to this process alone."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.is_over.wait(0.05):
            self.most = max(self.most, _status("RssAnon:"))


def _status(name: str) -> int:
    """KiB, from the kernel's account of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--clean", type=Path, default=None, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
