"""A patch drawn into instances of every transfer syntax: it is there, and nothing else has changed."""

from __future__ import annotations

import io
import mmap
import tempfile

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pixel_samples import BUNDLED, SAMPLES, bundled_file, file_of, frames_in, image, judged_by_pydicom, sample
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian

from curator.deid.faces.patch import FramePatch, Patch
from curator.deid.faces.patch_proof import is_patched, patch_problem
from curator.deid.faces.patched import UNTRUE, patched, pixels_of, without_untrue
from curator.deid.pixels.module import JPEG_2000_LOSSLESS, JPEG_LS_LOSSLESS
from curator.dicom.parse import parse
from curator.errors import ItemError
from curator.model.quarantine import Reason

GREY = sorted(name for name in SAMPLES if frames_in(sample(name)).module.samples == 1)
TRANSCODED = {
    "JPEG 12 bit": JPEG_LS_LOSSLESS,
    "JPEG extended": JPEG_LS_LOSSLESS,
    "JPEG grey": JPEG_LS_LOSSLESS,
    "JPEG grey, own tables": JPEG_LS_LOSSLESS,
    "JPEG grey, restarts": JPEG_LS_LOSSLESS,
    "JPEG inverse": JPEG_LS_LOSSLESS,
    **{name: JPEG_2000_LOSSLESS for name in GREY if name.startswith("HTJ2K")},
}
# pydicom reads them, but not as the standard means them.
NOT_JUDGED = {"native 12 upper of 16 bit", "encapsulated uncompressed", "deflated frames"}


def random_patch(file: bytes, *, seed: int, share: float = 0.3, frames: tuple[int, ...] | None = None) -> Patch:
    """Random pixels of some frames to random values that the instance can hold."""
    module = frames_in(file).module
    rng = np.random.default_rng(seed)
    kind = np.dtype(f"{'i' if module.is_signed else 'u'}{max(1, module.bits_allocated // 8)}")
    chosen = (len(frames_in(file)) - 1,) if frames is None else frames
    parts = {}
    for index in chosen:
        mask = rng.random((module.rows, module.columns)) < share
        parts[index] = FramePatch(mask, rng.integers(module.lowest, module.highest + 1, mask.sum()).astype(kind))
    return Patch(parts)


def with_patch(before: np.ndarray, patch: Patch, index: int) -> np.ndarray:
    wanted = before.copy()
    if index in patch.frames:
        wanted[patch.frames[index].mask] = patch.frames[index].values
    return wanted


@pytest.mark.parametrize("name", GREY)
def test_every_syntax_holds_the_patch_and_nothing_else_has_changed(name):
    file = sample(name)
    before = frames_in(file)
    patch = random_patch(file, seed=1)
    done = patched(file, patch, scratch=tempfile.TemporaryFile)
    after = frames_in(done.data)
    assert done.changed == (len(before) - 1,)
    assert done.syntax_uid == TRANSCODED.get(name, before.module.syntax.uid) == after.module.syntax.uid
    for index in range(len(before)):
        wanted = with_patch(before.decode(index), patch, index)
        np.testing.assert_array_equal(after.decode(index), wanted)
        if name not in NOT_JUDGED:
            np.testing.assert_array_equal(judged_by_pydicom(done.data, index), wanted)
        if index not in patch.frames and name not in TRANSCODED and name != "native single bits":
            assert bytes(after.raw(index)).rstrip(b"\0") == bytes(before.raw(index)).rstrip(b"\0")
    assert is_patched(done.data, file, patch)


