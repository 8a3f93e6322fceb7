"""Jobs that were run to their end, and where what they wrote lies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ran:
    """A job in a folder of its own, and what it said."""

    root: Path
    done: Any

    @property
    def workspace(self) -> Path:
        return self.root / "workspace"

    @property
    def key(self) -> Path:
        return self.root / "keys" / "key.json"
