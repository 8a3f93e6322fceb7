"""Whole jobs under the option clean-pixel-data: captures and cines with text, without, and broken ones."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from archive_samples import SECRETS, Slice, contents, digests, leaks, leaks_under, rows, save
from picture_samples import LINES, Picture, segmentation_of
from pydicom import Dataset, dcmread
from pydicom.pixels import pixel_array
from pydicom.uid import JPEGBaseline8Bit, RLELossless
from ran_jobs import Ran

from curator.jobs.release.looking import load_pixel_cleaner
from curator.jobs.summary import summarize_workspace
from curator.jobs.workspace import open_workspace

NATIVE, CINE = Picture(1), Picture(2, LINES[:1], frames=30, is_colour=True, syntax=JPEGBaseline8Bit, shape=(144, 256))
RLE, BARE, HARMLESS = Picture(3, syntax=RLELossless, is_colour=True), Picture(4, ()), Picture(5, ("10 cm",))
WITH_TEXT = (NATIVE, CINE, RLE)
OPTION = ("--option", "clean-pixel-data")


@dataclass(frozen=True)
class Run(Ran):
    """One run over the pictures, and what it wrote."""

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def source(self) -> Path:
        return self.root / "source"

    def released(self) -> list[Dataset]:
        return [dcmread(path) for path in sorted(self.out.rglob("*.dcm"))]

    def of(self, picture: Picture) -> Dataset:
        return next(one for one in self.released() if is_of(one, picture))


def is_of(one: Dataset, picture: Picture) -> bool:
    return (one.Modality, int(one.InstanceNumber)) == (picture.dataset().Modality, picture.instance)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, run_curator: Callable[..., Any]) -> Run:
    root = tmp_path_factory.mktemp("pictures")
    for picture in (*WITH_TEXT, BARE, HARMLESS):
        save(picture.dataset(), root / "source" / f"{picture.instance}.dcm")
    Slice(patient=7, study=71).save(root / "source" / "slice.dcm")
    save(segmentation_of(NATIVE), root / "source" / "mask.dcm")
    broken = root / "source" / "broken"
    for number, make in enumerate((truncated_jpeg, lying_table, too_large, no_frames_left, short_palette), start=80):
        save(make(number), broken / f"{make.__name__}.dcm")
    assert run_curator("init", root / "workspace", "--keys", root / "keys" / "key.json").code == 0
    arguments = ("deid", "run", root / "source", "--out", root / "out", "-w", root / "workspace", *OPTION)
    return Run(root, run_curator(*arguments, "--workers", 1, "--json"))


def truncated_jpeg(number: int) -> Dataset:
    dataset = Picture(number, is_colour=True, syntax=JPEGBaseline8Bit).dataset()
    dataset.PixelData = dataset.PixelData[:8] + _item(dataset.PixelData[16:1600])
    dataset["PixelData"].is_undefined_length = True
    return dataset


def lying_table(number: int) -> Dataset:
    dataset = Picture(number, frames=2, syntax=JPEGBaseline8Bit).dataset()
    table = struct.pack("<2I", 0, 12)
    head = 8 + struct.unpack_from("<I", dataset.PixelData, 4)[0]
    dataset.PixelData = _item(table) + dataset.PixelData[head:]
    dataset["PixelData"].is_undefined_length = True
    return dataset


def too_large(number: int) -> Dataset:
    dataset = Picture(number, syntax=RLELossless).dataset()
    dataset.Rows = dataset.Columns = 40_000
    return dataset


def no_frames_left(number: int) -> Dataset:
    dataset = Picture(number).dataset()
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
    dataset.Modality, dataset.NumberOfFrames = "US", 7
    return dataset


def short_palette(number: int) -> Dataset:
    dataset = Picture(number).dataset()
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    for colour in ("Red", "Green", "Blue"):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(dataset, f"{colour}PaletteColorLookupTableData", bytes(64))
    return dataset


def _item(content: bytes) -> bytes:
    padded = content + b"\0" * (len(content) % 2)
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(padded)) + padded


def test_whatever_is_broken_is_held_with_its_reason_and_the_job_goes_on(run: Run) -> None:
    assert run.done.code == 1, run.done.err
    result = run.done.json()
    assert (result["files"], result["released"], result["residual_findings"]) == (12, 7, 0)
    assert result["quarantined"] == {"truncated": 2, "malformed": 2, "unsupported_object": 1}


@pytest.mark.parametrize("picture", WITH_TEXT, ids=["B04-native", "B05-jpeg-cine", "B05-rle"])
def test_no_ink_of_a_text_is_left_in_any_frame_and_the_syntax_stays(run: Run, picture: Picture) -> None:
    """Held against pydicom's decoders and against where the letters were drawn."""
    found, source = run.of(picture), picture.dataset()
    assert found.file_meta.TransferSyntaxUID == source.file_meta.TransferSyntaxUID
    # Beside a line its JPEG has ringing; what tells letters is brighter.
    ink = picture.ink() > 64
    frames = _frames(found)
    assert len(frames) == picture.frames
    for frame in frames:
        assert np.ptp(frame[ink], axis=0).max() <= 4
    before = _frames(source)
    outside = np.ones_like(ink)
    outside[:56] = False
    assert all(np.array_equal(old[outside], new[outside]) for old, new in zip(before, frames, strict=True))


