"""The zones that were made anew, as DICOM segmentations of the released images, kept inside of the house.

The law: they lie in the workspace and never in the release, name replacements only, and are there for exactly the
stacks that were released.

Sources: DICOM PS3.3 A.51.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from curator import __version__
from curator.adapters.local_disk import LocalDisk
from curator.deid.faces.zone_seg import ZoneObject, zone_segmentation
from curator.deid.instance import released_path
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms
from curator.imaging.stacks import Stack
from curator.jobs.faces.task import HeadTask
from curator.jobs.faces.treat import SeenStack
from curator.jobs.release.work import ReleaseTask

# It has to be the same whenever it is made; when a face was removed stands in the ledger's log.
_NO_DAY = datetime(1970, 1, 1)


def keep_zones(task: HeadTask, seen: Sequence[SeenStack], *, lost: Collection[int]) -> None:
    """Write what was changed in each stack that went; what stood there of this study before is gone.

    `lost` are instances that were not released. A stack that has no frame of reference cannot be pointed at and is left
    out.
    """
    folder = LocalDisk(task.kept)
    for path in list(LocalDisk(task.kept / task.study).walk()):
        folder.remove(f"{task.study}/{path}")
    first = task.tasks[0]
    pseudonyms = Pseudonyms(first.settings.key)
    uid: Callable[[str], str] = str if "retain-uids" in first.settings.options else pseudonyms.uid
    released = [_released(one, uid) for one in task.tasks]
    for one in seen:
        filled = one.treated.filled
        if filled is None or not one.is_defaced or not one.stack.kind.FrameOfReferenceUID:
            continue
        if any(number in lost or not released[number].is_file() for number in one.stack.instances):
            continue
        name = f"{task.study}/{one.stack.series}-{one.stack.part}"
        try:
            made = zone_segmentation(_replaced(one.stack, uid), filled.mask, released, named=_named(pseudonyms, name))
        except ItemError:
            # The images went as they were proven; their zone can be had again from the evidence and the source.
            continue
        folder.write(f"{name}.dcm", [made])


def _released(task: ReleaseTask, uid: Callable[[str], str]) -> Path:
    source = task.source
    uids = (uid(one) for one in (source.StudyInstanceUID, source.SeriesInstanceUID, source.SOPInstanceUID))
    return task.settings.released / released_path(task.alias.patient_code, *uids)


def _replaced(stack: Stack, uid: Callable[[str], str]) -> Stack:
    kind = stack.kind
    series, frame = uid(kind.SeriesInstanceUID), uid(kind.FrameOfReferenceUID)
    return replace(stack, kind=replace(kind, SeriesInstanceUID=series, FrameOfReferenceUID=frame))


def _named(pseudonyms: Pseudonyms, name: str) -> ZoneObject:
    series, instance, dimension = (pseudonyms.uid(f"face zone {what} {name}") for what in ("series", "it", "order"))
    return ZoneObject(
        SeriesInstanceUID=series,
        SOPInstanceUID=instance,
        DimensionOrganizationUID=dimension,
        made_at=_NO_DAY,
        algorithm="curator faces",
        version=__version__,
    )
