"""A summary with every part, and ways to take parts away. All numbers are made up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from curator.model.annotation import Label
from curator.model.evaluation import GroupScore
from curator.model.quarantine import Reason
from curator.model.summary import (
    AgreementSummary,
    AuthorSummary,
    CountGrid,
    DatasetSummary,
    Distribution,
    DiversitySummary,
    EvaluationSummary,
    Example,
    ExampleSlice,
    JobSummary,
    LabelAgreementSummary,
    PolicySummary,
    ReasonCount,
    RehearsalSummary,
    ReleaseSummary,
    Tally,
    TrainingPoint,
    TrainingSummary,
    Verification,
)

VENDORS = ("Siemens", "GE", "Philips", "Canon", "Hitachi")
CENTRES = ("C-0A1B2C3D4E5F", "C-1A1B2C3D4E5F", "C-2A1B2C3D4E5F", "C-3A1B2C3D4E5F")
LABELS = (Label(1, "liver"), Label(2, "spleen"), Label(5, "kidney"))
HOSTILE = "<script>alert('x')</script> & \"quoted\" ]]>"


def release() -> ReleaseSummary:
    held = tuple(
        ReasonCount(reason=reason, stage="ingest" if place % 2 else "deid", count=3 * place + 1)
        for place, reason in enumerate(Reason)
    )
    count = sum(each.count for each in held)
    return ReleaseSummary(
        files_in=1900 + count,
        released=1900,
        held=held,
        masks_imported=46,
        masks_held=(ReasonCount(reason=Reason.REFERENCE_UNRESOLVED, stage="annotate", count=2),),
        patients=16,
        studies=40,
        series=96,
        key_id="k-3f9c21d0",
        policies=(
            PolicySummary(
                digest="ab" * 32,
                files=1900,
                method="curator 0.1.0; basic; PS3.15 2026d; abababababab",
                options=("113100 Basic Application Confidentiality Profile", "113107 Retain Modified Dates Option"),
                dates="MODIFIED",
            ),
        ),
        verification=Verification(files=1900, residuals=0),
        audit_entries=12,
        audit_head="cd" * 32,
    )


def diversity() -> DiversitySummary:
    return DiversitySummary(
        series=96,
        patients=16,
        attributes=(
            Distribution(
                attribute="vendor",
                counts=tuple(Tally(name, 30 - 5 * place) for place, name in enumerate(VENDORS)),
                effective_number=4.6,
                evenness=0.95,
            ),
            Distribution(
                attribute="centre_code",
                counts=tuple(Tally(name, 30 - 4 * place) for place, name in enumerate(CENTRES)),
                effective_number=3.9,
                evenness=0.98,
            ),
            Distribution(
                attribute="Modality",
                counts=(Tally("CT", 60), Tally("MR", 30), Tally("SEG", 6)),
                effective_number=2.3,
                evenness=0.8,
            ),
            Distribution(
                attribute="BodyPartExamined",
                counts=(Tally("ABDOMEN", 90), Tally("", 6)),
                effective_number=1.3,
                evenness=0.3,
            ),
        ),
        vendor_by_centre=CountGrid(
            row_attribute="vendor",
            column_attribute="centre_code",
            rows=VENDORS,
            columns=CENTRES,
            cells=tuple(tuple((3 * row + 5 * column) % 11 for column in range(4)) for row in range(5)),
            shared_information=0.61,
        ),
    )


def agreement() -> AgreementSummary:
    authors = tuple(
        AuthorSummary(author_code=f"A-{n}B3C4D5E6F7G", roles=(role,), tools=(tool,), masks=16)
        for n, (role, tool) in enumerate((("radiologist", "3D Slicer"), ("resident", "ITK-SNAP"), ("student", "MITK")))
    )
    return AgreementSummary(
        authors=authors,
        items=16,
        items_with_several=16,
        labels=tuple(
            LabelAgreementSummary(
                label=label.name,
                dice=((1.0, 0.93, 0.84), (0.93, 1.0, 0.81), (0.84, 0.81, 1.0)),
                bias_ml=(-1.2, -14.5 / (place + 1), 88.0 / (place + 1)),
            )
            for place, label in enumerate(LABELS)
        ),
        kappa=0.871,
        alpha=0.868,
    )


def example() -> Example:
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:96, :128]
    slices = []
    for shift in (0, 4, 8):
        body = ((rows - 48) / 40) ** 2 + ((columns - 64) / 56) ** 2 < 1
        mask = np.zeros((96, 128), np.uint8)
        mask[((rows - 44) / 20) ** 2 + ((columns - 40 - shift) / 22) ** 2 < 1] = 1
        mask[((rows - 50) / 12) ** 2 + ((columns - 98) / 10) ** 2 < 1] = 2
        mask[((rows - 64) / 8) ** 2 + ((columns - 66) / 7) ** 2 < 1] = 5
        grey = 110.0 * body + 25 * (mask > 0) + rng.normal(0, 8, mask.shape)
        slices.append(ExampleSlice(grey=grey.clip(0, 255).astype(np.uint8), mask=mask, spacing_mm=(3.0, 3.0)))
    return Example(
        Modality="CT",
        BodyPartExamined="ABDOMEN",
        vendor="Siemens",
        centre_code=CENTRES[0],
        split="train",
        slices=tuple(slices),
    )


def dataset() -> DatasetSummary:
    splits = ("train", "validation", "test")
    return DatasetSummary(
        name="abdomen-organs",
        version="1.0.0",
        seed=7,
        consensus=("staple",),
        items=16,
        patients=16,
        annotations=48,
        labels=LABELS,
        merkle_root="ef" * 32,
        by_split=tuple(
            CountGrid(
                row_attribute=name,
                column_attribute="split",
                rows=values,
                columns=splits,
                cells=tuple((3, place % 2, 1) for place, _ in enumerate(values)),
            )
            for name, values in (("vendor", VENDORS), ("centre_code", CENTRES))
        ),
        tools={"curator": "0.1.0", "blosc2": "4.14"},
        policy_digests={"header": "ab" * 32},
        left_out=(Tally("modality", 40), Tally("not_annotated", 4)),
        excluded=(Tally("geometry_inconsistent", 1),),
        l1=2.5,
        l1_bound=2.5,
        examples=(example(),),
    )


def training() -> TrainingSummary:
    return TrainingSummary(
        dataset="abdomen-organs 1.0.0",
        merkle_root="ef" * 32,
        labels=tuple(label.name for label in LABELS),
        network="unet, channels 16 32 64",
        training_items=10,
        spacing_mm=(5.0, 3.0, 3.0),
        patch_size=(16, 64, 64),
        batch_size=2,
        steps_planned=400,
        seed=0,
        versions={"torch": "2.13", "monai": "1.6", "curator": "0.1.0"},
        points=tuple(
            TrainingPoint(
                step=50 * n,
                loss_train=1.4 / n,
                dice_validation=1 - 0.8 / n,
                dice_by_label={label.name: 1 - (0.6 + 0.2 * place) / n for place, label in enumerate(LABELS)},
            )
            for n in range(1, 9)
        ),
        best_step=400,
        dice_validation=0.9,
    )


def evaluation() -> EvaluationSummary:
    groups = []
    for kind, names in (("", ("",)), ("vendor", VENDORS), ("centre_code", CENTRES)):
        for row, name in enumerate(names):
            for place, label in enumerate(LABELS):
                mean = 0.93 - 0.06 * place - 0.05 * row
                groups.append(
                    GroupScore(
                        group_by=kind,
                        group=name,
                        label=label.name,
                        cases=1 if name == "Hitachi" else 4,
                        dice_mean=mean,
                        dice_low=mean if name == "Hitachi" else mean - 0.02,
                        dice_high=mean if name == "Hitachi" else mean + 0.015,
                        hd95_mm_median=float("inf") if row == 3 else 4.2 + row,
                    )
                )
    return EvaluationSummary(
        dataset="abdomen-organs 1.0.0",
        merkle_root="ef" * 32,
        labels=tuple(label.name for label in LABELS),
        splits=("test",),
        items=4,
        mean_dice=0.87,
        groups=tuple(groups),
    )


def full_summary() -> JobSummary:
    return JobSummary(
        title="demo",
        curator_version="0.1.0",
        release=release(),
        diversity=diversity(),
        agreement=agreement(),
        dataset=dataset(),
        training=training(),
        evaluation=evaluation(),
        rehearsal=RehearsalSummary(planted=3120, files_searched=4100, surviving=0),
    )


def hostile_summary() -> JobSummary:
    """Every text that could come from a file is an attack."""
    summary = full_summary()
    varied = replace(
        diversity().attributes[0], attribute="vendor", counts=(Tally(HOSTILE, 5), Tally("$x^2$ \\frac{", 1))
    )
    return replace(
        summary,
        title=HOSTILE,
        diversity=replace(
            diversity(),
            attributes=(varied,),
            vendor_by_centre=replace(
                diversity().vendor_by_centre, rows=(HOSTILE, *VENDORS[1:]), columns=(HOSTILE, *CENTRES[1:])
            ),
        ),
        dataset=replace(
            dataset(),
            name=HOSTILE,
            labels=(Label(1, HOSTILE), *LABELS[1:]),
            examples=(replace(example(), vendor=HOSTILE, BodyPartExamined=HOSTILE),),
        ),
        agreement=replace(
            agreement(),
            authors=tuple(replace(each, roles=(HOSTILE,), tools=(HOSTILE,)) for each in agreement().authors),
        ),
        evaluation=replace(
            evaluation(),
            labels=tuple(f"{HOSTILE}{label.name}" for label in LABELS),
            groups=tuple(replace(each, label=f"{HOSTILE}{each.label}") for each in evaluation().groups),
        ),
    )
