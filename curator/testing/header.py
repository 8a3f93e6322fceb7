"""The headers that every instance of a study shares, as rich as real ones.

The law: each value that identifies a patient, a person, a site or a device is planted; what is only medical is put.
"""

from __future__ import annotations

from pydicom.dataset import Dataset

from curator.testing.answer_key import PlantKind
from curator.testing.people import Patient
from curator.testing.planting import Page
from curator.testing.study import Study, dicom_date

_KIND = PlantKind


def start_page(study: Study, sop_class: str, *, series: int, modality: str = "") -> Page:
    """A page with everything that the instances of one series share."""
    page = Page(Dataset(), charset=study.patient.charset)
    if page.charset.terms:
        terms = page.charset.terms
        page.put("SpecificCharacterSet", list(terms) if len(terms) > 1 else terms[0])
    page.put("SOPClassUID", sop_class)
    _patient_module(page, study.patient)
    _study_module(page, study)
    _series_module(page, study, series=series, modality=modality or study.modality)
    _equipment_module(page, study)
    _request(page, study)
    return page


def set_instance(page: Page, study: Study, *, series: int, instance: int) -> None:
    """What differs from one instance of a series to the next."""
    plant_uid(page, "SOPInstanceUID", study, study.uid(series, instance))
    page.put("InstanceNumber", instance)
    minute, second = divmod(instance * 3, 60)
    time = f"1{study.number % 10}{minute % 60:02d}{second:02d}"
    for keyword in ("InstanceCreationDate", "ContentDate", "AcquisitionDate"):
        page.plant(keyword, study.day, kind=_KIND.DATE, searchable=False)
    for keyword in ("InstanceCreationTime", "ContentTime", "AcquisitionTime"):
        page.put(keyword, f"{time}.{instance:06d}")
    stamp = f"{study.day}{time}.000000+0100"
    page.plant("AcquisitionDateTime", stamp, study.day, kind=_KIND.DATE, searchable=False)


def plant_uid(page: Page, element: str | int, study: Study, uid: str) -> None:
    """Write a UID; what is searched is the root of the device that made it, which covers all of its UIDs."""
    page.put(element, uid)
    note_uid(page, element, study, uid)


def note_uid(page: Page, element: str | int, study: Study, uid: str) -> None:
    """Note a UID that was written in another way."""
    place = str(page.dataset[element].tag)
    page.note(place, uid, kind=_KIND.UID, searchable=False)
    page.note(place, study.device.uid_root, kind=_KIND.UID)


def _patient_module(page: Page, patient: Patient) -> None:
    page.name("PatientName", patient.name)
    page.plant("PatientID", patient.record_number, kind=_KIND.ID)
    page.plant("IssuerOfPatientID", patient.issuer, kind=_KIND.ID)
    page.plant("PatientBirthDate", dicom_date(patient.birth_date), kind=_KIND.DATE)
    page.put("PatientSex", patient.sex)
    page.put("PatientAge", f"{patient.study_date.year - patient.birth_date.year:03d}Y")
    page.put("PatientSize", f"{1.55 + 0.02 * patient.index:.2f}")
    page.put("PatientWeight", f"{58 + 2 * patient.index}")
    page.plant("OtherPatientIDs", [patient.other_id, patient.insurance], patient.other_id, patient.insurance, vr="LO")
    other = page.item("OtherPatientIDsSequence")
    other.plant("PatientID", patient.other_id, kind=_KIND.ID)
    other.plant("IssuerOfPatientID", patient.issuer, kind=_KIND.ID)
    other.put("TypeOfPatientID", "TEXT")
    page.plant("PatientBirthName", f"{patient.birth_name}^", patient.birth_name, kind=_KIND.PERSON_NAME)
    page.plant("PatientMotherBirthName", f"{patient.mother}^", patient.mother, kind=_KIND.PERSON_NAME)
    page.plant("OtherPatientNames", f"{patient.birth_name}^X", patient.birth_name, kind=_KIND.PERSON_NAME)
    address = f"{patient.street} {10 + patient.index}, {patient.town}"
    page.plant("PatientAddress", address, patient.street, patient.town)
    page.plant("PatientTelephoneNumbers", patient.phone)
    page.plant("Occupation", patient.occupation)
    page.put("EthnicGroup", "undisclosed")
    page.plant("RegionOfResidence", patient.town)
    family, given = patient.name.family, patient.name.given
    comments = f"{given} {family}, born {patient.birth_date.isoformat()}, call {patient.phone}"
    page.plant("PatientComments", comments, family, given, patient.phone, kind=_KIND.TEXT)
    page.note("(0010,4000)", patient.birth_date.isoformat(), kind=_KIND.DATE)
    page.plant("AdditionalPatientHistory", f"Sister of {patient.mother}", patient.mother)


