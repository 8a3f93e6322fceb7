"""What a steward asks a dataset to be.

The law: an unknown key, a value of the wrong kind or an impossible wish is refused before any image is read.

Sources: Semantic Versioning 2.0.0.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from curator.errors import ConfigurationError
from curator.model.annotation import Label
from curator.model.manifest import Split
from curator.strict import Table

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


def read_spec(text: str) -> DatasetSpec:
    """The specification in the `[dataset]` table of a TOML document, which may also state `id`, `why` and `source`.

    Raises:
        ConfigurationError: it is not TOML, or says something that `spec_from_table` refuses.
    """
    try:
        document = Table("document", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"the dataset specification is not TOML: {error}") from error
    document.only(("id", "why", "source", "dataset"))
    return spec_from_table(document.get("dataset", dict))


def spec_from_table(values: Mapping[str, object]) -> DatasetSpec:
    """The specification that a `[dataset]` table states.

    Raises:
        ConfigurationError: a key is unknown (the nearest known one is named), missing, or its value impossible.
    """
    table = Table("dataset", values)
    table.only(DatasetSpec.__dataclass_fields__)
    name, version = table.get("name", str), table.get("version", str)
    if not _NAME.fullmatch(name):
        raise table.wrong("name", "must be 1 to 64 lower-case letters, digits, '-' or '_'")
    if not _VERSION.fullmatch(version):
        raise table.wrong("version", "must be a semantic version such as 1.0.0")
    method = table.one_of("consensus", list(ConsensusMethod), ConsensusMethod.MAJORITY.value)
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


def _filters(table: Table) -> Filters:
    table.only(Filters.__dataclass_fields__)
    return Filters(
        Modality=table.texts("Modality"),
        BodyPartExamined=table.texts("BodyPartExamined"),
        vendor=table.texts("vendor"),
        require_annotations=table.get("require_annotations", bool, False),
        minimum_annotators=table.number("minimum_annotators", 0, least=0),
    )


def _size(table: Table) -> int | None:
    if table.values.get("size", "all") == "all":
        return None
    return table.number("size", 1, least=1)


def _fractions(table: Table) -> tuple[tuple[Split, float], ...]:
    if "split" not in table.values:
        return DEFAULT_SPLIT
    shares = table.table("split")
    shares.only(list(Split))
    fractions = tuple((split, shares.get(split.value, float, 0.0)) for split in Split)
    if any(not 0.0 <= share <= 1.0 for _, share in fractions) or abs(sum(share for _, share in fractions) - 1.0) > 1e-9:
        raise table.wrong("split", "must be shares between 0 and 1 that sum to 1")
    return fractions


def _labels(table: Table) -> tuple[Label, ...]:
    labels = []
    for row in table.tables("labels"):
        row.only(Label.__dataclass_fields__)
        labels.append(
            Label(
                row.number("value", least=1, most=_MAX_LABEL),
                row.get("name", str),
                row.get("code_value", str, ""),
                row.get("coding_scheme", str, ""),
            )
        )
    for what in ("value", "name"):
        if len({getattr(label, what) for label in labels}) != len(labels):
            raise table.wrong("labels", f"has the same {what} twice")
    return tuple(sorted(labels))


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
