"""A source's bytes are all of them, copied or mapped, and a mapping knows when its file changed."""

from __future__ import annotations

import mmap
import os
import time
from pathlib import Path

import pytest

from curator.adapters import source_file
from curator.adapters.source_file import read_source
from curator.errors import ItemError
from curator.model.quarantine import Reason


def test_a_small_file_is_a_copy_that_nothing_disturbs(tmp_path: Path) -> None:
    path = tmp_path / "small"
    path.write_bytes(b"bytes")
    source = read_source(str(path))
    path.unlink()
    assert source.data == b"bytes"
    assert source.is_settled()


def test_a_large_file_is_mapped_and_tells_when_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_file, "LARGEST_COPIED", 4)
    path = tmp_path / "large"
    path.write_bytes(b"bytes")
    source = read_source(str(path))
    assert isinstance(source.data, mmap.mmap)
    assert bytes(source.data) == b"bytes"
    assert source.is_settled()
    time.sleep(0.02)
    path.write_bytes(b"other")
    assert not source.is_settled()


def test_an_empty_file_has_no_bytes(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    assert read_source(str(path)).data == b""


def test_what_is_no_file_is_unreadable_and_blocks_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "missing", "."):
        with pytest.raises(ItemError) as caught:
            read_source(str(tmp_path / name))
        assert caught.value.reason is Reason.UNREADABLE
        assert str(tmp_path) not in str(caught.value)
