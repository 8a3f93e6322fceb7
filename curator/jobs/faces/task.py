"""A study of a head on its way to a worker and back.

The law: what crosses the border back are records, words of structure and numbers; zones go through files that the job
empties.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from curator.jobs.release.batch import Answer
from curator.jobs.release.work import ReleaseTask
from curator.model.quarantine import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadTask:
    """All instances of a study that are treated together, sorted by their UIDs, and which of them to release.

    `study` is a keyed name; `zones` is the folder for the zones of its frames of reference, None where nothing follows
    from it; `kept` is where the zones go as segmentations.
    """

    number: int
    study: str
    tasks: tuple[ReleaseTask, ...] = field(repr=False)
    heads: tuple[bool | None, ...]
    wanted: frozenset[int]
    zones: Path | None = field(repr=False)
    kept: Path = field(repr=False)


@dataclass(frozen=True, slots=True)
class TreatedHead:
    """What became of the wanted instances of a study, by their place in the task.

    `frames` has the file with the zone of each frame of reference, None where there is no face in any of it; a frame
    that is missing has something that is held. `is_lost` where the worker ended before it could say.
    """

    number: int
    answers: Mapping[int, Answer] = field(repr=False)
    frames: Mapping[str, str | None] = field(repr=False, default_factory=dict)
    is_lost: bool = False


def lost_head(task: HeadTask) -> TreatedHead:
    """The answer for a study whose worker ended with it: each of its instances is held."""
    return held_head(task, Reason.INTERNAL_ERROR, "the worker process ended", is_lost=True)


def held_head(task: HeadTask, reason: Reason, detail: str, *, is_lost: bool = False) -> TreatedHead:
    """All of a study held for one reason."""
    answer = Answer(None, reason, detail, (), None)
    return TreatedHead(task.number, dict.fromkeys(sorted(task.wanted), answer), is_lost=is_lost)
