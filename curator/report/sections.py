"""What a report says, section by section, before it becomes a page.

The law: a section exists only where its part of the summary does, and claims nothing beyond it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from curator.model.summary import (
    AgreementSummary,
    DatasetSummary,
    DiversitySummary,
    EvaluationSummary,
    JobSummary,
    PolicySummary,
    ReleaseSummary,
    TrainingSummary,
)
from curator.report.drawing import Picture
from curator.report.examples import example_figure
from curator.report.figures import bias_figure, diversity_figure, training_figure
from curator.report.score_figures import group_figure, overall_figure
from curator.report.tables import (
    ReportTable,
    authors_table,
    dice_table,
    distribution_table,
    facts_table,
    gaps_table,
    grid_table,
    items_table,
    reasons_table,
    rules_table,
    scores_table,
    tally_table,
)
from curator.report.words import attribute_name, decimal

_TELLING = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the page; `small_tables` stand side by side where there is room."""

    anchor: str
    title: str
    paragraphs: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = field(repr=False, default=())
    tables: tuple[ReportTable, ...] = ()
    small_tables: tuple[ReportTable, ...] = ()


def sections_of(summary: JobSummary) -> list[Section]:
    """The sections in reading order, without the limits; none for an empty summary."""
    found: list[Section] = []
    if summary.release is not None:
        found += [_policy(summary.release.policies, summary.release.key_id), _held(summary.release)]
        found += _applied(summary.release)
    if summary.diversity is not None:
        found.append(_diversity(summary.diversity))
    if summary.agreement is not None:
        found.append(_agreement(summary.agreement))
    if summary.dataset is not None:
        found.append(_dataset(summary.dataset))
    if summary.training is not None:
        found.append(_training(summary.training))
    if summary.evaluation is not None:
        found.append(_evaluation(summary.evaluation))
    return found


def _held(release: ReleaseSummary) -> Section:
    notes = [] if release.held else ["No file is held back."]
    if release.masks_imported or release.masks_held:
        held = sum(each.count for each in release.masks_held)
        notes.append(f"{release.masks_imported} masks were imported, {held or 'none'} held back.")
    if release.audit_entries:
        notes.append(f"The audit log has {release.audit_entries} entries; the last one's hash is {release.audit_head}.")
    tables = []
    if release.held:
        tables.append(reasons_table("Files held back, by reason", release.held, release.files_in))
    if release.masks_held:
        masks = release.masks_imported + sum(each.count for each in release.masks_held)
        tables.append(reasons_table("Masks held back, by reason", release.masks_held, masks))
    return Section(anchor="held", title="Held back", paragraphs=tuple(notes), tables=tuple(tables))


def _applied(release: ReleaseSummary) -> list[Section]:
    """What was done to elements, and what the proof found; nothing for a release without counts."""
    tables, notes = [], []
    if release.actions:
        notes.append(f"{len(release.actions)} pairs of rule and action were applied to the released files.")
        tables.append(rules_table("Elements by rule and action", release.actions, release.released))
    proof = release.verification
    if proof is not None and (proof.references_resolved or proof.references_outside):
        notes.append(
            f"{proof.references_resolved} references between files resolve, {proof.references_outside} point to what "
            "was not released."
        )
    if proof is not None and proof.by_defect:
        notes.append(f"{proof.withdrawn} instances were taken back for what the proof found.")
        tables.append(tally_table("Findings of the proof", ("defect", "findings"), proof.by_defect))
    if release.held_items:
        tables.append(items_table("Items held back", release.held_items))
    if not tables and not notes:
        return []
    return [Section(anchor="applied", title="Applied and proven", paragraphs=tuple(notes), tables=tuple(tables))]


def _policy(policies: Sequence[PolicySummary], key_id: str) -> Section:
    if not policies:
        return Section(anchor="policy", title="Policy", paragraphs=("No file was released, so no policy was applied.",))
    tables = tuple(
        facts_table(
            "Applied to all released files" if len(policies) == 1 else f"Policy {number} of {len(policies)}",
            [
                ("edition of PS3.15", each.edition or "could not be read"),
                ("method as the files state it", each.method or "could not be read"),
                ("profile and options", "; ".join(each.options) or "could not be read"),
                ("dates", each.dates.lower() or "could not be read"),
                ("policy digest", each.digest),
                ("key id", key_id),
                ("files", str(each.files)),
            ],
        )
        for number, each in enumerate(policies, start=1)
    )
    notes: tuple[str, ...] = ()
    if len(policies) > 1:
        notes = (f"Files of {len(policies)} policies lie side by side; a dataset made of them mixes what was removed.",)
    return Section(anchor="policy", title="Policy", paragraphs=notes, tables=tables)


def _diversity(diversity: DiversitySummary) -> Section:
    grid = diversity.vendor_by_centre
    picture = diversity_figure(diversity)
    notes: tuple[str, ...] = (f"{diversity.series} released series of {diversity.patients} patients.",)
    shared = grid.shared_information
    if shared is not None and shared >= _TELLING:
        notes += (
            f"Vendor and centre share {100 * shared:.0f} % of what they could: where a centre has one vendor, a "
            "difference between vendors cannot be told from a difference between centres.",
        )
    tables = [distribution_table(diversity.attributes)]
    if grid.rows:
        note = (
            "" if shared is None else f"Shared information of vendor and centre: {decimal(shared, 2)} (0 none, 1 all)."
        )
        tables.insert(0, grid_table(grid, "Series by vendor and centre", note))
    return Section(
        anchor="diversity",
        title="Diversity",
        paragraphs=notes,
        pictures=() if picture is None else (picture,),
        tables=tuple(tables),
    )


