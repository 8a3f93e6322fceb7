"""How many files of which kind: all that may be shown of a scan.

The law: counts and the standard's own words; no value of a patient, no source name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from curator.dicom.tables import UIDS
from curator.identity.pseudonyms import normalized_id
from curator.ingest.group import geometry_note, series_of
from curator.ingest.triage import Triage
from curator.model.instance import SourceInstance

_LONGEST_MODALITY = 16


def summary_of(triage: Triage) -> Mapping[str, Mapping[str, int]]:
    """Counts by title and name, names sorted; all zero for no files."""
    candidates, held = triage.candidates, triage.held
    series = series_of(candidates)
    irregular = sum(geometry_note(ones) is not None for ones in series.values())
    subjects = {_person(one) for one in candidates}
    return {
        "files": {"found": len(candidates) + len(held), "candidates": len(candidates), "held": len(held)},
        "candidates": {
            "patients": len(subjects),
            "studies": len({one.StudyInstanceUID for one in candidates}),
            "series": len(series),
            "series_not_a_regular_volume": irregular,
        },
        "modality": _counted(_modality(one.Modality) for one in candidates),
        "sop_class": _counted(_name(one.SOPClassUID) for one in candidates),
        "held_by_reason": _counted(one.reason.value for one in held),
    }


def _person(instance: SourceInstance) -> tuple[str, str]:
    subject = instance.subject
    return ("", "") if subject is None else (normalized_id(subject.patient_id), normalized_id(subject.issuer))


def _name(uid: str) -> str:
    return UIDS[uid][0] if uid in UIDS else uid


def _counted(names: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter(names).items()))


def _modality(text: str) -> str:
    """A modality as a code; what does not have the form of one could be anything and is not shown."""
    if not text:
        return "(none)"
    is_code = text.isascii() and text.isalnum() and text.isupper() and len(text) <= _LONGEST_MODALITY
    return text if is_code else "(not a code)"