def _frames(dataset: Dataset) -> list[np.ndarray]:
    return [pixel_array(dataset, index=index, raw=True) for index in range(int(dataset.get("NumberOfFrames", 1)))]


def test_no_planted_string_can_be_read_any_more(run: Run) -> None:
    reader = load_pixel_cleaner(Path("rules").absolute()).reader
    (frame,) = _frames(run.of(NATIVE))
    said = "".join(one.text for one in reader.read(frame)).upper()
    assert not [secret for secret in SECRETS if secret.upper()[:5] in said]


def test_files_without_a_text_that_has_to_go_keep_their_pixel_data(run: Run) -> None:
    for picture in (BARE, HARMLESS):
        assert run.of(picture).PixelData == picture.dataset().PixelData


def test_B01_the_code_stands_in_what_was_read_and_proven_and_nowhere_else(run: Run) -> None:
    for one in run.released():
        codes = [code.CodeValue for code in one.DeidentificationMethodCodeSequence]
        is_looked_at = one.Modality in ("US", "OT")
        assert ("113101" in codes, one.get("BurnedInAnnotation")) == (is_looked_at, "NO" if is_looked_at else None)


def test_B01_a_report_tells_apart_what_was_proven_and_what_nobody_read(run: Run) -> None:
    workspace = open_workspace(run.workspace)
    release = summarize_workspace(workspace, dataset=None, run=None, released=run.out, residuals=0).release
    assert release is not None
    claims = {any(option.startswith("113101") for option in one.options): one.files for one in release.policies}
    assert claims == {False: 2, True: 5}


def test_B10_what_the_source_said_of_burned_in_text_was_not_believed(run: Run) -> None:
    assert {picture.dataset().BurnedInAnnotation for picture in WITH_TEXT} == {"NO"}
    assert all(run.of(picture).PixelData != picture.dataset().PixelData for picture in WITH_TEXT)


def test_a_mask_of_a_scrubbed_image_is_released_with_it(run: Run) -> None:
    (mask,) = (one for one in run.released() if one.Modality == "SEG")
    named = mask.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID
    assert named == run.of(NATIVE).SOPInstanceUID


def test_the_ledger_has_the_evidence_and_no_text(run: Run) -> None:
    found = [json.loads(text) for (text,) in rows(run.workspace, "SELECT evidence FROM pixel_evidence")]
    assert len(found) == 5
    assert all(one["proven"] for one in found)
    cine = next(one for one in found if one["frames"] == 30)
    assert cine["frames_changed"] == 30
    assert 0.02 < cine["blacked_out"] < 0.15
    assert {one["verdict"] for one in cine["boxes"]} == {"redact"}
    assert all(one["rule"] for one in cine["boxes"])
    assert [one["counts"] for one in found if not one["boxes"]] == [{}]
    assert leaks(json.dumps(found)) == []
    assert leaks_under(run.workspace) == leaks_under(run.out) == []
    assert leaks(run.done.out + run.done.err) == []


