"""What a user may decide about a training run; everything left out is planned from the dataset.

The law: a configuration is read strictly; a key or value that is not understood is an error, never ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from curator.errors import ConfigurationError
from curator.strict import Table, read_toml

Axes = tuple[int, int, int]
Lengths = tuple[float, float, float]
_Reader = Callable[[Table, str], object]

AUTO: Final = "auto"
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
    learning_rate: float = 1e-2
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
        if isinstance(self.spacing_mm, tuple):
            _require("spacing_mm", min(self.spacing_mm) > 0, "three lengths above 0")
        if isinstance(self.patch_size, tuple):
            _require("patch_size", min(self.patch_size) > 0, "three counts above 0")
        if isinstance(self.batch_size, int):
            _require("batch_size", self.batch_size > 0, "above 0")
        if isinstance(self.flip_axes, tuple):
            _require("flip_axes", set(self.flip_axes) <= {0, 1, 2}, "a list of 0, 1 and 2, which are z, y and x")

    @classmethod
    def from_table(cls, values: Mapping[str, object]) -> TrainConfig:
        """The settings of one TOML table `[train]`; an empty one gives the defaults.

        Raises:
            ConfigurationError: an unknown key (the nearest known one is named) or a wrong value.
        """
        table = Table("train", values)
        table.only(_READERS)
        settings: dict[str, Any] = {key: _READERS[key](table, key) for key in values}
        return cls(**settings)

    def to_table(self) -> dict[str, object]:
        """All settings as plain JSON and TOML values; `from_table` reads them back."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def load_config(path: Path) -> TrainConfig:
    """The `[train]` table of a TOML file, which may hold nothing else.

    Raises:
        ConfigurationError: the file cannot be read, is not TOML, or anything in it is not understood.
    """
    document = read_toml(path, name="training configuration")
    document.only(("train",))
    return TrainConfig.from_table(document.table("train").values)


def _require(key: str, holds: bool, expected: str) -> None:
    if not holds:
        raise ConfigurationError(f"[train] {key}: must be {expected}")


def _text(table: Table, key: str) -> object:
    return table.get(key, str)


def _switch(table: Table, key: str) -> object:
    return table.get(key, bool)


def _count(table: Table, key: str) -> object:
    return table.get(key, int)


def _number(table: Table, key: str) -> object:
    return table.get(key, float)


def _counts(table: Table, key: str) -> object:
    values = table.get(key, list)
    if any(type(value) is not int for value in values):
        raise table.wrong(key, "must be a list of whole numbers")
    return tuple(values)


def _axes(table: Table, key: str) -> object:
    return _three(table, key, (int,))


def _lengths(table: Table, key: str) -> object:
    return tuple(float(value) for value in _three(table, key, (int, float)))


def _three(table: Table, key: str, kinds: tuple[type, ...]) -> tuple[Any, ...]:
    values = table.get(key, list)
    if len(values) != 3 or any(type(value) not in kinds for value in values):
        raise table.wrong(key, f'must be "auto" or three numbers of type {kinds[-1].__name__}, z y x')
    return tuple(values)


def _or_auto(reader: _Reader) -> _Reader:
    return lambda table, key: AUTO if table.values[key] == AUTO else reader(table, key)


_READERS: dict[str, _Reader] = {
    "spacing_mm": _or_auto(_lengths),
    "patch_size": _or_auto(_axes),
    "batch_size": _or_auto(_count),
    "memory_mib": _count,
    "network": _text,
    "channels": _counts,
    "optimizer": _text,
    "learning_rate": _number,
    "weight_decay": _number,
    "steps": _count,
    "validate_every_steps": _count,
    "foreground_fraction": _number,
    "flip_axes": _or_auto(_counts),
    "seed": _count,
    "device": _text,
    "amp": _switch,
}
