"""Files of a run, written whole or not at all.

The law: a reader never meets half a file, whenever the writer dies; the same content gives the same bytes.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from curator.errors import IntegrityError, ItemError
from curator.model.quarantine import Reason


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step; its folder is made where missing.

    Raises:
        ItemError: OUTPUT_UNWRITABLE or DISK_FULL; nothing is left behind.
    """
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # One name for one file, so that what a killed process left is overwritten by the next and never piles up.
        partial = path.with_name(f".partial-{path.name}")
        try:
            with partial.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def append_line(path: Path, content: Mapping[str, object]) -> int:
    """Add one line of JSON to `path` and give its length in bytes, once it is on the disk.

    Raises:
        ItemError: OUTPUT_UNWRITABLE or DISK_FULL; part of the line may be there, for `cut_file` to remove.
    """
    line = (json.dumps(content, sort_keys=True, allow_nan=False) + "\n").encode()
    with _told(path), path.open("ab") as stream:
        stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())
    return len(line)


def cut_file(path: Path, length: int) -> None:
    """Keep the first `length` bytes of `path`; an empty file is made where there is none.

    Raises:
        ItemError: OUTPUT_UNWRITABLE.
    """
    with _told(path), path.open("ab") as stream:
        stream.truncate(length)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = Reason.DISK_FULL if full else Reason.OUTPUT_UNWRITABLE
        raise ItemError(reason, f"writing {path.name}") from error


def json_bytes(content: Mapping[str, object]) -> bytes:
    """Canonical JSON: keys sorted, two spaces, one final newline; no NaN and no infinity."""
    return (json.dumps(content, sort_keys=True, indent=2, allow_nan=False) + "\n").encode()


def read_json(path: Path) -> dict[str, Any]:
    """The object that `path` holds.

    Raises:
        IntegrityError: it is missing, unreadable or not a JSON object.
    """
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise IntegrityError(f"{path.name} is missing or not JSON; the folder is not what it should be") from error
    if not isinstance(content, dict):
        raise IntegrityError(f"{path.name} does not hold a JSON object")
    return content