def test_a_second_run_changes_nothing(run: Run, run_curator: Callable[..., Any]) -> None:
    before = digests(run.root)
    arguments = ("deid", "run", run.source, "--out", run.out, "-w", run.workspace, *OPTION)
    again = run_curator(*arguments, "--workers", 1, "--json").json()
    assert again == run.done.json() | {"released_new": 0}
    assert digests(run.root) == before


def test_O03_two_workers_write_the_same(run: Run, run_curator: Callable[..., Any], tmp_path: Path) -> None:
    save(NATIVE.dataset(), tmp_path / "source" / "one.dcm")
    Slice(patient=7, study=71).save(tmp_path / "source" / "two.dcm")
    assert run_curator("init", tmp_path / "workspace", "--keys", run.key).code == 0
    arguments = ("deid", "run", tmp_path / "source", "--out", tmp_path / "out", "-w", tmp_path / "workspace", *OPTION)
    assert run_curator(*arguments, "--workers", 2).code == 0
    twins = contents(tmp_path / "out")
    assert len(twins) == 2
    assert twins.items() <= contents(run.out).items()


def test_a_steward_has_the_released_images_read_again(
    run: Run, run_curator: Callable[..., Any], tmp_path: Path
) -> None:
    released = {path: dcmread(path) for path in run.out.rglob("*.dcm")}
    for path, dataset in released.items():
        if dataset.Modality == "OT" and dataset.InstanceNumber != RLE.instance:
            save(dataset, tmp_path / "out" / path.relative_to(run.out))
    arguments = ("deid", "verify", tmp_path / "out", "-w", run.workspace, *OPTION, "--workers", 1, "--json")
    assert run_curator(*arguments).json()["pixels"] == {"claimed": 3, "read": 0}
    clean = run_curator(*arguments, "--pixels")
    assert (clean.code, clean.json()["pixels"]) == (0, {"claimed": 3, "read": 3})


def test_a_name_that_was_written_back_is_found(run: Run, run_curator: Callable[..., Any], tmp_path: Path) -> None:
    path = next(path for path in run.out.rglob("*.dcm") if is_of(dcmread(path), BARE))
    spoilt = dcmread(path)
    spoilt.PixelData = NATIVE.dataset().PixelData
    target = tmp_path / "out" / path.relative_to(run.out)
    save(spoilt, target)
    arguments = ("deid", "verify", tmp_path / "out", "-w", run.workspace, *OPTION, "--workers", 1, "--json")
    assert run_curator(*arguments).json()["findings"] == []
    done = run_curator(*arguments, "--pixels")
    assert done.code == 1
    assert {one["defect"] for one in done.json()["findings"]} == {"burned_in_text"}
    assert leaks(done.out) == []


def test_without_the_option_all_that_may_carry_text_is_held_as_ever(run: Run, run_curator: Callable[..., Any]) -> None:
    arguments = ("deid", "run", run.source, "--out", run.root / "other", "-w", run.workspace, "--what-if")
    plain = run_curator(*arguments).json()
    looked = run_curator(*arguments, *OPTION).json()
    assert (plain["would_look_at"], looked["would_look_at"]) == (0, 9)
    assert plain["would_quarantine"]["burned_in_text_possible"] == 9


def test_the_boxes_of_a_file_are_shown_with_their_reasons_and_without_their_texts(
    run: Run, run_curator: Callable[..., Any], tmp_path: Path
) -> None:
    file, png = run.source / "1.dcm", tmp_path / "boxes.png"
    refused = run_curator("deid", "pixels", file)
    assert (refused.code, refused.out) == (2, "")
    assert "--what-if" in refused.err
    shown = run_curator("deid", "pixels", file, "--what-if", "--png", png, "--json")
    assert shown.code == 0
    assert [one["verdict"] for one in shown.json()["boxes"]] == ["redact"] * len(shown.json()["boxes"])
    assert shown.json()["handling"] == "photograph"
    assert png.read_bytes()[:4] == b"\x89PNG"
    said = run_curator("deid", "pixels", file, "--what-if")
    assert "[pixels/" in said.out
    assert leaks(shown.out + said.out + said.err) == []
    asked = run_curator("deid", "pixels", file, "--what-if", "--show-text", "-w", run.workspace)
    assert (asked.code, asked.out) == (2, "")
