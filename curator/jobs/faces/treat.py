"""What defacing makes of each instance of a study.

The law: an instance passes only where every stack that any of its frames is in was defaced or shown to have no face;
what is in no stack is held with its reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from curator.deid.faces.patch import Patch
from curator.deid.faces.scan import Scan
from curator.deid.faces.stack_patches import patches_of, together
from curator.deid.faces.stack_scans import scan_of
from curator.deid.faces.study import treat_study
from curator.deid.faces.tools import FaceTools, Wish
from curator.deid.faces.treated import Treated
from curator.deid.faces.zone import Zone
from curator.deid.faces.zone_file import joined
from curator.errors import ItemError
from curator.imaging.slices import Source
from curator.imaging.stacks import Stack, StackReader, Stacks, stacks_of
from curator.jobs.faces.tools import seen_by
from curator.model.faces import FaceStatus
from curator.model.quarantine import Reason

# What is measured only after a face was taken out is called so.
_TRIED = ("after_", "recovered")
LARGEST_STUDY_BYTES = 4 << 30
"""The most that the stored values of one study may take: all of them are looked at together."""


@dataclass(frozen=True, slots=True)
class Faced:
    """What the pixels of one instance become: nothing changes under an empty `patch`.

    `is_defaced`: something of its series changed, whether or not in this instance.
    """

    patch: Patch = field(repr=False)
    is_defaced: bool
    evidence: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class FaceHeld:
    """Why an instance may not go, with what was seen (None: nobody looked)."""

    reason: Reason
    detail: str
    evidence: Mapping[str, object] | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class SeenStack:
    """One stack and what became of it."""

    stack: Stack
    treated: Treated

    @property
    def is_defaced(self) -> bool:
        """Whether a face was taken out of it."""
        return self.treated.outcome.status is FaceStatus.DEFACED

    def to_json(self) -> dict[str, object]:
        """What the ledger keeps of it: numbers and words of structure."""
        filled = self.treated.filled
        changed = 0 if filled is None else int(filled.mask.sum())
        outcome = self.treated.outcome
        # How long it took is another number each time, and the ledger says the same of the same.
        lasting = {name: value for name, value in outcome.numbers.items() if not name.endswith("_seconds")}
        return {
            "series": self.stack.series,
            "part": self.stack.part,
            "modality": self.stack.kind.Modality,
            "shape": list(self.stack.shape),
            "voxels_changed": changed,
            "changed_mm3": round(changed * voxel_mm3(self.stack), 1),
            **replace(outcome, numbers=lasting).to_json(),
        }


@dataclass(frozen=True, slots=True)
class StudyFaces:
    """All of a study: `instances` by number, `seen` every stack, `frames` the zone of each frame of reference.

    A frame of reference has None for a zone where all that lies in it was shown to have no face, and is missing where
    something in it is held.
    """

    instances: Mapping[int, Faced | FaceHeld]
    seen: tuple[SeenStack, ...] = field(repr=False, default=())
    frames: Mapping[str, Zone | None] = field(repr=False, default_factory=dict)

    @property
    def unseen(self) -> tuple[tuple[str, str], ...]:
        """Reason and detail of every instance that is held and that nobody could look at."""
        held = (one for one in self.instances.values() if isinstance(one, FaceHeld) and one.evidence is None)
        return tuple((one.reason.value, one.detail) for one in held)


def study_faces(
    sources: Sequence[Source], heads: Sequence[bool | None], tools: FaceTools, *, wish: Wish, secret: bytes
) -> StudyFaces:
    """What becomes of each file of a study; `heads` says of each what its header says of the body part.

    `secret` is derived from the key for this study. Whoever calls names the files in an order of their content, not of
    their names: it decides nothing else.

    Raises:
        ItemError: FACE_DOUBTFUL, the study is larger than is looked at; a frame of a stack cannot be decoded.
    """
    found = stacks_of(sources)
    size = sum(_bytes(stack) for stack in found.stacks)
    if size > LARGEST_STUDY_BYTES:
        raise ItemError(Reason.FACE_DOUBTFUL, f"a study of {size >> 20} MiB of pixels is not looked at as one")
    stacks, scans, unread = _scans(found, sources, heads)
    done = treat_study(scans, tools, wish=wish, secret=secret)
    seen = tuple(SeenStack(stack, treated) for stack, treated in zip(stacks, done, strict=True))
    patches = together(map(_patches, seen))
    problems = {number: problem for problem in reversed(found.problems) for number in problem.instances}
    of_instance: defaultdict[int, list[SeenStack]] = defaultdict(list)
    for one in seen:
        for number in one.stack.instances:
            of_instance[number].append(one)
    instances: dict[int, Faced | FaceHeld] = {}
    for number in range(len(sources)):
        evidence = {"seen_by": seen_by(tools), "stacks": [one.to_json() for one in of_instance[number]]}
        if number in unread:
            instances[number] = FaceHeld(unread[number].reason, unread[number].detail)
        elif number in problems:
            instances[number] = FaceHeld(problems[number].reason, problems[number].detail)
        else:
            instances[number] = _verdict(of_instance[number], patches.get(number), evidence)
    return StudyFaces(instances, seen, _frames(seen, instances))


def voxel_mm3(stack: Stack) -> float:
    """The volume of one voxel."""
    (a, b, c), (d, e, f), (g, h, i) = stack.affine_lps[:3, :3].tolist()
    return float(abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)))


def _scans(
    found: Stacks, sources: Sequence[Source], heads: Sequence[bool | None]
) -> tuple[list[Stack], list[Scan], dict[int, ItemError]]:
    """Stacks that can be read, as scans, and why the instances of others cannot."""
    reader = StackReader(sources)
    stacks, scans = [], []
    unread: dict[int, ItemError] = {}
    for stack in found.stacks:
        said = {heads[number] for number in stack.instances}
        try:
            volume = reader.read(stack)
            scan = scan_of(stack, volume, names_head=said.pop() if len(said) == 1 else None)
        except ItemError as error:
            unread |= dict.fromkeys(stack.instances, error)
            continue
        stacks.append(stack)
        scans.append(scan)
    return stacks, scans, unread


def _patches(seen: SeenStack) -> dict[int, Patch]:
    filled = seen.treated.filled
    if filled is None or not seen.is_defaced:
        return {}
    return patches_of(seen.stack.places, filled.mask, filled.stored)


def _verdict(seen: Sequence[SeenStack], patch: Patch | None, evidence: Mapping[str, object]) -> Faced | FaceHeld:
    if not seen:
        return FaceHeld(Reason.FACE_DOUBTFUL, "it is in no volume", evidence)
    for one in seen:
        outcome = one.treated.outcome
        if outcome.status is FaceStatus.QUARANTINED:
            is_tried = any(name.startswith(_TRIED) for name in outcome.numbers)
            return FaceHeld(Reason.FACE_UNPROVEN if is_tried else Reason.FACE_DOUBTFUL, outcome.why, evidence)
        if one.is_defaced and (one.treated.filled is None or one.treated.zone is None):
            return FaceHeld(Reason.FACE_UNPROVEN, "defaced, and nothing says where", evidence)
    return Faced(patch or Patch({}), any(one.is_defaced for one in seen), evidence)


def _frames(seen: Sequence[SeenStack], instances: Mapping[int, Faced | FaceHeld]) -> dict[str, Zone | None]:
    """The zone of every frame of reference all of whose stacks went."""
    zones: defaultdict[str, list[Zone]] = defaultdict(list)
    lost = set()
    for one in seen:
        frame = one.stack.kind.FrameOfReferenceUID
        zones[frame] += [one.treated.zone] if one.is_defaced and one.treated.zone is not None else []
        if any(isinstance(instances[number], FaceHeld) for number in one.stack.instances):
            lost.add(frame)
    # What lies in no named frame lies nowhere that something else could share.
    named = ((frame, found) for frame, found in zones.items() if frame)
    return {frame: joined(found) if found else None for frame, found in named if found or frame not in lost}


def _bytes(stack: Stack) -> int:
    z, y, x = stack.shape
    return z * y * x * stack.kind.pixel_type.itemsize
