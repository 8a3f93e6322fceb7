"""Every file is found once, in one order, whatever lies and links around it."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curator.errors import UsageError
from curator.ingest.find import find
from curator.model.quarantine import Reason

NOBODY = 65534


def names(root: Path, *roots: Path, ignore: tuple[str, ...] = ()) -> list[str]:
    return [
        os.path.relpath(found.reference, root) for found in find(roots or (root,), ignore=ignore) if not found.problem
    ]


def problems(*roots: Path) -> dict[str, Reason | None]:
    return {Path(found.reference).name: found.problem for found in find(roots) if found.problem}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("b/2.dcm", "b/1.dcm", "a.dcm", "b/c/deep.dcm", "z"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * len(name))
    return tmp_path


def test_all_files_sorted_with_their_sizes(tree: Path) -> None:
    assert names(tree) == ["a.dcm", "b/1.dcm", "b/2.dcm", "b/c/deep.dcm", "z"]
    assert [found.size_bytes for found in find([tree])] == [5, 7, 7, 12, 1]


def test_nothing_for_no_roots_and_an_empty_folder(tmp_path: Path) -> None:
    assert list(find([])) == []
    assert list(find([tmp_path])) == []


def test_a_root_that_is_not_there_is_the_callers_mistake_and_its_name_is_not_repeated(tree: Path) -> None:
    with pytest.raises(UsageError) as error:
        list(find([tree, tree / "John-Doe"]))
    assert "path 2 of 2" in str(error.value)
    assert "Doe" not in str(error.value)


@pytest.mark.parametrize("order", list(itertools.permutations(["", "b", "b/1.dcm", "b/c"])))
def test_roots_that_overlap_give_each_file_once(tree: Path, order: tuple[str, ...]) -> None:
    assert names(tree, *(tree / name for name in order)) == ["a.dcm", "b/1.dcm", "b/2.dcm", "b/c/deep.dcm", "z"]


def test_a_root_may_be_a_file_or_a_link(tree: Path) -> None:
    assert names(tree, tree / "z") == ["z"]
    (tree / "link").symlink_to("b")
    assert names(tree, tree / "link") == ["link/1.dcm", "link/2.dcm", "link/c/deep.dcm"]
    (tree / "file-link").symlink_to("z")
    assert names(tree, tree / "file-link") == ["file-link"]


def test_what_a_link_leads_to_is_found_once_and_by_its_own_name(tree: Path) -> None:
    (tree / "a-link").symlink_to("b")
    (tree / "0").symlink_to("z")
    assert names(tree) == ["a.dcm", "b/1.dcm", "b/2.dcm", "b/c/deep.dcm", "z"]


def test_a_link_leads_out_of_the_root(tree: Path) -> None:
    root = tree / "b"
    (tree / "outside").mkdir()
    (tree / "outside" / "o.dcm").write_bytes(b"o")
    (root / "out").symlink_to(tree / "outside")
    (root / "out-again").symlink_to(tree / "outside")
    (root / "one").symlink_to(tree / "a.dcm")
    assert names(root) == ["1.dcm", "2.dcm", "c/deep.dcm", "one", "out/o.dcm"]
    assert problems(root) == {}


def test_loops_are_named_and_everything_else_is_found(tree: Path) -> None:
    (tree / "self").symlink_to("self")
    (tree / "b" / "up").symlink_to("..")
    (tree / "b" / "here").symlink_to(".")
    (tree / "b" / "above-the-root").symlink_to(tree.parent)
    (tree / "ping").symlink_to("pong")
    (tree / "pong").symlink_to("ping")
    loops = ("self", "up", "here", "above-the-root", "ping", "pong")
    assert problems(tree) == dict.fromkeys(loops, Reason.SYMLINK_LOOP)
    assert names(tree) == ["a.dcm", "b/1.dcm", "b/2.dcm", "b/c/deep.dcm", "z"]


def test_folders_that_link_to_each_other_end(tmp_path: Path) -> None:
    for one, other in (("left", "right"), ("right", "left")):
        (tmp_path / one).mkdir()
        (tmp_path / one / "file").write_bytes(b"x")
        (tmp_path / one / "other").symlink_to(tmp_path / other)
    assert names(tmp_path, tmp_path / "left") == ["left/file", "left/other/file"]
    assert problems(tmp_path / "left") == {"other": Reason.SYMLINK_LOOP}
    assert names(tmp_path) == ["left/file", "right/file"]


def test_a_dangling_link_is_unreadable(tree: Path) -> None:
    (tree / "gone").symlink_to(tree / "no-such-file")
    assert problems(tree) == {"gone": Reason.UNREADABLE}


def test_pipes_and_sockets_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "pipe-link").symlink_to("pipe")
    with tempfile.TemporaryDirectory(dir="/tmp") as short, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{short}/s")
        assert problems(tmp_path, Path(short)) == {"pipe": Reason.NOT_DICOM, "s": Reason.NOT_DICOM}


def test_hard_links_are_two_files(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"x")
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    assert names(tmp_path, tmp_path, tmp_path / "one") == ["one", "two"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("*.dcm", ["z"]),
        ("b", ["a.dcm", "z"]),
        ("b/c/*", ["a.dcm", "b/1.dcm", "b/2.dcm", "z"]),
        ("b/c", ["a.dcm", "b/1.dcm", "b/2.dcm", "z"]),
        ("[ab].dcm", ["b/1.dcm", "b/2.dcm", "b/c/deep.dcm", "z"]),
        ("nothing", ["a.dcm", "b/1.dcm", "b/2.dcm", "b/c/deep.dcm", "z"]),
    ],
)
def test_what_matches_is_passed_over(tree: Path, pattern: str, left: list[str]) -> None:
    assert names(tree, ignore=(pattern,)) == left


def test_names_that_are_no_utf_8_are_found(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff\xfe.dcm"
    Path(os.fsdecode(name)).write_bytes(b"x")
    (found,) = find([tmp_path])
    assert os.fsencode(found.reference) == name


def test_nothing_found_shows_where_it_lies(tree: Path) -> None:
    (tree / "gone").symlink_to(tree / "no-such-file")
    shown = repr(list(find([tree])))
    assert "dcm" not in shown
    assert str(tree) not in shown


SCRIPT = """
import json, sys
from pathlib import Path
from ingest_samples import TASK
from curator.ingest.find import find
from curator.ingest.scanned import Held
held = [(Path(one.reference).name, TASK(one)) for one in find([Path(sys.argv[1])])]
print(json.dumps({name: [one.reason.value, one.detail] if isinstance(one, Held) else "taken" for name, one in held}))
"""


def test_what_may_not_be_read_is_unreadable_and_the_rest_is_read() -> None:
    """Root may read everything, so another user scans."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("running as root and there is no setpriv to become somebody else")
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        for name in ("locked-folder/inside", "listed-folder/inside-listed", "locked-file", "open-file", "empty"):
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_bytes(b"" if name == "empty" else b"some bytes")
        modes = {
            "locked-folder": 0o000,
            "listed-folder": 0o444,
            "locked-file": 0o000,
            "open-file": 0o644,
            "empty": 0o644,
        }
        for name, mode in modes.items():
            (root / name).chmod(mode)
        try:
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
            done = subprocess.run(
                [*become, sys.executable, "-B", "-c", SCRIPT, folder], env=environment, capture_output=True, text=True
            )
        finally:
            for name in ("locked-folder", "listed-folder"):
                (root / name).chmod(0o755)
        if "PermissionError" in done.stderr and "site-packages" in done.stderr:
            pytest.skip("the other user may not read this environment")
        assert json.loads(done.stdout or done.stderr) == {
            "locked-folder": ["unreadable", "a folder: EACCES"],
            "inside-listed": ["unreadable", "EACCES"],
            "locked-file": ["unreadable", "EACCES"],
            "open-file": ["not_dicom", ""],
            "empty": ["empty_file", ""],
        }


ENTRIES = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abc"), min_size=1, max_size=3),
        st.sampled_from(["file", "link"]),
        st.lists(st.sampled_from("abc"), max_size=3),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=120)
@given(entries=ENTRIES)
def test_every_reachable_file_is_found_once_in_any_tree(entries: list[tuple[list[str], str, list[str]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for parts, kind, target in entries:
            place = root.joinpath(*parts)
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                if kind == "file":
                    place.touch(exist_ok=False)
                else:
                    place.symlink_to(root.joinpath(*target))
            except OSError:
                continue
        found = [one for one in find([root]) if one.problem is None]
        real = [os.path.realpath(one.reference) for one in found]
        assert sorted(real) == sorted(
            str(path) for path in root.resolve().rglob("*") if path.is_file() and not path.is_symlink()
        )
        assert [one.reference for one in found] == sorted(one.reference for one in found)
        reversed_roots = find([root, *sorted(root.iterdir(), reverse=True)])
        assert {os.path.realpath(one.reference) for one in reversed_roots if one.problem is None} == set(real)
