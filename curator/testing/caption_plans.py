"""What is written on make-believe pictures and how it looks: the themes of the text bench.

The law: every text comes from a make-believe patient or from the harmless list; a theme's name says what is hard in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from curator.testing.captions import Canvas, Caption, Paint, Style
from curator.testing.letters import BITMAP_FACE, FACES, draws
from curator.testing.people import Patient

_GREY = ("black", "ultrasound", "chest", "limb", "breast", "ct", "mr", "page", "fluoroscopy")
_COLOUR = ("doppler", "skin", "endoscopy", "fusion")
_QUIET = ("black", "page", "limb", "mr", "ct", "breast")
FREE_KINDS = ("ultrasound", "chest", "ct", "black", "limb", "mr", "fluoroscopy", "skin", "page", "breast",
              "doppler", "paper", "endoscopy", "fusion")  # fmt: skip
HARMLESS = ("L", "R", "MI 1.1", "TIS 0.4", "120 kVp", "5.0 mm", "AP SUPINE", "W 400 L 40", "12 cm", "28 Hz", "Gen")
_DARK_ABOVE = 0.55


@dataclass(frozen=True, slots=True)
class Theme:
    """One sort of picture in the set and how many of it a half has; ranges are `(from, below)`."""

    name: str
    pictures: int
    kinds: tuple[str, ...]
    heights: tuple[int, int]
    letters: tuple[int, int]
    rows: tuple[int, int] = (288, 400)
    columns: tuple[int, int] = (320, 480)
    styles: tuple[Style, ...] = (Style.PLAIN,)
    degrees: tuple[float, ...] = (0.0,)
    jitter: float = 0.0
    bits: tuple[int, ...] = (8,)
    variety: float = 0.2
    in_corners: bool = True
    is_coloured: bool = False
    stacks: float = 0.0


THEMES = (
    Theme("corners", 26, _GREY, (9, 19), (70, 130)),
    Theme("corners, deep", 10, ("ct", "mr", "chest"), (9, 19), (50, 90), (256, 320), (256, 320), bits=(12, 16)),
    Theme("corners, colour", 10, _COLOUR, (9, 19), (60, 100)),
    Theme("report", 6, ("page",), (9, 14), (220, 320), (480, 640), (512, 768), variety=0.0),
    Theme("scan", 6, ("paper",), (9, 22), (160, 260), (400, 560), (400, 560)),
    Theme("turned", 12, _GREY, (9, 26), (50, 90), degrees=(90, 270, 180, 90, 270), variety=0.7),
    Theme("stacked", 6, _QUIET, (9, 16), (25, 50), stacks=1.0, in_corners=False, variety=0.5),
    Theme("skewed", 8, _GREY, (10, 24), (40, 80), jitter=9.0, in_corners=False, variety=0.8),
    Theme("large", 8, _GREY, (25, 49), (24, 50), (384, 512), (448, 640), variety=0.5, in_corners=False),
    Theme("tall", 12, _QUIET, (50, 121), (8, 22), (512, 769), (512, 769), variety=0.5, in_corners=False),
    Theme("tiny", 10, _GREY, (7, 10), (80, 140), (256, 360), (256, 400)),
    Theme("faint", 10, _GREY, (9, 30), (50, 90), styles=(Style.FAINT,), variety=0.5),
    Theme("inverted", 6, _GREY, (9, 30), (50, 90), styles=(Style.INVERTED,), variety=0.5),
    Theme("coloured", 6, _GREY, (9, 24), (50, 90), styles=(Style.COLOURED,), is_coloured=True, variety=0.7),
    Theme("outlined", 6, _GREY, (12, 40), (40, 70), styles=(Style.OUTLINED,), variety=0.5),
    Theme("low window", 6, ("black", "ct", "mr"), (10, 24), (40, 70), (256, 320), (256, 320),
          styles=(Style.LOW_WINDOW,), bits=(12, 16)),
    Theme("mixed", 8, _GREY, (8, 40), (60, 110), (400, 512), (400, 600), styles=tuple(Style)[:5],
          degrees=(0, 0, 0, 90, 270, 180), jitter=3.0, variety=1.0, in_corners=False),
)  # fmt: skip
_COLOURS = ((1.0, 1.0, 0.2), (0.2, 1.0, 1.0), (0.3, 1.0, 0.3), (1.0, 0.6, 0.1), (1.0, 0.25, 0.25), (0.45, 0.6, 1.0))


def words_of(patient: Patient, rng: np.random.Generator) -> list[tuple[str, bool]]:
    """Lines that a device would write about a patient, endlessly many for any picture, and whether each identifies."""
    lines: list[tuple[str, bool]] = []
    for _ in range(6):
        lines += [(text, True) for text in rng.permutation(np.array(_identifying(patient, rng), dtype=object))]
        lines.append((str(rng.choice(HARMLESS)), False))
    return lines


def _identifying(patient: Patient, rng: np.random.Generator) -> list[str]:
    name, centre, born = patient.name, patient.centre, patient.birth_date
    taken = patient.study_date + timedelta(days=int(rng.integers(0, 400)))
    clock = f"{rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}:{rng.integers(0, 60):02d}"
    return [
        f"{name.family}, {name.given}",
        f"{name.family.upper()}^{name.given.upper()}",
        f"ID {patient.record_number}",
        f"DOB {born:%d.%m.%Y}",
        f"{born:%Y-%m-%d} {patient.sex}",
        f"{centre.name} Hospital",
        f"Klinikum {centre.town}",
        f"Acc {patient.accession}",
        f"{taken:%d-%b-%Y} {clock}",
        f"{taken:%m/%d/%Y}",
        f"Dr. {centre.referring.family}",
        f"Op: {centre.operator.family}",
        name.family,
        name.given,
        patient.record_number,
        patient.insurance,
    ]


def caption_of(theme: Theme, text: str, rng: np.random.Generator) -> Caption:
    """A caption as the theme has them; a face that cannot draw the text gives way to one that can."""
    face = str(rng.choice(FACES))
    height = int(rng.integers(*theme.heights))
    if face == BITMAP_FACE:
        height = 7 * max(1, round(height / 7))
    degrees = float(rng.choice(theme.degrees))
    if theme.jitter and degrees == 0:
        degrees = round(float(rng.uniform(-theme.jitter, theme.jitter)), 1)
    style = theme.styles[int(rng.integers(len(theme.styles)))]
    is_stacked = bool(rng.random() < theme.stacks)
    return fitting(Caption(text, face, height, 0.0 if is_stacked else degrees, style, is_stacked), text)


def fitting(caption: Caption, text: str) -> Caption:
    """The caption with this text, in a face that can draw it."""
    face = caption.face if draws(caption.face, text) else "sans"
    return Caption(text, face, caption.height, caption.degrees, caption.style, caption.is_stacked, caption.identifies)


def paint_for(caption: Caption, under: Canvas, *, rng: np.random.Generator, step: float) -> Paint:
    """Levels that let the caption stand out from what is under it as its style wants."""
    channels = under.shape[2] if under.ndim == 3 else 1
    mean = float(under.mean())
    bright = round(float(rng.uniform(0.75, 1.0)), 3)
    dark = round(float(rng.uniform(0.0, 0.12)), 3)
    is_on_bright = mean > _DARK_ABOVE
    ink = dark if is_on_bright else bright
    if caption.style is Style.INVERTED:
        return Paint(_grey(dark, channels), plate=_grey(bright, channels))
    if caption.style is Style.OUTLINED:
        return Paint(_grey(bright, channels), rim=_grey(dark, channels))
    if caption.style is Style.COLOURED and channels == 3:
        colour = np.array(_COLOURS[int(rng.integers(len(_COLOURS)))])
        return Paint(tuple(float(level) for level in (colour * 0.35 if is_on_bright else colour)))
    if caption.style in (Style.FAINT, Style.LOW_WINDOW):
        return Paint(_grey(mean + _faint(under, caption.style, rng, step) * (-1 if is_on_bright else 1), channels))
    return Paint(_grey(ink, channels))


def _faint(under: Canvas, style: Style, rng: np.random.Generator, step: float) -> float:
    """How far from the background: a few times its noise, or a sliver of a deep range."""
    if style is Style.LOW_WINDOW:
        return float(rng.uniform(0.015, 0.04))
    noise = max(float(under.std()), step)
    return float(np.clip(noise * rng.uniform(4.0, 8.0), 10 / 255, 0.35))


def _grey(level: float, channels: int) -> tuple[float, ...]:
    return (float(np.clip(level, 0.0, 1.0)),) * channels
