"""Runs the migrations on the connection that `curator.catalog.schema` hands over.

The law: one upgrade is one transaction, so that a killed upgrade leaves the old schema whole.
"""

from alembic import context

from curator.jobs.tables import metadata


def run() -> None:
    """Migrate online; there is no offline mode, because nobody edits the SQL by hand."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        transactional_ddl=True,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
