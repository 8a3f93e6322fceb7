"""A stamp vouches for a file that nobody touched, and for no other."""

from __future__ import annotations

import os
import time
from pathlib import Path

from curator.ingest.stamp import is_settled, stamp_of


def test_a_write_changes_the_stamp_even_where_its_time_is_put_back(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    old = time.time_ns() - 10**12
    os.utime(file, ns=(old, old))
    before = stamp_of(str(file))
    time.sleep(0.02)
    file.write_bytes(b"two")
    os.utime(file, ns=(old, old))
    assert file.stat().st_mtime_ns == old
    assert stamp_of(str(file)) != before


def test_what_was_written_a_moment_ago_is_not_settled(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    assert not is_settled(stamp_of(str(file)))
    # The time of the last change of any kind counts, and that one nobody can choose.
    os.utime(file, ns=(1, 1))
    assert not is_settled(stamp_of(str(file)))


def test_an_open_file_and_its_path_have_one_stamp(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"one")
    with file.open("rb") as stream:
        assert stamp_of(stream.fileno()) == stamp_of(str(file))
    other = tmp_path / "other"
    other.write_bytes(b"one")
    assert stamp_of(str(other)) != stamp_of(str(file))
