"""Freezes a dataset: select, materialise, split, describe, seal, and only then let it appear.

The law: the same candidates, images, annotations and specification give the same bytes under the same name; a version
once frozen never changes; whatever could not be used is reported with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version as installed_version
from pathlib import Path

import curator
from curator.dataset.canonical import catalogue_sha256, sha256_hex
from curator.dataset.card import card
from curator.dataset.diversity import diversity_bytes
from curator.dataset.folder import building, publish, remove_file, write_file
from curator.dataset.labels import table_of
from curator.dataset.materialise import ConsensusOf, Materialised, VolumeOf, materialise
from curator.dataset.rows import rows_bytes
from curator.dataset.seal import LAYOUT_VERSION, lock_bytes, merkle_root, sums_bytes
from curator.dataset.select import certificate_bytes, select
from curator.dataset.spec import DatasetSpec, spec_bytes
from curator.dataset.split import Placeable, split
from curator.dataset.standing import standing
from curator.dataset.verify import dataset_counts
from curator.errors import ItemError, UsageError
from curator.model.annotation import Annotation
from curator.model.lock import DatasetLock
from curator.model.manifest import (
    ANNOTATIONS_NAME,
    ITEMS_NAME,
    LOCK_NAME,
    PALETTE_NAME,
    SPLITS_NAME,
    SUMS_NAME,
    AnnotationRow,
    Item,
    SplitRow,
)
from curator.model.selection import Excluded, Selection
from curator.model.series import CatalogSeries
from curator.model.votes import PaletteRow

_ENCODERS = ("blosc2", "numpy", "pyarrow", "scipy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A dataset that is now on the disk, and what it could not take.

    `is_new` is False where the same dataset was there already.
    """

    path: Path
    lock: DatasetLock
    excluded: tuple[Excluded, ...]
    is_new: bool


def freeze(
    out: Path,
    spec: DatasetSpec,
    series: Sequence[CatalogSeries],
    *,
    volume_of: VolumeOf,
    annotations: Mapping[str, Sequence[Annotation]],
    consensus: ConsensusOf,
    policy_digests: Mapping[str, str] | None = None,
) -> Frozen:
    """The dataset `out/name@version`, made from the best choice among the candidates `series`.

    `annotations` is by Series Instance UID. A chosen series that cannot be used is excluded, and the choice is made
    again without it.

    Raises:
        UsageError: nothing can be chosen, too few patients for the splits, or labels that contradict each other.
        IntegrityError: the version exists with other content, or is damaged.
        ItemError: OUTPUT_UNWRITABLE or DISK_FULL.
    """
    destination = out / spec.folder_name
    with building(destination) as folder:
        build = _Build(folder, spec, volume_of, annotations, consensus)
        selection = build.choose(series)
        lock = build.seal(selection, series, policy_digests or {})
        is_new = publish(folder, destination)
        if not is_new:
            lock = standing(destination, lock, folder)
    return Frozen(path=destination, lock=lock, excluded=build.excluded(selection), is_new=is_new)


