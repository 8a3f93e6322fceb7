"""What a job would do to each element of a file, without writing anything.

The law: the difference is taken from what the rewriting truly makes, proof included; where it would be refused, the
reason is the answer. Old values are shown to the key holder only, and only in a single file.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from curator.bundled import bundled_folder
from curator.deid.difference import Change, Difference, Shown, differences
from curator.deid.explain import explained
from curator.dicom.parse import parse
from curator.errors import ItemError
from curator.identity.pseudonyms import Pseudonyms, key_id_of
from curator.ingest.facts import instance_facts
from curator.jobs.release.equipment import ReleaseSettings, policy_of
from curator.jobs.release.plan import judge_of
from curator.jobs.release.work import ReleaseTask, deidentified
from curator.jobs.subjects import subjects_of
from curator.jobs.workspace import open_workspace
from curator.model.identity import Alias, Identifier
from curator.model.instance import SourceInstance
from curator.model.keys import Key
from curator.model.quarantine import Reason
from curator.policy.dates import longest_shift_weeks
from curator.policy.gates import load_gates
from curator.policy.header import HeaderPolicy
from curator.policy.recipe.laid import load_policy
from curator.policy.recipe.lines import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What would become of one instance: its elements, or why it would be held back. `item_id` is a keyed name."""

    item_id: str
    elements: tuple[Difference, ...] = ()
    reason: Reason | None = None
    detail: str = ""

    def to_json(self) -> dict[str, object]:
        """The instance for machines; elements that stay as they are are counted."""
        if self.reason is not None:
            return {"item": self.item_id, "reason": self.reason.value, "detail": self.detail}
        changed = [one for one in self.elements if one.change != Change.KEPT.value]
        return {
            "item": self.item_id,
            "kept": len(self.elements) - len(changed),
            "elements": [one.to_json() for one in changed],
        }


def what_if(task: ReleaseTask) -> WhatIf:
    """What would become of one instance of a job; keyed values are shown, old ones never."""
    item_id = Pseudonyms(task.settings.key).item_id(task.source.reference)
    try:
        return WhatIf(item_id=item_id, elements=_differences(task, Shown(keyed=True)))
    except ItemError as error:
        return WhatIf(item_id=item_id, reason=error.reason, detail=error.detail)


def file_differences(
    path: Path,
    *,
    workspace: Path | None,
    profile: str,
    options: tuple[str, ...],
    recipe: Recipe | None = None,
    show_old: bool = False,
) -> tuple[Difference, ...]:
    """A row for every element of a file.

    Without a workspace a key is drawn that nobody keeps, so what it makes of a value is not shown; with one, the rows
    are what a job of this workspace would do, knowing what it knows of the person.

    Raises:
        ItemError: the file would be held back for this reason.
        RefusedError: the workspace's key cannot be used.
    """
    rules = bundled_folder("rules")
    policy = load_policy(rules, profile=profile, options=options, recipe=recipe)
    key, alias, source, known = person_of_file(path, workspace, policy)
    task = ReleaseTask(
        settings=ReleaseSettings(
            key=key,
            rules=rules,
            profile=profile,
            options=options,
            released=path.parent,
            longest_shift_weeks=longest_shift_weeks(rules),
            recipe=recipe,
        ),
        source=source,
        alias=alias,
        identifiers=known,
        handling=judge_of(load_gates(rules), options)(source).handling,
    )
    return _differences(task, Shown(keyed=workspace is not None, old=show_old and workspace is not None))


def person_of_file(
    path: Path, workspace: Path | None, policy: HeaderPolicy
) -> tuple[Key, Alias, SourceInstance, frozenset[Identifier]]:
    """A key, who stands for the person of a file, what the file is, and what the workspace knows of the person.

    Without a workspace the key is nobody's and nothing is known.

    Raises:
        ItemError: the file is no instance, or says nothing of whose it is.
        RefusedError: the workspace's key cannot be used.
    """
    source = instance_facts(path.read_bytes(), reference=str(path), content_id="", policy=policy)
    if source.subject is None:
        raise ItemError(Reason.PATIENT_ID_MISSING)
    if workspace is None:
        secret = secrets.token_bytes(32)
        key = Key(key_id_of(secret), "nobody's", secret)
        return key, Alias(Pseudonyms(key).patient_code(source.subject), 7), _vouched(source, key), frozenset()
    opened = open_workspace(workspace)
    ring = opened.load_ring()
    subjects = subjects_of(opened, ring, bundled_folder("rules"), kept=False)
    subjects.settle({source.subject})
    alias = subjects.subject_of(source.subject)
    known = opened.vault(Pseudonyms(ring.active)).recall().get(alias.patient_code, frozenset())
    return ring.active, alias, _vouched(source, ring.active), known


def _vouched(source: SourceInstance, key: Key) -> SourceInstance:
    """The source with the digest of its bytes, which is keyed."""
    return replace(source, content_id=Pseudonyms(key).content_id((Path(source.reference).read_bytes(),)))


def _differences(task: ReleaseTask, shown: Shown) -> tuple[Difference, ...]:
    settings = task.settings
    policy = policy_of(settings)
    stored, done = deidentified(task)
    data = bytes(stored)
    return differences(explained(data, policy), parse(data), parse(b"".join(done.chunks)), policy=policy, shown=shown)
