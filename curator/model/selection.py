"""Which series a dataset takes and why not the others.

The law: every candidate is chosen or left out with exactly one reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from curator.model.quarantine import Reason
from curator.model.series import CatalogSeries


class LeftOutReason(StrEnum):
    """Why a candidate is not in the dataset."""

    MODALITY = "modality"
    BODY_PART = "body_part"
    VENDOR = "vendor"
    NOT_ANNOTATED = "not_annotated"
    TOO_FEW_ANNOTATORS = "too_few_annotators"
    BALANCE = "balance"


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """One candidate that was not chosen."""

    SeriesInstanceUID: str
    reason: LeftOutReason


@dataclass(frozen=True, slots=True, order=True)
class Excluded:
    """A chosen series, or one author's mask of it (`author_code`), that could not be used. `detail` is structural."""

    SeriesInstanceUID: str
    author_code: str
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """One value of one balanced attribute: how many series could be had, how many an even share is, how many came."""

    attribute: str
    value: str
    available: int
    wanted: float
    got: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A choice and its certificate.

    `chosen` is sorted by Series Instance UID. `l1` is the sum of `|got - wanted|` over `strata`; no choice of that many
    series can have less than `l1_bound`.
    """

    chosen: tuple[CatalogSeries, ...]
    left_out: tuple[LeftOut, ...]
    strata: tuple[Stratum, ...]
    l1: float
    l1_bound: float
