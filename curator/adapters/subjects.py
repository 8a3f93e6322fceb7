"""What stands for a person, in three ways.

`DerivedSubjects`: a keyed code of the Patient ID, for who links data of several sites or runs without a table.
`DrawnSubjects`: codes and date shifts drawn at random and kept in the escrow, for who may not derive a code from an
identifier. `ListedSubjects`: a site's own list.

The law: one person has one alias, whatever the order in which people are met, and an alias once given does not change.
In all three ways a person of whom what was known has been destroyed is not taken in again under the same code.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Mapping
from functools import cached_property

from curator.adapters.escrow import Entry, Escrow
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms, code_of, normalized_subject, shift_days_of
from curator.model.identity import Alias, SubjectKey
from curator.model.quarantine import Reason

_KIND = "drawn"
_DRAWN_BYTES = 16


class DerivedSubjects:
    """Codes and shifts that follow from the key; `shredded` are codes of whom nothing may be known any more."""

    def __init__(self, pseudonyms: Pseudonyms, *, longest_weeks: int, shredded: Collection[str] = frozenset()) -> None:
        self._pseudonyms = pseudonyms
        self._longest_weeks = longest_weeks
        self._shredded = shredded

    def settle(self, subjects: Collection[SubjectKey]) -> None:
        """Nothing to do: the key settles it."""

    def subject_of(self, subject: SubjectKey) -> Alias:
        """See `Subjects.subject_of`."""
        return Alias(
            _unless_shredded(self._pseudonyms.patient_code(subject), self._shredded),
            self._pseudonyms.date_shift_days(subject, longest_weeks=self._longest_weeks),
        )


class ListedSubjects:
    """Codes from a list by person as compared; shifts follow from the key."""

    def __init__(
        self,
        codes: Mapping[SubjectKey, str],
        pseudonyms: Pseudonyms,
        *,
        longest_weeks: int,
        shredded: Collection[str] = frozenset(),
    ) -> None:
        self._codes = codes
        self._pseudonyms = pseudonyms
        self._longest_weeks = longest_weeks
        self._shredded = shredded

    def settle(self, subjects: Collection[SubjectKey]) -> None:
        """Nothing to do: the list settles it."""

    def subject_of(self, subject: SubjectKey) -> Alias:
        """See `Subjects.subject_of`."""
        code = self._codes.get(normalized_subject(subject))
        if code is None:
            raise ItemError(Reason.PATIENT_NOT_MAPPED, "not in the mapping file")
        return Alias(
            _unless_shredded(code, self._shredded),
            self._pseudonyms.date_shift_days(subject, longest_weeks=self._longest_weeks),
        )


class DrawnSubjects:
    """Codes and shifts that were drawn once; `draw` gives random bytes, tests bring their own.

    A rehearsal is `kept=False`: it draws and forgets.
    """

    def __init__(
        self,
        escrow: Escrow,
        *,
        epoch: int,
        longest_weeks: int,
        kept: bool = True,
        draw: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._escrow = escrow
        self._epoch = epoch
        self._longest_weeks = longest_weeks
        self._kept = kept
        self._draw = draw

    def settle(self, subjects: Collection[SubjectKey]) -> None:
        """Draw for everybody who has no alias yet, in the order of their Patient IDs, and keep it before it is used.

        Raises:
            KeyMaterialError: the escrow belongs to another key, was altered or cannot be written.
        """
        missing = {normalized_subject(subject) for subject in subjects} - self._known.keys()
        taken = {alias.patient_code for alias in self._known.values()}
        taken |= {code for epoch, code in self._escrow.shredded() if epoch == self._epoch}
        drawn: dict[SubjectKey, Alias] = {}
        for subject in sorted(missing):
            alias = self._drawn(taken)
            taken.add(alias.patient_code)
            drawn[subject] = alias
        if self._kept:
            self._escrow.write(self._entry(subject, alias) for subject, alias in drawn.items())
        self._known.update(drawn)

    def subject_of(self, subject: SubjectKey) -> Alias:
        """See `Subjects.subject_of`."""
        alias = self._known.get(normalized_subject(subject))
        if alias is None:
            raise ItemError(Reason.PATIENT_NOT_MAPPED, "no code was drawn")
        return alias

    @cached_property
    def _known(self) -> dict[SubjectKey, Alias]:
        known: dict[SubjectKey, Alias] = {}
        for entry in self._escrow.read(_KIND):
            if entry.epoch == self._epoch:
                patient_id, issuer, shift_days = json.loads(entry.text)
                known[SubjectKey(patient_id, issuer)] = Alias(entry.code, int(shift_days))
        return known

    def _drawn(self, taken: Collection[str]) -> Alias:
        code = "P-" + code_of(self._draw(_DRAWN_BYTES))
        while code in taken:
            code = "P-" + code_of(self._draw(_DRAWN_BYTES))
        return Alias(code, shift_days_of(self._draw(_DRAWN_BYTES), longest_weeks=self._longest_weeks))

    def _entry(self, subject: SubjectKey, alias: Alias) -> Entry:
        text = json.dumps([subject.patient_id, subject.issuer, alias.shift_days])
        return Entry(self._epoch, alias.patient_code, _KIND, text=text)


def _unless_shredded(code: str, shredded: Collection[str]) -> str:
    if code in shredded:
        raise ItemError(Reason.PATIENT_NOT_MAPPED, "what was known of the person was destroyed")
    return code
