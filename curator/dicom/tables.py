"""pydicom's tables of the standard, without the package around them.

Importing anything of pydicom imports all of it, every pixel decoder that is installed included: 45 MB and a quarter of
a second. What only reads and rewrites headers needs the tables alone, which are modules of plain data.

The law: these are pydicom's own tables; where the package is loaded already, its very objects.

Sources: DICOM PS3.6 (through pydicom).
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

Entry: TypeAlias = tuple[str, str, str, str, str]
"""VR, VM, title, "Retired" or "", keyword."""

_PACKAGE = "pydicom"
_ANY = "x"


def _module(name: str) -> ModuleType:
    loaded = sys.modules.get(f"{_PACKAGE}.{name}")
    package = find_spec(_PACKAGE)
    if loaded is not None:
        return loaded
    if package is None or package.origin is None:
        raise ModuleNotFoundError(_PACKAGE, name=_PACKAGE)
    spec = spec_from_file_location(f"{_PACKAGE}.{name}", Path(package.origin).with_name(f"{name}.py"))
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"{_PACKAGE}.{name}", name=_PACKAGE)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_dictionary = _module("_dicom_dict")
ELEMENTS: dict[int, Entry] = _dictionary.DicomDictionary
"""By tag."""
REPEATING: dict[str, Entry] = _dictionary.RepeatersDictionary
"""By tag in hexadecimal, an x where any digit may stand."""
UIDS: dict[str, tuple[str, str, str, str, str]] = _module("_uid_dict").UID_dictionary
"""Name, type, remark, "Retired" or "" and keyword by UID."""
TAGS: dict[str, int] = {entry[4]: tag for tag, entry in ELEMENTS.items()}
"""By keyword."""


def _mask(pattern: str) -> tuple[int, int]:
    fixed = "".join("0" if digit == _ANY else digit for digit in pattern)
    mask = "".join("0" if digit == _ANY else "F" for digit in pattern)
    return int(fixed, 16), int(mask, 16)


_MASKS = [(*_mask(pattern), entry) for pattern, entry in REPEATING.items()]


def entry_of(tag: int) -> Entry | None:
    """What the standard says of a tag, those of repeating groups included; None where it says nothing."""
    found = ELEMENTS.get(tag)
    if found is None and not tag >> 16 & 1:
        return next((entry for fixed, mask, entry in _MASKS if tag & mask == fixed), None)
    return found


def private_title(tag: int, creator: str) -> str | None:
    """The title of a private element as pydicom knows it; None where it does not."""
    known = _private_tables().get(creator, {})
    group, element = f"{tag >> 16:04X}", f"{tag & 0xFFFF:04X}"
    places = (f"{group}{element}", f"{group}xx{element[-2:]}", f"{group[:2]}xxxx{element[-2:]}")
    return next((known[place][2] for place in places if place in known), None)


@cache
def _private_tables() -> dict[str, dict[str, tuple[str, str, str, str]]]:
    # A megabyte that few need.
    tables: dict[str, dict[str, tuple[str, str, str, str]]] = _module("_private_dict").private_dictionaries
    return tables
