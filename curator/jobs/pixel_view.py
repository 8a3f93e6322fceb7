"""What would become of one image's pixels, for who asks about a file; nothing is written.

The law: places, rules and verdicts are told of every image; what was read is told only to who holds the key and asks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from curator.adapters.source_file import read_source
from curator.bundled import bundled_folder
from curator.deid.pixels.drawing import drawn
from curator.deid.pixels.evidence import box_record
from curator.jobs.differences import person_of_file
from curator.jobs.release.looking import scratch
from curator.jobs.release.pixel_tools import make_pixel_cleaner
from curator.model.pixels import Judged, Verdict
from curator.policy.gates import Handling, load_gates, pixel_action
from curator.policy.recipe.laid import load_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelView:
    """What a job would do with the pixels of a file.

    `handling` is what the gates say and `rule_id` by which rule; `png` is a frame with its boxes.
    """

    handling: Handling
    rule_id: str
    rows: int
    columns: int
    frames: int
    judged: tuple[Judged, ...]
    texts: tuple[str, ...] = field(repr=False)
    png: bytes = field(repr=False, default=b"")

    @property
    def needs_review(self) -> bool:
        """Whether a person has to judge a box."""
        return any(one.verdict is Verdict.REVIEW for one in self.judged)

    def to_json(self) -> dict[str, object]:
        """The view for machines, without any text."""
        return {
            "handling": self.handling.value,
            "gate": self.rule_id,
            "rows": self.rows,
            "columns": self.columns,
            "frames": self.frames,
            "boxes": [box_record(one) for one in self.judged],
        }


def view_pixels(path: Path, *, workspace: Path | None = None, frame: int | None = None) -> PixelView:
    """What would become of the pixels of a file, whatever the gates say of it.

    With a workspace everything that it knows of the person counts as theirs; without one, what the file says. `frame`
    is the one to draw, 0-based; by default the first one with a box.

    Raises:
        ItemError: the file would be held back for this reason.
        RefusedError: the workspace's key cannot be used.
    """
    rules = bundled_folder("rules")
    _, _, source, known = person_of_file(path, workspace, load_policy(rules))
    action = pixel_action(load_gates(rules), source)
    cleaner = make_pixel_cleaner(rules, scratch=scratch)
    look = cleaner.look(
        read_source(str(path)).data, handling=action.handling, identifiers=known | source.all_identifiers
    )
    module = look.frames.module
    first = min((one.frames[0] for one in look.judged if one.frames), default=0)
    at = min(max(0, first if frame is None else frame), len(look.frames) - 1)
    return PixelView(
        handling=action.handling,
        rule_id=action.finding.rule_id if action.finding is not None else "",
        rows=module.rows,
        columns=module.columns,
        frames=len(look.frames),
        judged=look.judged,
        texts=look.texts,
        png=drawn(look.frames, look.judged, frame=at),
    )
