"""What was planted where: the answer key of a make-believe hospital.

The law: a plant's value is exactly what a search has to look for (one name part, one number), and its bytes in its
encoding are in the file it names, unless the kind says that it is in pixels or in the file's name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class PlantKind(StrEnum):
    """How a planted value is written."""

    PERSON_NAME = "person_name"
    ID = "id"
    DATE = "date"
    UID = "uid"
    TEXT = "text"
    PIXEL_TEXT = "pixel_text"
    FILE_NAME = "file_name"


@dataclass(frozen=True, slots=True, order=True)
class Plant:
    """One planted value.

    `place` is a path of tags such as `(0040,0275)[0]/(0032,1060)`, or `preamble`, `trailing`, `pixels`, `file_name`,
    `content`; `file` is relative to the hospital, `/`-separated. `searchable` is False where the bytes may come up by
    chance or by a legitimate date shift (study dates), or where a shorter planted value already covers them (UIDs,
    by their device's root). `encoding` is the Python codec it was written in.
    """

    value: str = field(repr=False)
    kind: PlantKind
    place: str
    file: str = field(repr=False)
    searchable: bool = True
    encoding: str = "ascii"

    def pattern(self) -> bytes:
        """The bytes that stand in the file. A shift back to ASCII at the end (ISO 2022) is not part of the value."""
        return self.value.encode(self.encoding).removesuffix(b"\x1b(B")


@dataclass(frozen=True, slots=True, order=True)
class MadeFile:
    """One file of the hospital and what is in it; `patient` is 0-based, -1 where it belongs to none.

    `shows_face`: the volume holds a whole face. `shows_text`: identifying text is burned into the pixels.
    `duplicate_of` names the file that has the same bytes.
    """

    file: str = field(repr=False)
    modality: str
    patient: int
    shows_face: bool = False
    shows_text: bool = False
    duplicate_of: str = field(repr=False, default="")


_ENCODINGS_SEARCHED = ("utf-8", "utf-16-le", "utf-16-be")


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """Everything that one hospital hides."""

    seed: int
    files: tuple[MadeFile, ...]
    plants: tuple[Plant, ...]

    def values_to_search(self) -> tuple[str, ...]:
        """The distinct values that may not survive in anything a job writes, sorted."""
        return tuple(sorted({plant.value for plant in self.plants if plant.searchable}))

    def bytes_to_search(self) -> tuple[bytes, ...]:
        """Every byte string that one of the values is written as: as planted, in UTF-8 and in UTF-16, sorted."""
        found = {plant.pattern() for plant in self.plants if plant.searchable}
        found.update(value.encode(name) for value in self.values_to_search() for name in _ENCODINGS_SEARCHED)
        return tuple(sorted(found))

    def plants_in(self, file: str) -> Iterator[Plant]:
        """The plants of one file, in the order in which they were made."""
        return (plant for plant in self.plants if plant.file == file)

    def to_json(self) -> str:
        """The key as JSON, one plant a line with all files that hold it."""
        grouped: dict[tuple[str, str, str, bool, str], list[str]] = {}
        for plant in self.plants:
            what = (plant.value, plant.kind.value, plant.place, plant.searchable, plant.encoding)
            grouped.setdefault(what, []).append(plant.file)
        files = [_file_record(made) for made in self.files]
        plants = [
            {
                "value": value,
                "kind": kind,
                "place": place,
                "searchable": searchable,
                "encoding": encoding,
                "files": held,
            }
            for (value, kind, place, searchable, encoding), held in grouped.items()
        ]
        return (
            f'{{"seed": {self.seed},\n"files": [\n'
            + ",\n".join(json.dumps(record, ensure_ascii=False) for record in files)
            + '\n],\n"plants": [\n'
            + ",\n".join(json.dumps(record, ensure_ascii=False) for record in plants)
            + "\n]}\n"
        )

    @classmethod
    def from_json(cls, text: str) -> AnswerKey:
        """The key that `to_json` wrote; plants come back grouped, so compare them sorted.

        Raises:
            KeyError, ValueError: the text is not an answer key.
        """
        record = json.loads(text)
        plants = tuple(
            Plant(
                value=row["value"],
                kind=PlantKind(row["kind"]),
                place=row["place"],
                file=file,
                searchable=row["searchable"],
                encoding=row["encoding"],
            )
            for row in record["plants"]
            for file in row["files"]
        )
        return cls(seed=record["seed"], files=tuple(MadeFile(**row) for row in record["files"]), plants=plants)


def _file_record(made: MadeFile) -> dict[str, Any]:
    return {
        "file": made.file,
        "modality": made.modality,
        "patient": made.patient,
        "shows_face": made.shows_face,
        "shows_text": made.shows_text,
        "duplicate_of": made.duplicate_of,
    }
