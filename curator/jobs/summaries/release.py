"""What a workspace's catalogue, ledger and released files say about a release."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError
from sqlalchemy import Connection, select

from curator.catalog import diversity
from curator.catalog.query import annotation_records, instances
from curator.jobs import audit, tables
from curator.jobs.annotations import STAGE as ANNOTATE
from curator.jobs.ledger import WorkStatus, applied_counts, evidence_of_done
from curator.jobs.proven import last_proof
from curator.jobs.release.record import STAGE as RELEASE
from curator.jobs.weakened import weakened_under
from curator.model.instance import ReleasedInstance
from curator.model.quarantine import Reason
from curator.model.series import CatalogSeries
from curator.model.summary import (
    CountGrid,
    Distribution,
    DiversitySummary,
    HeldItem,
    PolicySummary,
    ReasonCount,
    ReleaseSummary,
    RuleCount,
    Tally,
    Verification,
)

_OWN_EDITION = re.compile(r"curator [^;]*; [^;]*; PS3\.15 (\w+)")
_STATED = (
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
    "LongitudinalTemporalInformationModified",
)


def release_summary(
    connection: Connection, *, key_id: str, released: Path, residuals: int | None = None
) -> ReleaseSummary:
    """What went in and what became of it; all zero for a new workspace.

    `residuals` is what a search over all of `released` found just now; None stands for the last search, as far as
    nothing was released or taken back since.

    Raises:
        IntegrityError: the audit log was altered.
    """
    recorded = instances(connection)
    held = _held(connection)
    files_held = tuple(each for each in held if each.stage != ANNOTATE)
    return ReleaseSummary(
        files_in=_files_in(connection),
        released=len(recorded),
        held=files_held,
        masks_imported=len(annotation_records(connection)),
        masks_held=tuple(each for each in held if each.stage == ANNOTATE),
        patients=len({one.patient_code for one in recorded}),
        studies=len({one.StudyInstanceUID for one in recorded}),
        series=len({one.SeriesInstanceUID for one in recorded}),
        key_id=key_id,
        policies=_policies(connection, recorded, released),
        verification=_verification(connection, files=len(recorded), residuals=residuals),
        actions=tuple(
            RuleCount(rule_id=rule_id, action=action, count=count)
            for rule_id, action, count in applied_counts(connection, RELEASE)
        ),
        held_items=_held_items(connection),
        audit_entries=audit.verify(connection),
        audit_head=audit.head(connection),
    )


def _files_in(connection: Connection) -> int:
    """Every file that a release stage has an answer for: those it released, and those in quarantine."""
    work, quarantine = tables.work.c, tables.quarantine.c
    done = select(work.item_id).where(work.stage == RELEASE, work.status == WorkStatus.DONE)
    held = select(quarantine.item_id).where(quarantine.stage != ANNOTATE)
    return len({*connection.execute(done).scalars(), *connection.execute(held).scalars()})


def _held(connection: Connection) -> tuple[ReasonCount, ...]:
    quarantine = tables.quarantine.c
    rows = connection.execute(select(quarantine.reason, quarantine.stage))
    counts = Counter((Reason(row.reason), str(row.stage)) for row in rows)
    return tuple(
        ReasonCount(reason=reason, stage=stage, count=counts[reason, stage])
        for reason, stage in sorted(counts, key=lambda key: (list(Reason).index(key[0]), key[1]))
    )


def _verification(connection: Connection, *, files: int, residuals: int | None) -> Verification | None:
    last = last_proof(connection)
    if residuals is None or (last is not None and last.residuals == residuals):
        return last
    return Verification(files=files, residuals=residuals)


def _held_items(connection: Connection) -> tuple[HeldItem, ...]:
    quarantine = tables.quarantine.c
    rows = connection.execute(select(quarantine.item_id, quarantine.reason, quarantine.stage))
    found = [HeldItem(item_id=row.item_id, reason=Reason(row.reason), stage=row.stage) for row in rows]
    return tuple(sorted(found, key=lambda one: one.item_id))


def _policies(
    connection: Connection, recorded: Sequence[ReleasedInstance], released: Path
) -> tuple[PolicySummary, ...]:
    # Under one policy some instances claim what was proven of them and others do not: a row for each kind.
    seen = evidence_of_done(connection, RELEASE)
    kinds: defaultdict[tuple[str, bool, bool], list[Path]] = defaultdict(list)
    for one in recorded:
        what = seen.get(one.path, {})
        text, faces = bool(what.get("proven")), bool(what.get("faces", {}).get("proven"))
        kinds[one.policy_digest, text, faces].append(released / one.path)
    weakened = weakened_under(connection)
    found = (_policy(digest, len(paths), paths) for (digest, *_), paths in sorted(kinds.items()))
    return tuple(replace(one, weakened=weakened.get(one.digest, ())) for one in found)


def _policy(digest: str, files: int, paths: Iterable[Path]) -> PolicySummary:
    """What the first file of a policy that can be read says of it; the files themselves are what leaves the house."""
    header = next(_headers(paths), None)
    if header is None:
        return PolicySummary(digest=digest, files=files)
    codes = header.get("DeidentificationMethodCodeSequence", [])
    method = _text(header.get("DeidentificationMethod", ""))
    return PolicySummary(
        digest=digest,
        files=files,
        method=method,
        options=tuple(f"{code.get('CodeValue', '')} {code.get('CodeMeaning', '')}".strip() for code in codes),
        dates=str(header.get("LongitudinalTemporalInformationModified", "")),
        edition=_edition(method),
    )


def _edition(method: str) -> str:
    """The edition of PS3.15 that our own method text names, "" where it names none."""
    found = _OWN_EDITION.search(method)
    return found[1] if found is not None else ""


def _text(value: object) -> str:
    """One text, also of several methods: what earlier tools said stands before ours."""
    return str(value) if isinstance(value, str) else "; ".join(map(str, value)) if isinstance(value, Iterable) else ""


def _headers(paths: Iterable[Path]) -> Iterator[pydicom.Dataset]:
    for path in paths:
        try:
            yield pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_STATED))
        except (OSError, InvalidDicomError):
            continue


def diversity_summary(collection: Sequence[CatalogSeries]) -> DiversitySummary:
    """How varied the released series are; nothing but zeros for none."""
    found = diversity.report(collection)
    grid = found.vendor_by_centre
    return DiversitySummary(
        series=found.series,
        patients=found.patients,
        attributes=tuple(
            Distribution(
                attribute=each.attribute,
                counts=tuple(Tally(name, count) for name, count in each.counts),
                effective_number=each.effective_number,
                evenness=each.evenness,
            )
            for each in found.attributes
        ),
        vendor_by_centre=CountGrid(
            row_attribute=grid.row_attribute,
            column_attribute=grid.column_attribute,
            rows=grid.rows,
            columns=grid.columns,
            cells=grid.cells,
            shared_information=grid.shared_information,
        ),
    )
