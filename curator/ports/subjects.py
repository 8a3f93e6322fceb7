"""Who decides what stands for a person: a derivation, a table of drawn codes, or a site's own list."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from curator.model.identity import Alias, SubjectKey


class Subjects(Protocol):
    """Gives each person one alias. Only the process that runs the job asks: its workers are told."""

    def settle(self, subjects: Collection[SubjectKey]) -> None:
        """Make sure that each of these has an alias that will not change; nothing for none.

        Raises:
            KeyMaterialError: what was settled before cannot be read.
        """
        ...

    def subject_of(self, subject: SubjectKey) -> Alias:
        """What stands for a settled person: the same for every spelling of their Patient ID and issuer.

        Raises:
            ItemError: PATIENT_NOT_MAPPED: nothing may stand for them.
        """
        ...
