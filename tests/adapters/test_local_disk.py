"""Writing is all or nothing, whatever stands in the way; what stands in the way here is real."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.adapters.local_disk import LocalDisk
from curator.errors import ItemError
from curator.model.quarantine import Reason

NOBODY = 65534


def all_files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def run(script: str, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """A script in a process of its own, so that its limits and rights are not ours."""
    return subprocess.run(
        [*before, sys.executable, "-c", textwrap.dedent(script), *arguments], capture_output=True, text=True, timeout=60
    )


def test_what_was_written_is_there_and_is_what_was_said(tmp_path: Path) -> None:
    disk = LocalDisk(tmp_path / "not" / "there" / "yet")
    stored = disk.write("a/b/c.dcm", [b"one", memoryview(b"two"), b""])
    assert (stored.path, stored.size_bytes) == ("a/b/c.dcm", 6)
    assert stored.sha256 == hashlib.sha256(b"onetwo").hexdigest()
    assert disk.read("a/b/c.dcm") == b"onetwo"
    assert disk.exists("a/b/c.dcm") and not disk.exists("a/b") and not disk.exists("x")
    assert list(disk.walk()) == ["a/b/c.dcm"] == all_files(disk.root)


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    disk = LocalDisk(tmp_path)
    disk.write("f", [b"old"])

    def looking() -> Iterator[bytes]:
        yield b"new"
        assert disk.read("f") == b"old"
        assert list(disk.walk()) == ["f"]

    disk.write("f", looking())
    assert disk.read("f") == b"new"
    assert all_files(tmp_path) == ["f"]


@settings(max_examples=25)
@given(chunks=st.lists(st.binary(max_size=40), max_size=5))
def test_chunks_are_one_file(tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes]) -> None:
    disk = LocalDisk(tmp_path_factory.mktemp("disk"))
    assert disk.write("f", chunks).size_bytes == len(disk.read("f")) == sum(map(len, chunks))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, ItemError(Reason.TRUNCATED)])
def test_nothing_is_left_where_making_the_chunks_fails(tmp_path: Path, error: type[BaseException]) -> None:
    disk = LocalDisk(tmp_path)
    disk.write("f", [b"old"])

    def failing() -> Iterator[bytes]:
        yield b"half"
        raise error

    with pytest.raises((ValueError, KeyboardInterrupt, ItemError)):
        disk.write("f", failing())
    assert all_files(tmp_path) == ["f"]
    assert disk.read("f") == b"old"


@pytest.mark.parametrize("path", ["../f", "a/../../f", "/tmp/f", "", ".", "a/../f"])
def test_no_path_leads_out_of_the_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(ItemError) as raised:
        LocalDisk(tmp_path / "root").write(path, [b"x"])
    assert raised.value.reason is Reason.OUTPUT_UNWRITABLE
    assert all_files(tmp_path) == []


_LIMITED = """
    import resource, signal, sys
    from pathlib import Path
    from curator.adapters.local_disk import LocalDisk
    from curator.errors import ItemError
    if sys.argv[2] == "limit":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    disk = LocalDisk(Path(sys.argv[1]))
    disk.write("small", [b"x" * 1000])
    try:
        disk.write("new/large", (bytes(10_000) for _ in range(1000)))
    except ItemError as error:
        print(error.reason.value)
    print(sorted(path.name for path in Path(sys.argv[1]).rglob("*") if path.is_file()))
