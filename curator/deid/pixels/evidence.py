"""What was seen in an image and what was done about it, for the ledger and for who has to answer for it.

The law: places, sizes, counts and rule ids; never a text, and nothing that depends on the machine or the clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from curator.errors import ItemError
from curator.model.pixels import Box, Judged, Route, Verdict
from curator.model.quarantine import Reason

_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One image's evidence.

    `frames` is how many it has, `boxes` what was judged, `changed` how many frames were rewritten, `blacked_out` the
    largest share of a frame that was, 0 to 1. `rounds` counts scrubbings: more than one where the proof found what the
    first look had not. `syntaxes` are the transfer syntaxes before and after. `beside` counts what was taken out beside
    the pixels, by kind: overlays, icons, comments of the codec.
    """

    frames: int = 0
    boxes: tuple[Judged, ...] = ()
    changed: int = 0
    blacked_out: float = 0.0
    rounds: int = 0
    syntaxes: tuple[str, str] = ("", "")
    beside: tuple[tuple[str, int], ...] = ()
    seen_by: str = ""
    is_proven: bool = False
    _counts: tuple[tuple[str, int], ...] = field(init=False, repr=False, default=())

    def __post_init__(self) -> None:
        """Put the boxes in one order, whichever came first."""
        object.__setattr__(self, "boxes", tuple(sorted(set(self.boxes), key=_place)))
        counts = Counter(one.verdict.value for one in self.boxes)
        object.__setattr__(self, "_counts", tuple(sorted(counts.items())))

    def count(self, verdict: Verdict) -> int:
        """How many boxes have a verdict."""
        return dict(self._counts).get(verdict.value, 0)

    def to_json(self) -> dict[str, object]:
        """The evidence for machines; the same for the same image, rules and reader.

        Every box is listed: a later proof takes what was kept, and what is black, from here.
        """
        return {
            "frames": self.frames,
            "frames_changed": self.changed,
            "blacked_out": round(self.blacked_out, _DIGITS),
            "rounds": self.rounds,
            "proven": self.is_proven,
            "transfer_syntaxes": list(dict.fromkeys(self.syntaxes)),
            "beside": dict(self.beside),
            "seen_by": self.seen_by,
            "counts": dict(self._counts),
            "rules": dict(sorted(Counter(one.rule_id for one in self.boxes).items())),
            "boxes": [box_record(one) for one in self.boxes],
        }


class PixelsHeldError(ItemError):
    """An image cannot go as it is, and this is what was seen in it; it is quarantined like any item."""

    def __init__(self, reason: Reason, detail: str, evidence: Mapping[str, object]) -> None:
        super().__init__(reason, detail)
        self.evidence = evidence

    def __reduce__(self) -> tuple[type[PixelsHeldError], tuple[Reason, str, Mapping[str, object]]]:  # type: ignore[override] # one more field
        """Errors cross process borders."""
        return (type(self), (self.reason, self.detail, self.evidence))


def box_record(judged: Judged) -> dict[str, object]:
    """A box for machines; `frames` is "all" or runs such as "0-3 7"."""
    box = judged.box
    return {
        "box": [box.top, box.left, box.bottom, box.right],
        "verdict": judged.verdict.value,
        "rule": judged.rule_id,
        "route": judged.route.value,
        "frames": runs_of(judged.frames),
    }


def judged_of(evidence: Mapping[str, object]) -> tuple[Judged, ...]:
    """The boxes that an evidence as `to_json` gives it lists; nothing for one without."""
    boxes = evidence.get("boxes", [])
    return tuple(map(_judged_of, boxes)) if isinstance(boxes, list) else ()


def _judged_of(record: Mapping[str, Any]) -> Judged:
    frames = None if record["frames"] == "all" else tuple(_numbers(record["frames"]))
    return Judged(Box(*record["box"]), Verdict(record["verdict"]), record["rule"], Route(record["route"]), frames)


def _numbers(runs: str) -> Iterator[int]:
    for run in runs.split():
        first, _, last = run.partition("-")
        yield from range(int(first), int(last or first) + 1)


def runs_of(frames: Sequence[int] | None) -> str:
    """Frame numbers as runs; "all" for None, "" for none."""
    if frames is None:
        return "all"
    runs: list[list[int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _place(judged: Judged) -> tuple[Box, str, str, str, str]:
    return judged.box, judged.verdict.value, judged.rule_id, judged.route.value, runs_of(judged.frames)
