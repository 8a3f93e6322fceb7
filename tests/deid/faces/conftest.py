"""The samples of the pixel stage are those of this one too, and a detector looks at heads as the phantoms' tests do."""

from __future__ import annotations

import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[2]
sys.path.append(str(_TESTS / "deid" / "pixels"))
sys.path.append(str(_TESTS / "testing"))