def _study_module(page: Page, study: Study) -> None:
    centre, patient = study.centre, study.patient
    plant_uid(page, "StudyInstanceUID", study, study.uid())
    page.plant("StudyDate", study.day, kind=_KIND.DATE, searchable=False)
    page.put("StudyTime", f"1{study.number % 10}0000.000000")
    page.plant("AccessionNumber", study.accession, kind=_KIND.ID)
    page.plant("StudyID", f"S{study.accession}", study.accession, kind=_KIND.ID)
    page.plant("StudyDescription", f"{study.description} {patient.name.family}", patient.name.family)
    page.name("ReferringPhysicianName", centre.referring)
    page.plant("ReferringPhysicianTelephoneNumbers", centre.phone)
    who = page.item("ReferringPhysicianIdentificationSequence")
    who.code("PersonIdentificationCodeSequence", "R1", "99PHANTOM", "Referring physician")
    who.plant("InstitutionName", f"Klinik {centre.name}", centre.name)
    who.plant("PersonAddress", f"{centre.street} 3", centre.street)
    page.name("PhysiciansOfRecord", centre.referring, centre.reading)
    page.name("NameOfPhysiciansReadingStudy", centre.reading)
    page.name("RequestingPhysician", centre.referring)
    page.plant("RequestedProcedureDescription", f"{study.description} for {centre.referring.family}",
               centre.referring.family)  # fmt: skip
    page.plant("AdmissionID", f"ADM{patient.insurance}", patient.insurance, kind=_KIND.ID)


def _series_module(page: Page, study: Study, *, series: int, modality: str) -> None:
    page.put("Modality", modality)
    plant_uid(page, "SeriesInstanceUID", study, study.uid(series))
    page.put("SeriesNumber", series)
    page.plant("SeriesDate", study.day, kind=_KIND.DATE, searchable=False)
    page.put("SeriesTime", f"1{study.number % 10}0100.000000")
    page.name("PerformingPhysicianName", study.centre.performing)
    page.name("OperatorsName", study.centre.operator)
    patient = study.patient
    page.plant("ProtocolName", f"{study.description} {patient.record_number}", patient.record_number, kind=_KIND.ID)
    page.plant("PerformedProcedureStepID", f"P{study.accession}", study.accession, kind=_KIND.ID)
    page.plant("PerformedProcedureStepStartDate", study.day, kind=_KIND.DATE, searchable=False)


def _equipment_module(page: Page, study: Study) -> None:
    device, centre = study.device, study.centre
    page.put("Manufacturer", study.manufacturer)
    page.put("ManufacturerModelName", device.model)
    page.put("SoftwareVersions", device.software)
    page.plant("DeviceSerialNumber", device.serial, kind=_KIND.ID)
    page.plant("StationName", device.station)
    page.plant("InstitutionName", f"Klinik {centre.name}", centre.name)
    page.plant("InstitutionAddress", f"{centre.street} 3, {centre.town}", centre.street, centre.town)
    page.plant("InstitutionalDepartmentName", centre.department)
    page.plant("PerformedStationAETitle", device.ae_title)
    page.plant("DeviceUID", f"{device.uid_root}.{dicom_date(study.patient.birth_date)}",
               dicom_date(study.patient.birth_date), kind=_KIND.DATE)  # fmt: skip
    page.note("(0018,1002)", device.uid_root, kind=_KIND.UID)


def _request(page: Page, study: Study) -> None:
    """The order, three sequences deep, as a worklist fills it in."""
    centre, patient = study.centre, study.patient
    request = page.item("RequestAttributesSequence")
    request.plant("RequestedProcedureID", f"RP{study.accession}", study.accession, kind=_KIND.ID)
    request.plant("ScheduledProcedureStepDescription", f"{study.description} {patient.name.family}",
                  patient.name.family)  # fmt: skip
    request.code("ReasonForRequestedProcedureCodeSequence", "R10.4", "I10", "Abdominal pain")
    protocol = request.code("ScheduledProtocolCodeSequence", "P1", "99PHANTOM", "Routine")
    context = protocol.item("ProtocolContextSequence")
    context.put("ValueType", "PNAME")
    context.name("PersonName", centre.performing)
    deepest = context.item("ContentItemModifierSequence")
    deepest.plant("TextValue", f"{patient.name.plain}, {patient.record_number}", *patient.name.parts[:2],
                  patient.record_number)  # fmt: skip
