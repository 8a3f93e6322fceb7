"""What a search over a folder came to.

The law: it names replacements and places, never a value and never a file name that could hold one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from curator.deid.references import Links


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One defect of one file; `file` is its path in the folder, or a keyed name where the path itself is a finding."""

    file: str
    defect: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a search over a folder came to.

    `faces_claimed` say that nobody can be recognized in them, `faces_audited` volumes of those were attacked again.
    `references_outside` point to instances that are not in the folder: allowed where the object makes sense without
    them, and a finding where it does not. `pixels_claimed` say of themselves that their pixels are clean, `pixels_read`
    of them were read again.
    """

    files: int = 0
    findings: tuple[Finding, ...] = ()
    references_resolved: int = 0
    references_outside: int = 0
    pixels_claimed: int = 0
    pixels_read: int = 0
    faces_claimed: int = 0
    faces_audited: int = 0
    links: tuple[Links, ...] = field(repr=False, default=())

    def to_json(self) -> dict[str, object]:
        """The proof for machines."""
        return {
            "files": self.files,
            "references": {"resolved": self.references_resolved, "outside": self.references_outside},
            "pixels": {"claimed": self.pixels_claimed, "read": self.pixels_read},
            "faces": {"claimed": self.faces_claimed, "audited": self.faces_audited},
            "findings": [{"file": one.file, "defect": one.defect, "place": one.place} for one in self.findings],
        }
