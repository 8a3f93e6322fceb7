"""The ledger's tables, in the same database and the same migration history as the catalogue's.

The law: nothing here says who a patient is; an item is a keyed digest, its source is sealed for the key holder.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from curator.catalog.tables import metadata, text

work = Table(
    "work",
    metadata,
    text("stage"),
    text("item_id"),
    text("rule_digest"),
    text("status"),
    text("reason"),
    text("output_path"),
    text("output_sha256"),
    text("detail"),
    PrimaryKeyConstraint("stage", "item_id", "rule_digest"),
    CheckConstraint("status IN ('done', 'quarantined', 'superseded')", name="status"),
    sqlite_with_rowid=False,
)

# The key is the item alone: every item is released or has exactly one reason.
quarantine = Table(
    "quarantine",
    metadata,
    text("item_id"),
    text("stage"),
    text("reason"),
    text("content_id"),
    Column("sealed_source", LargeBinary, nullable=False),
    text("detail"),
    PrimaryKeyConstraint("item_id"),
    sqlite_with_rowid=False,
)

source = Table(
    "source",
    metadata,
    text("item_id"),
    text("content_id"),
    Column("sealed_source", LargeBinary, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    PrimaryKeyConstraint("item_id"),
    sqlite_with_rowid=False,
)

stage_result = Table(
    "stage_result",
    metadata,
    text("job"),
    text("stage"),
    text("input_digest"),
    text("output_digest"),
    text("output_path"),
    PrimaryKeyConstraint("job", "stage"),
    sqlite_with_rowid=False,
)

# Files of one series mostly have the same counts, so these are stored once, under their digest.
action_count = Table(
    "action_count",
    metadata,
    text("digest"),
    text("rule_id"),
    text("action"),
    Column("count", Integer, nullable=False),
    PrimaryKeyConstraint("digest", "rule_id", "action"),
    sqlite_with_rowid=False,
)

applied = Table(
    "applied",
    metadata,
    text("item_id"),
    text("digest"),
    PrimaryKeyConstraint("item_id"),
    Index("ix_applied_digest", "digest"),
    sqlite_with_rowid=False,
)

# What was seen in an item's pixels, as JSON: places, sizes and rule ids, never a text.
pixel_evidence = Table(
    "pixel_evidence",
    metadata,
    text("item_id"),
    text("evidence"),
    PrimaryKeyConstraint("item_id"),
    sqlite_with_rowid=False,
)

audit = Table(
    "audit",
    metadata,
    Column("sequence", BigInteger, nullable=False, autoincrement=False),
    text("event"),
    text("fields"),
    text("at"),
    text("previous_hash"),
    text("hash"),
    PrimaryKeyConstraint("sequence"),
    sqlite_with_rowid=False,
)

__all__ = [
    "action_count",
    "applied",
    "audit",
    "metadata",
    "pixel_evidence",
    "quarantine",
    "source",
    "stage_result",
    "work",
]
