"""One study of a phantom, treated once for all tests: a T1, a T2 on another grid, and overviews; a CT by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from face_tools import SECRET, SMALL, THREE_MM, TWO_MM, tools_of, with_stored

from curator.adapters.dlib_heads import DlibHeads
from curator.deid.faces.scan import Scan
from curator.deid.faces.study import treat_study
from curator.deid.faces.tools import Wish
from curator.deid.faces.treated import Treated
from curator.testing.heads import Contrast, FieldOfView, Head, HeadPlan, make_head

T1 = HeadPlan(spacing_mm=TWO_MM, field_of_view=SMALL)
T2 = HeadPlan(spacing_mm=TWO_MM, contrast=Contrast.T2, plane="coronal", field_of_view=SMALL)
SLICE = HeadPlan(spacing_mm=(8.0, 2.0, 2.0), plane="sagittal", field_of_view=FieldOfView(side_mm=4.0))
SCOUT = HeadPlan(spacing_mm=THREE_MM, plane="sagittal", contrast=Contrast.CT)
CT = HeadPlan(person=4, contrast=Contrast.CT, spacing_mm=TWO_MM, field_of_view=SMALL)
FRONT = ("right pupil", "left pupil", "nasion", "nose tip", "right mouth corner", "left mouth corner", "chin")
TOOLS = tools_of(DlibHeads())


@dataclass(frozen=True)
class TreatedHead:
    """A head, how it was given, and what became of it."""

    head: Head
    scan: Scan
    treated: Treated

    @property
    def before(self) -> np.ndarray:
        return self.scan.volume.stored

    @property
    def mask(self) -> np.ndarray:
        assert self.treated.filled is not None
        return self.treated.filled.mask

    @property
    def after(self) -> np.ndarray:
        assert self.treated.filled is not None
        return self.treated.filled.onto(self.before)

    @property
    def scan_after(self) -> Scan:
        return with_stored(self.scan, self.after)

    @property
    def numbers(self) -> dict[str, float]:
        return dict(self.treated.outcome.numbers)


def scan_of(head: Head, frame_of_reference: str = "", **said) -> Scan:
    return Scan(volume=head.volume, frame_of_reference=frame_of_reference, modality=head.plan.contrast.modality, **said)


def projection(plan: HeadPlan, frame_of_reference: str = "") -> tuple[Head, Scan]:
    """A head and its mean along the slices, at the place of the middle slice."""
    head = make_head(plan)
    volume = head.volume
    affine = volume.affine_lps.copy()
    affine[:3, 3] += affine[:3, 2] * (volume.shape[0] // 2)
    stored = np.rint(volume.stored.mean(axis=0)).astype(np.int16)[None]
    flat = replace(volume, stored=stored, affine_lps=affine)
    return head, Scan(volume=flat, frame_of_reference=frame_of_reference, modality="CT", is_projection=True)


def treated_study() -> dict[str, TreatedHead]:
    """The T1, which leads, and what follows it in its frame of reference, a single slice first."""
    place = "1.2.840.1"
    slice_, t2, t1 = (make_head(plan) for plan in (SLICE, T2, T1))
    scout, scout_scan = projection(SCOUT, place)
    heads = {"slice": slice_, "t1": t1, "t2": t2, "scout": scout}
    scans = {
        "slice": scan_of(slice_, place),
        "t1": scan_of(t1, place, names_head=True),
        "t2": scan_of(t2, place),
        "scout": scout_scan,
    }
    done = treat_study(list(scans.values()), TOOLS, wish=Wish(), secret=SECRET)
    return {name: TreatedHead(heads[name], scans[name], treated) for name, treated in zip(scans, done, strict=True)}


def treated_ct() -> TreatedHead:
    """The CT, whose stored 0 is padding and whose largest value is bounded."""
    head = make_head(CT)
    scan = scan_of(head, lowest=0.0, highest=4095.0, padding=0.0)
    (treated,) = treat_study([scan], TOOLS, wish=Wish(), secret=SECRET)
    return TreatedHead(head, scan, treated)
