"""A rule file that holds exactly one rule."""

from __future__ import annotations

from pathlib import Path

from curator.errors import ConfigurationError
from curator.strict import Table, read_toml


def read_single_rule(folder: Path, rules: Path, *, key: str) -> Table:
    """The one rule of the file `rules` under `folder`, which states `key` besides what every rule states.

    Raises:
        ConfigurationError: the file is missing or malformed, or has not exactly one rule.
    """
    document = read_toml(folder / rules, name=rules.as_posix())
    document.only(required=("rule",))
    found = list(document.tables("rule"))
    if len(found) != 1:
        raise ConfigurationError(f"[{document.name}] rule: must stand there once, not {len(found)} times")
    found[0].only(required=("id", "why", "source", key, "example"))
    return found[0]
