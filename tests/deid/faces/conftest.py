"""The samples of the pixel stage are those of this one too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "pixels"))
