"""Whether texts that a person read in a picture can still be read there, by readers that are not the engine's own.

The law: a text counts as read also with a letter or two wrong, whatever its case and punctuation.

Sources: tesseract's manual (page segmentation 3: a page, 11: sparse text); rapidocr's own pipeline with its defaults.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from curator.ports.pixels import Picture

TESSERACT = "tesseract"
_MODES = ("3", "11")
_SCALES = (1, 2)
_ALIKE = 0.85
# Shorter texts stand by chance in longer ones.
_SHORTEST_WITHIN = 4
_LISTED = re.compile(r"- (\S+\.dcm) [^:]*: (.*)")
_HARMLESS = "harmless"
_QUIETLY = {"Global.log_level": "critical", "EngineConfig.onnxruntime.intra_op_num_threads": 1}


def strings_listed(text: str) -> Mapping[str, tuple[str, ...]]:
    """The strings in quotes that a list by eye gives for each file before its harmless ones; () for a file of none."""
    rows = (_LISTED.match(line) for line in text.splitlines())
    return {row[1]: tuple(re.findall(r'"([^"]+)"', row[2].split(_HARMLESS)[0])) for row in rows if row}


def has_tesseract() -> bool:
    """Whether tesseract is installed."""
    return shutil.which(TESSERACT) is not None


def lines_by_tesseract(picture: Picture) -> tuple[str, ...]:
    """What tesseract reads in a picture `(Y, X)` or RGB, as a page and as scattered words, at once and twice its size.

    Raises:
        FileNotFoundError: tesseract is not installed.
    """
    return tuple(line for said in _said_by_tesseract(picture) for line in said.splitlines() if line.strip())


def lines_by_rapidocr(picture: Picture) -> tuple[str, ...]:
    """What rapidocr's own pipeline reads in a picture `(Y, X)` or RGB, line by line and all of it together."""
    found = _rapidocr()(_blue_first(picture)).txts or ()
    return (*found, " ".join(found))


def count_read(strings: Sequence[str], lines: Sequence[str]) -> int:
    """How many of the strings stand in lines that were read; 0 for no lines."""
    read = [_folded(line) for line in lines]
    return sum(any(_stands_in(_folded(wanted), line) for line in read) for wanted in strings)


def _said_by_tesseract(picture: Picture) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="curator-read-") as scratch:
        for scale in _SCALES:
            file = Path(scratch) / f"{scale}.png"
            large = cv2.resize(_blue_first(picture), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
            file.write_bytes(cv2.imencode(".png", large)[1].tobytes())
            for mode in _MODES:
                command = [TESSERACT, str(file), "-", "--psm", mode]
                yield subprocess.run(command, capture_output=True, text=True, check=True).stdout


class _Said(Protocol):
    """What rapidocr answers."""

    txts: tuple[str, ...] | None


@cache
def _rapidocr() -> Callable[[Picture], _Said]:
    # Found by name: it logs and loads its networks while it is imported and made.
    made: Callable[[Picture], _Said] = import_module("rapidocr").RapidOCR(params=_QUIETLY)
    return made


def _blue_first(picture: Picture) -> Picture:
    return np.ascontiguousarray(picture if picture.ndim == 2 else picture[:, :, ::-1])


def _folded(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _stands_in(wanted: str, line: str) -> bool:
    if len(wanted) < _SHORTEST_WITHIN:
        return wanted == line
    if wanted in line:
        return True
    windows = (line[start : start + len(wanted)] for start in range(max(1, len(line) - len(wanted) + 1)))
    return any(SequenceMatcher(None, wanted, window, autojunk=False).ratio() >= _ALIKE for window in windows)
