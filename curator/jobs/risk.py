"""The re-identification risk of what a workspace has released.

The law: it is measured on the catalogue, which knows what the written files say and nothing of their sources.
"""

from __future__ import annotations

from pathlib import Path

from curator.catalog.database import open_engine
from curator.catalog.query import annotation_records, instances
from curator.catalog.revision import require_current
from curator.catalog.risk import RiskReport, people_of, risk_report
from curator.catalog.risk_rules import load_risk_rules
from curator.catalog.vendors import bundled_vendor_names
from curator.jobs.workspace import open_workspace


def workspace_risk(root: Path, *, k: int | None = None) -> RiskReport:
    """What the release of the workspace at `root` risks; `k` takes the place of the rules' threshold.

    Raises:
        UsageError: the database is missing or has an older schema.
        ConfigurationError: there is no workspace, or the rules are malformed.
    """
    rules = load_risk_rules()
    engine = open_engine(open_workspace(root).database_url)
    try:
        require_current(engine)
        with engine.connect() as connection:
            people = people_of(instances(connection), annotation_records(connection), bundled_vendor_names())
    finally:
        engine.dispose()
    return risk_report(people, rules, k=k)
