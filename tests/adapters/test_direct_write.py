"""What is written are the bytes in their order, whatever their number and whatever the file system can do."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from curator.adapters import direct_write
from curator.adapters.direct_write import ROOM_BYTES, created, write_all

SIZES = (0, 1, 4095, 65_535, 65_536, 65_537, 70_000, 131_072, ROOM_BYTES - 1, ROOM_BYTES, ROOM_BYTES + 69_633)


def stored(path: Path, chunks: Iterable[bytes | memoryview]) -> bytes:
    descriptor = created(str(path))
    try:
        digest, size = write_all(descriptor, chunks)
    finally:
        os.close(descriptor)
    content = path.read_bytes()
    assert (digest, size) == (hashlib.sha256(content).hexdigest(), len(content))
    return content


@pytest.mark.parametrize("is_direct", [True, False])
@pytest.mark.parametrize("size", SIZES)
def test_every_number_of_bytes_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, is_direct: bool
) -> None:
    if not is_direct:
        # A file system that knows no such flag.
        monkeypatch.setattr(direct_write, "_DIRECT", 0)
    content = os.urandom(size)
    assert stored(tmp_path / "new" / "f", [content]) == content
    assert stored(tmp_path / "f", [content[:2718], memoryview(content)[2718:]]) == content


def test_who_makes_the_bytes_may_write_another_file_meanwhile(tmp_path: Path) -> None:
    inner, outer = os.urandom(200_000), os.urandom(100_000)

    def pieces() -> Iterator[bytes]:
        yield outer[:70_000]
        assert stored(tmp_path / "inner", [inner]) == inner
        yield outer[70_000:]

    assert stored(tmp_path / "outer", pieces()) == outer


def test_in_memory_alone_it_is_the_same(tmp_path: Path) -> None:
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        pytest.skip("no file system in memory here")
    path = shared / f"{tmp_path.name}-{os.getpid()}"
    content = os.urandom(300_001)
    try:
        assert stored(path, [content]) == content
    finally:
        path.unlink(missing_ok=True)
