"""Every real image at hand, read as if its pixels were suspected: what keeps its bytes, and what becomes of the rest.

    uv run python tests/bench/pixels_real.py [--place pydicom vendors] [--only NAME ...] [--first 0] [--json FILE]

The law: each file is cleaned, held or refused with a reason; none ends its process. A file counts as unchanged where
PixelData has the same bytes. Smallest files first, each in a process that is replaced where it dies.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import pydicom

from curator.bundled import bundled_folder
from curator.deid.pixels.clean import CleanedPixels, PixelCleaner
from curator.deid.pixels.compare import differences
from curator.deid.pixels.evidence import PixelsHeldError
from curator.deid.pixels.frames import Frames
from curator.deid.pixels.module import has_pixel_data, pixel_module
from curator.dicom.parse import parse
from curator.errors import ItemError
from curator.jobs.release.looking import load_pixel_cleaner
from curator.model.pixels import Verdict
from curator.policy.gates import Handling

_SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
PLACES = {
    "pydicom": Path(pydicom.__file__).parent / "data" / "test_files",
    "vendors": _SHARED / "vendors",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One file: `status` is same, scrubbed, held, refused, no pixels or crashed; `share` is what was blacked out."""

    name: str
    status: str
    why: str = ""
    boxes: int = 0
    share: float = 0.0
    frames: int = 0
    cpu_s: float = 0.0


def main() -> None:
    """Look at every file and print what became of it."""
    arguments = _arguments()
    seen: list[Seen] = []
    for path in sorted(_files(arguments), key=lambda path: path.stat().st_size)[arguments.first :]:
        seen.append(one := _apart(path))
        words = f"{one.status:9} {one.cpu_s:6.1f} s {one.frames:4} frames  {one.boxes:3} boxes {one.share:7.2%}"
        _say(f"{words}  {one.name}  {one.why}")
        if arguments.json is not None:
            arguments.json.write_text(json.dumps([asdict(one) for one in seen], indent=1), encoding="utf-8")
    _say(str(dict(Counter(one.status for one in seen))))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--place", nargs="+", choices=PLACES, default=tuple(PLACES))
    parser.add_argument("--only", nargs="+", default=(), help="parts of file names")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--json", type=Path, help="all figures, written after each file")
    return parser.parse_args()


def _files(arguments: argparse.Namespace) -> Iterator[Path]:
    for place in arguments.place:
        for path in PLACES[place].rglob("*"):
            is_asked_for = not arguments.only or any(part in path.name for part in arguments.only)
            if path.is_file() and path.suffix not in {".md", ".txt"} and is_asked_for:
                yield path


class _Workers:
    """One process that looks; a new one after it died."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def look(self, path: Path) -> Seen:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
        try:
            return self._pool.submit(_looked_at, path).result()
        except BrokenProcessPool:
            self._pool = None
            return Seen(_name(path), "crashed", "the process ended")


_WORKERS = _Workers()


def _apart(path: Path) -> Seen:
    return _WORKERS.look(path)


def _name(path: Path) -> str:
    return "/".join(path.parts[-2:])


@cache
def _cleaner() -> PixelCleaner:
    return load_pixel_cleaner(bundled_folder("rules"))


def _looked_at(path: Path) -> Seen:
    started = time.process_time()
    source, cleaner = path.read_bytes(), _cleaner()
    try:
        if not has_pixel_data(parse(source)):
            return Seen(_name(path), "no pixels")
        cleaned = cleaner.clean(source, handling=Handling.LOOK, identifiers=())
    except PixelsHeldError as error:
        return Seen(_name(path), "held", str(error), cpu_s=time.process_time() - started)
    except ItemError as error:
        return Seen(_name(path), "refused", str(error), cpu_s=time.process_time() - started)
    return _told(path, source, cleaned, time.process_time() - started)


def _told(path: Path, source: bytes, cleaned: CleanedPixels, cpu_s: float) -> Seen:
    before, after = _frames(source), _frames(bytes(cleaned.data))
    evidence = cleaned.evidence
    assert evidence is not None
    assert evidence.is_proven
    pixels = (_value(source, before), _value(bytes(cleaned.data), after))
    gone = [one for one in evidence.boxes if one.verdict is not Verdict.KEEP]
    status = "same" if pixels[0] == pixels[1] else "scrubbed"
    if status == "same":
        assert not list(differences(before, after, lambda _: ()))
    rules = ", ".join(sorted({one.rule_id for one in gone}))
    return Seen(_name(path), status, rules, len(gone), evidence.blacked_out, len(before), cpu_s)


def _frames(data: bytes) -> Frames:
    data_set = parse(data)
    return Frames(data_set, pixel_module(data_set))


def _value(data: bytes, frames: Frames) -> bytes:
    place = frames.module.pixels
    return data[place.value : place.value + place.length]


if __name__ == "__main__":
    main()
