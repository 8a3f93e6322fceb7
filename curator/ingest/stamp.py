"""What the file system says of a file, so that one that nobody touched need not be read twice to know it.

The law: two equal stamps are of the same bytes where the first was settled. The kernel sets the time of change at
every write and lets nobody choose it; so recent a stamp that a second write could bear the same is not settled.

Sources: POSIX 4.9 (file times update).
"""

from __future__ import annotations

import os
import time
from struct import Struct

Stamp = bytes
_FIELDS = Struct("<QQQqq")
# Coarser than the clock of any file system in use.
_RECENT_NS = 2_000_000_000


def stamp_of(file: int | str) -> Stamp:
    """Device, inode, size and times of change of an open file or a path."""
    status = os.stat(file)  # noqa: PTH116 - a descriptor has no path
    return _FIELDS.pack(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def is_settled(stamp: Stamp) -> bool:
    """Whether the file was last changed some while ago."""
    modified_ns: int
    changed_ns: int
    *_, modified_ns, changed_ns = _FIELDS.unpack(stamp)
    return 0 <= max(modified_ns, changed_ns) < time.time_ns() - _RECENT_NS
