"""What a user may decide about a training run; everything left out is planned from the dataset.

The law: a configuration is read strictly; a key or value that is not understood is an error, never ignored.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast

from curator.errors import ConfigurationError

Axes = tuple[int, int, int]
Lengths = tuple[float, float, float]

AUTO = "auto"
NETWORK_NAMES = ("unet",)
OPTIMIZER_NAMES = ("adamw", "sgd")
DEVICE_NAMES = (AUTO, "cpu", "cuda")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One run's settings; axes are `(z, y, x)` throughout.

    `"auto"` leaves the choice to the plan. `steps` is the whole budget in optimizer steps; every `validate_every_steps`
    the run is validated and can be resumed from there. `memory_mib` bounds the activations of one step and so sets
    patch and batch: it belongs to the configuration, not the machine, so that a plan is the same everywhere. `amp` is
    bfloat16 where the device is a GPU and nothing on a CPU. `foreground_fraction` of all patches are centred on a
    labelled voxel. `flip_axes` are the array axes that may be mirrored.

    Raises:
        ConfigurationError: a value is of the wrong type or out of range.
    """

    spacing_mm: Lengths | Literal["auto"] = AUTO
    patch_size: Axes | Literal["auto"] = AUTO
    batch_size: int | Literal["auto"] = AUTO
    memory_mib: int = 128
    network: str = "unet"
    channels: tuple[int, ...] = (16, 32, 64, 128)
    optimizer: str = "adamw"
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    steps: int = 400
    validate_every_steps: int = 50
    foreground_fraction: float = 0.5
    flip_axes: tuple[int, ...] | Literal["auto"] = AUTO
    seed: int = 0
    device: str = AUTO
    amp: bool = True

    def __post_init__(self) -> None:
        """Check every range, so that a run fails before it reads a volume."""
        _require("network", self.network in NETWORK_NAMES, f"one of {', '.join(NETWORK_NAMES)}")
        _require("optimizer", self.optimizer in OPTIMIZER_NAMES, f"one of {', '.join(OPTIMIZER_NAMES)}")
        _require("device", self.device in DEVICE_NAMES, f"one of {', '.join(DEVICE_NAMES)}")
        for name in ("memory_mib", "steps", "validate_every_steps", "learning_rate"):
            _require(name, getattr(self, name) > 0, "above 0")
        _require("weight_decay", self.weight_decay >= 0, "0 or above")
        _require("seed", self.seed >= 0, "0 or above")
        _require("foreground_fraction", 0 <= self.foreground_fraction <= 1, "from 0 to 1")
        _require("channels", len(self.channels) >= 2 and min(self.channels) > 0, "two or more counts above 0")
        if self.spacing_mm != AUTO:
            _require("spacing_mm", min(self.spacing_mm) > 0, "three lengths above 0")
        if self.patch_size != AUTO:
            _require("patch_size", min(self.patch_size) > 0, "three counts above 0")
        if self.batch_size != AUTO:
            _require("batch_size", self.batch_size > 0, "above 0")
        if self.flip_axes != AUTO:
            _require("flip_axes", set(self.flip_axes) <= {0, 1, 2}, "a list of 0, 1 and 2, which are z, y and x")

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> TrainConfig:
        """The settings of one TOML table; an empty one gives the defaults.

        Raises:
            ConfigurationError: an unknown key (the nearest known one is named) or a wrong value.
        """
        known = [field.name for field in fields(cls)]
        for key in table:
            if key not in known:
                raise ConfigurationError(f"[train] knows no key {key!r}{_nearest(key, known)}")
        settings = {key: _READERS[key](key, value) for key, value in table.items()}
        return cls(**cast(dict[str, Any], settings))

    def to_table(self) -> dict[str, object]:
        """All settings as plain JSON and TOML values; `from_table` reads them back."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def load_config(path: Path) -> TrainConfig:
    """The `[train]` table of a TOML file.

    Raises:
        ConfigurationError: the file cannot be read, is not TOML, or holds anything but a `[train]` table.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError("the training configuration cannot be read") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError("the training configuration is not TOML") from error
    for key, value in document.items():
        if key != "train" or not isinstance(value, dict):
            raise ConfigurationError(f"a training configuration holds one table [train]; {key!r} is not it")
    return TrainConfig.from_table(document.get("train", {}))


def _require(key: str, holds: bool, expected: str) -> None:
    if not holds:
        raise ConfigurationError(f"[train] {key} must be {expected}")


def _nearest(key: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
    return f"; did you mean {close[0]!r}?" if close else f"; it knows {', '.join(known)}"


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"[train] {key} must be a string")
    return value


def _switch(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"[train] {key} must be true or false")
    return value


def _count(key: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(f"[train] {key} must be a whole number")
    return value


def _number(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigurationError(f"[train] {key} must be a number")
    return float(value)


def _counts(key: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigurationError(f"[train] {key} must be a list of whole numbers")
    return tuple(_count(key, entry) for entry in value)


def _auto_count(key: str, value: object) -> int | str:
    return AUTO if value == AUTO else _count(key, value)


def _auto_counts(key: str, value: object) -> tuple[int, ...] | str:
    return AUTO if value == AUTO else _counts(key, value)


def _auto_axes(key: str, value: object) -> tuple[int, ...] | str:
    counts = _auto_counts(key, value)
    _require(key, counts == AUTO or len(counts) == 3, '"auto" or three whole numbers, z y x')
    return counts


def _auto_lengths(key: str, value: object) -> tuple[float, ...] | str:
    if value == AUTO:
        return AUTO
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise ConfigurationError(f'[train] {key} must be "auto" or three numbers, z y x')
    return tuple(_number(key, entry) for entry in value)


_READERS = {
    "spacing_mm": _auto_lengths,
    "patch_size": _auto_axes,
    "batch_size": _auto_count,
    "memory_mib": _count,
    "network": _text,
    "channels": _counts,
    "optimizer": _text,
    "learning_rate": _number,
    "weight_decay": _number,
    "steps": _count,
    "validate_every_steps": _count,
    "foreground_fraction": _number,
    "flip_axes": _auto_counts,
    "seed": _count,
    "device": _text,
    "amp": _switch,
}
