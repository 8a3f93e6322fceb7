import errno
import os

import pytest

from curator.errors import IntegrityError, ItemError
from curator.model.quarantine import Reason
from trainers.files import append_line, cut_file, json_bytes, read_json, write_bytes


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, Reason.DISK_FULL),
        (errno.EDQUOT, Reason.DISK_FULL),
        (errno.EIO, Reason.OUTPUT_UNWRITABLE),
    ],
)
def test_a_failing_disk_leaves_what_was_there(tmp_path, monkeypatch, number, reason):
    path = tmp_path / "file"
    write_bytes(path, b"before")

    def fail(_handle):
        raise OSError(number, "simulated")

    monkeypatch.setattr(os, "fsync", fail)
    for write in (lambda: write_bytes(path, b"after"), lambda: append_line(path, {"step": 1})):
        with pytest.raises(ItemError) as caught:
            write()
        assert caught.value.reason is reason
        assert str(tmp_path) not in str(caught.value)
        assert path.read_bytes().startswith(b"before")
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path):
    (tmp_path / ".partial-file").write_bytes(b"half of something longer")
    write_bytes(tmp_path / "file", b"whole")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"whole")]


def test_lines(tmp_path):
    path = tmp_path / "lines"
    cut_file(path, 0)
    first = append_line(path, {"b": 1, "a": 2})
    append_line(path, {"half": True})
    cut_file(path, first)
    assert path.read_bytes() == b'{"a": 2, "b": 1}\n'


def test_json_is_strict(tmp_path):
    assert json_bytes({"b": 1, "a": None}) == b'{\n  "a": null,\n  "b": 1\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        json_bytes({"a": float("nan")})
    for content in (b"[]", b"{", b"\xff"):
        write_bytes(tmp_path / "file", content)
        with pytest.raises(IntegrityError):
            read_json(tmp_path / "file")
    with pytest.raises(IntegrityError):
        read_json(tmp_path / "none")
