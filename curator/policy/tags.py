"""How rules write tags: eight upper-case hexadecimal digits, `x` for any one.

Sources: DICOM PS3.5 7.1; PS3.6 (repeating groups).
"""

from __future__ import annotations

import re

from curator.errors import ConfigurationError

_TAG = re.compile(r"[0-9A-F]{8}")
_TAG_MASK = re.compile(r"[0-9A-Fx]{8}")


def tag_of(value: str, *, where: str) -> int:
    """The tag that is written without any `x`.

    Raises:
        ConfigurationError: it is written otherwise.
    """
    if not _TAG.fullmatch(value):
        raise ConfigurationError(f"{where}: {value!r} is not a tag of eight upper-case hexadecimal digits")
    return int(value, 16)


def tag_mask_of(value: str, *, where: str) -> tuple[int, int]:
    """The tags that are written with `x`, as (fixed bits, their mask).

    Raises:
        ConfigurationError: they are written otherwise.
    """
    if not _TAG_MASK.fullmatch(value):
        raise ConfigurationError(f"{where}: {value!r} is not a tag of eight upper-case hexadecimal digits or x")
    mask = int("".join("0" if digit == "x" else "F" for digit in value), 16)
    return int(value.replace("x", "0"), 16), mask
