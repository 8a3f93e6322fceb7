"""The networks that find and read lines of text, as rapidocr's wheel carries them, run by onnxruntime.

The law: nothing is fetched, nothing is logged, and one process loads each network once.

Sources: rapidocr's models folder (PP-OCR detection and recognition, Apache-2.0); Liao et al. 2020 (differentiable
binarization); Graves et al. 2006 (connectionist temporal classification).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from curator.errors import ConfigurationError
from curator.ports.pixels import Picture

Probabilities = NDArray[np.float32]
_STRIDE = 32
_LINE_HEIGHT = 48
_NARROWEST, _WIDEST = 48, 2400
_BATCH_COLUMNS = 2400
_SILENT = 4
_GPU = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a line says and the mean certainty of its characters, 0 to 1; "" and 0.0 where nothing was read."""

    text: str
    confidence: float


class TextModels:
    """Both networks of one process; `threads` bounds the cores that one call uses.

    Raises:
        ConfigurationError: rapidocr is not installed, or its wheel carries no models.
    """

    def __init__(self, *, threads: int = 1) -> None:
        folder = _models_folder()
        self._paths = (_only(folder, "*_det_*.onnx"), _only(folder, "*_rec_*.onnx"))
        self._detector, self._recognizer = (_session(path, threads) for path in self._paths)
        known = self._recognizer.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._characters = ("", *known, " ")

    @cached_property
    def name(self) -> str:
        """Which networks these are: file name and the first 12 digits of the SHA-256 of each."""
        return " ".join(f"{path.stem}:{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}" for path in self._paths)

    def text_map(self, picture: Picture) -> Probabilities:
        """How likely each pixel of an RGB picture `(Y, X, 3)` lies in the core of a line of text, `(Y, X)`, 0 to 1."""
        rows, columns = picture.shape[:2]
        beyond = ((0, -rows % _STRIDE), (0, -columns % _STRIDE), (0, 0))
        batch = _as_input(np.pad(picture, beyond, mode="edge"))[np.newaxis]
        (found,) = self._detector.run(None, {self._detector.get_inputs()[0].name: batch})
        return np.asarray(found[0, 0, :rows, :columns], dtype=np.float32)

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
