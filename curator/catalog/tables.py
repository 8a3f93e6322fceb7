"""The catalogue's tables.

The law: every primary key is natural, and no table has a hidden row number, so nothing stored tells the order of work.
What a series is said to be lies with its instances: where they disagree the query decides, not the last one written.

Column names of DICOM attributes are their keywords; ours are snake_case.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def text(name: str) -> Column[str]:
    """A column of text that is always there, empty where the source said nothing."""
    return Column(name, Text, nullable=False)


patient = Table(
    "patient",
    metadata,
    text("patient_code"),
    PrimaryKeyConstraint("patient_code"),
    sqlite_with_rowid=False,
)

study = Table(
    "study",
    metadata,
    text("patient_code"),
    text("StudyInstanceUID"),
    PrimaryKeyConstraint("patient_code", "StudyInstanceUID"),
    ForeignKeyConstraint(["patient_code"], ["patient.patient_code"]),
    sqlite_with_rowid=False,
)

series = Table(
    "series",
    metadata,
    text("patient_code"),
    text("StudyInstanceUID"),
    text("SeriesInstanceUID"),
    PrimaryKeyConstraint("patient_code", "StudyInstanceUID", "SeriesInstanceUID"),
    ForeignKeyConstraint(
        ["patient_code", "StudyInstanceUID"],
        ["study.patient_code", "study.StudyInstanceUID"],
    ),
    sqlite_with_rowid=False,
)

instance = Table(
    "instance",
    metadata,
    text("SOPInstanceUID"),
    text("patient_code"),
    text("StudyInstanceUID"),
    text("SeriesInstanceUID"),
    text("SOPClassUID"),
    text("FrameOfReferenceUID"),
    text("TransferSyntaxUID"),
    text("centre_code"),
    text("device_code"),
    text("author_code"),
    text("Modality"),
    text("BodyPartExamined"),
    text("Manufacturer"),
    text("ManufacturerModelName"),
    Column("Rows", Integer, nullable=False),
    Column("Columns", Integer, nullable=False),
    Column("NumberOfFrames", Integer, nullable=False),
    text("path"),
    text("sha256"),
    Column("size_bytes", BigInteger, nullable=False),
    text("policy_digest"),
    PrimaryKeyConstraint("SOPInstanceUID"),
    ForeignKeyConstraint(
        ["patient_code", "StudyInstanceUID", "SeriesInstanceUID"],
        ["series.patient_code", "series.StudyInstanceUID", "series.SeriesInstanceUID"],
    ),
    Index("ix_instance_series", "patient_code", "StudyInstanceUID", "SeriesInstanceUID"),
    Index("ix_instance_StudyInstanceUID", "StudyInstanceUID"),
    sqlite_with_rowid=False,
)

reference = Table(
    "reference",
    metadata,
    text("SOPInstanceUID"),
    text("ReferencedSOPInstanceUID"),
    PrimaryKeyConstraint("SOPInstanceUID", "ReferencedSOPInstanceUID"),
    ForeignKeyConstraint(["SOPInstanceUID"], ["instance.SOPInstanceUID"], ondelete="CASCADE"),
    Index("ix_reference_ReferencedSOPInstanceUID", "ReferencedSOPInstanceUID"),
    sqlite_with_rowid=False,
)

# Apart from the instance, which has a row here only where something of the person was kept.
characteristics = Table(
    "characteristics",
    metadata,
    text("SOPInstanceUID"),
    text("PatientSex"),
    text("PatientAge"),
    text("EthnicGroup"),
    text("PatientWeight"),
    text("PatientSize"),
    text("StudyDate"),
    PrimaryKeyConstraint("SOPInstanceUID"),
    ForeignKeyConstraint(["SOPInstanceUID"], ["instance.SOPInstanceUID"], ondelete="CASCADE"),
    sqlite_with_rowid=False,
)

# No foreign key to series: a mask outlives the withdrawal of its image, so that the image may come back.
annotation = Table(
    "annotation",
    metadata,
    text("annotation_id"),
    text("SeriesInstanceUID"),
    text("author_code"),
    text("role"),
    text("tool"),
    text("kind"),
    text("labels"),
    text("mask_path"),
    text("mask_sha256"),
    PrimaryKeyConstraint("annotation_id"),
    Index("ix_annotation_SeriesInstanceUID", "SeriesInstanceUID"),
    sqlite_with_rowid=False,
)
