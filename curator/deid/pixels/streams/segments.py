"""Parts of a stream that stay, and the stream that they make.

The law: a stream of which everything stays is the very object that came in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from curator.dicom.elements import Buffer
from curator.errors import ItemError
from curator.model.quarantine import Reason

Part = tuple[int, int] | bytes
"""A stretch of the stream by its first byte and the one behind its last, or bytes in place of one."""

Comments = re.Pattern[bytes]
"""What a comment may be, all of it: the signatures of encoders."""
NO_COMMENT: Comments = re.compile(rb"(?!)")
_PADS = (b"\xff", b"\xff\0")


def joined(stream: Buffer, parts: Sequence[Part]) -> Buffer:
    """The stream made of `parts`; `stream` itself where they are all of it.

    Zeros behind the last part belong to it, or one byte of ones: they pad a fragment.
    """
    parts = merged(parts)
    only = parts[0] if len(parts) == 1 else b""
    if isinstance(only, tuple) and only[0] == 0:
        rest = bytes(stream[only[1] :])
        if rest in _PADS or not rest.strip(b"\0"):
            return stream
    return b"".join(part if isinstance(part, bytes) else bytes(stream[part[0] : part[1]]) for part in parts)


def merged(parts: Sequence[Part]) -> list[Part]:
    """The parts with stretches that touch made one."""
    made: list[Part] = []
    for part in parts:
        last = made[-1] if made else b""
        if isinstance(part, tuple) and isinstance(last, tuple) and last[1] == part[0]:
            made[-1] = (last[0], part[1])
        else:
            made.append(part)
    return made


def broken(kind: str, position: int, what: str) -> NoReturn:
    """Say where a codestream is not what its syntax promises.

    Raises:
        ItemError: MALFORMED, always.
    """
    raise ItemError(Reason.MALFORMED, f"a {kind} frame at byte {position}: {what}")


def number(stream: Buffer, position: int, size: int) -> int:
    """A big-endian number of `size` bytes; what is missing at the end counts as 0, so that callers check lengths."""
    return int.from_bytes(bytes(stream[position : position + size]), "big")
