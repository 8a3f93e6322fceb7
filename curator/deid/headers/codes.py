"""Coded entries: a meaning stays only where the standard's own dictionary says the same.

Code Meaning is free text that every header tool passes on; here it is what its code means, or nothing.

Sources: DICOM PS3.3 8.8 (code sequence macro); PS3.16 through pydicom's concept dictionary
(`tests/rules/generate_concepts.py`).
"""

from __future__ import annotations

import re
from functools import cache

from curator.bundled import bundled_folder
from curator.policy.csv_tables import cells_of

# What code values look like in every published scheme: no blanks, no lower case words.
_CODE_VALUE = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,15}")


_TABLE = "header/concepts.csv"


@cache
def _meanings() -> dict[tuple[str, str], str]:
    rows = cells_of((bundled_folder("rules") / _TABLE).read_bytes(), name=_TABLE)
    return {(scheme, value): meaning for _, (scheme, value, meaning) in rows}


def standard_meaning(scheme: str, value: str) -> str | None:
    """The meaning that the standard gives a code; None for one it does not know."""
    return _meanings().get((scheme, value))


def is_code_value(value: str) -> bool:
    """Whether a value has the form of a code rather than of text."""
    return _CODE_VALUE.fullmatch(value) is not None
