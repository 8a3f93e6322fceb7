"""What looks at pixels, put together: the one place where readers and finders meet the stage that uses them.

The law: one reader a process; what is read does not depend on how many processes there are.
"""

from __future__ import annotations

from pathlib import Path

from curator.adapters.dlib_faces import DlibFaces
from curator.adapters.rapid_text import RapidText
from curator.deid.pixels.clean import PixelCleaner
from curator.deid.pixels.file_image import Scratch
from curator.deid.text.engine import load_find
from curator.policy.pixels.rules import load_pixel_rules


def make_pixel_cleaner(rules: Path, *, scratch: Scratch) -> PixelCleaner:
    """A cleaner by the rules under `rules`/pixels.

    Raises:
        ConfigurationError: a rule file is missing or malformed, or a reader is not installed.
    """
    reader, finder = RapidText(), DlibFaces()
    return PixelCleaner(
        rules=load_pixel_rules(rules),
        reader=reader,
        finder=finder,
        seen_by=_seen_by(reader, finder),
        scratch=scratch,
        find=load_find(rules),
    )


def pixel_digest(rules: Path) -> str:
    """What decides about pixels, in one line: the rules' digest and which networks read.

    Raises:
        ConfigurationError: as `make_pixel_cleaner`.
    """
    return f"{load_pixel_rules(rules).digest} {_seen_by(RapidText(), DlibFaces())}"


def _seen_by(reader: RapidText, finder: DlibFaces) -> str:
    return f"{reader.name}; {finder.name}"
