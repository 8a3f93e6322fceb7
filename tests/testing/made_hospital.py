"""A hospital on disk with its answer key, as tests pass it around."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from curator.testing import AnswerKey, MadeFile


@dataclass(frozen=True)
class MadeHospital:
    root: Path
    key: AnswerKey

    def files(self, *modalities: str) -> list[MadeFile]:
        return [made for made in self.key.files if made.modality in modalities]

    def dicom(self) -> Iterator[Path]:
        return (self.root / made.file for made in self.key.files if made.modality)

    def content(self, file: str) -> bytes:
        found = (self.root / file).read_bytes()
        return gzip.decompress(found) if file.endswith(".gz") else found


def digests(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }
