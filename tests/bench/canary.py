"""What survives of the identifiers planted in one file, tool by tool: curator (Basic) beside its peers.

    uv run python tests/bench/canary.py [--places] [--folder FOLDER]

Each tool gets the file at its defaults; where it fails on it, the same without the bytes behind the data set, then that
without encrypted content and earlier method, which gdcmanon refuses; a tool that fails on all three released nothing.
Python peers run in environments of their own, as in `peers.py`. A place counts as surviving where its planted bytes
stand anywhere in what the tool wrote.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from peers import PYTHON_PEERS, environment
from pydicom import dcmread

_TESTS = Path(__file__).resolve().parents[1]
_ONE = """
import sys, contextlib, io
with contextlib.redirect_stdout(io.StringIO()):
    one(sys.argv[1], sys.argv[2])
"""
# What every peer was seen to leak and what a group of places has in common, by what their names begin with.
_GROUPS = {
    "preamble, file meta, trailing": ("preamble", "AE title", "private information", "creator of", "implementation",
                                      "behind the data set", "trailing padding"),
    "private": ("private", "UID in private", "name in a private", "text in private", "UTF-16", "text in a safe"),
    "unknown, overlay, curve, document": ("unknown", "overlay", "curve", "icon", "Encapsulated", "group length"),
    "eight levels of nesting": ("level",),
    "character sets": ("ISO 2022", "GB18030", "UTF-8", "Cyrillic"),
    "other sequences": ("code ", "description in", "step description", "person name of", "text of", "another patient",
                        "modified", "encrypted", "UID of a"),
    "the patient in kept text": ("Manufacturer names", "model names", "software names", "kernel names", "image type",
                                 "earlier method", "behind a null"),
}  # fmt: skip
_ENCRYPTED, _METHOD = 0x04000500, 0x00120063
_TOP = "attributes of the top level"

Released = bytes | None
Tool = Callable[[Path, Path], Released]


def main() -> None:
    """Run every tool and print the table."""
    arguments = _arguments()
    # This program has the builder's own name, and so cannot import it by that before the builder's folder stands first.
    sys.path[:0] = [str(_TESTS / "acceptance"), str(_TESTS / "deid")]
    build = importlib.import_module("canary").canary
    bird = build()
    scratch = Path(tempfile.mkdtemp(prefix="curator-canary-", dir=arguments.folder))
    try:
        files = _files(bird.data, build(with_trailing=False).data, scratch)
        rows = {name: _outcome(tool, files, scratch / name, bird) for name, tool in _tools(scratch).items()}
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _print_rows(rows, bird)
    if arguments.places:
        for name, (_, survivors) in rows.items():
            _say(f"{name}: {'; '.join(survivors or ())}")


def _files(data: bytes, shorter: bytes, scratch: Path) -> dict[str, Path]:
    """The file as it was planted, without what stands behind its data set, and also as if nobody had treated it yet."""
    names = ("as it is", "nothing behind", "untreated")
    files = {name: scratch / name.replace(" ", "-") / "canary.dcm" for name in names}
    for name, path in files.items():
        path.parent.mkdir()
        path.write_bytes(data if name == "as it is" else shorter)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = dcmread(files["nothing behind"])
        del read[_ENCRYPTED], read[_METHOD]
        read.save_as(files["untreated"])
    return files


def _tools(scratch: Path) -> dict[str, Tool]:
    tools: dict[str, Tool] = {"curator (Basic)": _curator}
    for name, program in PYTHON_PEERS.items():
        python = environment(name, scratch)
        if python is not None:
            tools[name] = _python_peer(python, program)
    if shutil.which("gdcmanon") and shutil.which("openssl"):
        tools["gdcmanon -e"] = _gdcmanon
    return tools


def _outcome(tool: Tool, files: dict[str, Path], folder: Path, bird: Any) -> tuple[str, list[str] | None]:
    for number, (how, file) in enumerate(files.items()):
        target = folder / str(number)
        target.mkdir(parents=True)
        released = tool(file, target)
        if released is not None:
            return how, bird.survivors(released)
    return "fails", None


def _curator(source: Path, folder: Path) -> Released:
    return bytes(importlib.import_module("deid_samples").written(source.read_bytes()))


def _python_peer(python: Path, program: str) -> Tool:
    def tool(source: Path, folder: Path) -> Released:
        target = folder / source.name
        command = [str(python), "-W", "ignore", "-c", program + _ONE, str(source), str(target)]
        done = subprocess.run(command, capture_output=True, check=False, cwd=folder)
        return _written(folder) if done.returncode == 0 else None

    return tool


def _gdcmanon(source: Path, folder: Path) -> Released:
    certificate = folder.parent / "certificate.pem"
    subject = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bench", "-days", "2"]
    subprocess.run([*subject, "-keyout", os.devnull, "-out", str(certificate)], capture_output=True, check=True)
    command = ["gdcmanon", "-e", "-c", str(certificate), str(source), str(folder / source.name)]
    done = subprocess.run(command, capture_output=True, check=False)
    return _written(folder) if done.returncode == 0 else None


def _written(folder: Path) -> Released:
    """All that a tool wrote, None where that is nothing."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()) or None


def _print_rows(rows: dict[str, tuple[str, list[str] | None]], bird: Any) -> None:
    groups = {place: _group(place) for place in bird.planted}
    _say(f"{len(bird.planted)} planted; survivors by tool at its defaults")
    _say(f"{'':36}{'planted':>9}" + "".join(f"{name:>18}" for name in rows))
    _say(f"{'file':36}{'':>9}" + "".join(f"{how:>18}" for how, _ in rows.values()))
    for group in (_TOP, *_GROUPS):
        places = {place for place in bird.planted if groups[place] == group}
        _say(f"{group:36}{len(places):>9}" + "".join(f"{_count(left, places):>18}" for _, left in rows.values()))
    everything = set(bird.planted)
    _say(f"{'all':36}{len(everything):>9}" + "".join(f"{_count(left, everything):>18}" for _, left in rows.values()))


def _group(place: str) -> str:
    return next((name for name, starts in _GROUPS.items() if place.startswith(starts)), _TOP)


def _count(survivors: Iterable[str] | None, places: set[str]) -> str:
    return "-" if survivors is None else str(len(places.intersection(survivors)))


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a bench is a program, and this is its output


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Survivors of planted identifiers, tool by tool.")
    parser.add_argument("--places", action="store_true", help="also name every place that survived")
    parser.add_argument("--folder", type=Path, help="where to work; the system's scratch folder otherwise")
    return parser.parse_args()


if __name__ == "__main__":
    main()
