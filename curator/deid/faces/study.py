"""All scans of one study: each defaced and proven, shown to have no face, or held.

The face is found where it is seen best, and the same zone of space is then taken out of every scan of its frame of
reference, and of those of others that can be laid over it.

The law: a scan is defaced only by what was proven on its own new voxels; one that cannot be proven is held, and so is
what it would give away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from curator.deid.faces.follow import followed, over_others
from curator.deid.faces.scan import Scan
from curator.deid.faces.tools import FaceTools, Wish
from curator.deid.faces.treated import Lead, Treated, first_look, treated_alone, without_face
from curator.deid.faces.view import View
from curator.deid.faces.whether import Finding, Whether, whether
from curator.model.faces import FaceStatus

# So many scans of a frame of reference are looked at for the clearest face; the finest come first.
_MOST_LOOKED_AT = 3
_BEST = 0.5


def treat_study(scans: Sequence[Scan], tools: FaceTools, *, wish: Wish, secret: bytes) -> tuple[Treated, ...]:
    """What becomes of each scan of a study, in their order; () for none.

    `secret` is derived from the key for this study alone: the relief of the new skin follows from it.
    """
    done: dict[int, Treated] = {}
    leads: list[Lead] = []
    for numbers in _by_frame_of_reference(scans):
        lead = _joined(scans, numbers, leads, tools, wish=wish, secret=secret, done=done)
        if lead is None:
            lead = _led(scans, numbers, tools, wish=wish, secret=secret, done=done)
        if lead is not None:
            leads.append(lead)
        for number in numbers:
            if number not in done:
                own = _secret(secret, number)
                done[number] = followed(scans[number], lead, leads, tools, wish=wish, secret=own)
    # What could not be judged while no lead was known yet is tried again with those of other frames of reference.
    for number, treated in list(done.items()):
        scan = scans[number]
        if treated.outcome.status is FaceStatus.QUARANTINED and leads and not scan.is_flat:
            view, _ = first_look(scan, tools)
            again = over_others(scan, view, leads, tools, wish=wish, secret=_secret(secret, number))
            done[number] = again[0] if again is not None else treated
    return tuple(done[number] for number in range(len(scans)))


def _by_frame_of_reference(scans: Sequence[Scan]) -> Iterator[list[int]]:
    """The numbers of scans that share a frame of reference, the finest first; one without is alone."""
    groups: dict[str, list[int]] = {}
    for number, scan in enumerate(scans):
        groups.setdefault(scan.frame_of_reference or f" {number}", []).append(number)
    for numbers in sorted(groups.values(), key=lambda group: min(_fineness(scans[number]) for number in group)):
        yield sorted(numbers, key=lambda number: (_fineness(scans[number]), number))


def _fineness(scan: Scan) -> tuple[bool, float]:
    """Flat scans last, then by the size of a voxel, cubic mm."""
    return scan.is_flat, float(abs(np.linalg.det(scan.volume.affine_lps[:3, :3])))


def _joined(
    scans: Sequence[Scan],
    numbers: Sequence[int],
    leads: Sequence[Lead],
    tools: FaceTools,
    *,
    wish: Wish,
    secret: bytes,
    done: dict[int, Treated],
) -> Lead | None:
    """The lead of a frame of reference whose finest scan another could be laid over, so that both lose the same.

    None where none could, or what was taken over is not enough; what is decided goes into `done`.
    """
    number = numbers[0]
    if not leads or scans[number].is_flat:
        return None
    view, proof = first_look(scans[number], tools)
    if proof is not None:
        return None
    over = over_others(scans[number], view, leads, tools, wish=wish, secret=_secret(secret, number))
    if over is None:
        return None
    done[number], lead = over
    return lead


def _led(
    scans: Sequence[Scan],
    numbers: Sequence[int],
    tools: FaceTools,
    *,
    wish: Wish,
    secret: bytes,
    done: dict[int, Treated],
) -> Lead | None:
    """The lead of a frame of reference, None where no face was removed; what is decided goes into `done`."""
    looked: list[tuple[float, int]] = []
    shapes: set[tuple[object, ...]] = set()
    found: dict[int, tuple[Whether, View]] = {}
    for number in numbers:
        scan = scans[number]
        if (
            scan.is_flat
            or len(looked) == _MOST_LOOKED_AT
            or (scan.volume.shape, scan.volume.affine_lps.tobytes()) in shapes
        ):
            continue
        view, proof = first_look(scan, tools)
        if proof is not None:
            done[number] = without_face(proof, view)
            continue
        shapes.add((scan.volume.shape, scan.volume.affine_lps.tobytes()))
        shown = whether(scan, view, tools.judge, tools.resampler, tools.rules.numbers)
        found[number] = shown, view
        looked.append((shown.score, number))
        if shown.score > _BEST:
            break
    # Whoever shows a face leads; else a head that is known to be one.
    ranks = {Finding.FACE: 0, Finding.HEAD: 1, Finding.DOUBTFUL: 2, Finding.NONE: 3}
    lead: Lead | None = None
    for _, number in sorted(looked, key=lambda one: (ranks[found[one[1]][0].finding], -one[0], one[1])):
        shown, view = found[number]
        if lead is not None:
            break
        done[number], lead = treated_alone(scans[number], shown, view, tools, wish=wish, secret=_secret(secret, number))
    return lead


def _secret(secret: bytes, number: int) -> bytes:
    return secret + number.to_bytes(4, "big")
