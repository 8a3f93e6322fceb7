"""Photographs that show a face are refused, or nothing of the face is left (row F04)."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest
from pixel_samples import file_of, frames_in, image, judged_by_pydicom, scrubbed_file
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from curator.adapters.dlib_faces import DlibFaces
from curator.bundled import bundled_folder
from curator.deid.pixels.photographs import BLUR, FACE_RULE, REFUSE, judged_faces, refuse_faces_left
from curator.errors import ItemError
from curator.model.pixels import Box, Judged, Route, Verdict
from curator.model.quarantine import Reason
from curator.policy.pixels.rules import load_pixel_rules
from curator.testing.photograph import make_photograph

FINDER = DlibFaces(coarse_pixels=0)
SHAPE = (208, 208)


@cache
def photograph(person: int = 0, *, is_from_behind: bool = False) -> np.ndarray:
    return make_photograph(0, person, shape=SHAPE, is_from_behind=is_from_behind)


def photograph_file(*pictures: np.ndarray, syntax: str = ExplicitVRLittleEndian) -> bytes:
    attributes = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    value = b"".join(picture.tobytes() for picture in pictures)
    if syntax == JPEGBaseline8Bit:
        attributes["PhotometricInterpretation"] = "YBR_FULL_422"
        options = [cv2.IMWRITE_JPEG_QUALITY, 92]
        value = encapsulate([cv2.imencode(".jpg", picture[..., ::-1], options)[1].tobytes() for picture in pictures])
    if len(pictures) > 1:
        attributes["NumberOfFrames"] = len(pictures)
    return file_of(image(value, syntax=syntax, rows=SHAPE[0], columns=SHAPE[1], **attributes))


@cache
def _weights(name: str) -> str:
    found = importlib.util.find_spec("face_recognition_models")
    assert found is not None
    return str(Path((found.submodule_search_locations or [""])[0]) / "models" / name)


def embedding(picture: np.ndarray, box: Box) -> np.ndarray:
    """What face_recognition compares faces by, at the place where the face was."""
    predictor = dlib.shape_predictor(_weights("shape_predictor_5_face_landmarks.dat"))
    encoder = dlib.face_recognition_model_v1(_weights("dlib_face_recognition_resnet_model_v1.dat"))
    place = dlib.rectangle(box.left, box.top, box.right - 1, box.bottom - 1)
    return np.array(encoder.compute_face_descriptor(picture, predictor(picture, place)))


def test_F04_a_photograph_with_a_face_is_refused_by_default() -> None:
    rules = load_pixel_rules(bundled_folder("rules"))
    assert rules.faces == REFUSE
    with pytest.raises(ItemError) as error:
        judged_faces(frames_in(photograph_file(photograph())), FINDER, policy=rules.faces)
    assert error.value.reason is Reason.FACE_POSSIBLE


def test_F04_what_shows_no_face_is_nobodys_affair() -> None:
    frames = frames_in(photograph_file(photograph(is_from_behind=True)))
    for policy in (REFUSE, BLUR):
        assert judged_faces(frames, FINDER, policy=policy) == ()
    refuse_faces_left(frames, FINDER)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEGBaseline8Bit], ids=["native", "JPEG"])
def test_F04_a_face_becomes_black_and_nothing_of_it_is_left(syntax: str) -> None:
    file = photograph_file(photograph(), syntax=syntax)
    frames = frames_in(file)
    (judged,) = judged_faces(frames, FINDER, policy=BLUR)
    assert (judged.rule_id, judged.verdict, judged.route, judged.frames) == (
        FACE_RULE,
        Verdict.REDACT,
        Route.FACE,
        None,
    )
    output, _ = scrubbed_file(file, lambda index: [judged.box])
    refuse_faces_left(frames_in(output), FINDER)
    with pytest.raises(ItemError, match="still seen"):
        refuse_faces_left(frames, FINDER)
    after = judged_by_pydicom(output, 0)
    inside = after[judged.box.top : judged.box.bottom, judged.box.left : judged.box.right]
    assert len(np.unique(inside.reshape(-1, 3), axis=0)) == 1


def test_F04_a_black_face_is_nobodys() -> None:
    (face,) = FINDER.faces(photograph(0))
    (judged,) = judged_faces(frames_in(photograph_file(photograph(0))), FINDER, policy=BLUR)
    # All of the head but hair and neck: ears, brow and chin.
    assert judged.box.area > 2 * face.area
    covered = [photograph(person).copy() for person in (0, 1)]
    for picture in covered:
        picture[judged.box.top : judged.box.bottom, judged.box.left : judged.box.right] = 0
    one, other = (embedding(picture, face) for picture in covered)
    before = embedding(photograph(0), face)
    # Two persons cannot be told apart any more, and neither is like what was there.
    assert float(np.linalg.norm(one - other)) < 0.05
    assert float(np.linalg.norm(one - before)) > 0.6


def test_F04_a_face_in_one_frame_is_black_in_all() -> None:
    behind, front = photograph(is_from_behind=True), photograph()
    file = photograph_file(behind, front, behind)
    looks: list[int] = []

    class Counting:
        def faces(self, picture: np.ndarray) -> tuple[Box, ...]:
            looks.append(1)
            return FINDER.faces(picture)

    (judged,) = judged_faces(frames_in(file), Counting(), policy=BLUR)
    assert judged.frames is None
    assert len(looks) == 2
    with pytest.raises(ItemError, match="frame 1 of 3"):
        judged_faces(frames_in(file), FINDER, policy=REFUSE)
    output, scrubbed = scrubbed_file(file, lambda index: [judged.box])
    assert scrubbed.changed == (0, 1, 2)
    refuse_faces_left(frames_in(output), FINDER)


def test_F04_a_box_that_misses_the_face_is_not_believed() -> None:
    file = photograph_file(photograph())
    output, _ = scrubbed_file(file, lambda index: [Box(0, 0, 24, 24)])
    with pytest.raises(ItemError) as error:
        refuse_faces_left(frames_in(output), FINDER)
    assert error.value.reason is Reason.FACE_POSSIBLE
    assert "frame 0 of 1" in str(error.value)


def test_a_box_reaches_no_further_than_the_frame() -> None:
    class Corner:
        def faces(self, picture: np.ndarray) -> tuple[Box, ...]:
            return (Box(0, 0, 100, 90), Box(188, 188, 208, 208))

    found = judged_faces(frames_in(photograph_file(photograph())), Corner(), policy=BLUR)
    assert found == tuple(
        Judged(box, Verdict.REDACT, FACE_RULE, Route.FACE) for box in (Box(0, 0, 135, 125), Box(181, 181, 208, 208))
    )
