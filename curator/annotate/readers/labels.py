"""The label table that all masks of a job are brought to.

    overlap = "refuse"                # or "higher_value": where two segments claim one voxel
    [[label]]
    value = 1
    name = "liver"
    code_value = "10200004"           # both or neither
    coding_scheme = "SCT"

The law: a segment means a declared label by its code, or else by its name whatever the case; its number means nothing.

Sources: DICOM PS3.3 C.8.20.4 (segment description); PS3.16 CID 7150 ff. (property types).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curator.errors import ConfigurationError
from curator.model.annotation import Label
from curator.strict import Table, read_toml

_KEYS = ("value", "name", "code_value", "coding_scheme")
_OVERLAPS = ("refuse", "higher_value")
_LARGEST_VALUE = 255


@dataclass(frozen=True, slots=True)
class LabelTable:
    """The declared labels, sorted by value, and what happens where segments overlap.

    With `higher_value_wins` a voxel that several labels claim gets the highest of their values; without, the annotation
    is refused.
    """

    labels: tuple[Label, ...]
    higher_value_wins: bool = False

    def meant_by(self, names: Sequence[str], *, code_value: str, coding_scheme: str) -> Label | None:
        """The label with this code; among several of that code, the one that has one of `names`.

        Names also serve where no label has the code, but never against a label's own code in the same scheme.
        """
        coded = [label for label in self.labels if code_value and _code(label) == (code_value, coding_scheme)]
        if len(coded) == 1:
            return coded[0]
        open_to_names = [label for label in self.labels if not code_value or label.coding_scheme != coding_scheme]
        folded = {name.strip().casefold() for name in names}
        return next((label for label in coded or open_to_names if label.name.casefold() in folded), None)


def _code(label: Label) -> tuple[str, str]:
    return (label.code_value, label.coding_scheme)


def read_labels(path: Path) -> LabelTable:
    """The table that `labels.toml` declares.

    Raises:
        ConfigurationError: it cannot be read, has an unknown key, no label, a value outside 1 to 255, half a code, or a
            value or name twice.
    """
    top = read_toml(path, name="labels")
    top.only(("label", "overlap"))
    overlap = top.one_of("overlap", _OVERLAPS, "refuse")
    labels = tuple(sorted(_label(table) for table in top.tables("label")))
    if not labels:
        raise ConfigurationError("[labels] needs at least one [[label]]")
    for what, seen in (
        ("value", [label.value for label in labels]),
        ("name", [label.name.casefold() for label in labels]),
    ):
        if len(set(seen)) < len(seen):
            raise ConfigurationError(f"[labels.label] declares the same {what} twice")
    return LabelTable(labels, higher_value_wins=overlap == "higher_value")


def _label(table: Table) -> Label:
    table.only(_KEYS)
    name = table.get("name", str).strip()
    if not name:
        raise table.wrong("name", "must not be empty")
    code_value, coding_scheme = table.get("code_value", str, ""), table.get("coding_scheme", str, "")
    if bool(code_value) is not bool(coding_scheme):
        raise table.wrong("code_value", "and coding_scheme come together or not at all")
    value = table.number("value", least=1, most=_LARGEST_VALUE)
    return Label(value, name, code_value, coding_scheme)
