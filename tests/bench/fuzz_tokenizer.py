"""Byte-level fuzzing of the tokenizer and of the whole de-identification, for so many minutes, on one core.

    uv run python tests/bench/fuzz_tokenizer.py --minutes 10 [--seed N] [--keep FOLDER]

Coverage-guided where atheris can be imported (it is in no environment of ours: make one with `uv venv`, install atheris
there and put this project's site-packages on PYTHONPATH); otherwise seeded mutations of pydicom's bundled files. What
is found is kept in the folder, one file for each place in the code. Exit code 1 where anything was found.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

try:
    import atheris
except ImportError:
    atheris = None

_LONGEST_S = 5.0
_LARGEST = 65_536
_SAY_EVERY_S = 30
_BEGINS_ANEW = 0.5
_BECOMES_PARENT = 0.2
_LARGEST_POOL = 2000


class HangError(BaseException):
    """One file took longer than it may."""


class Fuzz:
    """Runs files and keeps what is found; ends the process when the time is up."""

    def __init__(self, laws: Any, *, minutes: float, keep: Path) -> None:
        self.found: Counter[str] = Counter()
        self.executions = 0
        self._laws = laws
        self._keep = keep
        self._begun = self._said = time.monotonic()
        self._until = self._begun + 60 * minutes
        signal.signal(signal.SIGALRM, _too_long)

    def one(self, data: bytes) -> bool:
        """Judge one file: whether it was released."""
        self.executions += 1
        released = self._laws.released
        signal.setitimer(signal.ITIMER_REAL, _LONGEST_S)
        try:
            self._laws.hold(data)
        except (Exception, HangError) as error:  # noqa: BLE001 - whatever escapes is what we look for
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._note(data, error)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        now = time.monotonic()
        if now - self._said > _SAY_EVERY_S or now > self._until:
            self._said = now
            self.say()
        if now > self._until:
            # libFuzzer would report an ordinary end as a crash.
            sys.stdout.flush()
            os._exit(1 if self.found else 0)
        return bool(self._laws.released > released)

    def say(self) -> None:
        """How far we are."""
        laws = self._laws
        taken = time.monotonic() - self._begun
        _say(
            f"{taken:6.0f} s  {self.executions:,} executions: {laws.released:,} released ({laws.quick:,} quickly), "
            f"{laws.refused:,} refused; {len(self.found)} findings"
        )
        for where, times in self.found.most_common():
            _say(f"        {times:6} x {where}")

    def _note(self, data: bytes, error: BaseException) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "curator" in frame.filename] or frames
        said = str(error) if type(error).__name__ == "BrokenLawError" else ""
        where = f"{type(error).__name__} {said} {Path(ours[-1].filename).name}:{ours[-1].lineno}"
        self.found[where] += 1
        if self.found[where] == 1:
            name = hashlib.sha256(where.encode()).hexdigest()[:12]
            (self._keep / f"{name}.dcm").write_bytes(data)
            (self._keep / f"{name}.txt").write_text(where + "\n" + "".join(traceback.format_exception(error)))


def main() -> None:
    """Fuzz until the time is up."""
    arguments = _arguments()
    keep = arguments.keep or Path(tempfile.mkdtemp(prefix="curator-fuzz-"))
    keep.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(Path(__file__).parent))
    if atheris is not None and not arguments.no_atheris:
        with atheris.instrument_imports(include=["curator.dicom", "curator.deid", "curator.ingest"]):
            laws = importlib.import_module("fuzz_laws")
    else:
        laws = importlib.import_module("fuzz_laws")
    mutated = importlib.import_module("fuzz_mutations").mutated
    seeds = laws.seeds()
    fuzz = Fuzz(laws.Laws(), minutes=arguments.minutes, keep=keep)
    _say(f"{len(seeds)} seeds; findings are kept in {keep}")
    for seed in seeds:
        fuzz.one(seed)
    fuzz.say()
    if atheris is not None and not arguments.no_atheris:
        _guided(fuzz, seeds, mutated, seed=arguments.seed)
    _seeded(fuzz, seeds, mutated, seed=arguments.seed)


def _seeded(fuzz: Fuzz, seeds: list[bytes], mutated: Any, *, seed: int) -> None:
    random = Random(seed)
    pool = list(seeds)
    while True:
        data = mutated(random.choice(pool), seeds, random, largest=_LARGEST)
        # What still comes through is a parent too, so that oddities add up.
        if fuzz.one(data) and random.random() < _BECOMES_PARENT:
            if len(pool) < _LARGEST_POOL:
                pool.append(data)
            else:
                pool[random.randrange(len(seeds), _LARGEST_POOL)] = data


def _guided(fuzz: Fuzz, seeds: list[bytes], mutated: Any, *, seed: int) -> None:
    corpus = Path(tempfile.mkdtemp(prefix="curator-corpus-"))
    for number, data in enumerate(seeds):
        (corpus / f"{number}").write_bytes(data)

    def mutate(data: bytes, largest: int, number: int) -> bytes:
        random = Random(number)
        if random.random() < _BEGINS_ANEW:
            # Left to itself it drifts to files that are refused at their first byte.
            return bytes(mutated(random.choice(seeds), seeds, random, largest=largest))
        if random.random() < 0.3:
            return bytes(atheris.Mutate(data, largest))
        return bytes(mutated(bytes(data), seeds, random, largest=largest))

    def judge(data: bytes) -> None:
        fuzz.one(data)

    options = [f"-max_len={_LARGEST}", f"-seed={seed}", "-verbosity=0", "-rss_limit_mb=4096", "-timeout=60"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], judge, custom_mutator=mutate)
    atheris.Fuzz()


def _too_long(number: int, frame: FrameType | None) -> None:
    raise HangError


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a bench is a program, and this is its output


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fuzz the tokenizer and the de-identification.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="where findings are kept; a new scratch folder otherwise")
    parser.add_argument("--no-atheris", action="store_true", help="seeded mutations even where atheris is there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