@dataclass(slots=True)
class _Build:
    """A dataset in the making: what is on the disk, and the rows that will describe it."""

    folder: Path
    spec: DatasetSpec
    volume_of: VolumeOf
    annotations: Mapping[str, Sequence[Annotation]]
    consensus: ConsensusOf
    files: dict[str, str] = field(default_factory=dict)
    made: dict[str, Materialised] = field(default_factory=dict)
    failed: dict[str, Excluded] = field(default_factory=dict)

    def choose(self, candidates: Sequence[CatalogSeries]) -> Selection:
        """The best choice of series that can all be used; their files are written."""
        while True:
            usable = [series for series in candidates if series.SeriesInstanceUID not in self.failed]
            if candidates and not usable:
                tally = Counter(each.reason.value for each in self.failed.values())
                listed = ", ".join(f"{count} {reason}" for reason, count in sorted(tally.items()))
                raise UsageError(f"none of {len(candidates)} series can be used ({listed})")
            selection = select(usable, self.spec)
            failures = len(self.failed)
            for series in selection.chosen:
                self._make(series)
            if len(self.failed) == failures:
                return selection

    def _make(self, series: CatalogSeries) -> None:
        uid = series.SeriesInstanceUID
        if uid in self.made:
            return
        try:
            made = materialise(
                series,
                self.spec,
                volume_of=self.volume_of,
                annotations=self.annotations.get(uid, ()),
                consensus=self.consensus,
            )
        except ItemError as error:
            self.failed[uid] = Excluded(uid, "", error.reason, error.detail)
            return
        for path, content in made.files.items():
            self.write(path, content)
        self.made[uid] = replace(made, files={})

    def write(self, path: str, content: bytes) -> None:
        """Put a file into the dataset and into its file table."""
        write_file(self.folder, path, content)
        self.files[path] = sha256_hex(content)

    def excluded(self, selection: Selection) -> tuple[Excluded, ...]:
        """What could not be used: whole series, and single masks of those that were chosen."""
        masks = [mask for series in selection.chosen for mask in self.made[series.SeriesInstanceUID].excluded]
        return tuple(sorted([*self.failed.values(), *masks]))

    def seal(
        self, selection: Selection, candidates: Sequence[CatalogSeries], policy_digests: Mapping[str, str]
    ) -> DatasetLock:
        """Write everything that describes the chosen items, the lock last."""
        made = sorted(
            (self.made[each.SeriesInstanceUID] for each in selection.chosen), key=lambda one: one.item.item_id
        )
        items = [each.item for each in made]
        annotations = [row for each in made for row in each.annotations]
        self._discard_unused(items, annotations)
        labels = self.spec.labels or table_of(label for each in made for label in each.labels)
        splits = self._split(items)
        excluded = self.excluded(selection)
        self.write(ITEMS_NAME, rows_bytes(Item, items))
        self.write(ANNOTATIONS_NAME, rows_bytes(AnnotationRow, annotations))
        self.write(SPLITS_NAME, rows_bytes(SplitRow, splits))
        self.write(PALETTE_NAME, rows_bytes(PaletteRow, [row for each in made for row in each.palette]))
        self.write("selection/spec.toml", spec_bytes(self.spec))
        self.write("selection/certificate.json", certificate_bytes(selection, excluded))
        self.write("selection/diversity.json", diversity_bytes(selection.chosen, candidates))
        text = card(self.spec, items, splits=splits, annotations=annotations, labels=labels)
        self.write("README.md", text.encode())
        lock = DatasetLock(
            name=self.spec.name,
            version=self.spec.version,
            layout_version=LAYOUT_VERSION,
            seed=self.spec.seed,
            spec_sha256=self.files["selection/spec.toml"],
            catalogue_sha256=catalogue_sha256(candidates),
            tools={"curator": curator.__version__, **{name: installed_version(name) for name in _ENCODERS}},
            policy_digests=dict(policy_digests),
            labels=labels,
            counts=dataset_counts(items, annotations, splits),
            merkle_root=merkle_root(self.files),
            files=dict(self.files),
        )
        write_file(self.folder, LOCK_NAME, lock_bytes(lock))
        write_file(self.folder, SUMS_NAME, sums_bytes(self.files, lock_bytes(lock)))
        return lock

    def _split(self, items: Sequence[Item]) -> tuple[SplitRow, ...]:
        placeable = [
            Placeable(
                item_id=item.item_id,
                patient_code=item.patient_code,
                strata=tuple(str(getattr(item, name)) for name in self.spec.stratify_by),
                links=(item.volume_sha256, item.StudyInstanceUID),
            )
            for item in items
        ]
        return split(placeable, self.spec.split, folds=self.spec.folds, seed=self.spec.seed)

    def _discard_unused(self, items: Sequence[Item], annotations: Sequence[AnnotationRow]) -> None:
        """Remove the files of series that an earlier choice held and the last one does not."""
        used = {path for item in items for path in (item.volume_path, item.mask_path, item.votes_path)}
        used |= {row.mask_path for row in annotations}
        for path in sorted(set(self.files) - used):
            remove_file(self.folder, path)
            del self.files[path]
