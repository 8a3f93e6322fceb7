"""What a worker does with a study of a head: look at all of it, treat it as a whole, release it slice by slice.

The law: whatever goes wrong with a study holds this study and no other, and one instance of it only itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from curator.adapters.local_disk import LocalDisk
from curator.deid.faces.tools import Wish
from curator.deid.faces.zone import Zone
from curator.deid.faces.zone_file import zone_bytes
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms
from curator.jobs.faces.segmentations import keep_zones
from curator.jobs.faces.task import HeadTask, TreatedHead, held_head
from curator.jobs.faces.tools import face_tools
from curator.jobs.faces.treat import Faced, FaceHeld, StudyFaces, study_faces
from curator.jobs.release.batch import Answer
from curator.jobs.release.work import ReleaseTask, release_one
from curator.model.faces import FaceWish
from curator.model.quarantine import Reason


def release_head(task: HeadTask) -> TreatedHead:
    """Treat a study and release what may go. This is the job boundary for the study."""
    try:
        faces = _faces(task)
        frames = {} if task.zones is None else _stored(task.zones, task.number, faces.frames)
    except ItemError as error:
        return held_head(task, error.reason, error.detail)
    except Exception as error:  # noqa: BLE001 - one study's defect must not end the job; its type says where to look
        return held_head(task, Reason.INTERNAL_ERROR, type(error).__name__)
    answers = {at: _answer(task.tasks[at], faces.instances[at]) for at in sorted(task.wanted)}
    lost = {at for at, answer in answers.items() if answer.record is None}
    _keep(task, faces, lost)
    return TreatedHead(task.number, answers, frames)


def wish_of(wish: FaceWish) -> Wish:
    """What a steward asks for, as the stage takes it."""
    return Wish(mode=wish.mode, ears=wish.ears, teeth=wish.teeth)


def _faces(task: HeadTask) -> StudyFaces:
    first = task.tasks[0]
    return study_faces(
        [Path(one.source.reference) for one in task.tasks],
        task.heads,
        face_tools(first.settings.rules),
        wish=wish_of(first.settings.faces),
        secret=Pseudonyms(first.settings.key).relief_secret(first.source.StudyInstanceUID),
    )


def _keep(task: HeadTask, faces: StudyFaces, lost: set[int]) -> None:
    try:
        keep_zones(task, faces.seen, lost=lost)
    except Exception:  # noqa: BLE001 - what was released stands without them, and they can be had again from the sources
        LocalDisk(task.kept).remove(task.study)


def _answer(task: ReleaseTask, faced: Faced | FaceHeld) -> Answer:
    if isinstance(faced, FaceHeld):
        evidence = {"faces": {**(faced.evidence or {}), "beside": task.beside}}
        return Answer(None, faced.reason, faced.detail, (), evidence)
    return Answer.of(release_one(task, faced))


def _stored(folder: Path, number: int, frames: Mapping[str, Zone | None]) -> dict[str, str | None]:
    """Each frame of reference with the file that has its zone."""
    found: dict[str, str | None] = {}
    for index, (frame, zone) in enumerate(sorted(frames.items(), key=lambda one: one[0])):
        found[frame] = None
        if zone is not None:
            name = f"{number}-{index}.npz"
            LocalDisk(folder).write(name, [zone_bytes(zone)])
            found[frame] = str(folder / name)
    return found
