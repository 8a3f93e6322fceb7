"""One visit of one patient, and where its files lie.

The law: every UID of a study begins with the root of the device that took it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from curator.testing.people import Cast, Centre, Device, Patient, device_for, spelling_for
from curator.testing.planting import Seed, file_name_seeds


@dataclass(frozen=True, slots=True)
class Study:
    """One visit of one patient to one scanner; `number` counts the patient's visits from 1."""

    people: Cast = field(repr=False)
    patient: Patient
    modality: str
    number: int
    description: str

    @property
    def device(self) -> Device:
        """The scanner."""
        return device_for(self.people, self.patient, self.modality)

    @property
    def centre(self) -> Centre:
        """The site."""
        return self.patient.centre

    @property
    def manufacturer(self) -> str:
        """The manufacturer as this study's files spell it."""
        return spelling_for(self.people, self.patient)

    @property
    def day(self) -> str:
        """The study date as a DA value."""
        return dicom_date(self.patient.study_date)

    def uid(self, series: int = 0, instance: int = 0) -> str:
        """The UID of the study, of a series (from 1), or of an instance of it (from 1)."""
        parts = [self.device.uid_root, str(self.patient.index + 1), str(self.number)]
        parts += [str(series)] if series else []
        parts += [str(instance)] if instance else []
        return ".".join(parts)

    @property
    def frame_of_reference(self) -> str:
        """The frame that all series of the study share."""
        return self.uid(99)

    @property
    def accession(self) -> str:
        """The accession number of this visit."""
        return f"{self.patient.accession}{self.number}"


def dicom_date(day: date) -> str:
    """A day as a DA value."""
    return day.strftime("%Y%m%d")


def study_folder(study: Study) -> tuple[str, list[Seed]]:
    """Where a study's files lie, and what that path gives away."""
    patient = study.patient
    family = patient.name.family
    known = [family.upper(), patient.record_number] if family.isascii() else [patient.record_number]
    folder = f"dicom/{study.centre.name}/{'_'.join(known)}/{study.day}_{study.modality}{study.number}"
    return folder, file_name_seeds(study.centre.name, *known)
