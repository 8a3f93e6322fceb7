"""Which attributes of the top level the canary plants in, and names in other character sets than Latin."""

from __future__ import annotations

NAMES = (
    "ReferringPhysicianName PerformingPhysicianName OperatorsName NameOfPhysiciansReadingStudy PhysiciansOfRecord "
    "RequestingPhysician OtherPatientNames PatientBirthName PatientMotherBirthName ResponsiblePerson "
    "ConsultingPhysicianName ContentCreatorName ReviewerName ScheduledPerformingPhysicianName HumanPerformerName "
    "NamesOfIntendedRecipientsOfResults OrderEnteredBy"
).split()
NUMBERS = (
    "IssuerOfPatientID OtherPatientIDs AccessionNumber StudyID AdmissionID RequestedProcedureID "
    "PerformedProcedureStepID ScheduledProcedureStepID MedicalRecordLocator InsurancePlanIdentification "
    "PlacerOrderNumberImagingServiceRequest FillerOrderNumberImagingServiceRequest ClinicalTrialSubjectID "
    "ClinicalTrialSubjectReadingID ClinicalTrialSiteID ServiceEpisodeID"
).split()
WHEREABOUTS = (
    "PatientAddress PatientTelephoneNumbers PatientTelecomInformation ReferringPhysicianAddress "
    "ReferringPhysicianTelephoneNumbers CountryOfResidence RegionOfResidence PatientReligiousPreference Occupation "
    "MilitaryRank CurrentPatientLocation PatientInstitutionResidence OrderCallbackPhoneNumber"
).split()
TEXTS = (
    "StudyDescription SeriesDescription ImageComments PatientComments AdditionalPatientHistory ProtocolName "
    "RequestedProcedureDescription ReasonForStudy DerivationDescription AdmittingDiagnosesDescription MedicalAlerts "
    "Allergies SpecialNeeds PatientState VisitComments StudyComments InterpretationText "
    "PerformedProcedureStepDescription CommentsOnThePerformedProcedureStep ContrastBolusAgent FrameComments "
    "AcquisitionComments AcquisitionProtocolDescription ReasonForTheRequestedProcedure LabelText TextComments"
).split()
DEVICE = (
    "StationName DeviceSerialNumber PlateID CassetteID GantryID DetectorID GeneratorID StationAETitle "
    "PerformedStationName PerformedStationAETitle ScheduledStationName"
).split()
INSTITUTION = (
    "InstitutionName InstitutionAddress InstitutionalDepartmentName ClinicalTrialSiteName RequestingService"
).split()
DATES = (
    "PatientBirthDate StudyDate SeriesDate AcquisitionDate ContentDate InstanceCreationDate AdmittingDate "
    "LastMenstrualDate DateOfLastCalibration PerformedProcedureStepStartDate DateOfSecondaryCapture"
).split()
UIDS = (
    "StudyInstanceUID SeriesInstanceUID SOPInstanceUID FrameOfReferenceUID DeviceUID IrradiationEventUID "
    "TransactionUID SynchronizationFrameOfReferenceUID"
).split()
CHARACTER_SETS = {
    "ISO 2022 IR 87": (r"\ISO 2022 IR 87", "iso2022_jp", "鷹觜^凛太朗"),
    "GB18030": ("GB18030", "gb18030", "欧阳^晓龘"),
    "UTF-8": ("ISO_IR 192", "utf-8", "Żółćkiewič^Œðwig"),
    "Cyrillic": ("ISO_IR 144", "iso8859-5", "Щегловитовский^Святополк"),
    "ISO 2022 IR 149": (r"\ISO 2022 IR 149", "iso2022_kr", "독고^갑석"),
}
