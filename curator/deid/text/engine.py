"""Gets the text engine for those who need it.

The law: presidio and spaCy, which take seconds and hundreds of megabytes, are loaded here and only when asked for.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import cast

from curator.deid.text.cleaner import Cleaner, Find
from curator.policy.text import load_text_rules

_ANALYZER = "curator.deid.text.analyzer"


def load_cleaner(rules: Path) -> Cleaner:
    """A cleaner by the rules under `rules`/text, on a new engine; to be made once a process.

    Raises:
        ConfigurationError: a rule file is missing or malformed, or names a model that is not installed.
    """
    return cast("Cleaner", importlib.import_module(_ANALYZER).make_cleaner(load_text_rules(rules)))


def load_find(rules: Path) -> Find | None:
    """What finds the entities of the rules under `rules`/text, and those of the model that they name, in a text.

    None where they name no model: then the rules' own patterns find what the engine finds, without its half gigabyte.
    To be made once a process.

    Raises:
        ConfigurationError: as `load_cleaner`.
    """
    text = load_text_rules(rules)
    return cast("Find", importlib.import_module(_ANALYZER).engine_of(text)) if text.model else None
