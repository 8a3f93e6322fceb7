"""On which terms the files of one person and SOP Class are rewritten.

The law: they are the same for every element of every such file, so that what was judged once may be remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from curator.deid.subject import Subject
from curator.identity.pseudonyms import Pseudonyms
from curator.model.decision import Decision, ElementRef

Decide = Callable[[ElementRef], Decision]


@dataclass(frozen=True, slots=True)
class Terms:
    """Who decides, what stands in place of what has to go, and whose files of which SOP Class they are."""

    decide: Decide = field(repr=False)
    pseudonyms: Pseudonyms = field(repr=False)
    subject: Subject = field(repr=False)
    sop_class_uid: str
