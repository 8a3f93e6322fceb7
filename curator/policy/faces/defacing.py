"""The numbers by which faces are found, removed and looked for again, and the ladder of retries.

The law: each number is one rule and says by its example which way it counts; each rung of the ladder is deeper,
smoother or larger than the one before.

Sources: rules/faces/defacing.toml, rules/faces/ladder.toml, rules/faces/gallery.csv.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curator.errors import ConfigurationError
from curator.policy.csv_tables import parse_csv
from curator.policy.numbers import parse_numbers
from curator.strict import Table, parse_toml, read_bytes

DEFACING, LADDER, GALLERY = "faces/defacing.toml", "faces/ladder.toml", "faces/gallery.csv"
WINDOWS = ("face", "front")
_EMBEDDED = 128


@dataclass(frozen=True, slots=True)
class Numbers:
    """Scores are those of dlib's detector; lengths in mm, angles in degrees, levels as shares of air to tissue."""

    face_score: float
    clean_score: float
    tissue_score: float
    network_confidence: float
    brow_margin_mm: float
    chin_margin_mm: float
    side_margin_mm: float
    ramp_mm: float
    smoothing_mm: float
    relief_mm: float
    pleat_mm: float
    pleat_breadth_mm: float
    forehead_shell_mm: float
    skin_margin_mm: float
    largest_recovery: float
    least_rank: float
    least_overlap: float
    trunk_width_mm: float
    least_skin_cm2: float
    largest_brain_mm: float
    least_constant_share: float
    strange_score: float
    most_off_skin: float
    most_off_inside: float
    deep_mm: float
    least_deep_share: float
    least_shown_share: float
    search_yaws_deg: tuple[float, ...]
    search_pitches_deg: tuple[float, ...]
    attack_yaws_deg: tuple[float, ...]
    attack_aside_deg: tuple[float, ...]
    attack_pitches_deg: tuple[float, ...]
    attack_levels: tuple[float, ...]
    attack_bright: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to remove a face: `window` is "face" (from its landmarks) or "front" (the whole front of the head).

    `shell_mm` is how deep behind the new skin everything is new, `draws` how often its relief is drawn at the most.
    """

    id: str
    window: str
    shell_mm: float
    smoothing_factor: float
    has_ears: bool
    draws: int


@dataclass(frozen=True, slots=True)
class FaceRules:
    """Everything that decides about defacing; `gallery` are faces of nobody, `(N, 128)`, among which one is ranked.

    `digest` is the SHA-256 over all files.
    """

    numbers: Numbers
    ids: Mapping[str, str] = field(repr=False)
    ladder: tuple[Rung, ...]
    gallery: NDArray[np.float64] = field(repr=False)
    digest: str


Effect = Callable[[float, float], bool]
EFFECTS: Mapping[str, Effect] = {
    "face_score": lambda value, given: given > value,
    "clean_score": lambda value, given: given <= value,
    "tissue_score": lambda value, given: given <= value,
    "network_confidence": lambda value, given: given >= value,
    "largest_recovery": lambda value, given: given <= value,
    "least_rank": lambda value, given: given >= value,
    "least_overlap": lambda value, given: given >= value,
    "trunk_width_mm": lambda value, given: given >= value,
    "least_skin_cm2": lambda value, given: given < value,
    "largest_brain_mm": lambda value, given: given <= value,
    "least_constant_share": lambda value, given: given >= value,
    "strange_score": lambda value, given: given <= value,
    "most_off_skin": lambda value, given: given <= value,
    "most_off_inside": lambda value, given: given <= value,
    "deep_mm": lambda value, given: given > value,
    "least_deep_share": lambda value, given: given >= value,
    "least_shown_share": lambda value, given: given >= value,
}
"""What a number does to what it is compared with, for examples; lengths of the zone are compared as `within`."""


def within(value: float, given: float) -> bool:
    """Whether a distance lies within a length that shapes the zone."""
    return given <= value


def load_face_rules(folder: Path) -> FaceRules:
    """The rules about defacing under `folder`/faces.

    Raises:
        ConfigurationError: a file is missing or malformed.
    """
    contents = {name: read_bytes(folder / name, name=name) for name in (DEFACING, LADDER, GALLERY)}
    names = {one.name: one.type for one in fields(Numbers)}
    single = [name for name, kind in names.items() if kind == "float"]
    several = [name for name in names if name not in single]
    signed = ("face_score", "clean_score", "tissue_score", "strange_score")
    numbers = parse_numbers(
        parse_toml(contents[DEFACING], name=DEFACING), single=single, several=several, signed=signed
    )
    digest = hashlib.sha256()
    for name, content in sorted(contents.items()):
        digest.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return FaceRules(
        numbers=Numbers(**numbers.values, **numbers.lists),  # type: ignore[arg-type]  # each name has its kind
        ids=numbers.ids,
        ladder=parse_ladder(parse_toml(contents[LADDER], name=LADDER)),
        gallery=_gallery(contents[GALLERY]),
        digest=digest.hexdigest(),
    )


def parse_ladder(document: Table) -> tuple[Rung, ...]:
    """The rungs in their order.

    Raises:
        ConfigurationError: a rung is malformed, or there is none.
    """
    document.only(required=("rule",))
    rungs = []
    for rule in document.tables("rule"):
        rule.only(
            required=("id", "why", "source", "window", "shell_mm", "smoothing_factor", "ears", "draws", "example")
        )
        if (draws := rule.get("draws", int)) < 1:
            raise ConfigurationError(f"[{document.name}] a rung is drawn at least once")
        rungs.append(
            Rung(
                id=rule.get("id", str),
                window=rule.one_of("window", WINDOWS),
                shell_mm=rule.get("shell_mm", float),
                smoothing_factor=rule.get("smoothing_factor", float),
                has_ears=rule.get("ears", bool),
                draws=draws,
            )
        )
    if not rungs:
        raise ConfigurationError(f"[{document.name}] has no rung")
    return tuple(rungs)


def _gallery(content: bytes) -> NDArray[np.float64]:
    rows = parse_csv(content, name=GALLERY, columns=("person", "embedding"))
    faces = []
    for row in rows:
        try:
            values = [float(value) for value in row["embedding"].split()]
        except ValueError:
            values = []
        if len(values) != _EMBEDDED:
            raise ConfigurationError(f"[{GALLERY}] an embedding is not {_EMBEDDED} numbers")
        faces.append(values)
    return np.array(faces, np.float64).reshape(-1, _EMBEDDED)
