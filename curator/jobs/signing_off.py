"""The human check before a release: a sample to look at, every text that is left, and who signed for them.

The law: who signs, signs for exactly what was shown: another release, sample or text has another code. The log holds
codes and counts, never a text or a name.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from curator.adapters.local_disk import LocalDisk
from curator.catalog.database import open_engine, write_transaction
from curator.catalog.query import instances, release_digest
from curator.catalog.revision import require_current
from curator.catalog.risk import people_of, risk_report
from curator.catalog.risk_rules import load_risk_rules
from curator.catalog.rows import canonical_json
from curator.catalog.sample import Drawn, draw, load_weights
from curator.catalog.vendors import bundled_vendor_names
from curator.deid.retained import Retained, retained
from curator.dicom.parse import parse
from curator.errors import RefusedError
from curator.identity.pseudonyms import Pseudonyms
from curator.jobs import audit
from curator.jobs.progress import Progress, Report
from curator.jobs.workspace import Workspace, open_workspace
from curator.model.instance import ReleasedInstance
from curator.ports import Executor

EVENT = "attested"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedText:
    """One distinct text that is left, with how many series and files hold it."""

    attribute: str
    value: str
    series: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """What a person is shown before a release; `code` stands for all of it, 64 hex digits."""

    code: str
    release: str
    seed: int
    sample: tuple[Drawn, ...]
    texts: tuple[RetainedText, ...] = field(repr=False)

    def to_json(self) -> dict[str, object]:
        """All of it for machines."""
        return asdict(self)


def sign_off(
    root: Path, *, count: int, seed: int, executor: Executor, report: Report, released: Path | None = None
) -> SignOff:
    """A risk-weighted sample of `count` released instances and every distinct text in all of them.

    Raises:
        UsageError: the database is missing or has an older schema.
        ItemError: a released file cannot be read: run the job again.
    """
    workspace = open_workspace(root)
    engine = _opened(workspace)
    try:
        with engine.connect() as connection:
            recorded, digest = instances(connection), release_digest(connection)
    finally:
        engine.dispose()
    found = _texts(recorded, released or workspace.released, executor=executor, report=report)
    texts = _distinct(recorded, found)
    sample = draw(
        {one.SOPInstanceUID: one.path for one in recorded},
        _conditions(recorded, found, texts),
        load_weights(),
        count=count,
        seed=seed,
    )
    shown = [digest, seed, [asdict(one) for one in sample], [asdict(one) for one in texts]]
    code = hashlib.sha256(canonical_json(shown).encode()).hexdigest()
    return SignOff(code=code, release=digest, seed=seed, sample=sample, texts=texts)


def attest(root: Path, shown: SignOff, *, code: str, by: str, accepted: bool, at: str) -> audit.AuditEntry:
    """The entry of the audit log that says who signed for what was shown; `by` is a name and becomes a keyed code.

    Raises:
        RefusedError: `code` is of something else than is shown now.
        KeyMaterialError: the workspace's key cannot be used.
    """
    require_code(shown, code)
    workspace = open_workspace(root)
    author = Pseudonyms(workspace.load_key()).author_code(by)
    engine = _opened(workspace)
    fields: dict[str, audit.Value] = {
        "code": shown.code,
        "release": shown.release,
        "instances": len(shown.sample),
        "texts": len(shown.texts),
        "seed": shown.seed,
        "accepted": accepted,
        "by": author,
    }
    try:
        with write_transaction(engine) as connection:
            return audit.append(connection, EVENT, fields, at=at)
    finally:
        engine.dispose()


def require_code(shown: SignOff, code: str) -> None:
    """Nothing, where `code` stands for what is shown now.

    Raises:
        RefusedError: it is of something else.
    """
    if code != shown.code:
        raise RefusedError("the code is of another release, sample or text; draw the sample again and look at it")


def _opened(workspace: Workspace) -> Engine:
    engine = open_engine(workspace.database_url)
    require_current(engine)
    return engine


def _texts(
    recorded: Sequence[ReleasedInstance], folder: Path, *, executor: Executor, report: Report
) -> dict[str, frozenset[Retained]]:
    progress = Progress("texts", len(recorded), report)
    found = {}
    for path, texts in executor.map(partial(_texts_of, folder), [one.path for one in recorded]):
        found[path] = texts
        progress.step()
    return {one.SOPInstanceUID: found[one.path] for one in recorded}


def _texts_of(folder: Path, path: str) -> tuple[str, frozenset[Retained]]:
    return path, frozenset(retained(parse(LocalDisk(folder).read(path))))


def _distinct(
    recorded: Iterable[ReleasedInstance], found: Mapping[str, frozenset[Retained]]
) -> tuple[RetainedText, ...]:
    files: Counter[Retained] = Counter()
    series: defaultdict[Retained, set[str]] = defaultdict(set)
    for one in recorded:
        for text in found[one.SOPInstanceUID]:
            files[text] += 1
            series[text].add(one.SeriesInstanceUID)
    return tuple(
        RetainedText(attribute=text.attribute, value=text.value, series=len(series[text]), files=files[text])
        for text in sorted(files)
    )


def _conditions(
    recorded: Sequence[ReleasedInstance], found: Mapping[str, frozenset[Retained]], texts: Iterable[RetainedText]
) -> dict[str, set[str]]:
    """Which conditions of the sampling rules hold for which instance."""
    rules, vendors = load_risk_rules(), bundled_vendor_names()
    risk = risk_report(people_of(recorded, (), vendors), rules)
    standing_out = frozenset(risk.standing_out)
    devices: defaultdict[str, set[str]] = defaultdict(set)
    for one in recorded:
        devices[one.device_code].add(one.patient_code)
    # One series alone says little where there is but one.
    several = len({one.SeriesInstanceUID for one in recorded}) > 1
    lone = {Retained(one.attribute, one.value) for one in texts if one.series == 1} if several else set()
    held: dict[str, set[str]] = {}
    for one in recorded:
        facts = {
            "person_stands_out": one.patient_code in standing_out,
            "is_no_image": one.Rows == 0,
            "has_text_of_its_own": not lone.isdisjoint(found[one.SOPInstanceUID]),
            "device_is_rare": bool(one.device_code) and len(devices[one.device_code]) < rules.k,
        }
        held[one.SOPInstanceUID] = {name for name, holds in facts.items() if holds}
    return held
