"""What was found in the pixels of an item and what became of it.

Revision: 0003. A new table only.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "pixel_evidence",
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name="pk_pixel_evidence"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop it; a release that is run again fills it anew."""
    op.drop_table("pixel_evidence")
