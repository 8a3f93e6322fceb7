"""The networks that find and read lines of text, as rapidocr's wheel carries them, run by onnxruntime.

The law: nothing is fetched, nothing is logged, and one process loads each network once. What the detector was shown
lately it is not shown again: the proof of a picture that was not changed costs what only the proof asks.

Sources: rapidocr's models folder (PP-OCR detection and recognition, Apache-2.0); Liao et al. 2020 (differentiable
binarization); Graves et al. 2006 (connectionist temporal classification).
"""

from __future__ import annotations

import hashlib
import zlib
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from curator.adapters.text_lines import Chances
from curator.errors import ConfigurationError
from curator.ports.pixels import Picture

Probabilities = NDArray[np.float32]
_STRIDE = 32
_LINE_HEIGHT = 48
_NARROWEST, _WIDEST = 48, 2400
_BATCH_COLUMNS = 2400
_SILENT = 4
# Maps of pictures that are remembered, packed to a few KB each: those of all scales and views of a large radiograph.
_MOST_REMEMBERED = 256
# Pictures that a GPU looks at together; a core gains nothing by it, and memory is bounded by one.
_AT_ONCE_ON_GPU = 8
_GPU = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a line says and the mean certainty of its characters, 0 to 1; "" and 0.0 where nothing was read."""

    text: str
    confidence: float


class TextModels:
    """Both networks of one process; `threads` bounds the cores that one call uses.

    `at_once` is how many pictures of one shape the detector is shown together at the most.

    Raises:
        ConfigurationError: rapidocr is not installed, or its wheel carries no models.
    """

    def __init__(self, *, threads: int = 1) -> None:
        folder = _models_folder()
        self._paths = (_only(folder, "*_det_*.onnx"), _only(folder, "*_rec_*.onnx"))
        self._detector, self._recognizer = (_session(path, threads) for path in self._paths)
        known = self._recognizer.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._characters = ("", *known, " ")
        self._seen: OrderedDict[bytes, bytes] = OrderedDict()
        self.at_once = _AT_ONCE_ON_GPU if _GPU in self._detector.get_providers() else 1

    @cached_property
    def name(self) -> str:
        """Which networks these are: file name and the first 12 digits of the SHA-256 of each."""
        return " ".join(f"{path.stem}:{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}" for path in self._paths)

    def text_maps(self, pictures: Sequence[Picture]) -> tuple[Chances, ...]:
        """How likely each pixel of RGB pictures `(Y, X, 3)` lies in the core of a line of text: a map for each."""
        keys = [_digest(picture) for picture in pictures]
        new = {key: picture for key, picture in zip(keys, pictures, strict=True) if key not in self._seen}
        alike: dict[tuple[int, ...], list[bytes]] = defaultdict(list)
        for key, picture in new.items():
            alike[picture.shape].append(key)
        for group in alike.values():
            for start in range(0, len(group), self.at_once):
                few = group[start : start + self.at_once]
                for key, found in zip(few, self._detected([new[each] for each in few]), strict=True):
                    self._seen[key] = zlib.compress(found.tobytes(), 1)
        maps = tuple(self._remembered(key, picture) for key, picture in zip(keys, pictures, strict=True))
        while len(self._seen) > _MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return maps

    def _remembered(self, key: bytes, picture: Picture) -> Chances:
        self._seen.move_to_end(key)
        return np.frombuffer(zlib.decompress(self._seen[key]), np.uint8).reshape(picture.shape[:2])

    def _detected(self, pictures: Sequence[Picture]) -> list[Chances]:
        """The maps of pictures of one shape, looked at together."""
        rows, columns = pictures[0].shape[:2]
        beyond = ((0, -rows % _STRIDE), (0, -columns % _STRIDE), (0, 0))
        batch = np.stack([_as_input(np.pad(picture, beyond, mode="edge")) for picture in pictures])
        (found,) = self._detector.run(None, {self._detector.get_inputs()[0].name: batch})
        return [np.rint(each[0, :rows, :columns] * 255).astype(np.uint8) for each in found]

    def readings(self, lines: Sequence[Picture]) -> tuple[Reading, ...]:
        """What each upright line `(Y, X, 3)` says, in their order; nothing for no lines."""
        scaled = [_line(line) for line in lines]
        found: dict[int, Reading] = {}
        order = sorted(range(len(scaled)), key=lambda index: scaled[index].shape[1])
        for batch in _batches(order, [line.shape[1] for line in scaled]):
            found.update(zip(batch, self._read([scaled[index] for index in batch]), strict=True))
        return tuple(found[index] for index in range(len(scaled)))

    def _read(self, lines: Sequence[Picture]) -> list[Reading]:
        widest = max(line.shape[1] for line in lines)
        batch = np.zeros((len(lines), 3, _LINE_HEIGHT, widest), dtype=np.float32)
        for row, line in zip(batch, lines, strict=True):
            row[:, :, : line.shape[1]] = _as_input(line)
        (scores,) = self._recognizer.run(None, {self._recognizer.get_inputs()[0].name: batch})
        return [self._decoded(best, certain) for best, certain in zip(scores.argmax(2), scores.max(2), strict=True)]

    def _decoded(self, best: NDArray[np.int64], certain: Probabilities) -> Reading:
        """Equal neighbours are one character, class 0 is the gap between characters."""
        starts = np.ones(len(best), dtype=bool)
        starts[1:] = best[1:] != best[:-1]
        starts &= best != 0
        if not starts.any():
            return Reading("", 0.0)
        return Reading("".join(self._characters[index] for index in best[starts]), float(certain[starts].mean()))


@cache
def loaded_models(threads: int) -> TextModels:
    """The models of this process: loaded on the first call, the same ones after that.

    Raises:
        ConfigurationError: as `TextModels`.
    """
    return TextModels(threads=threads)


def _models_folder() -> Path:
    spec = find_spec("rapidocr")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError("burned-in text needs rapidocr, which is not installed")
    return Path(spec.submodule_search_locations[0]) / "models"


def _only(folder: Path, pattern: str) -> Path:
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise ConfigurationError(f"the installed rapidocr carries no model {pattern}; reinstall it")
    return paths[-1]


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    # An arena would keep the memory of the largest picture for as long as the process lives.
    options.enable_cpu_mem_arena = False
    offered = onnxruntime.get_available_providers()
    return onnxruntime.InferenceSession(
        str(path), options, providers=[provider for provider in (_GPU, _CPU) if provider in offered]
    )


def _digest(picture: Picture) -> bytes:
    return hashlib.blake2b(
        np.ascontiguousarray(picture).data, digest_size=16, key=repr(picture.shape).encode()
    ).digest()


def _as_input(picture: Picture) -> NDArray[np.float32]:
    """The networks were trained on blue, green, red from -1 to 1, channels first."""
    return np.ascontiguousarray(picture[:, :, ::-1].transpose(2, 0, 1), dtype=np.float32) / np.float32(127.5) - 1


def _line(picture: Picture) -> Picture:
    rows, columns = picture.shape[:2]
    width = min(max(round(columns * _LINE_HEIGHT / rows), _NARROWEST), _WIDEST)
    resized = cv2.resize(picture, (width, _LINE_HEIGHT), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, dtype=np.uint8)


def _batches(order: Sequence[int], widths: Sequence[int]) -> list[list[int]]:
    """Lines of similar width together, none wider in all than a bound on memory allows."""
    batches: list[list[int]] = []
    for index in order:
        if batches and (len(batches[-1]) + 1) * widths[index] <= _BATCH_COLUMNS:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches
