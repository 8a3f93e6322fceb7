"""Studies of several scans of one head: the same anatomy has to go in all of them, and the brain to stay in all.

    uv run python tests/bench/face_studies.py [--people 3] [--first 0] [--only NAME ...]

T1, T2 and FLAIR with the FLAIR in another frame of reference; PET and CT in one frame, and in two. "of its skin" is the
share of the true skin in front of the face that is new; "of the lead's zone" how much of what the first scan lost is
lost here too, by the phantom's own motion between the frames. "seen" is what the bench's own renderer shows.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from face_cases import middle_of_face
from face_treat import tools
from face_views import brain_as_seen, looked_at
from numpy.typing import NDArray

from curator.adapters.rigid_registration import SimpleItkRegistrar
from curator.deid.faces.scan import Scan
from curator.deid.faces.study import treat_study
from curator.deid.faces.tools import Wish
from curator.deid.faces.treated import Treated
from curator.testing.heads import Head, HeadPlan, make_head
from curator.testing.heads.landmarks import skin_distance_mm
from curator.testing.heads.studies import StudyPart, lps_between, multi_contrast, pet_ct

_SECRET = b"a secret of the bench, 32 bytes."
_FACE_MM, _SKIN_MM = 45.0, 1.5
STUDIES: dict[str, Callable[[HeadPlan], tuple[StudyPart, ...]]] = {
    "T1/T2/FLAIR": multi_contrast,
    "PET/CT": pet_ct,
    "PET/CT, two frames": lambda person: pet_ct(person, is_one_frame=False),
}


def main() -> None:
    """Treat every study of every person and print what became of each scan."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=tuple(STUDIES), choices=tuple(STUDIES))
    arguments = parser.parse_args()
    for number in range(arguments.first, arguments.first + arguments.people):
        person = HeadPlan(seed=5, person=number, strength=1.7 if number % 2 else 1.0, is_child=number % 6 == 5)
        for name in arguments.only:
            for line in _lines(STUDIES[name](person)):
                sys.stdout.write(f"{name} of person {number}: {line}\n")
                sys.stdout.flush()


def _lines(parts: Sequence[StudyPart]) -> Iterator[str]:
    heads = [make_head(part.plan) for part in parts]
    scans = [
        Scan(
            volume=head.volume, frame_of_reference=str(part.series.frame), modality=part.plan.contrast.modality,
            lowest=0, highest=32767,
        )
        for head, part in zip(heads, parts, strict=True)
    ]  # fmt: skip
    started = time.process_time()
    done = treat_study(scans, replace(tools(), registrar=SimpleItkRegistrar()), wish=Wish(), secret=_SECRET)
    spent = time.process_time() - started
    for part, head, scan, treated in zip(parts, heads, scans, done, strict=True):
        yield f"{part.series.description:14} {_line(head, scan, treated, heads, done)}"
    yield f"{spent:.0f} CPU-s"


def _line(head: Head, scan: Scan, treated: Treated, heads: Sequence[Head], done: Sequence[Treated]) -> str:
    outcome, numbers = treated.outcome, treated.outcome.numbers
    said = " ".join(
        f"{key} {numbers[key]:.2f}" for key in ("after_best", "recovered", "overlap", "rank") if key in numbers
    )
    words = f"{outcome.status:14} rung {outcome.rung} {'carried' if numbers.get('carried') else 'by itself'} {said}"
    if treated.filled is None:
        return f"{words} | {outcome.why}"
    mask = treated.filled.mask
    after = treated.filled.onto(scan.volume.stored)
    changed = after != scan.volume.stored
    lost = [_share(head, mask, other, one) for other, one in zip(heads, done, strict=True) if one.filled is not None]
    seen = looked_at(
        replace(scan, volume=replace(scan.volume, stored=after)).physical(slice(None)),
        scan.volume.affine_lps,
        face_lps=middle_of_face(head),
        brain=brain_as_seen(head.brain, scan.volume.spacing_mm, scan.modality),
        is_quick=True,
    )
    return " | ".join(
        [
            words,
            f"skin {_of_skin(head, mask):.1%}",
            f"zones of the scans {', '.join(f'{one:.1%}' for one in lost)}",
            f"brain {int((changed & head.brain).sum())}",
            f"outside {int((changed & ~mask).sum())}",
            f"seen {seen.hits}/{seen.looks} {seen.best:.2f} (elsewhere {seen.beside}, brain {seen.brain})",
            outcome.why,
        ]
    )


def _centres(
    volume_shape: tuple[int, ...], affine: NDArray[np.float64], mask: NDArray[np.bool_]
) -> NDArray[np.float64]:
    z, y, x = np.nonzero(mask)
    return np.asarray(np.stack([x, y, z, np.ones_like(x)], axis=-1) @ affine.T[:, :3], np.float64)


def _of_skin(head: Head, mask: NDArray[np.bool_]) -> float:
    """The share of voxels at the true skin around the nose that are new, 0 to 1; NaN where none was scanned."""
    centres = _centres(mask.shape, head.volume.affine_lps, np.ones_like(mask))
    middle = np.mean([head.landmarks_mm[name] for name in ("nose tip", "nasion", "chin")], axis=0)
    near = np.linalg.norm(centres - middle, axis=-1) < _FACE_MM
    is_skin = np.abs(skin_distance_mm(head.plan, centres[near])) < _SKIN_MM
    return float(mask.ravel()[near][is_skin].mean()) if is_skin.any() else float("nan")


def _share(head: Head, mask: NDArray[np.bool_], other: Head, lost: Treated) -> float:
    """The share of the other scan's lost voxels, moved here and scanned here, that are lost here too."""
    assert lost.filled is not None
    theirs = _centres(lost.filled.mask.shape, other.volume.affine_lps, lost.filled.mask)
    motion = lps_between(other.plan, head.plan)
    here = theirs @ motion[:3, :3].T + motion[:3, 3]
    back = np.linalg.inv(head.volume.affine_lps)
    indices = np.rint(here @ back[:3, :3].T + back[:3, 3]).astype(int)[:, ::-1]
    is_scanned = ((indices >= 0) & (indices < np.array(mask.shape))).all(axis=1)
    return float(mask[tuple(indices[is_scanned].T)].mean())


if __name__ == "__main__":
    main()
