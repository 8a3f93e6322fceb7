"""The hospital as a whole: which patient has which studies, and where their files lie.

The law: the same seed writes the same bytes, under the same names, and nothing but the folder it was given is touched.

    <out>/dicom/<site>/<patient>/<study>/...      as an archive exports them, some without a suffix
    <out>/annotations/annotations.csv             masks that are no DICOM: path, SeriesInstanceUID, author, role, tool
    <out>/annotations/labels.toml                 what their values mean
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from curator.errors import UsageError
from curator.testing.abdominal_study import write_abdominal_study
from curator.testing.annotation_files import write_annotation_index
from curator.testing.answer_key import AnswerKey, MadeFile, PlantKind
from curator.testing.burned_text import CAPTURES, write_capture
from curator.testing.head_study import HEAD_SCANS, write_head_study
from curator.testing.objects import write_objects
from curator.testing.people import Cast, cast
from curator.testing.pet import PET_PATIENTS, write_pet
from curator.testing.planting import Hospital, Seed, file_name_seeds
from curator.testing.report_object import REPORTS, write_report

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
    for patient_index, sop_class in REPORTS:
        write_report(hospital, people, patient_index, sop_class=sop_class)
    write_objects(hospital, people)
    for patient_index in PET_PATIENTS:
        write_pet(hospital, people, patient_index)
    _write_strays(hospital, people)
    return hospital.key()


def _write_strays(hospital: Hospital, people: Cast) -> None:
    """What else lies in an archive's export: a note that is no DICOM, and one file twice."""
    patient = people.patients[1]
    line = f"Call {patient.name.plain}, {patient.phone}, about {patient.record_number}.\n"
    hidden = (*patient.name.parts, patient.phone, patient.record_number)
    seeds = [Seed(value, PlantKind.TEXT, "content") for value in hidden] + file_name_seeds(patient.centre.name)
    site = f"dicom/{patient.centre.name}"
    hospital.write(MadeFile(f"{site}/note.txt", "", patient.index), line.encode("ascii"), seeds)
    original = next(made for made in hospital.files if made.patient == patient.index and made.modality == "CT")
    twin = replace(original, file=f"{site}/copy of one image.dcm", duplicate_of=original.file)
    inner = [plant for plant in hospital.plants if plant.file == original.file and plant.place != "file_name"]
    seeds = [Seed(plant.value, plant.kind, plant.place, plant.searchable, plant.encoding) for plant in inner]
    content = (hospital.root / original.file).read_bytes()
    hospital.write(twin, content, seeds + file_name_seeds(patient.centre.name))
