"""Where the weights of dlib's networks lie that come with face_recognition; nothing is downloaded."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from curator.errors import ConfigurationError

_PACKAGE, _FOLDER = "face_recognition_models", "models"
DETECTOR = "mmod_human_face_detector.dat"
LANDMARKS = "shape_predictor_68_face_landmarks.dat"
EMBEDDING = "dlib_face_recognition_resnet_model_v1.dat"


def weights(name: str) -> Path:
    """The file with this name.

    Raises:
        ConfigurationError: the package is not installed, or lacks it.
    """
    # By its place: importing the package asks for a part of setuptools that is on its way out.
    found = importlib.util.find_spec(_PACKAGE)
    places = [Path(folder) / _FOLDER / name for folder in (found.submodule_search_locations or ())] if found else []
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        raise ConfigurationError(f"the package {_PACKAGE} is not installed, or lacks {name}")
    return file
