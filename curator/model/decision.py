"""What the policy says about one element, and by which rule.

The same `Decision` feeds the rewriting, the dry run, the explanation and the tests.

Sources: DICOM PS3.15 E.1-1a (action codes).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """PS3.15 action codes, and four of ours that say how a code is carried out.

    `PSEUDONYM` is Z or D with a keyed value, `SHIFT` is C on dates, `STANDARD_CODE` keeps a value only where the
    standard's own dictionary confirms it, `SET` writes a value the policy states.
    """

    KEEP = "K"
    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    REPLACE_UID = "U"
    CLEAN = "C"
    PSEUDONYM = "P"
    SHIFT = "S"
    STANDARD_CODE = "V"
    SET = "="


@dataclass(frozen=True, slots=True)
class ElementRef:
    """Where an element stands, and nothing of what it holds.

    `path` is the tags of the sequences around it, outermost first; `private_creator` is the creator that owns a
    private element's block, empty where there is none.
    """

    tag: int
    vr: str
    path: tuple[int, ...] = ()
    sop_class_uid: str = ""
    private_creator: str = ""

    @property
    def group(self) -> int:
        """The group number."""
        return self.tag >> 16

    @property
    def is_private(self) -> bool:
        """Whether the group number is odd."""
        return bool(self.group & 1)


@dataclass(frozen=True, slots=True)
class ValueForm:
    """What a table promises of a private element: the VR its value has ("OB or OW"), and how many values at most."""

    vr: str
    most_values: float


@dataclass(frozen=True, slots=True)
class Decision:
    """An action and the rule that called for it; `otherwise` is what happens where `CLEAN` leaves nothing.

    `value` is what `SET` writes; `days` is how far forward `SHIFT` moves dates, and `SET` those that it states, None
    for the person's own shift. `form` is what a private value has to be, None for standard elements.
    """

    action: Action
    rule_id: str
    why: str
    value: str = field(default="", repr=False)
    days: int | None = None
    form: ValueForm | None = None
    otherwise: Action = Action.EMPTY
