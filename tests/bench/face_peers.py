"""Other programs on the same heads, each in an environment of its own: brains by BET, pydeface's mask, quickshear.

pydeface lays its mask over a head with FSL's flirt; here our rigid registration does that, which has six degrees of
freedom where flirt has twelve. Environments are made once, beside the scratch folder.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from face_cases import Case, is_ct
from numpy.typing import NDArray
from peers import environment
from scipy import ndimage

from curator.adapters.rigid_registration import SimpleItkRegistrar
from curator.imaging.frame import Frame, patient_frame
from curator.imaging.nifti import nifti_bytes, read_nifti
from curator.imaging.resample import CpuResampler
from curator.model.volume import Volume

_BET_MM = 2.0
# A head from its vertex to below the brain; a level with fewer voxels of tissue lies above it.
_HEAD_MM, _FEW_VOXELS = 160.0, 50
_BET = """
import sys, nibabel
from brainextractor import BrainExtractor
bet = BrainExtractor(img=nibabel.load(sys.argv[1]))
bet.run()
bet.save_mask(sys.argv[2])
"""
# A brain, or what a scan has of it, is at least as large, ml; what is found otherwise is none.
_LEAST_BRAIN_ML, _MOST_BRAIN_ML = 100.0, 2200.0
# So far the tissue of a CT is opened, voxels, and so much of a brain's border is bone.
_OPENED, _LEAST_IN_BONE = 3, 0.6
_PYDEFACE_DATA = "pydeface/data"


def brain_of(case: Case, scratch: Path) -> NDArray[np.bool_] | None:
    """The brain `(Z, Y, X)` of a real head by a method that has nothing of curator's; None where it found none."""
    volume, kept = case.scan.volume, scratch / f"{case.name}.brain.npz"
    if kept.exists():
        with np.load(kept) as known:
            return np.asarray(known["brain"], np.bool_)
    frame = patient_frame(volume, step_mm=_BET_MM)
    values = case.scan.seen_in(frame, CpuResampler())
    found = _brain_in_skull(values) if is_ct(case) else _bet(values, frame, scratch, case.name)
    if found is None or not _LEAST_BRAIN_ML < found.sum() * _BET_MM**3 / 1000 < _MOST_BRAIN_ML:
        return None
    back = np.linalg.solve(frame.affine_lps, volume.affine_lps)
    onto = CpuResampler().onto(found.astype(np.uint8), back, volume.shape, outside=0.0)
    brain = np.asarray(onto > 0.5, np.bool_)
    np.savez_compressed(kept, brain=brain)
    return brain


def pydefaced(case: Case, scratch: Path) -> NDArray[np.generic] | None:
    """The stored values without what pydeface's mask takes; None without pydeface or a template that fits."""
    python = environment("pydeface", scratch)
    if python is None:
        return None
    (folder,) = python.parents[1].glob(f"lib/python*/site-packages/{_PYDEFACE_DATA}")
    template, mask = read_nifti(folder / "mean_reg2mean.nii.gz"), read_nifti(folder / "facemask.nii.gz")
    motion = SimpleItkRegistrar().rigid(case.scan.volume, template)
    if motion is None:
        return None
    volume = case.scan.volume
    indices = np.linalg.solve(mask.affine_lps, motion @ volume.affine_lps)
    kept = CpuResampler().onto(mask.stored.astype(np.float32), indices, volume.shape, outside=1.0) > 0.5
    return np.where(kept, volume.stored, volume.stored.min())


def quicksheared(case: Case, brain: NDArray[np.bool_] | None, scratch: Path) -> NDArray[np.generic] | None:
    """The stored values after quickshear, which gets the brain that the bench knows; None without either."""
    python = environment("quickshear", scratch)
    if python is None or brain is None or not brain.any():
        return None
    volume = case.scan.volume
    head, mask, out = (scratch / f"{case.name}.{part}.nii.gz" for part in ("head", "brain", "sheared"))
    # Its lowest value becomes 0, for that is what quickshear writes.
    shifted = volume.stored.astype(np.float32) - float(volume.stored.min())
    head.write_bytes(nifti_bytes(Volume(stored=shifted, affine_lps=volume.affine_lps)))
    mask.write_bytes(nifti_bytes(Volume(stored=brain.astype(np.uint8), affine_lps=volume.affine_lps)))
    command = [str(python.parent / "quickshear"), str(head), str(mask), str(out)]
    if subprocess.run(command, capture_output=True, check=False).returncode or not out.exists():
        return None
    sheared = read_nifti(out).stored
    for path in (head, mask, out):
        path.unlink()
    return np.where((sheared == 0) & (shifted != 0), volume.stored.min(), volume.stored)


def _bet(values: NDArray[np.float32], frame: Frame, scratch: Path, name: str) -> NDArray[np.bool_] | None:
    """The brain in values along the patient's axes; BET gets the upper part of the head, for a neck leads it astray."""
    python = environment("brainextractor", scratch)
    if python is None:
        return None
    head, mask = (scratch / f"{name}.bet{what}.nii.gz" for what in ("", ".mask"))
    low, high = np.percentile(values, (2, 98))
    top = int(np.flatnonzero((values > low + 0.2 * (high - low)).sum(axis=(1, 2)) > _FEW_VOXELS).max(initial=0))
    below = max(0, top - int(_HEAD_MM / _BET_MM))
    head.write_bytes(nifti_bytes(Volume(stored=values[below:], affine_lps=frame.affine_lps)))
    mask.unlink(missing_ok=True)
    command = [str(python), "-W", "ignore", "-c", _BET, str(head), str(mask)]
    if subprocess.run(command, capture_output=True, check=False).returncode or not mask.exists():
        return None
    brain = np.zeros(values.shape, np.bool_)
    brain[below:] = read_nifti(mask).stored > 0
    return brain


def _brain_in_skull(values: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """What bone encloses: of large parts of tissue, opened by the width of the skull's holes, the one most within."""
    low, bone = np.percentile(values, 2), np.percentile(values, 97)
    inside = values > low + 0.45 * (bone - low)
    is_bone = values > low + 0.65 * (bone - low)
    labels, count = ndimage.label(ndimage.binary_erosion(inside & ~is_bone, iterations=_OPENED))
    best, found = _LEAST_IN_BONE, None
    for label in range(1, count + 1):
        part = labels == label
        if part.sum() * _BET_MM**3 / 1000 < _LEAST_BRAIN_ML:
            continue
        grown = ndimage.binary_dilation(part, iterations=_OPENED)
        around = ndimage.binary_dilation(grown, iterations=2) & ~grown
        enclosed = float(is_bone[around].mean())
        if enclosed > best:
            best, found = enclosed, ndimage.binary_fill_holes(grown & inside & ~is_bone)
    return found
