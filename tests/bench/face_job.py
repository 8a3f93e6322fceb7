"""Real heads in DICOM through a whole job, as a data steward runs it: what is released, and what others say of it.

    uv run python tests/bench/face_job.py [NAME ...]

For each series of ../shared/data/heads (prisma and trio): how many instances are released or held and why, how many of
the released say that no face can be recognised, new errors of dciodvfy against each one's source, and whether SimpleITK
loads what is released as one volume with the size and the spacing of the source.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from pydicom import Dataset, dcmread

_HEADS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "heads"
_SERIES = {"prisma": "siemens_prisma_sag_thick", "trio": "siemens_trio_t1_B"}
_OPTIONS = ("retain-long-modified-dates", "clean-recognizable-visual-features")
_DEFACED = "113102"
Slices = list[tuple[float, Path, Dataset]]


def main() -> None:
    """Run a job for each series and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=["prisma", "trio"], metavar="NAME")
    for name in parser.parse_args().names:
        with tempfile.TemporaryDirectory() as folder:
            sys.stdout.write(f"{name}: {_line(_HEADS / _SERIES[name], Path(folder))}\n")
            sys.stdout.flush()


def _line(source: Path, folder: Path) -> str:
    workspace, out = folder / "workspace", folder / "released"
    _curator("init", workspace, "--keys", folder / "keys.json")
    options = [part for option in _OPTIONS for part in ("--option", option)]
    said = json.loads(_curator("deid", "run", source, "-w", workspace, "--out", out, *options, "--json"))
    before, after = _along_normal(source), _along_normal(out)
    words = [f"{len(before)} instances, {len(after)} released, held {said['quarantined']}"]
    if after:
        marked = sum(_is_marked(one) for _, _, one in after)
        words += [
            f"RecognizableVisualFeatures NO and {_DEFACED} in {marked}",
            f"new dciodvfy errors {_new_errors(before, after)}",
            f"SimpleITK {_volume(after)}, the source {_volume(before)}",
        ]
    return " | ".join(words)


def _curator(*words: object) -> str:
    command = [sys.executable, "-m", "curator", *(str(word) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # One says that something was held back.
    if done.returncode > 1:
        raise SystemExit(f"curator {words[0]} ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


def _along_normal(folder: Path) -> Slices:
    """The images of a folder by how far along their normal they lie; none for none."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix == ".dcm":
            one = dcmread(path, stop_before_pixels=True)
            row, column = (np.array(one.ImageOrientationPatient[part], float) for part in (slice(3), slice(3, 6)))
            place = float(np.cross(row, column) @ np.array(one.ImagePositionPatient, float))
            found.append((place, path, one))
    return sorted(found, key=lambda each: each[0])


def _is_marked(one: Dataset) -> bool:
    codes = [code.CodeValue for code in one.get("DeidentificationMethodCodeSequence", ())]
    return one.get("RecognizableVisualFeatures") == "NO" and _DEFACED in codes


def _new_errors(before: Slices, after: Slices) -> str:
    """How many errors dciodvfy finds that the source at the same place has not; in words where it was not asked."""
    if shutil.which("dciodvfy") is None:
        return "not asked, it is not installed"
    by_place = {round(place, 2): path for place, path, _ in before}
    return str(sum(sum((_errors(path) - _errors(by_place[round(place, 2)])).values()) for place, path, _ in after))


def _errors(path: Path) -> Counter[str]:
    said = subprocess.run(["dciodvfy", "-new", path], capture_output=True, check=False)
    lines = said.stderr.decode("latin-1").splitlines()
    return Counter(line for line in lines if line.startswith("Error"))


def _volume(slices: Slices) -> str:
    image = sitk.ReadImage([str(path) for _, path, _ in slices])
    return f"{image.GetSize()} at {', '.join(f'{step:.2f}' for step in image.GetSpacing())} mm"


if __name__ == "__main__":
    main()
