"""The hospital as a whole: which patient has which studies, and where their files lie.

The law: the same seed writes the same bytes, under the same names, and nothing but the folder it was given is touched.

    <out>/dicom/<site>/<patient>/<study>/...      as an archive exports them, some without a suffix
    <out>/annotations/annotations.csv             masks that are no DICOM: path, SeriesInstanceUID, author, role, tool
    <out>/annotations/labels.toml                 what their values mean
"""

from __future__ import annotations

from pathlib import Path

from curator.errors import UsageError
from curator.testing.abdominal_study import write_abdominal_study
from curator.testing.annotation_files import write_annotation_index
from curator.testing.answer_key import AnswerKey
from curator.testing.burned_text import CAPTURES, write_capture
from curator.testing.head_study import HEAD_SCANS, write_head_study
from curator.testing.people import cast
from curator.testing.planting import Hospital

ABDOMEN_COUNT = 16


def make_hospital(out: Path, *, seed: int = 0) -> AnswerKey:
    """Write the hospital of one seed into the empty or new folder `out`; its answer key, which is not written.

    Raises:
        UsageError: the folder holds something already.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError("the hospital needs a new or empty folder")
    people = cast(seed)
    hospital = Hospital(out, seed)
    rows = []
    for patient in people.patients[:ABDOMEN_COUNT]:
        rows += write_abdominal_study(hospital, people, patient)
    write_annotation_index(hospital, people, rows)
    for scan in HEAD_SCANS:
        write_head_study(hospital, people, scan)
    for number in range(len(CAPTURES)):
        write_capture(hospital, people, number)
    return hospital.key()
