"""Gets what looks at pixels for those who need it.

The law: codecs and networks, which take seconds and hundreds of megabytes, are loaded here and only when asked for.
"""

from __future__ import annotations

import hashlib
import importlib
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from curator.dicom.tokens import Stored
from curator.policy.pixels.encoders import ENCODERS, parse_encoders
from curator.strict import read_bytes, read_toml

if TYPE_CHECKING:
    from curator.deid.pixels.clean import PixelCleaner

PIXEL_OPTION = "clean-pixel-data"
FACE_OPTION = "clean-recognizable-visual-features"
_WIRING = "curator.jobs.release.pixel_tools"
_FACE_WIRING = "curator.jobs.faces.tools"


def load_pixel_cleaner(rules: Path) -> PixelCleaner:
    """What cleans pixels by the rules under `rules`/pixels; to be made once a process, for it loads its networks once.

    Raises:
        ConfigurationError: a rule file is missing or malformed, or a reader is not installed.
    """
    return cast("PixelCleaner", importlib.import_module(_WIRING).make_pixel_cleaner(rules, scratch=scratch))


def load_bare_file(rules: Path) -> Callable[[Stored], Stored]:
    """What takes out of a file what stands beside its pixels, for jobs that do not clean pixels.

    It raises `ItemError` for what cannot be told apart and for what only cleaning may take out.

    Raises:
        ConfigurationError: a rule file is missing or malformed.
    """
    allowed = parse_encoders(read_toml(rules / ENCODERS, name=ENCODERS))
    bare_file = importlib.import_module("curator.deid.pixels.beside").bare_file
    return partial(bare_file, may_clear=False, scratch=scratch, allowed=allowed)


def encoder_digest(rules: Path) -> str:
    """What decides in every job which comments of a codestream may stay.

    Raises:
        ConfigurationError: the rule file cannot be read.
    """
    return hashlib.sha256(read_bytes(rules / ENCODERS, name=ENCODERS)).hexdigest()


def pixel_digest(rules: Path) -> str:
    """What decides about pixels besides the gates, in one line: the rules' digest and which networks read.

    Raises:
        ConfigurationError: as `load_pixel_cleaner`.
    """
    return str(importlib.import_module(_WIRING).pixel_digest(rules))


def face_digest(rules: Path) -> str:
    """What decides about faces besides the gates, in one line: the rules' digest, and what looks and turns.

    Raises:
        ConfigurationError: a rule file is missing or malformed, or a network is not installed.
    """
    return str(importlib.import_module(_FACE_WIRING).face_digest(rules))


def scratch() -> BinaryIO:
    """A new file that has no name, for what is too large for memory; what it held is gone when it is closed."""
    return cast("BinaryIO", tempfile.TemporaryFile())
