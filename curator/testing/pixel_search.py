"""A search for planted texts in the pixels of whatever a job released, independent of the engine's own decoders.

The law: frames are decoded by pydicom and read as they are; what a reader makes of a planted word counts as that word
also with a few letters wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray

from curator.ports.pixels import Picture, TextReader
from curator.testing.answer_key import AnswerKey, PlantKind
from curator.testing.leak_search import Leak

_SHORTEST = 4
_ALIKE = 0.8
Read = tuple[str, frozenset[str]]
Mapped = Callable[[Callable[[Path], Read], Iterable[Path]], Iterable[Read]]


@dataclass(frozen=True, slots=True)
class _Reading:
    """Which planted words can be read in a file of a folder, with the file's name."""

    folder: Path = field(repr=False)
    reader: TextReader
    planted: tuple[str, ...] = field(repr=False)

    def __call__(self, path: Path) -> Read:
        said = [_folded(one.text) for picture in _pictures(path) for one in self.reader.read(picture)]
        name = path.relative_to(self.folder).as_posix()
        return name, frozenset(word for word in self.planted if any(_holds(text, word) for text in said))


def find_pixel_leaks(
    folder: Path, key: AnswerKey, *, reader: TextReader, mapped: Mapped = map
) -> tuple[int, list[Leak]]:
    """How many images were read, and every planted text that can be, sorted; zero and nothing for an empty folder.

    Only images that say there is no text burned in are read: nobody says so of the others. `mapped` is what runs a
    function over many files, in any order.
    """
    planted = {_folded(plant.value) for plant in key.plants if plant.kind is PlantKind.PIXEL_TEXT}
    reading = _Reading(folder, reader, tuple(sorted(word for word in planted if len(word) >= _SHORTEST)))
    paths = [path for path in sorted(folder.rglob("*.dcm")) if _claims(path)]
    leaks = {Leak(name, "pixels", word.encode()) for name, words in mapped(reading, paths) for word in words}
    return len(paths), sorted(leaks)


def _claims(path: Path) -> bool:
    said = pydicom.dcmread(path, specific_tags=["BurnedInAnnotation"]).get("BurnedInAnnotation", "")
    return str(said) == "NO"


def _pictures(path: Path) -> Iterator[Picture]:
    """The first frame as it is shown, and what all frames have in common."""
    dataset = pydicom.dcmread(path)
    frames = dataset.pixel_array
    is_many = int(dataset.get("NumberOfFrames") or 1) > 1
    yield _eight_bits(frames[0] if is_many else frames)
    if is_many:
        yield _eight_bits(frames.mean(axis=0))


def _eight_bits(values: NDArray[np.generic]) -> Picture:
    plain = np.asarray(values, np.float64)
    low, high = float(plain.min()), float(plain.max())
    scaled = (plain - low) * (255 / (high - low)) if high > low else plain - low
    return np.ascontiguousarray(np.rint(scaled), dtype=np.uint8)


def _folded(text: str) -> str:
    return "".join(one for one in text.upper() if one.isalnum())


def _holds(text: str, word: str) -> bool:
    """Whether a text that was read has a word in it, perhaps with a few letters wrong."""
    if word in text:
        return True
    windows = (text[start : start + len(word)] for start in range(max(1, len(text) - len(word) + 1)))
    return any(SequenceMatcher(None, window, word, autojunk=False).ratio() >= _ALIKE for window in windows)