@st.composite
def patches(draw):
    name = draw(st.sampled_from(sorted(set(GREY) - {"JPEG 12 bit"})))
    file = sample(name)
    count = len(frames_in(file))
    chosen = draw(st.sets(st.integers(0, count - 1)))
    share = draw(st.sampled_from([0.0, 0.01, 0.5, 1.0]))
    return file, random_patch(file, seed=draw(st.integers(0, 2**32)), share=share, frames=tuple(sorted(chosen)))


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(patches())
def test_any_patch_decodes_to_exactly_the_source_with_it(case):
    file, patch = case
    before = frames_in(file)
    done = patched(file, patch, scratch=tempfile.TemporaryFile)
    after = frames_in(done.data)
    for index in range(len(before)):
        np.testing.assert_array_equal(after.decode(index), with_patch(before.decode(index), patch, index))
    assert done.changed == tuple(patch.frames)
    if not patch.frames:
        assert done.data is file
    assert patch_problem(done.data, file, patch) is None


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize(("keyword", "size"), [("FloatPixelData", 4), ("DoubleFloatPixelData", 8)])
def test_pixels_of_real_numbers(keyword, size, syntax):
    kind = f"{'>' if syntax == ExplicitVRBigEndian else '<'}f{size}"
    numbers = np.random.default_rng(2).normal(size=(3, 6, 5)).astype(kind)
    numbers[0, 0, :3] = (np.nan, np.inf, -0.0)
    dataset = image(b"", syntax, rows=6, columns=5, NumberOfFrames=3, BitsAllocated=8 * size)
    for gone in ("PixelData", "BitsStored", "HighBit", "PixelRepresentation"):
        del dataset[gone]
    setattr(dataset, keyword, numbers.tobytes())
    file = file_of(dataset)
    mask = np.zeros((6, 5), bool)
    mask[2:4, 1:3] = True
    patch = Patch({1: FramePatch(mask, np.array([1.5, np.nan, -2, 0], f"f{size}"))})
    done = patched(file, patch, scratch=tempfile.TemporaryFile)
    assert patch_problem(done.data, file, patch) is None
    written = pydicom.dcmread(io.BytesIO(done.data))
    wanted = numbers.copy()
    wanted[1][mask] = patch.frames[1].values
    assert written[keyword].value == wanted.tobytes()
    np.testing.assert_array_equal(pixels_of(parse(done.data)).decode(1), wanted[1])
    with pytest.raises(ItemError) as caught:
        other = Patch({1: FramePatch(mask, np.zeros(4, np.int16))})
        patched(file, other, scratch=tempfile.TemporaryFile)
    assert caught.value.reason is Reason.MALFORMED


def test_unused_bits_outside_the_mask_stay():
    """Old objects keep overlays in them; taking those out is another stage's."""
    words = np.random.default_rng(4).integers(0, 1 << 16, (37, 42)).astype("<u2")
    dataset = image(words.tobytes(), ExplicitVRLittleEndian, BitsAllocated=16, BitsStored=12, HighBit=11)
    file = file_of(dataset)
    patch = random_patch(file, seed=3)
    done = patched(file, patch, scratch=tempfile.TemporaryFile)
    written = np.frombuffer(pydicom.dcmread(io.BytesIO(done.data)).PixelData, "<u2").reshape(37, 42)
    mask = patch.frames[0].mask
    np.testing.assert_array_equal(written[~mask], words[~mask])
    np.testing.assert_array_equal(written[mask], patch.frames[0].values)


def test_a_mapped_file_is_patched_like_its_bytes(tmp_path):
    file = sample("RLE 12 of 16 bit, signed")
    path = tmp_path / "mapped.dcm"
    path.write_bytes(file)
    patch = random_patch(file, seed=11)
    with path.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        done = bytes(patched(mapped, patch, scratch=tempfile.TemporaryFile).data)
        assert patch_problem(done, mapped, patch) is None
    assert done == patched(file, patch, scratch=tempfile.TemporaryFile).data


def test_lossy_frames_stay_marked_as_lossy():
    for name in ("JPEG grey", "JPEG 12 bit"):
        file = sample(name)
        done = patched(file, random_patch(file, seed=5), scratch=tempfile.TemporaryFile)
        written = pydicom.dcmread(io.BytesIO(done.data))
        assert written.LossyImageCompression == "01"
        assert written.file_meta.TransferSyntaxUID == JPEG_LS_LOSSLESS


def test_what_tells_of_the_old_pixels_goes():
    dataset = pydicom.dcmread(io.BytesIO(sample("native 16 bit, padding")))
    for tag, value in ((0x00280106, 1), (0x00280107, 60000), (0x00280109, 60000)):
        dataset.add_new(tag, "US", value)
    icon = pydicom.Dataset()
    icon.Rows = icon.Columns = 2
    icon.PixelData = bytes(4)
    icon["PixelData"].VR = "OB"
    dataset.IconImageSequence = [icon]
    file = file_of(dataset)
    patch = random_patch(file, seed=6)
    done = patched(file, patch, scratch=tempfile.TemporaryFile)
    written = pydicom.dcmread(io.BytesIO(done.data))
    assert not UNTRUE & set(written.keys())
    assert set(dataset.keys()) - UNTRUE == set(written.keys())
    assert is_patched(done.data, file, patch)
    assert patched(file, Patch({}), scratch=tempfile.TemporaryFile).data is file
    beside = without_untrue(file, scratch=tempfile.TemporaryFile)
    assert set(pydicom.dcmread(io.BytesIO(beside)).keys()) == set(written.keys())
    assert pydicom.dcmread(io.BytesIO(beside)).PixelData == dataset.PixelData
    assert without_untrue(beside, scratch=tempfile.TemporaryFile) is beside


