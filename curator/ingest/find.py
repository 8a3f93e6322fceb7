"""Every file under some folders.

The law: each file is found exactly once, in one order, however the folders are named and linked; nothing is opened.
Files reached without a link are taken first, so a link never renames what lies under the roots anyway.
"""

from __future__ import annotations

import errno
import os
import stat
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import accumulate
from pathlib import Path
from typing import overload

from curator.errors import UsageError
from curator.ingest.scanned import Found
from curator.model.quarantine import Reason

_Node = tuple[int, int]


class Files(Sequence[Found]):
    """What was found, sorted by reference; a file takes a line of text and nothing more."""

    __slots__ = ("_ends", "_problems", "_sizes", "_text")

    def __init__(self, paths: Sequence[str], sizes: Sequence[int], problems: Mapping[str, Found]) -> None:
        order = sorted(range(len(paths)), key=paths.__getitem__)
        self._sizes = array("q", (sizes[at] for at in order))
        # One text, for each of a million would cost as much again.
        self._text = b"".join(os.fsencode(paths[at]) for at in order)
        self._ends = array("q", accumulate(len(os.fsencode(paths[at])) for at in order))
        self._problems = problems

    def __len__(self) -> int:
        return len(self._sizes)

    @overload
    def __getitem__(self, at: int) -> Found: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Found]: ...

    def __getitem__(self, at: int | slice) -> Found | Sequence[Found]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        path = os.fsdecode(self._text[self._ends[at - 1] if at else 0 : self._ends[at]])
        return self._problems.get(path) or Found(reference=path, size_bytes=self._sizes[at])


def find(roots: Sequence[Path], *, ignore: Sequence[str] = ()) -> Files:
    """All files under `roots`, sorted by reference; nothing for no roots.

    What cannot be entered or opened comes too, with its problem. `ignore` holds shell patterns for file and folder
    names, or for paths below a root; what matches is passed over.

    Raises:
        UsageError: a root does not exist.
    """
    walk = _Walk(tuple(ignore))
    for number, root in enumerate(roots, start=1):
        if not os.path.lexists(root):
            raise UsageError(f"path {number} of {len(roots)} to scan does not exist")
    for root in sorted(root.absolute() for root in roots):
        walk.root(root)
    walk.follow_links()
    return Files(walk.paths, walk.sizes, walk.problems)


@dataclass(frozen=True, slots=True)
class _Link:
    """A symbolic link and the folders on the way to it."""

    path: str
    way: frozenset[_Node]
    prefix: int


@dataclass(slots=True)
class _Walk:
    """What one search has seen; `prefix` everywhere is how long the root's own path is."""

    ignore: tuple[str, ...]
    paths: list[str] = field(default_factory=list)
    sizes: array[int] = field(default_factory=lambda: array("q"))
    problems: dict[str, Found] = field(default_factory=dict)
    _folders: set[_Node] = field(default_factory=set)
    # None while only folders were searched, each once: nothing can be found twice then.
    _files: set[_Node | str] | None = None
    _links: list[_Link] = field(default_factory=list)

    def root(self, root: Path) -> None:
        """Search one root, which may itself be a link or a file."""
        path = os.fspath(root)
        if not root.is_dir():
            self._remember_files()
        self._enter(path, frozenset(), len(path) + 1)

    def follow_links(self) -> None:
        """Search what links lead to and no other way did."""
        while self._links:
            batch = sorted(self._links, key=lambda link: link.path)
            self._links.clear()
            for link in batch:
                self._follow(link)

    def _follow(self, link: _Link) -> None:
        try:
            status = Path(link.path).stat()
        except OSError as error:
            loop = error.errno == errno.ELOOP
            self._problem(link.path, Reason.SYMLINK_LOOP if loop else Reason.UNREADABLE, "a link that leads nowhere")
            return
        if not stat.S_ISDIR(status.st_mode):
            self._remember_files()
            self._file(link.path, status)
        elif (status.st_dev, status.st_ino) in link.way or _leads_upwards(link.path):
            self._problem(link.path, Reason.SYMLINK_LOOP, "a link to a folder that it lies in")
        else:
            for child, way in self._inside(link.path, status, link.way, link.prefix):
                self._enter(child, way, link.prefix)

    def _enter(self, path: str, way: frozenset[_Node], prefix: int) -> None:
        """Take what lies at `path` and, on a stack of our own, all that lies below; links wait."""
        pending = [(path, way)]
        while pending:
            path, way = pending.pop()
            try:
                status = os.lstat(path)
            except OSError as error:
                self._problem(path, Reason.UNREADABLE, _why(error))
                continue
            if stat.S_ISLNK(status.st_mode):
                self._links.append(_Link(path, way, prefix))
            elif stat.S_ISDIR(status.st_mode):
                pending += self._inside(path, status, way, prefix)
            else:
                self._file(path, status)

    def _inside(
        self, path: str, status: os.stat_result, way: frozenset[_Node], prefix: int
    ) -> list[tuple[str, frozenset[_Node]]]:
        """What a folder holds and the way to it; nothing where the folder was searched before."""
        node = (status.st_dev, status.st_ino)
        if node in self._folders:
            return []
        self._folders.add(node)
        inside = way | {node}
        # Strings: millions of Path objects would be seconds and megabytes.
        children = ((name, f"{path.rstrip(os.sep)}{os.sep}{name}") for name in self._names(path))
        return [(child, inside) for name, child in children if not self._is_ignored(name, child[prefix:])]

    def _names(self, path: str) -> list[str]:
        try:
            with os.scandir(path) as entries:
                return sorted(entry.name for entry in entries)
        except OSError as error:
            self._problem(path, Reason.UNREADABLE, f"a folder: {_why(error)}")
            return []

    def _file(self, path: str, status: os.stat_result) -> None:
        if self._files is not None:
            node = _node(path, status)
            if node in self._files:
                return
            self._files.add(node)
        if stat.S_ISREG(status.st_mode):
            self._take(path, status.st_size)
        else:
            self._problem(path, Reason.NOT_DICOM, "a pipe, socket or device, which is never opened")

    def _problem(self, path: str, reason: Reason, detail: str) -> None:
        self.problems[path] = Found(reference=path, problem=reason, detail=detail)
        self._take(path, 0)

    def _take(self, path: str, size: int) -> None:
        self.paths.append(path)
        self.sizes.append(size)

    def _remember_files(self) -> None:
        """From now on a file may be reached a second time."""
        if self._files is not None:
            return
        self._files = set()
        for path in self.paths:
            try:
                self._files.add(_node(path, os.stat(path)))  # noqa: PTH116 - a path object for each of a million files is time
            except OSError:
                # It had a problem, or has gone since; then it cannot be reached again either.
                continue

    def _is_ignored(self, name: str, below_root: str) -> bool:
        return any(fnmatchcase(name, pattern) or fnmatchcase(below_root, pattern) for pattern in self.ignore)


def _node(path: str, status: os.stat_result) -> _Node | str:
    # Two hard links are two files to whoever counts them; triage tells that their content is one.
    return os.path.realpath(path) if status.st_nlink > 1 else (status.st_dev, status.st_ino)


def _leads_upwards(link: str) -> bool:
    """Whether a link to a folder leads to one that the link lies in, be that above all roots."""
    return Path(link).parent.resolve().is_relative_to(Path(link).resolve())


def _why(error: OSError) -> str:
    """The operating system's name of what went wrong; its sentence would hold the path."""
    return errno.errorcode.get(error.errno or 0, "unknown error")
