"""Gets what looks at pixels for those who need it.

The law: codecs and networks, which take seconds and hundreds of megabytes, are loaded here and only when asked for.
"""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from curator.deid.pixels.clean import PixelCleaner

PIXEL_OPTION = "clean-pixel-data"
_WIRING = "curator.jobs.release.pixel_tools"


def load_pixel_cleaner(rules: Path) -> PixelCleaner:
    """What cleans pixels by the rules under `rules`/pixels; to be made once a process, for it loads its networks once.

    Raises:
        ConfigurationError: a rule file is missing or malformed, or a reader is not installed.
    """
    return cast("PixelCleaner", importlib.import_module(_WIRING).make_pixel_cleaner(rules, scratch=scratch))


def pixel_digest(rules: Path) -> str:
    """What decides about pixels besides the gates, in one line: the rules' digest and which networks read.

    Raises:
        ConfigurationError: as `load_pixel_cleaner`.
    """
    return str(importlib.import_module(_WIRING).pixel_digest(rules))


def scratch() -> BinaryIO:
    """A new file that has no name, for what is too large for memory; what it held is gone when it is closed."""
    return cast("BinaryIO", tempfile.TemporaryFile())
