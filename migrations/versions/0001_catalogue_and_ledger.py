"""The catalogue, the ledger and the audit log.

Revision: 0001, the first. Written out: it must give the same tables when the code has moved on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    """Create every table of the foundation."""
    _create_catalogue()
    _create_ledger()


def downgrade() -> None:
    """Drop them all, dependants first."""
    for table in ("audit", "stage_result", "source", "quarantine", "work", "annotation", "reference"):
        op.drop_table(table)
    for table in ("instance", "series", "study", "patient"):
        op.drop_table(table)


def _create_catalogue() -> None:
    op.create_table(
        "patient",
        *_text("patient_code"),
        sa.PrimaryKeyConstraint("patient_code", name="pk_patient"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "study",
        *_text("patient_code", "StudyInstanceUID"),
        sa.PrimaryKeyConstraint("patient_code", "StudyInstanceUID", name="pk_study"),
        sa.ForeignKeyConstraint(["patient_code"], ["patient.patient_code"], name="fk_study_patient"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "series",
        *_text("patient_code", "StudyInstanceUID", "SeriesInstanceUID"),
        sa.PrimaryKeyConstraint("patient_code", "StudyInstanceUID", "SeriesInstanceUID", name="pk_series"),
        sa.ForeignKeyConstraint(
            ["patient_code", "StudyInstanceUID"],
            ["study.patient_code", "study.StudyInstanceUID"],
            name="fk_series_study",
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "instance",
        *_text("SOPInstanceUID", "patient_code", "StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID"),
        *_text("FrameOfReferenceUID", "TransferSyntaxUID", "centre_code", "device_code", "author_code"),
        *_text("Modality", "BodyPartExamined", "Manufacturer", "ManufacturerModelName"),
        sa.Column("Rows", sa.Integer(), nullable=False),
        sa.Column("Columns", sa.Integer(), nullable=False),
        sa.Column("NumberOfFrames", sa.Integer(), nullable=False),
        *_text("path", "sha256"),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        *_text("policy_digest"),
        sa.PrimaryKeyConstraint("SOPInstanceUID", name="pk_instance"),
        sa.ForeignKeyConstraint(
            ["patient_code", "StudyInstanceUID", "SeriesInstanceUID"],
            ["series.patient_code", "series.StudyInstanceUID", "series.SeriesInstanceUID"],
            name="fk_instance_series",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_instance_series", "instance", ["patient_code", "StudyInstanceUID", "SeriesInstanceUID"])
    op.create_index("ix_instance_StudyInstanceUID", "instance", ["StudyInstanceUID"])
    op.create_table(
        "reference",
        *_text("SOPInstanceUID", "ReferencedSOPInstanceUID"),
        sa.PrimaryKeyConstraint("SOPInstanceUID", "ReferencedSOPInstanceUID", name="pk_reference"),
        sa.ForeignKeyConstraint(
            ["SOPInstanceUID"], ["instance.SOPInstanceUID"], name="fk_reference_instance", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_reference_ReferencedSOPInstanceUID", "reference", ["ReferencedSOPInstanceUID"])
    op.create_table(
        "annotation",
        *_text("annotation_id", "SeriesInstanceUID", "author_code", "role", "tool", "kind", "labels"),
        *_text("mask_path", "mask_sha256"),
        sa.PrimaryKeyConstraint("annotation_id", name="pk_annotation"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_annotation_SeriesInstanceUID", "annotation", ["SeriesInstanceUID"])


def _create_ledger() -> None:
    op.create_table(
        "work",
        *_text("stage", "item_id", "rule_digest", "status", "reason", "output_path", "output_sha256", "detail"),
        sa.PrimaryKeyConstraint("stage", "item_id", "rule_digest", name="pk_work"),
        sa.CheckConstraint("status IN ('done', 'quarantined', 'superseded')", name=op.f("ck_work_status")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "quarantine",
        *_text("item_id", "stage", "reason", "content_id"),
        sa.Column("sealed_source", sa.LargeBinary(), nullable=False),
        *_text("detail"),
        sa.PrimaryKeyConstraint("item_id", name="pk_quarantine"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "source",
        *_text("item_id", "content_id"),
        sa.Column("sealed_source", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name="pk_source"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stage_result",
        *_text("job", "stage", "input_digest", "output_digest", "output_path"),
        sa.PrimaryKeyConstraint("job", "stage", name="pk_stage_result"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        *_text("event", "fields", "at", "previous_hash", "hash"),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit"),
        sqlite_with_rowid=False,
    )