"""


def test_a_file_that_grows_too_large_leaves_nothing(tmp_path: Path) -> None:
    done = run(_LIMITED, str(tmp_path), "limit")
    assert done.stdout.splitlines() == ["output_unwritable", "['small']"], done.stderr


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    script = tmp_path / "limited.py"
    script.write_text(textwrap.dedent(_LIMITED))
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    unshare = shutil.which("unshare")
    command = f'mount -t tmpfs -o size=256k tmpfs "$1" && exec "{sys.executable}" "$2" "$1" disk'
    if unshare is None:
        pytest.skip("a small disk is mounted by unshare(1), which is not here")
    done = subprocess.run(
        [unshare, "--mount", "--map-root-user", "sh", "-c", command, "sh", str(mounted), str(script)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "disk_full" not in done.stdout and ("mount" in done.stderr or "unshare" in done.stderr):
        pytest.skip("this account may not mount a small disk")
    assert done.stdout.splitlines() == ["disk_full", "['small']"], done.stderr


_UNWRITABLE = """
    import os, sys
    from pathlib import Path
    from curator.adapters.local_disk import LocalDisk
    from curator.errors import ItemError
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    disk = LocalDisk(Path(sys.argv[1]) / "locked")
    for path in ("f", "new/f"):
        try:
            disk.write(path, [b"x"])
        except ItemError as error:
            print(error.reason.value, error.detail)
    try:
        LocalDisk(Path(sys.argv[1])).read("secret")
    except ItemError as error:
        print(error.reason.value, error.detail)
"""


def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    # pytest's own folders are for one account only; this one is for any.
    (tmp_path / "locked").mkdir(mode=0o555)
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "secret").chmod(0)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() != "root" or folder.stat().st_mode & 0o005 != 0o005:
            try:
                folder.chmod(folder.stat().st_mode | 0o005)
            except PermissionError:
                break
    done = run(_UNWRITABLE, str(tmp_path))
    assert done.stdout.splitlines() == [
        "output_unwritable Permission denied",
        "output_unwritable Permission denied",
        "unreadable Permission denied",
    ], done.stderr
    assert all_files(tmp_path) == ["secret"]


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    with pytest.raises(ItemError) as raised:
        LocalDisk(tmp_path).write("f/g", [b"x"])
    assert raised.value.reason is Reason.OUTPUT_UNWRITABLE
    assert str(tmp_path) not in str(raised.value)


_KILLED = """
    import sys, time
    from pathlib import Path
    from curator.adapters.local_disk import LocalDisk
    def chunks():
        yield b"half" * 10_000
        print("writing", flush=True)
        time.sleep(60)
    LocalDisk(Path(sys.argv[1])).write("a/f", chunks())
"""


def test_what_a_killed_writer_leaves_is_never_listed_and_swept(tmp_path: Path) -> None:
    disk = LocalDisk(tmp_path)
    disk.write("a/kept", [b"x"])
    writer = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_KILLED), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "writing\n"
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait(timeout=30)
    writer.stdout.close()
    assert len(all_files(tmp_path)) == 2
    assert list(disk.walk()) == ["a/kept"]
    assert not disk.exists("a/f")
    assert disk.sweep() == 1
    assert all_files(tmp_path) == ["a/kept"]
    assert disk.sweep() == 0


def test_removing_takes_empty_folders_along_and_no_others(tmp_path: Path) -> None:
    disk = LocalDisk(tmp_path / "root")
    for path in ("a/b/c/f", "a/g"):
        disk.write(path, [b"x"])
    disk.remove("a/b/c/f")
    assert [path.name for path in sorted(disk.root.rglob("*"))] == ["a", "g"]
    disk.remove("a/b/c/f")
    disk.remove("a/g")
    assert disk.root.is_dir() and list(disk.root.iterdir()) == []


def test_a_root_that_is_not_there_is_empty(tmp_path: Path) -> None:
    disk = LocalDisk(tmp_path / "nowhere")
    assert (list(disk.walk()), disk.sweep(), disk.exists("f")) == ([], 0, False)
    disk.remove("f")
    with pytest.raises(ItemError) as raised:
        disk.read("f")
    assert raised.value.reason is Reason.UNREADABLE


def test_a_disk_travels_to_workers_and_shows_no_path(tmp_path: Path) -> None:
    disk = LocalDisk(tmp_path)
    disk.write("f", [b"x"])
    assert pickle.loads(pickle.dumps(disk)).read("f") == b"x"
    assert str(tmp_path) not in repr(disk)


def test_writing_again_gives_the_same_bytes_at_any_time(tmp_path: Path) -> None:
    first = LocalDisk(tmp_path / "1").write("f", [b"x" * 1000])
    time.sleep(0.01)
    assert LocalDisk(tmp_path / "2").write("f", [b"x"] * 1000) == first