def _agreement(agreement: AgreementSummary) -> Section:
    notes = []
    if agreement.items < agreement.items_with_several:
        notes.append(f"Measured on the first {agreement.items} of {agreement.items_with_several} images by item id.")
    if agreement.items:
        notes.append(
            f"Over {agreement.items} images that several authors drew: Fleiss' kappa {decimal(agreement.kappa)}, "
            f"Krippendorff's alpha {decimal(agreement.alpha)} (means over images, all classes together, counted in the "
            "box around all masks)."
        )
    else:
        notes.append("No image was drawn by more than one author, so agreement cannot be measured.")
    picture = bias_figure(agreement)
    return Section(
        anchor="agreement",
        title="Agreement between annotators",
        paragraphs=tuple(notes),
        pictures=() if picture is None else (picture,),
        tables=(authors_table(agreement),),
        small_tables=tuple(dice_table(label, agreement) for label in agreement.labels),
    )


def _dataset(dataset: DatasetSummary) -> Section:
    facts = [
        ("name and version", f"{dataset.name} {dataset.version}"),
        ("volumes", str(dataset.items)),
        ("patients", str(dataset.patients)),
        ("masks by authors", str(dataset.annotations)),
        ("consensus", ", ".join(dataset.consensus) or "none"),
        ("classes", ", ".join(f"{label.value} {label.name}" for label in dataset.labels) or "none"),
        ("seed", str(dataset.seed)),
        ("Merkle root", dataset.merkle_root),
        ("policy digests", ", ".join(sorted(dataset.policy_digests.values())) or "not stated"),
        (
            "made with",
            ", ".join(f"{name} {version}" for name, version in sorted(dataset.tools.items())) or "not stated",
        ),
    ]
    if dataset.l1 is not None:
        bound = (
            "" if dataset.l1_bound is None else f"; no choice of this size can be below {decimal(dataset.l1_bound, 2)}"
        )
        facts.append(("distance from even", f"{decimal(dataset.l1, 2)}{bound}"))
    pictures = [
        example_figure(example, dataset.labels, name=f"example-{number}")
        for number, example in enumerate(dataset.examples, start=1)
    ]
    notes = ["Splits are by patient; `curator dataset verify` proves from the files that nobody is in two."]
    if not any(pictures):
        notes.append("No example is shown: none of the annotated volumes is of a body part that may be drawn.")
    small = [
        grid_table(grid, f"Volumes by {attribute_name(grid.row_attribute).casefold()}") for grid in dataset.by_split
    ]
    if dataset.left_out:
        small.append(tally_table("Candidates not chosen", ("reason", "series"), dataset.left_out))
    if dataset.excluded:
        small.append(tally_table("Chosen and not usable", ("reason", "series or masks"), dataset.excluded))
    return Section(
        anchor="dataset",
        title="Dataset",
        paragraphs=tuple(notes),
        pictures=tuple(picture for picture in pictures if picture is not None),
        tables=(facts_table("Frozen dataset", facts),),
        small_tables=tuple(small),
    )


def _training(training: TrainingSummary) -> Section:
    finished = training.best_step is not None
    facts = [
        ("dataset", f"{training.dataset}, Merkle root {training.merkle_root}"),
        ("network", training.network),
        ("training volumes", str(training.training_items)),
        ("spacing z, y, x, mm", " × ".join(decimal(each, 2) for each in training.spacing_mm)),
        ("patch z, y, x", " × ".join(str(each) for each in training.patch_size)),
        ("patches a step", str(training.batch_size)),
        ("steps", str(training.steps_planned) if finished else f"{training.steps_planned} planned, not complete"),
        ("weights kept from step", str(training.best_step) if finished else "–"),
        ("validation Dice of these", decimal(training.dice_validation)),
        ("seed", str(training.seed)),
        ("made with", ", ".join(f"{name} {version}" for name, version in sorted(training.versions.items()))),
    ]
    picture = training_figure(training)
    return Section(
        anchor="training",
        title="Training",
        pictures=() if picture is None else (picture,),
        tables=(facts_table("Training run", facts),),
    )


def _evaluation(evaluation: EvaluationSummary) -> Section:
    ordered = sorted(evaluation.groups, key=lambda group: (group.group, evaluation.labels.index(group.label)))
    overall = [group for group in ordered if not group.group_by]
    pictures = [overall_figure(overall, evaluation.labels)]
    tables = [scores_table(overall, "Scores by class, all cases", "group")]
    gaps = []
    for kind in dict.fromkeys(group.group_by for group in evaluation.groups if group.group_by):
        groups = [group for group in ordered if group.group_by == kind]
        name = attribute_name(kind).casefold()
        pictures.append(group_figure(groups, evaluation.labels, kind=name, name=kind))
        gap = gaps_table(groups, name)
        gaps += [] if gap is None else [gap]
        tables.append(scores_table(groups, f"Scores by {name}", name))
    note = (
        f"{evaluation.items} volumes of the {', '.join(evaluation.splits) or 'unnamed'} split of {evaluation.dataset}; "
        f"mean Dice over classes {decimal(evaluation.mean_dice)}."
    )
    return Section(
        anchor="evaluation",
        title="Evaluation",
        paragraphs=(note,),
        pictures=tuple(picture for picture in pictures if picture is not None),
        tables=(*gaps, *tables),
    )
