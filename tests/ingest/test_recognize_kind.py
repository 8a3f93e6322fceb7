"""A file is what its bytes are, whatever its name says."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ingest_samples import as_bytes, sample

from curator.ingest.recognize import HEAD_BYTES, FileKind, kind_of

VOXELS = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def written(image: nibabel.spatialimages.SpatialImage, path: Path) -> bytes:
    nibabel.save(image, path)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["one.nii", "one.nii.gz"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("order", ["<", ">"])
def test_nifti_by_nibabel(tmp_path: Path, name: str, kind: type[nibabel.Nifti1Image], order: str) -> None:
    header = kind.header_class(endianness=order)
    data = written(kind(VOXELS, np.eye(4), header), tmp_path / name)
    assert kind_of(data[:HEAD_BYTES]) is FileKind.NIFTI


def test_a_header_apart_from_its_voxels_is_no_image(tmp_path: Path) -> None:
    written(nibabel.Nifti1Pair(VOXELS, np.eye(4)), tmp_path / "pair.img")
    assert kind_of((tmp_path / "pair.hdr").read_bytes()) is FileKind.OTHER
    assert kind_of((tmp_path / "pair.img").read_bytes()) is FileKind.OTHER


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (as_bytes(sample()), FileKind.DICOM),
        (as_bytes(sample())[132:], FileKind.DICOM),
        (as_bytes(sample(), syntax="1.2.840.10008.1.2"), FileKind.DICOM),
        (gzip.compress(as_bytes(sample())), FileKind.OTHER),
        (gzip.compress(b"text"), FileKind.OTHER),
        (b"\x1f\x8b", FileKind.OTHER),
        (b"\x1f\x8b" + bytes(100), FileKind.OTHER),
        (b"", FileKind.OTHER),
        (b"%PDF-1.4", FileKind.OTHER),
        (b"\x89PNG\r\n\x1a\n" + bytes(600), FileKind.OTHER),
        (bytes(1000), FileKind.OTHER),
        (bytes(344) + b"n+1\0", FileKind.OTHER),
    ],
)
def test_kinds(data: bytes, kind: FileKind) -> None:
    assert kind_of(data[:HEAD_BYTES]) is kind


@given(data=st.binary(max_size=700))
def test_any_bytes_have_a_kind(data: bytes) -> None:
    for head in (data, b"\x1f\x8b" + data, b"\x1f\x8b\x08\x00" + data):
        assert kind_of(head) in FileKind
