"""What was kept of people's characteristics, and which rules were applied how often.

Revision: 0002. New tables only: SQLite keeps an altered table's text as history, a new one's as it is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "characteristics",
        *_text(
            "SOPInstanceUID", "PatientSex", "PatientAge", "EthnicGroup", "PatientWeight", "PatientSize", "StudyDate"
        ),
        sa.PrimaryKeyConstraint("SOPInstanceUID", name="pk_characteristics"),
        sa.ForeignKeyConstraint(
            ["SOPInstanceUID"],
            ["instance.SOPInstanceUID"],
            name="fk_characteristics_instance",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "action_count",
        *_text("digest", "rule_id", "action"),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("digest", "rule_id", "action", name="pk_action_count"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "applied",
        *_text("item_id", "digest"),
        sa.PrimaryKeyConstraint("item_id", name="pk_applied"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_applied_digest", "applied", ["digest"])


def downgrade() -> None:
    """Drop them; a release that is run again fills them anew."""
    for table in ("applied", "action_count", "characteristics"):
        op.drop_table(table)