def test_values_that_mean_no_image_are_counted():
    file = sample("native 16 bit, padding")
    mask = np.zeros((37, 42), bool)
    mask[0, :3] = True
    patch = Patch({0: FramePatch(mask, np.array([77, 78, 77], np.uint16))})
    assert patched(file, patch, scratch=tempfile.TemporaryFile).to_padding == 2
    dataset = pydicom.dcmread(io.BytesIO(file))
    dataset.add_new(0x00280121, "US", 80)
    assert patched(file_of(dataset), patch, scratch=tempfile.TemporaryFile).to_padding == 3


def test_a_patch_of_another_image_is_refused():
    file = sample("native 12 of 16 bit, signed")
    mask = np.ones((37, 42), bool)
    flat = np.zeros(37 * 42, np.int16)
    wrong = {
        Reason.GEOMETRY_MISMATCH: [
            Patch({3: FramePatch(mask, flat)}),
            Patch({0: FramePatch(mask[:, 1:], flat[37:])}),
        ],
        Reason.MALFORMED: [
            Patch({0: FramePatch(mask, flat + np.int16(2048))}),
            Patch({0: FramePatch(mask, flat - np.int16(2049))}),
            Patch({0: FramePatch(mask, flat.astype(np.float32))}),
        ],
    }
    for reason, cases in wrong.items():
        for patch in cases:
            with pytest.raises(ItemError) as caught:
                patched(file, patch, scratch=tempfile.TemporaryFile)
            assert caught.value.reason is reason
    with pytest.raises(ItemError) as caught:
        patched(sample("native RGB by pixel"), Patch({0: FramePatch(mask, flat)}), scratch=tempfile.TemporaryFile)
    assert caught.value.reason is Reason.UNSUPPORTED_OBJECT


def test_the_proof_finds_what_is_wrong():
    file = sample("native 12 of 16 bit, signed")
    patch = random_patch(file, seed=7)
    done = patched(file, patch, scratch=tempfile.TemporaryFile).data
    assert "not what the patch says" in (patch_problem(file, file, patch) or "")
    assert "does not name" in (patch_problem(done, file, Patch({})) or "")
    dataset = pydicom.dcmread(io.BytesIO(done))
    dataset.RescaleSlope = 2
    assert "mean" in (patch_problem(file_of(dataset), file, patch) or "")
    dataset = pydicom.dcmread(io.BytesIO(done))
    flipped = bytearray(dataset.PixelData)
    flipped[0] ^= 1
    dataset.PixelData = bytes(flipped)
    assert "frame 0" in (patch_problem(file_of(dataset), file, patch) or "")


@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_file_is_refused_or_patched_right(data):
    source = sample(data.draw(st.sampled_from(sorted(set(GREY) - {"JPEG 12 bit"}))))
    patch = random_patch(source, seed=9)
    file = bytearray(source)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(330, len(file) - 1))
        file[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        done = patched(bytes(file), patch, scratch=tempfile.TemporaryFile)
        assert patch_problem(done.data, bytes(file), patch) is None
    except ItemError as error:
        assert not error.reason.is_environmental


def test_files_that_pydicom_bundles_are_patched_or_refused():
    """Whatever they are: exactly the patch, or an error with its reason."""
    counts = {True: 0, False: 0}
    for path in sorted(BUNDLED.glob("*.dcm")):
        file = path.read_bytes()
        try:
            module = pixels_of(parse(file)).module
            mask = np.zeros((module.rows, module.columns), bool)
            mask[:2] = True
            kind = f"{'i' if getattr(module, 'is_signed', False) else 'u'}{max(1, module.bits_allocated // 8)}"
            patch = Patch({0: FramePatch(mask, np.zeros(int(mask.sum()), kind))})
            done = patched(file, patch, scratch=tempfile.TemporaryFile)
            assert patch_problem(done.data, file, patch) is None, path.name
            counts[True] += 1
        except ItemError as error:
            assert error.reason is not Reason.INTERNAL_ERROR
            counts[False] += 1
    assert counts[True] > 20


def test_a_bundled_image_without_preamble_keeps_all_but_its_pixels():
    file = bundled_file("CT_small.dcm")
    patch = random_patch(file, seed=8)
    done = patched(file, patch, scratch=tempfile.TemporaryFile).data
    before, after = pydicom.dcmread(io.BytesIO(file)), pydicom.dcmread(io.BytesIO(done))
    assert [one.tag for one in before if one.tag not in UNTRUE] == [one.tag for one in after]
    assert all(before[one.tag] == one for one in after if one.keyword != "PixelData")
