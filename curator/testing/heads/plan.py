"""What is scanned how: everything that a make-believe volume depends on.

The law: a plan is a value; equal plans give equal bytes.

Sources: DICOM PS3.3 C.7.3.1.1.2 (Patient Position), C.7.6.2.1.1 (directions of rows and columns).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

Triple = tuple[float, float, float]
_ABOVE_FACE_MM, _CHIN_MM, _NOSE_MM = 32.0, -90.0, -122.0


class Contrast(StrEnum):
    """How tissues look."""

    T1 = "t1"
    T2 = "t2"
    FLAIR = "flair"
    PD = "pd"
    CT = "ct"
    PET = "pet"

    @property
    def modality(self) -> str:
        """The DICOM modality."""
        return {"ct": "CT", "pet": "PT"}.get(self.value, "MR")


class Subject(StrEnum):
    """What lies in the scanner."""

    HEAD = "head"
    ANIMAL = "animal"
    BOTTLE = "bottle"
    LIMB = "limb"
    TRUNK = "trunk"


@dataclass(frozen=True, slots=True)
class FieldOfView:
    """The part of the head that is scanned, mm from the point between the pupils, of an adult.

    `bottom_mm` and `top_mm` count upwards, `front_mm` and `back_mm` backwards (so the front is negative), `side_mm` to
    both sides.
    """

    bottom_mm: float = -130.0
    top_mm: float = 130.0
    front_mm: float = -135.0
    back_mm: float = 115.0
    side_mm: float = 97.0


WHOLE = FieldOfView()
WITH_NECK = FieldOfView(bottom_mm=-165.0)
CUT_AT_CHIN = FieldOfView(bottom_mm=-94.0)
CUT_BELOW_NOSE = FieldOfView(bottom_mm=-56.0)
CUT_BELOW_EYES = FieldOfView(bottom_mm=-18.0)
ABOVE_BROW = FieldOfView(bottom_mm=38.0)
VAULT = FieldOfView(bottom_mm=70.0)
NO_VAULT = FieldOfView(top_mm=55.0)
TIGHT = FieldOfView(top_mm=112.0, front_mm=-101.0, back_mm=92.0, side_mm=70.0)
"""Touches the head on all sides: the nose's tip, the ears, the back and the vertex are cut."""
WIDE = FieldOfView(bottom_mm=-150.0, top_mm=140.0, front_mm=-150.0, back_mm=150.0, side_mm=150.0)
"""As a CT with its table has it."""
FIELDS_OF_VIEW = {
    "whole": WHOLE,
    "with neck": WITH_NECK,
    "cut at chin": CUT_AT_CHIN,
    "cut below nose": CUT_BELOW_NOSE,
    "cut below eyes": CUT_BELOW_EYES,
    "above brow": ABOVE_BROW,
    "vault": VAULT,
    "no vault": NO_VAULT,
    "tight": TIGHT,
    "wide": WIDE,
}


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the head lies in patient coordinates: turned about x, y, z by degrees, then moved by millimetres."""

    turn_deg: Triple = (0.0, 0.0, 0.0)
    shift_mm: Triple = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPlan:
    """One volume of one person.

    `spacing_mm` is that of the stored axes `(z, y, x)`: between slices, rows, columns. `plane` is `axial`, `sagittal`
    or `coronal`; `oblique_deg` turns the grid about patient x, y, z. `position` is a Patient Position such as `HFS` or
    `FFDL`: it turns the grid as a scanner does, never the patient's coordinates. `is_reversed` stores the slices
    against their normal, which only NIfTI can say. `shading` is the ratio of the coil's brightest to its darkest place.
    `strength` 1.7 gives people that differ clearly. `gain` multiplies MR values, `noise` the usual noise; another
    `take` is another noise. `is_stripped` leaves the brain on exact zeros.
    """

    seed: int = 0
    person: int = 0
    strength: float = 1.0
    is_child: bool = False
    subject: Subject = Subject.HEAD
    contrast: Contrast = Contrast.T1
    spacing_mm: Triple = (1.0, 1.0, 1.0)
    plane: str = "axial"
    oblique_deg: Triple = (0.0, 0.0, 0.0)
    position: str = "HFS"
    is_reversed: bool = False
    field_of_view: FieldOfView = field(default=WHOLE)
    pose: Pose = field(default=Pose())
    shading: float = 1.0
    gain: float = 1.0
    noise: float = 1.0
    has_table: bool = False
    has_tube: bool = False
    is_stripped: bool = False
    take: int = 0

    @property
    def face(self) -> str:
        """How much of a face is in the volume: `whole` from brow to chin, `part` of it, or `none`."""
        view = self.field_of_view
        if self.subject is not Subject.HEAD or self.is_stripped or view.bottom_mm > _ABOVE_FACE_MM:
            return "none"
        is_whole = view.bottom_mm <= _CHIN_MM and view.front_mm <= _NOSE_MM and view.top_mm >= _ABOVE_FACE_MM
        return "whole" if is_whole else "part"
