"""The heads of the bench: four real ones, a plastic skull, and as many phantoms as are asked for, by name."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curator.deid.faces.scan import Scan
from curator.deid.faces.stack_scans import scan_of
from curator.imaging.nifti import read_nifti
from curator.imaging.stacks import read_stack, stacks_of
from curator.testing.heads import Contrast, Head, HeadPlan, make_head, random_heads

HEADS = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "heads"
_SERIES = {"trio": "siemens_trio_t1_B", "prisma": "siemens_prisma_sag_thick"}
_NIFTI = {
    "chris": "nifti_t1_C/chris_t1.nii.gz",
    "chris-pd": "nifti_t1_C/chris_PD.nii.gz",
    "headsq": "ct_head_vtk_headsq/headsq.nii.gz",
}
REAL = ("trio", "prisma", "chris", "chris-pd", "headsq")
CONTROL = "plastic"
_SKULL = "control_ct_plastic_skull/control_philips_ct_plastic_skull.tar.xz"
# What the source of each says of it.
_SHOWS = {"trio": "whole", "prisma": "whole", "chris": "part", "chris-pd": "part", "headsq": "whole", CONTROL: "skull"}
_CT = ("headsq", CONTROL)
_AROUND_FACE = ("right pupil", "left pupil", "right mouth corner", "left mouth corner")
_CUBE_MM = (1.0, 0.98, 0.76)
CUBES = {"cube-t1": Contrast.T1, "cube-ct": Contrast.CT}
"""Phantoms of 256 voxels along each axis, for time and memory."""


@dataclass(frozen=True, slots=True)
class Case:
    """A head to be treated: `shows` is whole, part, none or skull.

    `brain` `(Z, Y, X)` and `face_lps`, the middle of the face in mm, are the truth of a phantom.
    """

    name: str
    scan: Scan
    shows: str
    brain: NDArray[np.bool_] | None = field(repr=False, default=None)
    about: str = ""
    face_lps: NDArray[np.float64] | None = field(repr=False, default=None)


def names_of(seed: int, count: int, first: int = 0) -> list[str]:
    """The names of phantoms `first` to `first + count` of a seed."""
    return [f"phantom-{seed}-{number}" for number in range(first, first + count)]


def load(name: str, scratch: Path, *, says_head: bool | None = None) -> Case:
    """The case of a name; what is unpacked lies in `scratch`. `says_head` is what its header is taken to say.

    Raises:
        ValueError: no case has that name.
    """
    if name in CUBES:
        return _phantom(name, HeadPlan(seed=11, contrast=CUBES[name], spacing_mm=_CUBE_MM), says_head)
    if found := re.fullmatch(r"phantom-(\d+)-(\d+)", name):
        seed, number = int(found[1]), int(found[2])
        return _phantom(name, random_heads(seed, number + 1)[number], says_head)
    if name in _NIFTI:
        volume = read_nifti(HEADS / _NIFTI[name])
        return Case(
            name, Scan(volume=volume, modality="CT" if name in _CT else "MR", names_head=says_head), _SHOWS[name]
        )
    if name in _SERIES:
        return Case(name, _read(sorted((HEADS / _SERIES[name]).glob("*.dcm")), says_head), _SHOWS[name])
    if name == CONTROL:
        folder = scratch / CONTROL
        if not folder.exists():
            with tarfile.open(HEADS / _SKULL) as packed:
                packed.extractall(folder, filter="data")
        return Case(name, _read(sorted(path for path in folder.rglob("*") if path.is_file()), says_head), _SHOWS[name])
    raise ValueError(f"no case is called {name}")


def is_ct(case: Case) -> bool:
    """Whether values are those of a CT."""
    return case.name in _CT or case.scan.modality == "CT"


def zeroed(case: Case, mask: NDArray[np.bool_]) -> Scan:
    """A scan with its lowest value where a mask is."""
    stored = case.scan.volume.stored.copy()
    stored[mask] = stored.min()
    return replace(case.scan, volume=replace(case.scan.volume, stored=stored))


def _read(paths: Sequence[Path], says_head: bool | None) -> Scan:
    stacks = stacks_of(paths, most_missing=1).stacks
    stack = max(stacks, key=lambda one: one.shape[0])
    return scan_of(stack, read_stack(stack, paths), names_head=says_head)


def _phantom(name: str, plan: HeadPlan, says_head: bool | None) -> Case:
    head = make_head(plan)
    scan = Scan(
        volume=head.volume, frame_of_reference=name, modality=plan.contrast.modality, names_head=says_head,
        lowest=0, highest=32767,
    )  # fmt: skip
    spacing = "x".join(f"{step:g}" for step in plan.spacing_mm)
    about = (
        f"{plan.contrast.value} {spacing} {plan.plane} {plan.position} x{plan.strength:g}"
        f"{' child' if plan.is_child else ''}{' table' if plan.has_table else ''}{' tube' if plan.has_tube else ''}"
        f" shade{plan.shading:g} bottom{plan.field_of_view.bottom_mm:g} top{plan.field_of_view.top_mm:g}"
        f" front{plan.field_of_view.front_mm:g} pose{plan.pose.turn_deg}"
    )
    return Case(name, scan, plan.face, head.brain, about, middle_of_face(head))


def middle_of_face(head: Head) -> NDArray[np.float64]:
    """Where the middle of a phantom's face is, LPS mm `(3,)`."""
    return np.asarray(np.mean([head.landmarks_mm[name] for name in _AROUND_FACE], axis=0), np.float64)
