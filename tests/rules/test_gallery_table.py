"""The shipped gallery holds the faces of phantoms, and nobody else's."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from generate_gallery import PERSONS, embedding_of, name_of

from curator.bundled import bundled_folder


@pytest.fixture(scope="module")
def shipped() -> dict[str, list[float]]:
    text = (bundled_folder("rules") / "faces" / "gallery.csv").read_text(encoding="utf-8")
    return {
        row["person"]: [float(one) for one in row["embedding"].split()] for row in csv.DictReader(text.splitlines())
    }


def test_it_holds_sixty_phantoms_and_more(shipped: dict[str, list[float]]) -> None:
    assert len(shipped) >= 60
    assert set(shipped) <= {name_of(person) for person in range(PERSONS)}


@pytest.mark.parametrize("person", [7, 30])
def test_a_face_is_what_the_generator_gives(shipped: dict[str, list[float]], person: int) -> None:
    np.testing.assert_allclose(embedding_of(person), shipped[name_of(person)], atol=1e-3)


def test_no_face_is_there_twice(shipped: dict[str, list[float]]) -> None:
    faces = np.array(list(shipped.values()))
    apart = np.linalg.norm(faces[:, None] - faces[None], axis=2)
    assert apart[~np.eye(len(faces), dtype=bool)].min() > 0.02
