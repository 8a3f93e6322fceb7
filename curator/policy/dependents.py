"""Which objects follow from other images, so that they can be released only after them."""

from __future__ import annotations

from pathlib import Path

from curator.strict import read_toml

RULES = Path("faces") / "dependents.toml"


def load_dependents(folder: Path) -> frozenset[str]:
    """The SOP Class UIDs of dependent objects.

    Raises:
        ConfigurationError: the rule file is missing or malformed.
    """
    document = read_toml(folder / RULES, name=RULES.as_posix())
    document.only(("rule",))
    found: set[str] = set()
    for rule in document.tables("rule"):
        rule.only(("id", "why", "source", "sop_classes", "example"))
        found.update(rule.texts("sop_classes"))
    return frozenset(found)
