"""What a steward asks a dataset to be.

The law: an unknown key, a value of the wrong kind or an impossible wish is refused before any image is read.

Sources: Semantic Versioning 2.0.0.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from curator.errors import ConfigurationError
from curator.model.annotation import Label
from curator.model.manifest import Split

ATTRIBUTES = (
    "BodyPartExamined",
    "Manufacturer",
    "ManufacturerModelName",
    "Modality",
    "SOPClassUID",
    "centre_code",
    "device_code",
    "vendor",
)
"""What a dataset can be balanced and stratified by: attributes of `CatalogSeries` that many series share."""

DEFAULT_SPLIT = ((Split.TRAIN, 0.7), (Split.VALIDATION, 0.15), (Split.TEST, 0.15))

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VERSION = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
    r"(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?"
)
_MAX_SEED = 2**63 - 1
_MAX_LABEL = 255


class ConsensusMethod(StrEnum):
    """How the masks of several authors become one."""

    MAJORITY = "majority"
    STAPLE = "staple"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which candidates are eligible; an empty tuple lets every value pass."""

    Modality: tuple[str, ...] = ()
    BodyPartExamined: tuple[str, ...] = ()
    vendor: tuple[str, ...] = ()
    require_annotations: bool = False
    minimum_annotators: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """A dataset as asked for.

    `size` is the most series to take, None for all that are eligible. `split` is the share of each split, summing to 1.
    `folds` is for cross-validation within train and validation; 1 means none. `labels` is the label table of the
    frozen masks; empty means the annotations' own, where they agree.
    """

    name: str
    version: str
    seed: int = 0
    filters: Filters = Filters()
    balance_by: tuple[str, ...] = ()
    size: int | None = None
    split: tuple[tuple[Split, float], ...] = DEFAULT_SPLIT
    folds: int = 1
    stratify_by: tuple[str, ...] = ()
    consensus: ConsensusMethod = ConsensusMethod.MAJORITY
    labels: tuple[Label, ...] = ()

    @property
    def folder_name(self) -> str:
        """What the dataset's folder is called."""
        return f"{self.name}@{self.version}"


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Table:
    """One TOML table under its dotted name, read strictly."""

    name: str
    values: Mapping[str, object]

    def only(self, known: Collection[str]) -> None:
        for key in self.values:
            if key not in known:
                raise ConfigurationError(f"[{self.name}] has no key {key!r}{_nearest(key, known)}")

    def get(self, key: str, kind: type[T], default: T | None = None) -> T:
        if key not in self.values:
            if default is None:
                raise ConfigurationError(f"[{self.name}] needs the key {key!r}")
            return default
        value = self.values[key]
        if kind is float and type(value) is int:
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.wrong(key, f"must be of type {kind.__name__}")
        return value

    def texts(self, key: str, allowed: Collection[str] | None = None) -> tuple[str, ...]:
        values: list[str] = []
        for value in self.get(key, list, []):
            if not isinstance(value, str):
                raise self.wrong(key, "must be a list of strings")
            if allowed is not None and value not in allowed:
                raise self.wrong(key, f"knows no {value!r}{_nearest(value, allowed)}")
            values.append(value)
        if len(set(values)) != len(values):
            raise self.wrong(key, "names the same value twice")
        return tuple(values)

    def number(self, key: str, default: int, *, least: int, most: int = _MAX_SEED) -> int:
        value = self.get(key, int, default)
        if not least <= value <= most:
            raise self.wrong(key, f"must be between {least} and {most}")
        return value

    def table(self, key: str) -> _Table:
        return _Table(f"{self.name}.{key}", self.get(key, dict, {}))

    def wrong(self, key: str, what: str) -> ConfigurationError:
        return ConfigurationError(f"[{self.name}] {key}: {what}")


def read_spec(text: str) -> DatasetSpec:
    """The specification in the `[dataset]` table of a TOML document, which may also state `id`, `why` and `source`.

    Raises:
        ConfigurationError: it is not TOML, or says something that `spec_from_table` refuses.
    """
    try:
        document = _Table("document", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"the dataset specification is not TOML: {error}") from error
    document.only(("id", "why", "source", "dataset"))
    return spec_from_table(document.get("dataset", dict))


