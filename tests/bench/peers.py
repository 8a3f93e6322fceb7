"""Other programs on the same files: what each takes of the processor for one file, None where it is not installed.

Python peers run in environments of their own, made below the scratch folder; the time to start them is not counted.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

_DICOGNITO = """
from dicognito.anonymizer import Anonymizer
import pydicom
tool = Anonymizer(seed="bench")
def one(source, target):
    data = pydicom.dcmread(source)
    tool.anonymize(data)
    data.save_as(target)
"""
_DICOM_ANONYMIZER = """
from dicomanonymizer import anonymize_dicom_file
def one(source, target):
    anonymize_dicom_file(source, target)
"""
_DEID = """
import os, logging
logging.disable(logging.CRITICAL)
from deid.config import DeidRecipe
from deid.dicom import get_identifiers, replace_identifiers
recipe = DeidRecipe(deid="dicom")
def one(source, target):
    items = get_identifiers([source])
    replace_identifiers(dicom_files=[source], deid=recipe, ids=items, save=True, overwrite=True,
                        output_folder=os.path.dirname(target))
"""
_LOOP = """
import sys, time, contextlib, io
files, target = sys.argv[2:], sys.argv[1]
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    one(files[0], target)
    start = time.process_time()
    for file in files:
        one(file, target)
    spent = time.process_time() - start
print(spent / len(files))
"""
PYTHON_PEERS = {"dicognito": _DICOGNITO, "dicom-anonymizer": _DICOM_ANONYMIZER, "deid": _DEID}
_DCMODIFY = ("PatientName", "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "AccessionNumber", "StudyID")


def peer_seconds(files: Sequence[Path], scratch: Path, *, repeats: int) -> dict[str, float | None]:
    """CPU seconds a file by name of the peer."""
    found = {
        "gdcmanon -e": _gdcmanon(files, scratch, repeats=repeats),
        "gdcmanon --dumb": _gdcmanon(files, scratch, repeats=repeats, dumb=True),
        "dcmodify": _dcmodify(files, scratch, repeats=repeats),
    }
    for name, program in PYTHON_PEERS.items():
        found[name] = _python_peer(name, program, files[:10], scratch)
    return found


def _children_seconds() -> float:
    spent = os.times()
    return spent.children_user + spent.children_system


def _median(run: Callable[[], object], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        before = _children_seconds()
        run()
        taken.append(_children_seconds() - before)
    return statistics.median(taken)


def _gdcmanon(files: Sequence[Path], scratch: Path, *, repeats: int, dumb: bool = False) -> float | None:
    if shutil.which("gdcmanon") is None or (not dumb and shutil.which("openssl") is None):
        return None
    work = scratch / ("gdcm-dumb" if dumb else "gdcm")
    sources = {"one": files[:1], "many": files}
    for name, chosen in sources.items():
        (work / name).mkdir(parents=True, exist_ok=True)
        for file in chosen:
            target = work / name / file.name
            if not target.exists():
                target.symlink_to(file)
    if dumb:
        empties = ("10,10", "10,20", "8,50", "8,80", "8,90", "8,1070", "10,30", "10,40")
        options = ["--dumb", *(part for tag in empties for part in ("--empty", tag))]
    else:
        certificate = work / "certificate.pem"
        _run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=bench", "-days", "2",
              "-keyout", os.devnull, "-out", str(certificate)])  # fmt: skip
        options = ["-e", "-c", str(certificate)]

    def seconds(name: str) -> float:
        return _median(lambda: _run(["gdcmanon", *options, str(work / name), str(work / f"{name}-out")]), repeats)

    return (seconds("many") - seconds("one")) / (len(files) - 1)


def _dcmodify(files: Sequence[Path], scratch: Path, *, repeats: int) -> float | None:
    if shutil.which("dcmodify") is None:
        return None
    work = scratch / "dcmodify"
    work.mkdir(exist_ok=True)
    copies = [Path(shutil.copy(file, work)) for file in files]
    options = [part for name in _DCMODIFY for part in ("-ma", f"{name}=1.2.3")]

    def seconds(chosen: Sequence[Path]) -> float:
        return _median(lambda: _run(["dcmodify", "-nb", "-ie", *options, *map(str, chosen)]), repeats)

    return (seconds(copies) - seconds(copies[:1])) / (len(copies) - 1)


def _python_peer(name: str, program: str, files: Sequence[Path], scratch: Path) -> float | None:
    python = environment(name, scratch)
    if python is None:
        return None
    target = scratch / f"{name}-out" / "out.dcm"
    target.parent.mkdir(exist_ok=True)
    done = subprocess.run(
        [python, "-W", "ignore", "-c", program + _LOOP, str(target), *map(str, files)],
        capture_output=True, text=True, check=False, cwd=target.parent,
    )  # fmt: skip
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def environment(name: str, scratch: Path) -> Path | None:
    """The Python of a peer's own environment beside the scratch folder, made once; None where it cannot be made."""
    python = scratch.parent / "curator-bench-peers" / name / "bin" / "python"
    if not python.exists():
        folder = python.parents[1]
        # deid still imports pkg_resources.
        wanted = [name, "setuptools<81"]
        made = subprocess.run(["uv", "venv", "-q", str(folder)], capture_output=True, check=False).returncode == 0
        command = ["uv", "pip", "install", "-q", "--python", str(python), *wanted]
        if not made or subprocess.run(command, capture_output=True, check=False).returncode:
            shutil.rmtree(folder, ignore_errors=True)
            return None
    return python


def _run(command: Sequence[str]) -> None:
    # gdcmanon ends with an error where one file of a folder has a tag it does not know; what counts is its time.
    subprocess.run(command, capture_output=True, check=False)
