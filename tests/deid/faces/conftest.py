"""The samples of the pixel stage are those of this one too; heads are treated once for all tests."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

_TESTS = Path(__file__).resolve().parents[2]
sys.path.append(str(_TESTS / "deid" / "pixels"))
sys.path.append(str(_TESTS / "testing"))


@pytest.fixture(scope="session")
def study() -> dict[str, Any]:
    """`treated_heads.treated_study`, once for all tests."""
    return import_module("treated_heads").treated_study()


@pytest.fixture(scope="session")
def ct() -> Any:
    """`treated_heads.treated_ct`, once for all tests."""
    return import_module("treated_heads").treated_ct()
