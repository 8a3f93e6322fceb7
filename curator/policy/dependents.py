"""Which objects follow from other images, so that they can be released only after them.

The law: which SOP Classes these are stands in `rules/faces/dependents.toml`, each by the rule that says why.

Sources: DICOM PS3.15 E.3.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from curator.strict import Table, read_toml

RULES = Path("faces") / "dependents.toml"


def dependent_classes(folder: Path) -> Mapping[str, str]:
    """The id of the rule that makes objects of a SOP Class dependent, by SOP Class UID.

    Raises:
        ConfigurationError: the rule file is missing or malformed, or names a SOP Class twice.
    """
    return {uid: rule.get("id", str) for uid, rule in _rules(folder).items()}


def load_dependents(folder: Path) -> frozenset[str]:
    """The SOP Class UIDs of dependent objects.

    Raises:
        ConfigurationError: the rule file is missing or malformed, or names a SOP Class twice.
    """
    return frozenset(_rules(folder))


def shapeless_classes(folder: Path) -> frozenset[str]:
    """The SOP Class UIDs of dependent objects that hold no shape, so that nothing has to be cut out of them.

    Raises:
        ConfigurationError: the rule file is missing or malformed, or names a SOP Class twice.
    """
    return frozenset(uid for uid, rule in _rules(folder).items() if not rule.get("shape", bool, True))


def _rules(folder: Path) -> dict[str, Table]:
    """The rule about each SOP Class."""
    document = read_toml(folder / RULES, name=RULES.as_posix())
    document.only(required=("rule",))
    found: dict[str, Table] = {}
    for rule in document.tables("rule"):
        rule.only(("shape",), required=("id", "why", "source", "sop_classes", "example"))
        for uid in rule.texts("sop_classes"):
            if found.setdefault(uid, rule) is not rule:
                raise rule.wrong("sop_classes", f"{uid} is claimed by {found[uid].get('id', str)} already")
    return found
