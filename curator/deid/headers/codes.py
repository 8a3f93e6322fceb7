"""Coded entries: a meaning stays only where the standard's own dictionary says the same.

Code Meaning is free text that every header tool passes on; here it is what its code means, or nothing.

Sources: DICOM PS3.3 8.8 (code sequence macro); PS3.16 through pydicom's concept dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import cast

# pydicom publishes the same facts by keyword only; a look-up by value needs the table behind it.
from pydicom.sr._concepts_dict import concepts

# What code values look like in every published scheme: no blanks, no lower case words.
_CODE_VALUE = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,15}")


@cache
def _meanings() -> dict[tuple[str, str], str]:
    table = cast("Mapping[str, Mapping[str, Mapping[str, tuple[str, object]]]]", concepts)
    return {
        (scheme, value): meaning
        for scheme, keywords in table.items()
        for codes in keywords.values()
        for value, (meaning, _) in codes.items()
    }


def standard_meaning(scheme: str, value: str) -> str | None:
    """The meaning that the standard gives a code; None for one it does not know."""
    return _meanings().get((scheme, value))


def is_code_value(value: str) -> bool:
    """Whether a value has the form of a code rather than of text."""
    return _CODE_VALUE.fullmatch(value) is not None
