"""The dataset card: what a reader must know before training on it.

The law: it says nothing that the manifest does not, and nothing that changes with the day it was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from curator.dataset.spec import DatasetSpec
from curator.model.annotation import Label
from curator.model.manifest import AnnotationRow, Item, Split, SplitRow


def card(
    spec: DatasetSpec,
    items: Sequence[Item],
    *,
    splits: Sequence[SplitRow],
    annotations: Sequence[AnnotationRow],
    labels: Sequence[Label],
) -> str:
    """The text of `README.md`."""
    split_of = {row.item_id: row.split for row in splits}
    patients = len({item.patient_code for item in items})
    authors = len({row.author_code for row in annotations})
    return "\n".join(
        [
            f"# {spec.name} {spec.version}",
            "",
            f"{len(items)} volumes of {patients} patients, {len(annotations)} masks by {authors} authors, "
            f"consensus by {spec.consensus}. No patient is in two splits.",
            "",
            *_tables(items, split_of),
            "## Labels",
            "",
            *_table(
                ("value", "name", "code"),
                [(str(each.value), each.name, f"{each.coding_scheme} {each.code_value}".strip()) for each in labels],
            ),
            "## Use",
            "",
            "`curator dataset verify` checks every byte against the lock; `sha256sum --check SHA256SUMS` does so",
            "without curator. `manifest/*.parquet` is the way in: each row of `items` names its volume, consensus mask",
            "and votes. Stored values times `rescale_slope` plus `rescale_intercept` are the physical ones.",
            "",
        ]
    )


def _tables(items: Sequence[Item], split_of: Mapping[str, Split]) -> list[str]:
    lines = []
    for title, name in (("Vendor", "vendor"), ("Centre", "centre_code"), ("Modality", "Modality")):
        counts = Counter((str(getattr(item, name)), split_of[item.item_id]) for item in items)
        rows = [
            (value or "(not stated)", *(str(counts[value, split]) for split in Split))
            for value in sorted({value for value, _ in counts})
        ]
        lines += [f"## {title}", "", *_table((title.lower(), *(split.value for split in Split)), rows)]
    return lines


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    if not rows:
        return ["None.", ""]
    lines = [head, ("---",) * len(head), *rows]
    return [*("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines), ""]