def spec_from_table(values: Mapping[str, object]) -> DatasetSpec:
    """The specification that a `[dataset]` table states.

    Raises:
        ConfigurationError: a key is unknown (the nearest known one is named), missing, or its value impossible.
    """
    table = _Table("dataset", values)
    table.only(DatasetSpec.__dataclass_fields__)
    name, version = table.get("name", str), table.get("version", str)
    if not _NAME.fullmatch(name):
        raise table.wrong("name", "must be 1 to 64 lower-case letters, digits, '-' or '_'")
    if not _VERSION.fullmatch(version):
        raise table.wrong("version", "must be a semantic version such as 1.0.0")
    method = table.get("consensus", str, ConsensusMethod.MAJORITY.value)
    if method not in list(ConsensusMethod):
        raise table.wrong("consensus", f"knows no {method!r}{_nearest(method, list(ConsensusMethod))}")
    return DatasetSpec(
        name=name,
        version=version,
        seed=table.number("seed", 0, least=0),
        filters=_filters(table.table("filters")),
        balance_by=table.texts("balance_by", ATTRIBUTES),
        size=_size(table),
        split=_fractions(table),
        folds=table.number("folds", 1, least=1, most=1000),
        stratify_by=table.texts("stratify_by", ATTRIBUTES),
        consensus=ConsensusMethod(method),
        labels=_labels(table),
    )


def _filters(table: _Table) -> Filters:
    table.only(Filters.__dataclass_fields__)
    return Filters(
        Modality=table.texts("Modality"),
        BodyPartExamined=table.texts("BodyPartExamined"),
        vendor=table.texts("vendor"),
        require_annotations=table.get("require_annotations", bool, False),
        minimum_annotators=table.number("minimum_annotators", 0, least=0),
    )


def _size(table: _Table) -> int | None:
    if table.values.get("size", "all") == "all":
        return None
    return table.number("size", 1, least=1)


def _fractions(table: _Table) -> tuple[tuple[Split, float], ...]:
    if "split" not in table.values:
        return DEFAULT_SPLIT
    shares = table.table("split")
    shares.only(list(Split))
    fractions = tuple((split, shares.get(split.value, float, 0.0)) for split in Split)
    if any(not 0.0 <= share <= 1.0 for _, share in fractions) or abs(sum(share for _, share in fractions) - 1.0) > 1e-9:
        raise table.wrong("split", "must be shares between 0 and 1 that sum to 1")
    return fractions


def _labels(table: _Table) -> tuple[Label, ...]:
    labels = []
    for number, entry in enumerate(table.get("labels", list, [])):
        if not isinstance(entry, dict):
            raise table.wrong("labels", "must be tables with value and name")
        row = _Table(f"dataset.labels.{number}", entry)
        row.only(Label.__dataclass_fields__)
        row.get("value", int)
        labels.append(
            Label(
                row.number("value", 1, least=1, most=_MAX_LABEL),
                row.get("name", str),
                row.get("code_value", str, ""),
                row.get("coding_scheme", str, ""),
            )
        )
    for what in ("value", "name"):
        if len({getattr(label, what) for label in labels}) != len(labels):
            raise table.wrong("labels", f"has the same {what} twice")
    return tuple(sorted(labels))


def _nearest(key: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(key, sorted(map(str, known)), n=1, cutoff=0.0)
    return f"; the nearest known is {close[0]!r}" if close else ""


def spec_bytes(spec: DatasetSpec) -> bytes:
    """`spec` as canonical TOML; reading it back gives an equal one."""
    lines = [
        "[dataset]",
        f"name = {_toml(spec.name)}",
        f"version = {_toml(spec.version)}",
        f"seed = {spec.seed}",
        f"size = {_toml('all' if spec.size is None else spec.size)}",
        f"balance_by = {_toml(spec.balance_by)}",
        f"stratify_by = {_toml(spec.stratify_by)}",
        f"folds = {spec.folds}",
        f"consensus = {_toml(spec.consensus.value)}",
        "",
        "[dataset.filters]",
        *(f"{key} = {_toml(getattr(spec.filters, key))}" for key in Filters.__dataclass_fields__),
        "",
        "[dataset.split]",
        *(f"{split.value} = {_toml(float(share))}" for split, share in spec.split),
    ]
    for label in spec.labels:
        lines += ["", "[[dataset.labels]]"]
        lines += [f"{key} = {_toml(getattr(label, key))}" for key in Label.__dataclass_fields__]
    return "\n".join([*lines, ""]).encode()


def _toml(value: object) -> str:
    """A string, boolean, number or tuple of them as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(_escape(character) for character in escaped) + '"'
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return repr(value)


def _escape(character: str) -> str:
    return f"\\u{ord(character):04X}" if ord(character) < 0x20 or ord(character) == 0x7F else character
