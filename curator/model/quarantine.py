"""Why an item was held back.

The law: every item that goes in is released or has exactly one reason. A reason says what is wrong and what a steward
can do; it never says anything about the patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Reason codes, stable across versions: reports and the ledger quote them."""

    EMPTY_FILE = "empty_file"
    UNREADABLE = "unreadable"
    SYMLINK_LOOP = "symlink_loop"
    NOT_DICOM = "not_dicom"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    DICOMDIR = "dicomdir"
    UNSUPPORTED_OBJECT = "unsupported_object"
    UNSUPPORTED_TRANSFER_SYNTAX = "unsupported_transfer_syntax"
    ENCAPSULATED_DOCUMENT = "encapsulated_document"
    DUPLICATE_CONTENT = "duplicate_content"
    SOP_INSTANCE_UID_CONFLICT = "sop_instance_uid_conflict"
    PATIENT_ID_MISSING = "patient_id_missing"
    PATIENT_ID_CONFLICT = "patient_id_conflict"
    PATIENT_NOT_MAPPED = "patient_not_mapped"
    BURNED_IN_TEXT_POSSIBLE = "burned_in_text_possible"
    BURNED_IN_TEXT_DOUBTFUL = "burned_in_text_doubtful"
    BURNED_IN_TEXT_LEFT = "burned_in_text_left"
    FACE_POSSIBLE = "face_possible"
    FACE_DOUBTFUL = "face_doubtful"
    FACE_UNPROVEN = "face_unproven"
    HELD_BY_RECIPE = "held_by_recipe"
    REFERENCE_UNRESOLVED = "reference_unresolved"
    RESIDUAL_IDENTIFIER = "residual_identifier"
    GEOMETRY_INCONSISTENT = "geometry_inconsistent"
    GEOMETRY_MISMATCH = "geometry_mismatch"
    ANNOTATION_INVALID = "annotation_invalid"
    OUTPUT_UNWRITABLE = "output_unwritable"
    DISK_FULL = "disk_full"
    INTERNAL_ERROR = "internal_error"

    @property
    def is_environmental(self) -> bool:
        """Whether the item itself may be fine, so that the next run tries again."""
        return self in _ENVIRONMENTAL


_ENVIRONMENTAL = frozenset(
    {
        Reason.UNREADABLE,
        Reason.OUTPUT_UNWRITABLE,
        Reason.DISK_FULL,
        Reason.INTERNAL_ERROR,
        Reason.REFERENCE_UNRESOLVED,
    }
)

REMEDY: dict[Reason, str] = {
    Reason.EMPTY_FILE: "the file has no bytes; ask the source for it again",
    Reason.UNREADABLE: "grant read permission to the account that runs the job, then run again",
    Reason.SYMLINK_LOOP: "the link leads back to itself; remove it",
    Reason.NOT_DICOM: "neither DICOM nor NIfTI by content; list it under [ingest] ignore if it is expected",
    Reason.TRUNCATED: "the file ends before its last element does; ask the source for it again",
    Reason.MALFORMED: "the data set cannot be read to its last byte; nothing of it was passed on",
    Reason.DICOMDIR: "a media directory indexes files by patient; the files it lists are taken on their own",
    Reason.UNSUPPORTED_OBJECT: "the SOP Class is private or unknown, so its attributes cannot be judged",
    Reason.UNSUPPORTED_TRANSFER_SYNTAX: "convert the instance to a standard transfer syntax at the source",
    Reason.ENCAPSULATED_DOCUMENT: "documents inside DICOM are not read yet, so they cannot be cleaned",
    Reason.DUPLICATE_CONTENT: "the same bytes were already taken under another name",
    Reason.SOP_INSTANCE_UID_CONFLICT: "files of different content claim one SOP Instance UID; decide which is right",
    Reason.PATIENT_ID_MISSING: "without a Patient ID no subject can be assigned; complete it at the source",
    Reason.PATIENT_ID_CONFLICT: "one study names two Patient IDs; correct it at the source",
    Reason.PATIENT_NOT_MAPPED: "no code may stand for the person; add them to the mapping file, or leave them out",
    Reason.BURNED_IN_TEXT_POSSIBLE: "the pixels may carry text; use the option clean-pixel-data or review by hand",
    Reason.BURNED_IN_TEXT_DOUBTFUL: "a person has to look: too much to read or to black out, or it may be no text",
    Reason.BURNED_IN_TEXT_LEFT: "text was still read after scrubbing, and nothing was written; review by hand",
    Reason.FACE_POSSIBLE: "it may show a face; use the option clean-recognizable-visual-features or review by hand",
    Reason.FACE_DOUBTFUL: "nothing could tell whether it shows a face; a person has to look",
    Reason.FACE_UNPROVEN: "what was left could not be shown to hide the face; nothing was written; review by hand",
    Reason.HELD_BY_RECIPE: "a filter of the recipe names it; review it by hand, or change the filter",
    Reason.REFERENCE_UNRESOLVED: "the images it refers to were not released; it is tried again when they are",
    Reason.RESIDUAL_IDENTIFIER: "an identifier of the patient was found in the written bytes, which were withdrawn",
    Reason.GEOMETRY_INCONSISTENT: "the slices do not form one regular volume",
    Reason.GEOMETRY_MISMATCH: "the mask does not lie on the grid of its image",
    Reason.ANNOTATION_INVALID: "the annotation cannot be read or names labels that were not declared",
    Reason.OUTPUT_UNWRITABLE: "grant write permission to the output, then run again",
    Reason.DISK_FULL: "free space on the output's disk, then run again",
    Reason.INTERNAL_ERROR: "a defect of this program; report the detail, which holds nothing of the patient",
}


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One held-back item as the ledger records it.

    `content_id` is a keyed digest of the bytes (empty where they could not be read); `sealed_source` is the source
    reference encrypted for the key holder; `detail` is structural.
    """

    item_id: str
    reason: Reason
    stage: str
    content_id: str
    sealed_source: bytes
    detail: str = ""
